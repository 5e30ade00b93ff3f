import { type ISignal, Signal } from '@lumino/signaling';

import { LabError } from '../values';
import { Latest } from './latest';

/** Something that is fetched, shown, and fetched again: the last good value stays visible while a new one is on its way. */
export class Loader<T> {
  private readonly _changed = new Signal<this, void>(this);
  private readonly latest = new Latest();

  value: T | null = null;
  error: LabError | null = null;
  loading = false;

  constructor(private readonly fetch: () => Promise<T>) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  async refresh(): Promise<void> {
    await this.replace(this.fetch());
  }

  /** Take the value that `pending` gives, for instance the answer to an action. */
  async replace(pending: Promise<T>): Promise<void> {
    this.loading = true;
    this._changed.emit();
    try {
      const value = await this.latest.ask(() => pending);
      if (value === undefined) {
        return;
      }
      this.value = value;
      this.error = null;
    } catch (error) {
      this.error = LabError.from(error);
    }
    this.loading = false;
    this._changed.emit();
  }

  /** Forget the value, for instance because another account acts now. */
  clear(): void {
    this.latest.cancel();
    this.value = null;
    this.error = null;
    this.loading = false;
    this._changed.emit();
  }
}
