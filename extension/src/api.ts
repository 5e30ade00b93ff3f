/** The server's routes as typed calls. How a request travels is given from outside, so models are tested without a server. */

import type { Wish } from './model/wallet';
import type {
  Announcement,
  Answers,
  Asset,
  Checkout,
  FolderPage,
  Grant,
  InWords,
  Job,
  JobDetail,
  Library,
  Page,
  Proposed,
  Quote,
  Reader,
  Renewals,
  Request,
  Reviews,
  Status,
  UploadPlan,
  UploadState,
  Vault
} from './values';

export interface RequestOptions {
  query?: Record<string, string>;
  /** Given: a POST with this JSON body. */
  body?: object;
  /** Given: a PUT of these bytes. */
  bytes?: Blob;
  method?: 'DELETE';
  signal?: AbortSignal;
}

export type Send = (path: string, options?: RequestOptions) => Promise<unknown>;

export interface Query {
  text: string;
  kind: string;
  license: string;
  /** A band of the price facet. */
  price: string;
  task: string;
  format: string;
  tag: string;
  /** "yes": only of publishers that the DAO vouches for. */
  verified: string;
  /** In tokens, exact; besides or instead of a band. */
  maxPrice: string;
  sort: string;
}

export class Api {
  /** The account that acts; empty is the server's default. */
  account = '';

  constructor(private readonly send: Send) {}

  /** The same for one account, whichever acts later. */
  as(account: string): Api {
    const api = new Api(this.send);
    api.account = account;
    return api;
  }

  status(): Promise<Status> {
    return this.get<Status>('status');
  }

  startNetwork(): Promise<Status> {
    return this.post<Status>('network');
  }

  /** One page of what fits: the first one, or the one that begins `after` where another one ended. */
  search(query: Query, perPage: number, after = ''): Promise<Page> {
    return this.get<Page>('listings', {
      q: query.text,
      kind: query.kind,
      license: query.license,
      price: query.price,
      task: query.task,
      format: query.format,
      tag: query.tag,
      verified: query.verified,
      max_price: query.maxPrice,
      sort: query.sort,
      after,
      per_page: String(perPage)
    });
  }

  asset(name: string): Promise<Asset> {
    return this.get<Asset>(assetPath('listings', name));
  }

  reviews(name: string): Promise<Reviews> {
    return this.get<Reviews>(assetPath('listings', name, 'reviews'));
  }

  review(name: string, stars: number, text: string): Promise<Reviews> {
    return this.post<Reviews>(assetPath('listings', name, 'reviews'), { stars: String(stars), text });
  }

  withdrawReview(name: string): Promise<Reviews> {
    return this.delete<Reviews>(assetPath('listings', name, 'reviews'));
  }

  async report(name: string, reason: string): Promise<void> {
    await this.post(assetPath('listings', name, 'report'), { reason });
  }

  async appeal(name: string, reason: string): Promise<void> {
    await this.post(assetPath('listings', name, 'appeal'), { reason });
  }

  /** What a license costs and who gets it; with the balance of `payer` where a wallet would pay. */
  quote(name: string, license: string, payer = ''): Promise<Quote> {
    return this.get<Quote>('quote', { name, license, payer });
  }

  /** Pays at most `maxPrice` tokens: the price of the quote that the person confirmed. */
  license(name: string, license: string, maxPrice: string): Promise<Grant> {
    return this.post<Grant>('license', { name, license, max_price: maxPrice });
  }

  /** Begin a purchase that a wallet pays. */
  checkout(wish: Wish & { payer: string }): Promise<Checkout> {
    return this.post<Checkout>('checkout', wish);
  }

  /** What the wallet sends, made from what it signed. */
  transaction(
    wish: Wish & { payer: string; deadline: string; signature: string }
  ): Promise<{ transaction: object }> {
    return this.post<{ transaction: object }>('checkout/transaction', wish);
  }

  /** The license that a wallet's transaction brought, once it is in a block. */
  outcome(hash: string): Promise<Grant> {
    return this.post<Grant>('checkout/outcome', { hash });
  }

  library(): Promise<Library> {
    return this.get<Library>('mine');
  }

  claim(): Promise<Library> {
    return this.post<Library>('claim');
  }

  async statement(): Promise<string> {
    return (await this.get<{ csv: string }>('statement')).csv;
  }

  /** Ask the owner of an asset for a license. */
  request(name: string, note: string): Promise<Request> {
    return this.post<Request>('requests', { name, note });
  }

  answer(number: number, grant: boolean): Promise<Library> {
    return this.post<Library>(`requests/${number}/${grant ? 'grant' : 'decline'}`);
  }

  /** An owner's word about a job on their data. */
  say(job: string, word: 'approve' | 'release' | 'refuse'): Promise<Library> {
    return this.post<Library>(`reviews/${job}/${word}`);
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

  async vaults(): Promise<Vault[]> {
    return (await this.get<{ vaults: Vault[] }>('vaults')).vaults;
  }

  folder(vault: Vault, path: string, offset: number, limit: number): Promise<FolderPage> {
    return this.get<FolderPage>(assetPath('vaults', vault.name, 'files'), {
      version: String(vault.version),
      folder: path,
      offset: String(offset),
      limit: String(limit)
    });
  }

  async readers(name: string): Promise<Reader[]> {
    return (await this.get<{ readers: Reader[] }>(assetPath('vaults', name, 'readers'))).readers;
  }

  /** Share a folder ("" is all of it); `until` in seconds since the epoch, 0 for ever. */
  async share(name: string, account: string, path: string, until: number): Promise<Reader[]> {
    const body = { account, path, until: until ? String(until) : '' };
    return (await this.post<{ readers: Reader[] }>(assetPath('vaults', name, 'share'), body)).readers;
  }

  unshare(name: string, account: string): Promise<Renewals> {
    return this.post<Renewals>(assetPath('vaults', name, 'unshare'), { account });
  }

  rotate(name: string): Promise<Renewals> {
    return this.post<Renewals>(assetPath('vaults', name, 'rotate'));
  }

  /** What a listing of files could say, made of samples of them (base64 by path). */
  propose(name: string, files: [string, number][], samples: Record<string, string>): Promise<Proposed> {
    return this.post<Proposed>('uploads/proposal', { name, files, samples });
  }

  /** The license that answers mean. */
  terms(answers: Partial<Answers>): Promise<InWords> {
    return this.get<InWords>('uploads/terms', answers as Record<string, string>);
  }

  announce(what: Announcement): Promise<UploadPlan> {
    return this.post<UploadPlan>('uploads', what);
  }

  sendBytes(id: string, offset: number, bytes: Blob, signal: AbortSignal): Promise<UploadState> {
    const query = this.withAccount({ offset: String(offset) });
    return this.send(`uploads/${id}`, { query, bytes, signal }) as Promise<UploadState>;
  }

  upload(id: string): Promise<UploadState> {
    return this.get<UploadState>(`uploads/${id}`);
  }

  publishUpload(id: string): Promise<UploadState> {
    return this.post<UploadState>(`uploads/${id}/publish`);
  }

  cancelUpload(id: string): Promise<UploadState> {
    return this.delete<UploadState>(`uploads/${id}`);
  }

  private get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
    return this.send(path, { query: this.withAccount(query) }) as Promise<T>;
  }

  private post<T>(path: string, body: object = {}): Promise<T> {
    return this.send(path, { query: this.withAccount({}), body }) as Promise<T>;
  }

  private delete<T>(path: string): Promise<T> {
    return this.send(path, { query: this.withAccount({}), method: 'DELETE' }) as Promise<T>;
  }

  private withAccount(query: Record<string, string>): Record<string, string> {
    const given = Object.entries({ ...query, account: this.account }).filter(([, value]) => value !== '');
    return Object.fromEntries(given);
  }
}

/** The route of an asset, or of something about it; what separates owner and name stays. */
function assetPath(under: string, name: string, about = ''): string {
  const path = `${under}/${name.split('/').map(encodeURIComponent).join('/')}`;
  return about ? `${path}/${about}` : path;
}
