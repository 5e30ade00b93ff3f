import { copyIcon, addBelowIcon, type LabIcon } from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import React, { useEffect, useReducer } from 'react';

import { useDesk } from '../desk';
import { dragCode } from '../drag';
import { formatAmount, formatShort, SYMBOL } from '../format';
import { kindIcon } from '../icons';
import type { Amount, LabError, Reputation } from '../values';

/** Draw again whenever one of the signals fires. */
export function useSignals(...signals: ISignal<unknown, unknown>[]): void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = (): void => again();
    signals.forEach(signal => signal.connect(slot));
    slot(); // a signal may have fired between the first drawing and this
    return () => signals.forEach(signal => signal.disconnect(slot));
    // The signals of a model live as long as the model.
  }, signals);
}

interface ActionProps {
  label: string;
  icon?: LabIcon;
  accent?: boolean;
  minimal?: boolean;
  disabled?: boolean;
  title?: string;
  onClick: () => void;
}

/** A real button in one of three weights: accent, plain, minimal. */
export function Action(props: ActionProps): JSX.Element {
  const weight = props.minimal ? 'jp-mod-minimal' : props.accent ? 'jp-mod-accept' : 'jp-mod-plain';
  return (
    <button
      type="button"
      className={`jp-Sahara-action jp-mod-styled ${weight}`}
      disabled={props.disabled}
      title={props.title}
      onClick={event => {
        event.stopPropagation();
        props.onClick();
      }}
    >
      {props.icon && <props.icon.react tag="span" className="jp-Sahara-actionIcon" />}
      {props.label}
    </button>
  );
}

export function KindTile(props: { kind: string; large?: boolean }): JSX.Element {
  const Icon = kindIcon(props.kind);
  return (
    <span
      className={`jp-Sahara-tile${props.large ? ' jp-mod-large' : ''}`}
      data-kind={props.kind}
      aria-hidden="true"
    >
      <Icon.react tag="span" width={props.large ? 26 : 18} height={props.large ? 26 : 18} />
    </span>
  );
}

export function Badge(props: {
  children: React.ReactNode;
  tone?: 'good' | 'bad' | 'warn' | 'brand';
}): JSX.Element {
  return (
    <span className="jp-Sahara-badge" data-tone={props.tone}>
      {props.children}
    </span>
  );
}

/** The mean of the reviews and how many there are; nothing where there is none. */
export function Stars(props: { reputation: Reputation }): JSX.Element | null {
  const { trans } = useDesk();
  const { mean, reviews } = props.reputation;
  if (mean === null) {
    return null;
  }
  const words = trans._n(
    '%2 of 5 stars in %1 review',
    '%2 of 5 stars in %1 reviews',
    reviews,
    mean.toFixed(1)
  );
  return (
    <span className="jp-Sahara-stars" role="img" aria-label={words} title={words}>
      <span aria-hidden="true">★</span> {mean.toFixed(1)} <small>({reviews})</small>
    </span>
  );
}

export function Verified(props: { reputation: Reputation }): JSX.Element | null {
  const { trans } = useDesk();
  return props.reputation.verified ? (
    <span className="jp-Sahara-verified" title={trans.__('The DAO vouches for who this publisher is')}>
      {trans.__('✓ verified')}
    </span>
  ) : null;
}

/** In a word what the DAO decided; nothing where it did not. */
export function Trouble(props: { reputation: Reputation }): JSX.Element | null {
  const { trans } = useDesk();
  const { standing, warning } = props.reputation;
  const words = { disputed: trans.__('disputed'), 'taken down': trans.__('taken down'), clear: '' }[standing];
  return words ? (
    <span title={warning}>
      <Badge tone="bad">{words}</Badge>
    </span>
  ) : null;
}

/** What a buyer has to know; nothing when all is well. */
export function Warning(props: { text: string; children?: React.ReactNode }): JSX.Element | null {
  return props.text ? (
    <div className="jp-Sahara-warning" role="note">
      <strong>{props.text}</strong>
      {props.children}
    </div>
  ) : null;
}

/** An owner who could be taken for somebody else. */
export function Alike(props: { owner: string; alike: string }): JSX.Element | null {
  const { trans } = useDesk();
  return props.alike ? (
    <Warning text={trans.__('%1 is not %2, who was here first.', props.owner, props.alike)} />
  ) : null;
}

/** A price in a narrow place; the exact amount is in its title. */
export function Price(props: { amount: Amount | null }): JSX.Element {
  const { trans } = useDesk();
  if (!props.amount) {
    return <span className="jp-Sahara-price jp-mod-none">{trans.__('not offered')}</span>;
  }
  if (props.amount.wei === '0') {
    return <span className="jp-Sahara-price jp-mod-free">{trans.__('free')}</span>;
  }
  return (
    <span className="jp-Sahara-price" title={formatAmount(props.amount)}>
      {formatShort(props.amount)} <small>{SYMBOL}</small>
    </span>
  );
}

export function Empty(props: { title: string; children?: React.ReactNode }): JSX.Element {
  return (
    <div className="jp-Sahara-empty">
      <strong>{props.title}</strong>
      {props.children}
    </div>
  );
}

/** A hint of the form "Run: command" shows its command as something to copy. */
export function Hint(props: { text: string }): JSX.Element {
  const { copy, trans } = useDesk();
  const [before, command] = props.text.split(/Run:\s*/, 2);
  if (!command) {
    return <p className="jp-Sahara-hint">{props.text}</p>;
  }
  return (
    <p className="jp-Sahara-hint">
      {before}
      {trans.__('Run')}{' '}
      <button
        type="button"
        className="jp-Sahara-command"
        title={trans.__('Copy the command')}
        onClick={() => copy(command)}
      >
        <code>{command}</code>
        <copyIcon.react tag="span" width={12} height={12} />
      </button>
    </p>
  );
}

export function Problem(props: { error: LabError; retry?: () => void }): JSX.Element {
  const { trans } = useDesk();
  return (
    <div className="jp-Sahara-problem" role="alert">
      <strong>{props.error.message}</strong>
      {props.error.hint && <Hint text={props.error.hint} />}
      {props.retry && <Action label={trans.__('Try again')} onClick={props.retry} />}
    </div>
  );
}

export function Busy(props: { label: string }): JSX.Element {
  return (
    <div className="jp-Sahara-busy" role="status">
      <span className="jp-Sahara-spinner" aria-hidden="true" />
      {props.label}
    </div>
  );
}

/** Code to take into a notebook: by a button, by the clipboard, or by dragging it there. */
export function Code(props: { code: string; label: string }): JSX.Element {
  const { insert, copy, trans } = useDesk();
  return (
    <div className="jp-Sahara-code" role="group" aria-label={props.label}>
      <pre
        title={trans.__('Drag into a notebook')}
        onPointerDown={down => {
          dragCode(down, () => props.code, props.label);
          down.preventDefault();
        }}
      >
        {props.code}
      </pre>
      <div className="jp-Sahara-codeActions">
        <Action
          accent
          icon={addBelowIcon}
          label={trans.__('Insert into notebook')}
          onClick={() => void insert(props.code)}
        />
        <Action icon={copyIcon} label={trans.__('Copy')} onClick={() => copy(props.code)} />
      </div>
    </div>
  );
}
