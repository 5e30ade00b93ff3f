/** The server's routes as typed calls. How a request travels is given from outside, so models are tested without a server. */

import type { Asset, Grant, Job, JobDetail, Library, Page, Quote, Status } from './values';

export interface RequestOptions {
  query?: Record<string, string>;
  /** Given: a POST with this JSON body. */
  body?: Record<string, string>;
}

export type Send = (path: string, options?: RequestOptions) => Promise<unknown>;

export interface Query {
  text: string;
  kind: string;
  license: string;
  maxPrice: string;
  sort: string;
  page: number;
}

export class Api {
  /** The account that acts; empty is the server's default. */
  account = '';

  constructor(private readonly send: Send) {}

  status(): Promise<Status> {
    return this.get<Status>('status');
  }

  startNetwork(): Promise<Status> {
    return this.post<Status>('network');
  }

  search(query: Query, perPage: number): Promise<Page> {
    return this.get<Page>('listings', {
      q: query.text,
      kind: query.kind,
      license: query.license,
      max_price: query.maxPrice,
      sort: query.sort,
      page: String(query.page),
      per_page: String(perPage)
    });
  }

  asset(name: string): Promise<Asset> {
    return this.get<Asset>(`listings/${name.split('/').map(encodeURIComponent).join('/')}`);
  }

  quote(name: string, license: string): Promise<Quote> {
    return this.get<Quote>('quote', { name, license });
  }

  /** Pays at most `maxPrice` tokens: the price of the quote that the person confirmed. */
  license(name: string, license: string, maxPrice: string): Promise<Grant> {
    return this.post<Grant>('license', { name, license, max_price: maxPrice });
  }

  library(): Promise<Library> {
    return this.get<Library>('mine');
  }

  claim(): Promise<Library> {
    return this.post<Library>('claim');
  }

  async jobs(): Promise<Job[]> {
    return (await this.get<{ jobs: Job[] }>('jobs')).jobs;
  }

  job(id: string): Promise<JobDetail> {
    return this.get<JobDetail>(`jobs/${encodeURIComponent(id)}`);
  }

  stop(id: string): Promise<JobDetail> {
    return this.post<JobDetail>(`jobs/${encodeURIComponent(id)}/stop`);
  }

  private get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
    return this.send(path, { query: this.withAccount(query) }) as Promise<T>;
  }

  private post<T>(path: string, body: Record<string, string> = {}): Promise<T> {
    return this.send(path, { query: this.withAccount({}), body }) as Promise<T>;
  }

  private withAccount(query: Record<string, string>): Record<string, string> {
    const given = Object.entries({ ...query, account: this.account }).filter(([, value]) => value !== '');
    return Object.fromEntries(given);
  }
}
