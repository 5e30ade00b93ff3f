import { caretDownIcon, caretRightIcon, closeIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import type { Query } from '../api';
import { useDesk } from '../desk';
import { useSignals } from './parts';

const MAIN_KINDS = ['dataset', 'model'];
const SHOWN = 6;

function kindLabel(kind: string, trans: TranslationBundle): string {
  const labels: Record<string, string> = {
    dataset: trans.__('Datasets'),
    model: trans.__('Models'),
    agent: trans.__('Agents'),
    notebook: trans.__('Notebooks'),
    service: trans.__('Services'),
    collection: trans.__('Collections')
  };
  return labels[kind] ?? kind;
}

/** Kind, order, and the filters behind a button: how the results divide, and a way to narrow them. */
export function Facets(): JSX.Element {
  const { market, trans } = useDesk();
  const [open, setOpen] = useState(false);
  useSignals(market.queryChanged);
  const set = market.filters.filter(name => name !== 'kind').length;
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <div className="jp-Sahara-filters" role="group" aria-label={trans.__('Filters')}>
      <Kinds />
      <div className="jp-Sahara-filterLine">
        <button
          type="button"
          className="jp-Sahara-disclose"
          aria-expanded={open}
          aria-controls="jp-Sahara-facets"
          onClick={() => setOpen(!open)}
        >
          <Caret.react tag="span" />
          {set ? trans.__('Filters (%1)', String(set)) : trans.__('Filters')}
        </button>
        <select
          aria-label={trans.__('Order')}
          value={market.query.sort}
          onChange={event => void market.apply({ sort: event.target.value })}
        >
          <option value="relevance">{trans.__('Best match')}</option>
          <option value="newest">{trans.__('Newest')}</option>
          <option value="price">{trans.__('Lowest price')}</option>
          <option value="popular">{trans.__('Most licensed')}</option>
          <option value="reputation">{trans.__('Best reviewed')}</option>
        </select>
      </div>
      <Chosen />
      <div id="jp-Sahara-facets" className="jp-Sahara-facets" hidden={!open}>
        <Facet name="license" label={trans.__('License')} />
        <Facet name="price" label={trans.__('Price in SAHARA')} />
        <HighestPrice />
        <Facet name="verified" label={trans.__('Publisher')} words={{ yes: trans.__('verified') }} />
        <Facet name="task" label={trans.__('Task')} />
        <Facet name="format" label={trans.__('Format')} />
        <Facet name="tag" label={trans.__('Tags')} />
      </div>
    </div>
  );
}

function Kinds(): JSX.Element {
  const { market, trans } = useDesk();
  useSignals(market.queryChanged, market.results.changed);
  const counts = market.results.value?.facets.kind ?? {};
  const { kind } = market.query;
  const others = Object.keys(counts).filter(name => !MAIN_KINDS.includes(name));
  const kinds = [...MAIN_KINDS, ...others, ...(kind && !counts[kind] ? [kind] : [])];
  return (
    <div className="jp-Sahara-kinds" role="group" aria-label={trans.__('Kind')}>
      <button type="button" aria-pressed={kind === ''} onClick={() => void market.apply({ kind: '' })}>
        {trans.__('All')}
      </button>
      {[...new Set(kinds)].map(name => (
        <button
          key={name}
          type="button"
          aria-pressed={kind === name}
          onClick={() => void market.apply({ kind: name })}
        >
          {kindLabel(name, trans)}
          {counts[name] !== undefined && <span className="jp-Sahara-count">{counts[name]}</span>}
        </button>
      ))}
    </div>
  );
}

/** What the results are narrowed to, each with a button that lifts it. */
function Chosen(): JSX.Element | null {
  const { market, trans } = useDesk();
  useSignals(market.queryChanged);
  const shown = market.filters.filter(name => name !== 'kind');
  if (shown.length === 0) {
    return null;
  }
  return (
    <ul className="jp-Sahara-chosen" aria-label={trans.__('Narrowed to')}>
      {shown.map(name => {
        const value = market.query[name];
        const words: Partial<Record<keyof Query, string>> = {
          maxPrice: trans.__('at most %1', value),
          verified: trans.__('verified publishers')
        };
        const text = words[name] ?? value;
        return (
          <li key={name}>
            <button
              type="button"
              aria-label={trans.__('Do not narrow to %1', text)}
              title={trans.__('Lift this filter')}
              onClick={() => void market.apply({ [name]: '' })}
            >
              <bdi>{text}</bdi>
              <closeIcon.react tag="span" width={10} height={10} />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** `words` are shown in place of values that are no words for people. */
function Facet(props: {
  name: keyof Query;
  label: string;
  words?: Record<string, string>;
}): JSX.Element | null {
  const { market, trans } = useDesk();
  const [all, setAll] = useState(false);
  useSignals(market.queryChanged, market.results.changed);
  const chosen = market.query[props.name];
  const counts = Object.entries(market.results.value?.facets[props.name] ?? {});
  const values: [string, number][] =
    chosen && !counts.some(([value]) => value === chosen) ? [[chosen, 0], ...counts] : counts;
  if (values.length === 0) {
    return null;
  }
  const shown = all ? values : values.filter(([value], index) => index < SHOWN || value === chosen);
  return (
    <fieldset>
      <legend>{props.label}</legend>
      {shown.map(([value, count]) => (
        <button
          key={value}
          type="button"
          className="jp-Sahara-chip"
          aria-pressed={value === chosen}
          title={props.words?.[value] ?? value}
          onClick={() => void market.apply({ [props.name]: value === chosen ? '' : value })}
        >
          <bdi>{props.words?.[value] ?? value}</bdi> <span className="jp-Sahara-count">{count}</span>
        </button>
      ))}
      {values.length > shown.length && (
        <button type="button" className="jp-Sahara-link" onClick={() => setAll(true)}>
          {trans.__('%1 more', String(values.length - shown.length))}
        </button>
      )}
    </fieldset>
  );
}

function HighestPrice(): JSX.Element {
  const { market, trans } = useDesk();
  useSignals(market.queryChanged);
  return (
    <input
      type="text"
      inputMode="decimal"
      className="jp-mod-styled"
      aria-label={trans.__('Highest price in SAHARA')}
      placeholder={trans.__('Max price')}
      maxLength={24}
      value={market.query.maxPrice}
      onChange={event => void market.type({ maxPrice: event.target.value.replace(/[^0-9.]/g, '') })}
    />
  );
}
