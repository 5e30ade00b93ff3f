import React from 'react';

import { firstPublishCode } from '../code';
import { useDesk } from '../desk';
import { formatAmount, formatDate } from '../format';
import type { Grant, Library } from '../values';
import { Action, Badge, Busy, Code, Empty, KindTile, Price, Problem, useSignals } from './parts';

/** What the account published, what it licensed, and what it can claim. */
export function LibraryView(): JSX.Element {
  const { library, session, trans } = useDesk();
  useSignals(library.content.changed, session.accountChanged);
  const { value, error } = library.content;
  if (error) {
    return <Problem error={error} retry={() => void library.content.refresh()} />;
  }
  if (!value) {
    return <Busy label={trans.__('Loading')} />;
  }
  return (
    <div className="jp-Sahara-library">
      <Revenue library={value} />
      <h3>{trans.__('Published')}</h3>
      <Published library={value} />
      <h3>{trans.__('Licensed')}</h3>
      <Licensed grants={value.licenses} />
    </div>
  );
}

function Revenue(props: { library: Library }): JSX.Element | null {
  const { library, session, trans } = useDesk();
  const { claimable, lines } = props.library.earnings;
  if (lines.length === 0) {
    return null;
  }
  const nothing = claimable.wei === '0';
  return (
    <div className="jp-Sahara-revenue">
      <div>
        <span className="jp-Sahara-muted">{trans.__('Claimable revenue')}</span>
        <strong>{formatAmount(claimable)}</strong>
      </div>
      <Action
        accent={!nothing}
        disabled={nothing || library.content.loading}
        label={trans.__('Claim')}
        title={nothing ? trans.__('Nothing to claim yet') : trans.__('Move it into your account')}
        onClick={() => void library.claim().then(() => session.status.refresh())}
      />
    </div>
  );
}

function Published(props: { library: Library }): JSX.Element {
  const { open, session, trans } = useDesk();
  const { published, earnings } = props.library;
  if (published.length === 0) {
    return (
      <Empty title={trans.__('Nothing yet')}>
        <p>{trans.__('Publish a folder from a notebook:')}</p>
        <Code code={firstPublishCode(session.codeAccount)} label={trans.__('Publish a folder')} />
      </Empty>
    );
  }
  return (
    <ul className="jp-Sahara-rows">
      {published.map(listing => {
        const line = earnings.lines.find(entry => entry.asset === listing.name);
        return (
          <li key={listing.name} onClick={() => open(listing.name)}>
            <KindTile kind={listing.kind} />
            <div>
              <button type="button" className="jp-Sahara-cardTitle" title={listing.name}>
                {listing.title || listing.name}
              </button>
              <span className="jp-Sahara-muted">
                {line ? trans.__('earned %1', formatAmount(line.received)) : listing.name}
              </span>
            </div>
            <Price amount={listing.price} />
          </li>
        );
      })}
    </ul>
  );
}

function Licensed(props: { grants: Grant[] }): JSX.Element {
  const { open, trans } = useDesk();
  if (props.grants.length === 0) {
    return (
      <p className="jp-Sahara-muted jp-Sahara-pad">
        {trans.__('No licenses yet. Find something in the market.')}
      </p>
    );
  }
  return (
    <ul className="jp-Sahara-rows">
      {props.grants.map(grant => (
        <li key={grant.id} onClick={() => open(grant.asset)}>
          <div>
            <button type="button" className="jp-Sahara-cardTitle">
              {grant.asset}
            </button>
            <span className="jp-Sahara-muted">
              {grant.terms.flavor} ·{' '}
              {grant.expires ? trans.__('until %1', formatDate(grant.expires)) : trans.__('does not expire')}
            </span>
          </div>
          {grant.status === 'valid' ? (
            <Badge tone="good">{trans.__('valid')}</Badge>
          ) : (
            <Badge tone="bad">{trans.__('expired')}</Badge>
          )}
        </li>
      ))}
    </ul>
  );
}
