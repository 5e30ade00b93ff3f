import { Debouncer } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Api, Query } from '../api';
import type { Page } from '../values';
import { Loader } from './loader';

export const EMPTY_QUERY: Readonly<Query> = {
  text: '',
  kind: '',
  license: '',
  maxPrice: '',
  sort: 'relevance',
  page: 1
};

/** What is searched for, and the page of results for it. */
export class MarketModel {
  private readonly _queryChanged = new Signal<this, void>(this);
  private readonly debouncer: Debouncer<void>;

  readonly results: Loader<Page>;
  query: Query = { ...EMPTY_QUERY };

  constructor(api: Api, perPage = 20, delay = 300) {
    this.results = new Loader(() => api.search(this.query, perPage));
    this.debouncer = new Debouncer(() => this.results.refresh(), delay);
  }

  get queryChanged(): ISignal<this, void> {
    return this._queryChanged;
  }

  get pages(): number {
    const page = this.results.value;
    return page ? Math.max(1, Math.ceil(page.total / page.per_page)) : 1;
  }

  get filtered(): boolean {
    const { text, kind, license, maxPrice } = this.query;
    return Boolean(text || kind || license || maxPrice);
  }

  /** Change the query; anything but the page goes back to the first page. Searches once typing pauses. */
  set(change: Partial<Query>): void {
    this.query = { ...this.query, page: 1, ...change };
    this._queryChanged.emit();
    // A disposed or superseded wait rejects; the search it stood for is not wanted any more.
    this.debouncer.invoke().catch(() => undefined);
  }

  /** Change the query and search at once: a choice was made, nobody is typing. */
  async apply(change: Partial<Query> = {}): Promise<void> {
    this.query = { ...this.query, page: 1, ...change };
    this._queryChanged.emit();
    await this.debouncer.stop().catch(() => undefined);
    await this.results.refresh();
  }

  dispose(): void {
    this.debouncer.dispose();
  }
}
