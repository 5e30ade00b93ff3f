import { type ISignal, Signal } from '@lumino/signaling';

import type { Api } from '../api';
import { LabError, type UploadPlan, type UploadState } from '../values';

/** Bytes that can be cut: a `Blob` of all files in their order. */
export type Bytes = Pick<Blob, 'slice'>;

const TRIES = 3;

/** One upload at a time: sent piece by piece, then published, and followed to its end. */
export class UploadModel {
  private readonly _changed = new Signal<this, void>(this);
  private readonly _published = new Signal<this, string>(this);
  private aborting = new AbortController();
  private api: Api;

  /** What is being published, and how far it is; null when nothing is. */
  plan: UploadPlan | null = null;
  state: UploadState | null = null;
  error: LabError | null = null;

  constructor(
    private readonly current: Api,
    private readonly pace = 400
  ) {
    this.api = current;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A version was published; its name. */
  get published(): ISignal<this, string> {
    return this._published;
  }

  get busy(): boolean {
    const phase = this.state?.phase;
    return this.error === null && (phase === 'receiving' || phase === 'publishing');
  }

  /** Between 0 and 1 while bytes are sent; null while publishing, whose length nobody knows. */
  get fraction(): number | null {
    const { state } = this;
    return state?.phase === 'receiving' ? (state.total ? state.received / state.total : 1) : null;
  }

  /** Send what was announced, and publish it, as the account that acts now. */
  async run(plan: UploadPlan, bytes: Bytes): Promise<void> {
    this.api = this.current.as(this.current.account);
    this.plan = this.state = plan;
    this.error = null;
    this.aborting = new AbortController();
    this._changed.emit();
    await this.guard(async () => {
      await this.sendAll(plan, bytes);
      if (this.state?.phase === 'receiving') {
        await this.publish();
      }
    });
  }

  /** Publish again what was sent already. */
  async retry(): Promise<void> {
    this.error = null;
    await this.guard(() => this.publish());
  }

  /** Give up. Nothing of it stays, unless the chain has the version already. */
  async cancel(): Promise<void> {
    const { plan } = this;
    this.aborting.abort();
    if (plan) {
      await this.guard(async () => this.follow(await this.api.cancelUpload(plan.id)), true);
    }
  }

  /** Stop showing an upload that has ended; one that failed is given up. */
  dismiss(): void {
    if (this.plan && this.state?.phase === 'failed') {
      void this.api.cancelUpload(this.plan.id).catch(() => undefined);
    }
    this.plan = this.state = this.error = null;
    this._changed.emit();
  }

  // -- steps ------------------------------------------------------------------------------------

  private async sendAll(plan: UploadPlan, bytes: Bytes): Promise<void> {
    let failed = 0;
    while (this.state && this.state.received < plan.total && !this.aborting.signal.aborted) {
      const at = this.state.received;
      const piece = bytes.slice(at, Math.min(at + plan.chunk, plan.total));
      try {
        this.follow(await this.api.sendBytes(plan.id, at, piece, this.aborting.signal));
        failed = 0;
      } catch (error) {
        failed += 1;
        // A request that got lost: the server knows how much of it arrived.
        if (this.aborting.signal.aborted || failed === TRIES || LabError.from(error).code !== 'server') {
          throw error;
        }
        await this.pause();
        this.follow(await this.api.upload(plan.id));
      }
    }
  }

  private async publish(): Promise<void> {
    if (!this.plan || this.aborting.signal.aborted) {
      return;
    }
    this.follow(await this.api.publishUpload(this.plan.id));
    while (this.state?.phase === 'publishing') {
      await this.pause();
      this.follow(await this.api.upload(this.plan.id));
    }
    if (this.state?.phase === 'done') {
      this._published.emit(this.state.published);
    }
  }

  private follow(state: UploadState): void {
    this.state = state;
    const { error } = state;
    this.error = error && new LabError(error.message, error.code, error.hint);
    this._changed.emit();
  }

  /** Show what goes wrong; what an upload that was given up still meets is of no interest. */
  private async guard(work: () => Promise<void>, always = false): Promise<void> {
    const { plan } = this;
    const { signal } = this.aborting;
    try {
      await work();
    } catch (error) {
      if (this.plan === plan && (always || !signal.aborted)) {
        this.error = LabError.from(error);
        this._changed.emit();
      }
    }
  }

  private pause(): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, this.pace));
  }
}
