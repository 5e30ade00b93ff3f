import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Api } from '../src/api';
import { JobsModel } from '../src/model/jobs';
import { LibraryModel } from '../src/model/library';
import { networkProblem, SessionModel } from '../src/model/session';
import type { Job, Status } from '../src/values';
import { VERSION } from '../src/version';
import { transport, until } from './support';

const status = (up: boolean): Status => ({
  version: '0',
  network: {
    name: 'local',
    up,
    embedded: true,
    message: up ? '' : 'the network is not running',
    hint: up ? '' : 'Run: sahara-lab up',
    recovered: '',
    block: 1,
    chain: 31337,
    rpc: ''
  },
  account: 'alice',
  default_account: 'alice',
  address: '0x0',
  accounts: ['alice', 'bob'],
  balance: null
});

const job = (id: string, state: Job['status']): Job => ({
  id,
  name: '',
  status: state,
  created: 0,
  seconds: 0,
  workers: 2,
  inputs: [],
  metrics: {},
  progress: null,
  error: '',
  publishable: false
});

test('a network that comes back is announced once, and one that is down names its repair', async () => {
  let up = false;
  const session = new SessionModel(new Api(transport(() => status(up)).send));
  let announced = 0;
  session.networkUp.connect(() => (announced += 1));
  await session.status.refresh();
  assert.equal(networkProblem(session)?.hint, 'Run: sahara-lab up');
  assert.equal(announced, 0);
  up = true;
  await session.status.refresh();
  await session.status.refresh();
  assert.equal(announced, 1);
  assert.equal(networkProblem(session), null);
  session.dispose();
});

test('a server of another version is noticed', async () => {
  const session = new SessionModel(new Api(transport(() => ({ ...status(true), version: '9.9.9' })).send));
  assert.equal(session.otherVersion, '');
  await session.status.refresh();
  assert.equal(session.otherVersion, '9.9.9');
  session.dispose();
});

test('this half says the version that the package has', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.equal(VERSION, version);
});

test('switching the account is announced and sent from then on', async () => {
  const { send, asked } = transport(() => status(true));
  const session = new SessionModel(new Api(send));
  await session.status.refresh();
  const heard: string[] = [];
  session.accountChanged.connect((_, account) => heard.push(account));
  assert.equal(session.codeAccount, '');
  await session.use('bob');
  assert.equal(session.codeAccount, 'bob');
  await session.use('bob');
  assert.deepEqual(heard, ['bob']);
  assert.equal(asked[asked.length - 1].options.query?.account, 'bob');
  session.dispose();
});

test('jobs are followed to their end', async () => {
  let jobs = [job('a', 'running')];
  const api = new Api(transport(() => ({ jobs })).send);
  const model = new JobsModel(api, 10);
  const scope = globalThis as { document?: unknown };
  scope.document = { hidden: false, addEventListener: () => undefined, removeEventListener: () => undefined };
  model.start();
  await until(() => model.active === 1);
  jobs = [job('a', 'done')];
  await until(() => model.active === 0);
  model.dispose();
  delete scope.document;
});

test('only a valid license counts as held', () => {
  const library = new LibraryModel(new Api(transport(() => ({})).send));
  const grant = { id: 1, asset: 'alice/digits', status: 'expired' };
  library.content.value = { published: [], licenses: [grant], earnings: { lines: [] } } as never;
  assert.equal(library.held('alice/digits'), undefined);
  assert.equal(library.owns('alice/digits'), false);
});
