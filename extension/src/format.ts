/** Amounts, sizes and times as people read them. Amounts stay exact: no floating point. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { Amount } from './values';

export const SYMBOL = 'SAHARA';

const WEI = 10n ** 18n;

/** Wei as exact decimal tokens with thousands separated: `1,234.5`. */
export function formatWei(wei: bigint): string {
  const sign = wei < 0n ? '-' : '';
  const size = wei < 0n ? -wei : wei;
  const whole = (size / WEI).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  const rest = (size % WEI).toString().padStart(18, '0').replace(/0+$/, '');
  return sign + whole + (rest ? `.${rest}` : '');
}

export function formatAmount(amount: Amount): string {
  return `${formatWei(BigInt(amount.wei))} ${SYMBOL}`;
}

/** An amount in a narrow place: at most four decimals, marked when something was cut. */
export function formatShort(amount: Amount): string {
  const [whole, rest = ''] = formatWei(BigInt(amount.wei)).split('.');
  const cut = rest.slice(0, 4).replace(/0+$/, '');
  return (rest.length > 4 ? '≈ ' : '') + whole + (cut ? `.${cut}` : '');
}

/** What part of `total` an amount is, as a percentage of the width of a bar. */
export function share(wei: string, total: string): number {
  const all = BigInt(total);
  return all === 0n ? 0 : Number((BigInt(wei) * 10_000n) / all) / 100;
}

export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function formatDate(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString(undefined, {
    year: 'numeric',
    month: 'short',
    day: 'numeric'
  });
}

/** How long ago something happened, coarsely. */
export function formatAgo(seconds: number, now: number, trans: TranslationBundle): string {
  const past = Math.max(0, now - seconds);
  if (past < 60) {
    return trans.__('just now');
  }
  if (past < 3600) {
    return trans.__('%1 min ago', String(Math.floor(past / 60)));
  }
  if (past < 86_400) {
    return trans.__('%1 h ago', String(Math.floor(past / 3600)));
  }
  return formatDate(seconds);
}

/** A metric's value: few digits, no noise. */
export function formatMetric(value: number): string {
  if (Number.isInteger(value)) {
    return String(value);
  }
  return Math.abs(value) >= 0.001 && Math.abs(value) < 10_000
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(2);
}
