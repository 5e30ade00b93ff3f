/** Amounts, sizes and times as people read them. Amounts stay exact: no floating point. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { Amount, LabError, Reader, Vault } from './values';

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

/** Until when something holds; 0 is for ever. */
export function formatUntil(seconds: number, trans: TranslationBundle): string {
  return seconds ? trans.__('until %1', formatDate(seconds)) : trans.__('for ever');
}

export function formatCount(files: number, trans: TranslationBundle): string {
  return trans._n('%1 change not published', '%1 changes not published', files);
}

/** How an account can read a vault, in a few words. */
export function formatReader(reader: Reader, trans: TranslationBundle): string {
  if (reader.why === 'owner') {
    return trans.__('%1 (owner)', reader.account);
  }
  const until = reader.until ? `, ${formatUntil(reader.until, trans)}` : '';
  const what = reader.path ? trans.__('%1 of %2', reader.why, reader.path) : reader.why;
  return `${reader.account} (${what}${until})`;
}

/** Why an account can read a vault and, for its owner, who else can. */
export function aboutVault(
  vault: Vault,
  readers: Reader[] | null,
  error: LabError | null,
  trans: TranslationBundle
): string {
  if (vault.version === 0) {
    return trans.__('Prepared on this machine; nobody else can see it');
  }
  if (!vault.owned) {
    const license = trans.__('%1 license %2', vault.flavor, formatUntil(vault.until, trans));
    return vault.readable ? license : trans.__('%1: trains where the data lies, opens no file', license);
  }
  if (error) {
    return error.message;
  }
  return readers
    ? trans.__('Can read: %1', readers.map(reader => formatReader(reader, trans)).join(', '))
    : trans.__('Looking up who can read it');
}

/** How a published vault is kept; its Merkle root once that is known. */
export function keptVault(root: string, trans: TranslationBundle): string {
  const kept = trans.__('Encrypted, anchored on chain');
  return root ? `${kept}: ${root.slice(0, 10)}…` : kept;
}

/** A failure in one line. */
export function sentence(error: LabError): string {
  return error.hint ? `${error.message}. ${error.hint}` : error.message;
}
