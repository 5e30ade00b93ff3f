import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Latest } from '../src/model/latest';
import { Loader } from '../src/model/loader';
import { LabError } from '../src/values';
import { deferred } from './support';

test('an answer that arrives after a newer question is dropped', async () => {
  const latest = new Latest();
  const [slow, fast] = [deferred<string>(), deferred<string>()];
  const first = latest.ask(() => slow.promise);
  const second = latest.ask(() => fast.promise);
  fast.resolve('new');
  slow.resolve('old');
  assert.equal(await second, 'new');
  assert.equal(await first, undefined);
});

test('the failure of a stale question is dropped too', async () => {
  const latest = new Latest();
  const slow = deferred<string>();
  const first = latest.ask(() => slow.promise);
  const second = latest.ask(() => Promise.resolve('new'));
  slow.reject(new Error('too late'));
  assert.equal(await second, 'new');
  assert.equal(await first, undefined);
});

test('a loader keeps the last good value while it fails, and says what failed', async () => {
  let fail = false;
  const loader = new Loader(async () => {
    if (fail) {
      throw new LabError('the network is down', 'network', 'Run: sahara-lab up');
    }
    return 7;
  });
  await loader.refresh();
  fail = true;
  await loader.refresh();
  assert.equal(loader.value, 7);
  assert.equal(loader.error?.hint, 'Run: sahara-lab up');
  assert.equal(loader.loading, false);
  fail = false;
  await loader.refresh();
  assert.equal(loader.error, null);
});

test('a cleared loader takes no answer that was asked for before', async () => {
  const slow = deferred<number>();
  const loader = new Loader(() => slow.promise);
  const pending = loader.refresh();
  loader.clear();
  slow.resolve(1);
  await pending;
  assert.equal(loader.value, null);
});
