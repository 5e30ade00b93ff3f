/** What the server answers. Amounts are text: exact in wei, readable in tokens. Times are seconds since the epoch. */

export interface Amount {
  wei: string;
  tokens: string;
}

export interface Terms {
  flavor: string;
  price: Amount;
  duration: string;
  seats: number;
  royalty: string;
  allows: string[];
  text: string;
  compute_only: boolean;
  not_enforced: string[];
}

/** What people may know of a listing before they buy. */
export interface Reputation {
  /** The DAO vouches for who its owner is. */
  verified: boolean;
  reviews: number;
  /** Of 1 to 5 stars; null without reviews. */
  mean: number | null;
  standing: 'clear' | 'disputed' | 'taken down';
  appealed: boolean;
  reports: number;
  /** What a buyer has to know; empty when all is well. */
  warning: string;
}

export interface Review {
  author: string;
  stars: number;
  text: string;
  /** The license behind it, and whether it was bought for a price. */
  license: number;
  bought: boolean;
  time: number;
  mine: boolean;
}

export interface Reviews {
  mean: number | null;
  /** How many have a license behind them that was paid for. */
  bought: number;
  items: Review[];
}

export interface Listing {
  name: string;
  owner: string;
  kind: string;
  title: string;
  summary: string;
  tags: string[];
  version: number;
  price: Amount | null;
  license: string;
  licenses: string[];
  created: number;
  parents: string[];
  size: number;
  /** Licenses issued so far. */
  sold: number;
  task: string;
  formats: string[];
  /** Somebody listed before whose handle looks like the owner's; empty in the ordinary case. */
  alike: string;
  reputation: Reputation;
}

export type Facets = Record<string, Record<string, number>>;

export interface Page {
  items: Listing[];
  total: number;
  page: number;
  per_page: number;
  /** Where the following page begins; null at the end. */
  next: string | null;
  /** Nothing has the words as typed; these have similar ones. */
  similar: boolean;
  facets: Facets;
}

export interface Version {
  number: number;
  root: string;
  published: number;
}

export interface Grant {
  id: number;
  asset: string;
  holder: string;
  terms: Terms;
  issued: number;
  expires: number;
  status: 'valid' | 'expired';
  tx: string;
}

export interface Asset {
  name: string;
  owner: string;
  kind: string;
  title: string;
  summary: string;
  description: string;
  tags: string[];
  size: number;
  version: number;
  versions: Version[];
  parents: { name: string; relation: string }[];
  offers: Terms[];
  royalties: { name: string; share: string }[];
  files: { path: string; size: number }[];
  /** Columns of the tables in it, as its publisher describes them. */
  tables: { name: string; columns: { name: string; type: string }[] }[];
  held: Grant[];
  owned: boolean;
  reputation: Reputation;
  /** Why the DAO disputes it or has taken it down. */
  decided: string;
  /** See Listing. */
  alike: string;
  family: Family;
  /** What it brought so far; null for the assets of others. */
  earned: { received: Amount; claimable: Amount; sales: number } | null;
}

/** An asset among what it was made from and what was made from it; the oldest generation first. */
export interface Family {
  generations: { name: string; kind: string; generation: number }[][];
  ties: { child: string; parent: string; relation: string }[];
  complete: boolean;
}

export interface Quote {
  asset: string;
  terms: Terms;
  price: Amount;
  fee: Amount;
  lines: { asset: string; account: string; amount: Amount }[];
  balance: Amount;
  buyer: string;
  affordable: boolean;
  /** What the chain takes besides, in words; null where the node does not tell. */
  gas: string | null;
  /** What is asked to be signed, in words. */
  signatures: string;
  /** What is said against the listing; empty when all is well. */
  warning: string;
}

/** A purchase that a wallet pays: what it is to sign (EIP-712; null where nothing is paid), and until when that counts. */
export interface Checkout {
  quote: Quote;
  deadline: string;
  permit: object | null;
}

/** A license that somebody asked an owner for. */
export interface Request {
  number: number;
  asset: string;
  account: string;
  terms: Terms;
  summary: string;
  note: string;
  status: 'open' | 'granted' | 'declined';
}

/** A stranger's job on data that must not leave, which waits for its owner. */
export interface JobReview {
  job: string;
  client: string;
  assets: string[];
  waits_for: 'code' | 'results';
  /** SHA-256 of the code, in hex. */
  code: string;
  source: string;
  results: { name: string; size: number }[];
  /** What would be released with the results, as text. */
  record: string;
  /** Where the results lie on the server's machine. */
  folder: string;
}

export interface Library {
  published: Listing[];
  licenses: Grant[];
  /** What others ask for and nobody answered; and what the account asked for itself. */
  requests: Request[];
  asked: Request[];
  reviews: JobReview[];
  earnings: { claimable: Amount; lines: { asset: string; claimable: Amount; received: Amount }[] };
}

export interface Vault {
  name: string;
  kind: string;
  title: string;
  /** The newest version; 0 before the first one is published. */
  version: number;
  size: number;
  owned: boolean;
  /** Whether the account gets its keys: not so with a compute-only license. */
  readable: boolean;
  /** Files that a draft changes. */
  changes: number;
  /** The license by which somebody else's vault is read, and its end; 0 is never. */
  flavor: string;
  until: number;
}

export interface Entry {
  name: string;
  kind: 'file' | 'directory';
  /** Bytes, of a folder those of all files in it; null where counting them would take too long. */
  size: number | null;
  modified: number;
}

export interface FolderPage {
  root: string;
  total: number;
  offset: number;
  entries: Entry[];
}

export interface Reader {
  account: string;
  /** "owner", "shared", or which license. */
  why: string;
  path: string;
  until: number;
}

export interface Renewals {
  note: string;
  versions: {
    version: string;
    epoch: number;
    folders: number;
    files: number;
    kept: string[];
    ended: string[];
  }[];
}

export type UploadPhase = 'receiving' | 'publishing' | 'done' | 'failed' | 'canceled';

export interface UploadState {
  id: string;
  phase: UploadPhase;
  step: string;
  received: number;
  total: number;
  published: string;
  error: { code: string; message: string; hint: string } | null;
  /** It failed after all bytes had come: it can be published again without sending them again. */
  retryable: boolean;
}

/** What publishing an upload would do. */
export interface UploadPlan extends UploadState {
  name: string;
  /** The most bytes of one request. */
  chunk: number;
  version: number;
  files: number;
  replaced: number;
  /** Files that a draft changes besides; they are published too. */
  pending: number;
  offers: string[];
}

/** What is to be published; paths with sizes in the order in which the bytes will come. */
export interface Announcement {
  name: string;
  update: boolean;
  files: [string, number][];
  kind?: string;
  title?: string;
  description?: string;
  task?: string;
  tags?: string[];
  statement?: Statement;
  /** Answers to the questions about the license; none is on offer where the first one has none. */
  use?: string;
  price?: string;
  back?: string;
  lasts?: string;
}

/** What a publisher claims of data. */
export interface Statement {
  source: string;
  consent: string;
  personal_data: string;
  intended_use: string;
  known_risks: string;
}

export type Answers = Record<'use' | 'price' | 'back' | 'lasts', string>;

/** A question about a license. */
export interface Question {
  key: keyof Answers;
  text: string;
  choices: { key: string; text: string }[];
  /** What else can be typed. */
  free: string;
  default: string;
  /** The answers to the first question that leave this one open. */
  uses: string[];
}

/** What a listing of files could say; no proposal where there are no files. */
export interface Proposed {
  questions: Question[];
  proposal: {
    name: string;
    kind: string;
    title: string;
    description: string;
    tags: string[];
    task: string;
    use: string;
    named_license: string;
    statement: Statement;
    /** What a person should look at first, a sentence each. */
    checks: string[];
  } | null;
}

/** Terms in plain words. */
export interface InWords {
  flavor: string;
  summary: string;
  may: string[];
  may_not: string[];
  must: string[];
}

export type JobStatus = 'starting' | 'running' | 'stopping' | 'stopped' | 'done' | 'failed' | 'lost';

export interface Job {
  id: string;
  name: string;
  status: JobStatus;
  created: number;
  seconds: number;
  workers: number;
  inputs: string[];
  metrics: Record<string, number>;
  progress: number | null;
  error: string;
  publishable: boolean;
}

export interface JobDetail extends Job {
  history: Record<string, [number, number][]>;
  /** The part of the traceback in the person's own code. */
  traceback: string;
}

export interface Status {
  version: string;
  network: {
    name: string;
    up: boolean;
    embedded: boolean;
    message: string;
    hint: string;
    recovered: string;
    block: number;
    /** The chain's number (EIP-155); 0 while the network is down. */
    chain: number;
    /** Where a wallet finds the node; empty when that is for others not to know. */
    rpc: string;
  };
  account: string;
  /** The account that acts in a notebook when the code names none. */
  default_account: string;
  address: string;
  accounts: string[];
  balance: Amount | null;
}

/** A failure as the server or the connection reports it: what went wrong, and what to do. */
export class LabError extends Error {
  constructor(
    message: string,
    readonly code: string = 'internal',
    readonly hint: string = ''
  ) {
    super(message);
  }

  static from(error: unknown): LabError {
    return error instanceof LabError
      ? error
      : new LabError(error instanceof Error ? error.message : String(error));
  }
}
