import { searchIcon, closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { useDesk } from '../desk';
import { EMPTY_QUERY } from '../model/market';
import type { Listing } from '../values';
import { Action, Badge, Busy, Empty, KindTile, Price, Problem, useSignals } from './parts';

export const FLAVORS = [
  'Open Use',
  'Non-Commercial Research',
  'Commercial',
  'Commercial Remix',
  'Compute-Only'
];

/** Search, filters, and a page of results. */
export function MarketView(): JSX.Element {
  return (
    <div className="jp-Sahara-market">
      <SearchBox />
      <Filters />
      <Results />
    </div>
  );
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
        onChange={event => market.set({ text: event.target.value })}
      />
    </form>
  );
}

function Filters(): JSX.Element {
  const { market, trans } = useDesk();
  useSignals(market.queryChanged, market.results.changed);
  const { kind, license, maxPrice, sort } = market.query;
  const { kind: kindCounts = {}, license: licenseCounts = {} } = market.results.value?.facets ?? {};
  const kinds: [string, string][] = [
    ['', trans.__('All')],
    ['dataset', trans.__('Datasets')],
    ['model', trans.__('Models')]
  ];
  return (
    <div className="jp-Sahara-filters" role="group" aria-label={trans.__('Filters')}>
      <div className="jp-Sahara-kinds" role="group" aria-label={trans.__('Kind')}>
        {kinds.map(([value, label]) => (
          <button
            key={value}
            type="button"
            aria-pressed={kind === value}
            onClick={() => void market.apply({ kind: value })}
          >
            {label}
            {kindCounts[value] !== undefined && <span className="jp-Sahara-count">{kindCounts[value]}</span>}
          </button>
        ))}
      </div>
      <select
        aria-label={trans.__('License')}
        value={license}
        onChange={event => void market.apply({ license: event.target.value })}
      >
        <option value="">{trans.__('Any license')}</option>
        {FLAVORS.map(flavor => (
          <option key={flavor} value={flavor}>
            {licenseCounts[flavor] ? `${flavor} (${licenseCounts[flavor]})` : flavor}
          </option>
        ))}
      </select>
      <input
        type="text"
        inputMode="decimal"
        className="jp-mod-styled"
        aria-label={trans.__('Highest price in SAHARA')}
        placeholder={trans.__('Max price')}
        maxLength={24}
        value={maxPrice}
        onChange={event => market.set({ maxPrice: event.target.value.replace(/[^0-9.]/g, '') })}
      />
      <select
        aria-label={trans.__('Order')}
        value={sort}
        onChange={event => void market.apply({ sort: event.target.value })}
      >
        <option value="relevance">{trans.__('Best match')}</option>
        <option value="newest">{trans.__('Newest')}</option>
        <option value="price">{trans.__('Lowest price')}</option>
      </select>
    </div>
  );
}

function Results(): JSX.Element {
  const { market, library, trans } = useDesk();
  useSignals(market.results.changed, library.content.changed);
  const { value, error, loading } = market.results;
  const clear = market.filtered && (
    <Action
      minimal
      icon={closeIcon}
      label={trans.__('Clear')}
      onClick={() => void market.apply({ ...EMPTY_QUERY, sort: market.query.sort })}
    />
  );
  return (
    <>
      <div className="jp-Sahara-resultsHead">
        <span aria-live="polite">
          {value && !error ? trans._n('%1 result', '%1 results', value.total) : ''}
        </span>
        {loading && <span className="jp-Sahara-spinner" aria-hidden="true" />}
        {clear}
      </div>
      {error && <Problem error={error} retry={() => void market.apply()} />}
      {!value && loading && <Busy label={trans.__('Searching')} />}
      {value && !error && value.items.length === 0 && (
        <Empty title={market.filtered ? trans.__('Nothing matches') : trans.__('Nothing is published yet')}>
          <p>
            {market.filtered
              ? trans.__('Try fewer words, or another kind, license or price.')
              : trans.__('The first dataset can be yours: see My assets below.')}
          </p>
        </Empty>
      )}
      {value && !error && (
        <ul className="jp-Sahara-cards" aria-label={trans.__('Results')} data-loading={loading}>
          {value.items.map(listing => (
            <Card key={listing.name} listing={listing} />
          ))}
        </ul>
      )}
      {value && !error && market.pages > 1 && <Paging />}
    </>
  );
}

export function Card(props: { listing: Listing }): JSX.Element {
  const { open, library, trans } = useDesk();
  const { listing } = props;
  const state = library.owns(listing.name) ? (
    <Badge tone="brand">{trans.__('yours')}</Badge>
  ) : library.held(listing.name) ? (
    <Badge tone="good">{trans.__('licensed')}</Badge>
  ) : null;
  return (
    <li className="jp-Sahara-card" onClick={() => open(listing.name)}>
      <KindTile kind={listing.kind} />
      <div className="jp-Sahara-cardBody">
        <div className="jp-Sahara-cardHead">
          <button type="button" className="jp-Sahara-cardTitle" title={listing.name}>
            {listing.title || listing.name}
          </button>
          {state}
        </div>
        <div className="jp-Sahara-cardName">
          <span>{listing.name}</span>
          <span className="jp-Sahara-muted">{trans.__('v%1', String(listing.version))}</span>
        </div>
        {listing.summary && <p className="jp-Sahara-cardSummary">{listing.summary}</p>}
        <div className="jp-Sahara-cardFoot">
          <Price amount={listing.price} />
          {listing.license && <span className="jp-Sahara-flavor">{listing.license}</span>}
        </div>
      </div>
    </li>
  );
}

function Paging(): JSX.Element {
  const { market, trans } = useDesk();
  const { page } = market.query;
  return (
    <nav className="jp-Sahara-paging" aria-label={trans.__('Pages of results')}>
      <Action
        label={trans.__('Previous')}
        disabled={page <= 1}
        onClick={() => void market.apply({ page: page - 1 })}
      />
      <span>{trans.__('%1 of %2', String(page), String(market.pages))}</span>
      <Action
        label={trans.__('Next')}
        disabled={page >= market.pages}
        onClick={() => void market.apply({ page: page + 1 })}
      />
    </nav>
  );
}
