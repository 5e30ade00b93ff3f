import { type ISignal, Signal } from '@lumino/signaling';

import type { Api, Query } from '../api';
import type { Page } from '../values';
import { Loader } from './loader';

export const EMPTY_QUERY: Readonly<Query> = {
  text: '',
  kind: '',
  license: '',
  price: '',
  task: '',
  format: '',
  tag: '',
  verified: '',
  maxPrice: '',
  sort: 'relevance'
};

const PAGE = 20;
/** The most listings that the server gives at once. */
const MOST = 50;

/** What is searched for, and what was found so far: a first page, and those that were asked for after it. */
export class MarketModel {
  private readonly _queryChanged = new Signal<this, void>(this);
  private asking = false;
  private typed = false;

  readonly results: Loader<Page>;
  query: Query = { ...EMPTY_QUERY };

  constructor(private readonly api: Api) {
    this.results = new Loader(() => api.search(this.query, PAGE));
  }

  get queryChanged(): ISignal<this, void> {
    return this._queryChanged;
  }

  /** The filters that are set, the order aside. */
  get filters(): (keyof Query)[] {
    const names = Object.keys(EMPTY_QUERY) as (keyof Query)[];
    return names.filter(name => name !== 'text' && name !== 'sort' && this.query[name] !== '');
  }

  get narrowed(): boolean {
    return this.query.text !== '' || this.filters.length > 0;
  }

  /** Change what somebody is typing. While a search is under way the next one waits for its answer, so that none is asked in vain. */
  async type(change: Partial<Query>): Promise<void> {
    this.change(change);
    this.typed = true;
    if (this.asking) {
      return;
    }
    this.asking = true;
    while (this.typed) {
      this.typed = false;
      await this.results.refresh();
    }
    this.asking = false;
  }

  /** Change the query and search at once, whatever else is under way: a choice was made. */
  async apply(change: Partial<Query> = {}): Promise<void> {
    this.change(change);
    await this.results.refresh();
  }

  /** Begin with a query of before, unless somebody began with another one. */
  recall(query: Partial<Query>): void {
    if (!this.narrowed) {
      this.change(query);
    }
  }

  /** Drop all filters and the text; the order stays. */
  clear(): Promise<void> {
    return this.apply({ ...EMPTY_QUERY, sort: this.query.sort });
  }

  /** Fetch what follows what is shown. */
  async more(): Promise<void> {
    const shown = this.results.value;
    if (shown?.next && !this.results.loading) {
      await this.results.replace(this.following(shown, shown.next));
    }
  }

  /** Search again because something changed elsewhere; as much stays shown as one request brings. */
  async refresh(): Promise<void> {
    const count = this.results.value?.items.length ?? 0;
    await this.results.replace(this.api.search(this.query, Math.min(Math.max(count, PAGE), MOST)));
  }

  private async following(shown: Page, after: string): Promise<Page> {
    const page = await this.api.search(this.query, PAGE, after);
    const known = new Set(shown.items.map(listing => listing.name));
    return { ...page, items: [...shown.items, ...page.items.filter(listing => !known.has(listing.name))] };
  }

  private change(change: Partial<Query>): void {
    this.query = { ...this.query, ...change };
    this._queryChanged.emit();
  }
}

/** A query as an earlier page load left it; anything that is no query is left out. */
export function remembered(value: unknown): Partial<Query> {
  const known = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const names = Object.keys(EMPTY_QUERY).filter(name => typeof known[name] === 'string');
  return Object.fromEntries(names.map(name => [name, known[name]]));
}
