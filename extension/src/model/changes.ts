import { Throttler } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

const EVENT = 'https://sahara-lab.invalid/events/changed';

export const CHANGES = ['network', 'market', 'jobs', 'reviews'] as const;
export type Change = (typeof CHANGES)[number];

/** An event as the server's bus brings it. */
export interface BusEvent {
  schema_id?: unknown;
  what?: unknown;
}

/**
 * What the server says has changed, at most once in a while for each kind. Anybody who is logged in can forge an event, so one
 * leads to a look and never to an action.
 */
export class Changes {
  private readonly _changed = new Signal<this, Change>(this);
  private readonly tell: Map<unknown, Throttler>;

  constructor(bus: ISignal<unknown, BusEvent>, limit = 500) {
    const throttled = (what: Change): [unknown, Throttler] => [
      what,
      new Throttler(() => this._changed.emit(what), { limit, edge: 'trailing' })
    ];
    this.tell = new Map(CHANGES.map(throttled));
    bus.connect((_, event) => {
      if (event.schema_id === EVENT) {
        void this.tell.get(event.what)?.invoke();
      }
    });
  }

  get changed(): ISignal<this, Change> {
    return this._changed;
  }
}
