import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Api } from '../api';
import { LabError, type Status } from '../values';
import { VERSION } from '../version';
import { Loader } from './loader';

/** Which account acts and whether the network is up; asked when the server says that something changed, and rarely besides. */
export class SessionModel {
  private readonly _accountChanged = new Signal<this, string>(this);
  private readonly _networkUp = new Signal<this, void>(this);
  private readonly poll: Poll;
  private wasUp = false;

  readonly status: Loader<Status>;
  starting = false;

  constructor(
    private readonly api: Api,
    interval = 60_000
  ) {
    this.status = new Loader(() => api.status());
    this.status.changed.connect(() => this.watch());
    this.poll = new Poll({
      auto: false,
      name: 'sahara-lab:status',
      factory: async () => {
        await this.status.refresh();
        if (this.status.error) {
          throw this.status.error;
        }
      },
      frequency: { interval, backoff: true, max: 5 * interval },
      standby: 'when-hidden'
    });
  }

  /** Another account acts from now on. */
  get accountChanged(): ISignal<this, string> {
    return this._accountChanged;
  }

  /** The network answers now and did not before. */
  get networkUp(): ISignal<this, void> {
    return this._networkUp;
  }

  get account(): string {
    return this.api.account || this.status.value?.account || '';
  }

  /** The account as code must name it: empty when a notebook acts for it anyway. */
  get codeAccount(): string {
    return this.account === this.status.value?.default_account ? '' : this.account;
  }

  get up(): boolean {
    return this.status.value?.network.up ?? false;
  }

  /** The server's version when it is another one than this half's. */
  get otherVersion(): string {
    const version = this.status.value?.version ?? VERSION;
    return version === VERSION ? '' : version;
  }

  start(): void {
    void this.poll.start();
  }

  /** Act as `account`. */
  async use(account: string): Promise<void> {
    if (account === this.account) {
      return;
    }
    this.api.account = account;
    this._accountChanged.emit(account);
    await this.status.refresh();
  }

  /** Start the embedded network, or attach to it. */
  async startNetwork(): Promise<void> {
    this.starting = true;
    try {
      await this.status.replace(this.api.startNetwork());
    } finally {
      this.starting = false;
      await this.status.refresh();
    }
  }

  dispose(): void {
    this.poll.dispose();
  }

  private watch(): void {
    const up = this.up && this.status.error === null;
    if (up && !this.wasUp) {
      this._networkUp.emit();
    }
    this.wasUp = up;
  }
}

/** What to show when the network is down: the failure of the last request, else what the status says. */
export function networkProblem(session: SessionModel): LabError | null {
  const { error, value } = session.status;
  if (error) {
    return error;
  }
  return value && !value.network.up
    ? new LabError(value.network.message, 'network', value.network.hint)
    : null;
}
