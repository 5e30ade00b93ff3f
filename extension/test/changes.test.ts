import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Signal } from '@lumino/signaling';

import { type BusEvent, Changes } from '../src/model/changes';
import { until } from './support';

const EVENT = 'https://sahara-lab.invalid/events/changed';

test('many events of one kind lead to one look, and those of others to none', async () => {
  const bus = new Signal<object, BusEvent>({});
  const heard: string[] = [];
  new Changes(bus, 10).changed.connect((_, what) => heard.push(what));
  for (const event of [
    { schema_id: EVENT, what: 'jobs' },
    { schema_id: EVENT, what: 'jobs' },
    { schema_id: EVENT, what: 'market' },
    { schema_id: EVENT, what: 'shutdown' },
    { schema_id: 'another', what: 'network' }
  ]) {
    bus.emit(event);
  }
  await until(() => heard.length === 2);
  assert.deepEqual(heard.sort(), ['jobs', 'market']);
});
