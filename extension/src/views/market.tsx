import { closeIcon, searchIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { listingCode } from '../code';
import { useDesk } from '../desk';
import { dragCode } from '../drag';
import type { Listing } from '../values';
import { Facets } from './facets';
import {
  Action,
  Badge,
  Busy,
  Empty,
  KindTile,
  Price,
  Problem,
  Stars,
  Trouble,
  useSignals,
  Verified
} from './parts';

/** Search, filters, and what was found. */
export function MarketView(): JSX.Element {
  return (
    <div className="jp-Sahara-market" onKeyDown={walk}>
      <SearchBox />
      <Facets />
      <Results />
    </div>
  );
}

/** Up and down go from the search box through the results and back. */
function walk(event: React.KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const target = event.target as HTMLElement;
  if (!step || !target.matches('input[type=search], .jp-Sahara-cardTitle')) {
    return;
  }
  const stops = [
    ...event.currentTarget.querySelectorAll<HTMLElement>(
      'input[type=search], .jp-Sahara-card .jp-Sahara-cardTitle'
    )
  ];
  const next = stops[stops.indexOf(target) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

function SearchBox(): JSX.Element {
  const { market, trans } = useDesk();
  useSignals(market.queryChanged);
  return (
    <form
      className="jp-Sahara-search"
      role="search"
      onSubmit={event => {
        event.preventDefault();
        void market.apply();
      }}
    >
      <searchIcon.react tag="span" className="jp-Sahara-searchIcon" />
      <input
        type="search"
        className="jp-mod-styled"
        aria-label={trans.__('Search datasets and models')}
        placeholder={trans.__('Search the market')}
        maxLength={200}
        value={market.query.text}
        onChange={event => void market.type({ text: event.target.value })}
      />
    </form>
  );
}

function Results(): JSX.Element {
  const { market, library, trans } = useDesk();
  useSignals(market.results.changed, library.content.changed);
  const { value, error, loading } = market.results;
  return (
    <>
      <div className="jp-Sahara-resultsHead">
        <span aria-live="polite">
          {value && !error ? <Found total={value.total} similar={value.similar} /> : ''}
        </span>
        {loading && <span className="jp-Sahara-spinner" aria-hidden="true" />}
        {market.narrowed && (
          <Action minimal icon={closeIcon} label={trans.__('Clear')} onClick={() => void market.clear()} />
        )}
      </div>
      {error && <Problem error={error} retry={() => void market.apply()} />}
      {!value && loading && <Busy label={trans.__('Searching')} />}
      {value && !error && value.items.length === 0 && (
        <Empty title={market.narrowed ? trans.__('Nothing matches') : trans.__('Nothing is published yet')}>
          <p>
            {market.narrowed
              ? trans.__('Try fewer words, or another kind, license or price.')
              : trans.__('The first dataset can be yours: see My assets below.')}
          </p>
        </Empty>
      )}
      {value && !error && (
        <ul className="jp-Sahara-cards" aria-label={trans.__('Results')}>
          {value.items.map(listing => (
            <Card key={listing.name} listing={listing} />
          ))}
        </ul>
      )}
      {value?.next && !error && (
        <div className="jp-Sahara-more">
          <Action label={trans.__('Load more')} disabled={loading} onClick={() => void market.more()} />
          <span className="jp-Sahara-muted">
            {trans.__('%1 of %2 shown', String(value.items.length), String(value.total))}
          </span>
        </div>
      )}
    </>
  );
}

function Found(props: { total: number; similar: boolean }): JSX.Element {
  const { trans } = useDesk();
  const { total, similar } = props;
  return (
    <>
      {similar
        ? trans._n('None as typed, %1 similar', 'None as typed, %1 similar', total)
        : trans._n('%1 result', '%1 results', total)}
    </>
  );
}

export function Card(props: { listing: Listing }): JSX.Element {
  const { open, library, session, trans } = useDesk();
  const { listing } = props;
  const own = library.owns(listing.name);
  const held = library.held(listing.name) !== undefined;
  const code = (): string => listingCode(listing, own || held, session.codeAccount);
  return (
    <li
      className="jp-Sahara-card"
      data-sahara-asset={listing.name}
      onClick={() => open(listing.name)}
      onPointerDown={down => dragCode(down, code, listing.name)}
    >
      <KindTile kind={listing.kind} />
      <div className="jp-Sahara-cardBody">
        <div className="jp-Sahara-cardHead">
          <button type="button" className="jp-Sahara-cardTitle" title={listing.name}>
            <bdi>{listing.title || listing.name}</bdi>
          </button>
          {own ? (
            <Badge tone="brand">{trans.__('yours')}</Badge>
          ) : held ? (
            <Badge tone="good">{trans.__('licensed')}</Badge>
          ) : null}
          <Trouble reputation={listing.reputation} />
        </div>
        <div className="jp-Sahara-cardName">
          <span>{listing.name}</span>
          {listing.alike && <Badge tone="warn">{trans.__('not %1', listing.alike)}</Badge>}
          <Verified reputation={listing.reputation} />
          <span className="jp-Sahara-muted">{trans.__('v%1', String(listing.version))}</span>
        </div>
        {listing.summary && listing.summary !== listing.title && (
          <p className="jp-Sahara-cardSummary" dir="auto">
            {listing.summary}
          </p>
        )}
        <div className="jp-Sahara-cardFoot">
          <Price amount={listing.price} />
          {listing.license && <span className="jp-Sahara-flavor">{listing.license}</span>}
          {listing.sold > 0 && (
            <span className="jp-Sahara-muted">{trans._n('%1 license', '%1 licenses', listing.sold)}</span>
          )}
          <Stars reputation={listing.reputation} />
        </div>
      </div>
    </li>
  );
}
