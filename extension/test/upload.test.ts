import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../src/api';
import { plainName, withoutTop } from '../src/dropped';
import { UploadModel } from '../src/model/upload';
import { LabError, type UploadPhase, type UploadPlan, type UploadState } from '../src/values';
import { deferred, type Recorded, transport, until } from './support';

const BYTES = 25;

/** A server that takes one upload of 25 bytes in pieces of at most 10, with a place to interfere. */
function receiver(interfere: (request: Recorded, state: UploadState) => unknown = () => undefined) {
  const state: UploadState = {
    id: 'u1',
    phase: 'receiving',
    step: '',
    received: 0,
    total: BYTES,
    published: '',
    error: null,
    retryable: false
  };
  const plan: UploadPlan = {
    ...state,
    name: 'alice/new',
    chunk: 10,
    version: 1,
    files: 2,
    replaced: 0,
    pending: 0,
    offers: []
  };
  const sent: string[] = [];
  const { send } = transport(async request => {
    const answer = await interfere(request, state);
    if (answer !== undefined) {
      return answer;
    }
    const { bytes, query, method } = request.options;
    if (bytes) {
      assert.equal(Number(query?.offset), state.received);
      sent.push(await bytes.text());
      state.received += bytes.size;
    } else if (method === 'DELETE') {
      state.phase = 'canceled';
    } else if (request.path.endsWith('publish')) {
      state.phase = 'publishing';
    } else {
      Object.assign(state, { phase: 'done' as UploadPhase, published: 'alice/new@1' });
    }
    return { ...state };
  });
  const api = new Api(send);
  return { plan, sent, state, api, model: new UploadModel(api, 1) };
}

const content = (): Blob => new Blob(['0123456789', 'abcdefghijklmno']);

test('files are sent as one stream in pieces, published, and announced', async () => {
  const { plan, sent, model } = receiver();
  const heard: string[] = [];
  model.published.connect((_, name) => heard.push(name));
  await model.run(plan, content());
  assert.deepEqual(sent, ['0123456789', 'abcdefghij', 'klmno']);
  assert.deepEqual(heard, ['alice/new@1']);
  assert.equal(model.state?.phase, 'done');
  assert.equal(model.busy, false);
});

test('a request that got lost is sent again from where the server is', async () => {
  let lost = 0;
  const { plan, sent, state, model } = receiver(request => {
    if (request.options.bytes && lost < 2) {
      lost += 1;
      if (lost === 1) {
        state.received += request.options.bytes.size; // arrived; only the answer got lost
      }
      throw new LabError('the server does not answer', 'server');
    }
    return request.path === 'uploads/u1' && state.phase === 'receiving' && !request.options.bytes
      ? { ...state }
      : undefined;
  });
  await model.run(plan, content());
  assert.deepEqual(sent, ['abcdefghij', 'klmno']);
  assert.equal(model.state?.phase, 'done');
});

test('an upload stays with the account that began it', async () => {
  const accounts = new Set<string | undefined>();
  const { plan, model, api } = receiver(({ options }) => {
    accounts.add(options.query?.account);
    api.account = 'bob';
  });
  api.account = 'alice';
  await model.run(plan, content());
  assert.deepEqual([...accounts], ['alice']);
});

test('a refusal is shown and nothing is published', async () => {
  const { plan, model } = receiver(({ options, path }) => {
    assert.ok(!path.endsWith('publish'));
    if (options.bytes) {
      throw new LabError('the disk is full', 'storage', 'Free some space');
    }
    return undefined;
  });
  await model.run(plan, content());
  assert.equal(model.error?.hint, 'Free some space');
  assert.equal(model.busy, false);
});

test('a publication that failed is tried again without sending', async () => {
  let fail = true;
  const { plan, sent, model } = receiver((request, state) => {
    if (request.path.endsWith('publish') && fail) {
      fail = false;
      const error = { code: 'network', message: 'the network is down', hint: '' };
      return { ...state, phase: 'failed', retryable: true, error };
    }
    return undefined;
  });
  await model.run(plan, content());
  assert.equal(model.error?.code, 'network');
  await model.retry();
  assert.equal(model.state?.phase, 'done');
  assert.equal(sent.length, 3);
});

test('canceled while a piece is on its way, nothing more is sent or published', async () => {
  const hanging = deferred<unknown>();
  const { plan, model } = receiver(({ options, path }) => {
    assert.ok(!path.endsWith('publish'));
    options.signal?.addEventListener('abort', () => hanging.reject(new Error('aborted')));
    return options.bytes ? hanging.promise : undefined;
  });
  const running = model.run(plan, content());
  await until(() => model.busy);
  await model.cancel();
  await running;
  assert.equal(model.state?.phase, 'canceled');
  assert.equal(model.error, null);
  model.dismiss();
  assert.equal(model.plan, null);
});

test('a vault made of a folder has its name and not the folder itself', () => {
  const picked = (path: string) => ({ path, file: new File([], path) });
  const { name, files } = withoutTop([picked('My Data/a.csv'), picked('My Data/sub/b.csv')]);
  assert.equal(plainName(name), 'my-data');
  assert.deepEqual(
    files.map(({ path }) => path),
    ['a.csv', 'sub/b.csv']
  );
  assert.equal(withoutTop([picked('x/a'), picked('y/b')]).files[0].path, 'x/a');
  assert.equal(plainName('Übung (2).tar.gz'), 'ubung-2-.tar');
  assert.equal(plainName('…'), '');
});
