import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../src/api';
import { Keys } from '../src/model/keys';
import { type Memory, type Row, VaultsModel } from '../src/model/vaults';
import type { Entry, Vault } from '../src/values';
import { LabError } from '../src/values';
import { deferred, type Recorded, transport } from './support';

const vault = (name: string, change: Partial<Vault> = {}): Vault => ({
  name,
  kind: 'dataset',
  title: '',
  version: 1,
  size: 10,
  owned: true,
  readable: true,
  changes: 0,
  flavor: '',
  until: 0,
  ...change
});

const file = (name: string): Entry => ({ name, kind: 'file', size: 1, modified: 0 });
const folder = (name: string): Entry => ({ name, kind: 'directory', size: 5, modified: 0 });

const noMemory: Memory = { load: async () => [], save: async () => undefined };

/** A server with these folders; other questions are answered with what `vaults` gives. */
function server(vaults: () => Vault[], folders: Record<string, Entry[]>) {
  return transport(({ path, options }: Recorded) => {
    if (path.endsWith('/files')) {
      const query = options.query ?? {};
      const all = folders[query.folder ?? ''];
      if (!all) {
        throw new LabError('no license covers it', 'access-denied', 'License it first');
      }
      const from = Number(query.offset);
      return {
        root: '0xabcdef',
        total: all.length,
        offset: from,
        entries: all.slice(from, from + Number(query.limit))
      };
    }
    return path.endsWith('/readers')
      ? { readers: [{ account: 'alice', why: 'owner', path: '', until: 0 }] }
      : { vaults: vaults() };
  });
}

const keys = (model: VaultsModel): string[] => model.rows.map(row => row.key);
const at = (model: VaultsModel, key: string): Row => model.rows.find(row => row.key === key) as Row;

test('folders are fetched when they are opened, and no sooner', async () => {
  const { send, asked } = server(() => [vault('alice/a')], {
    '': [folder('data'), file('x')],
    data: [file('y')]
  });
  const model = new VaultsModel(new Api(send), noMemory);
  await model.refresh();
  assert.deepEqual(keys(model), ['alice/a']);
  assert.equal(asked.length, 1);
  await model.toggle(model.rows[0]);
  assert.deepEqual(keys(model), [
    'alice/a',
    'alice/a///about',
    'alice/a///kept',
    'alice/a/data',
    'alice/a/x'
  ]);
  await model.toggle(at(model, 'alice/a/data'));
  assert.deepEqual(keys(model).slice(3), ['alice/a/data', 'alice/a/data/y', 'alice/a/x']);
  assert.equal(at(model, 'alice/a/data/y').depth, 3);
  await model.toggle(at(model, 'alice/a/data'));
  assert.equal(at(model, 'alice/a/data/y'), undefined);
});

test('a large folder comes in pages, each asked for once', async () => {
  const many = Array.from({ length: 1200 }, (_, index) => file(`f${index}`));
  const { send, asked } = server(() => [vault('alice/a', { owned: false })], { '': many });
  const model = new VaultsModel(new Api(send), noMemory);
  await model.refresh();
  await model.toggle(model.rows[0]);
  const more = model.rows[model.rows.length - 1];
  assert.equal(more.kind, 'more');
  assert.equal(model.rows.length, 504);
  await Promise.all([model.fetch(more.vault, ''), model.fetch(more.vault, '')]);
  await model.fetch(more.vault, '');
  assert.equal(model.rows.length, 1203);
  assert.deepEqual(
    asked.filter(({ path }) => path.endsWith('files')).map(({ options }) => options.query?.offset),
    ['0', '500', '1000']
  );
  assert.equal(at(model, 'alice/a/f1199').siblings, 1200);
});

test('what was open is open again, at any depth, and remembered for each account', async () => {
  const saved: Record<string, string[]> = { bob: ['alice/a/', 'alice/a/data'] };
  const memory: Memory = {
    load: async account => saved[account] ?? [],
    save: async (account, open) => void (saved[account] = open)
  };
  const { send } = server(() => [vault('alice/a')], { '': [folder('data')], data: [file('y')] });
  const api = new Api(send);
  api.account = 'bob';
  const model = new VaultsModel(api, memory);
  await model.refresh();
  assert.ok(at(model, 'alice/a/data/y'));
  await model.collapse(at(model, 'alice/a/data'));
  assert.deepEqual(saved.bob, ['alice/a/']);
  model.clear();
  api.account = 'carol';
  await model.refresh();
  assert.deepEqual(keys(model), ['alice/a']);
});

test('another version is fetched again, the same one is not', async () => {
  let version = 1;
  const { send, asked } = server(() => [vault('alice/a', { version })], { '': [file('x')] });
  const model = new VaultsModel(new Api(send), noMemory);
  const fetched = (): string[] =>
    asked.filter(({ path }) => path.endsWith('/files')).map(({ options }) => options.query?.version ?? '');
  await model.refresh();
  await model.toggle(model.rows[0]);
  await model.refresh();
  assert.deepEqual(fetched(), ['1']);
  version = 2;
  await model.refresh();
  assert.deepEqual(fetched(), ['1', '2']);
});

test('a folder that cannot be opened says why, and is tried again', async () => {
  const folders: Record<string, Entry[]> = {};
  const { send } = server(() => [vault('alice/a', { owned: false })], folders);
  const model = new VaultsModel(new Api(send), noMemory);
  await model.refresh();
  await model.toggle(model.rows[0]);
  const problem = model.rows[3];
  assert.equal(problem.error?.hint, 'License it first');
  folders[''] = [];
  await model.toggle(problem);
  assert.equal(model.rows[3].kind, 'empty');
});

test('an answer for a vault of the account before is not shown to the next one', async () => {
  const slow = deferred<unknown>();
  const { send } = transport(({ path }) =>
    path === 'vaults' ? { vaults: [vault('alice/a', { owned: false })] } : slow.promise
  );
  const model = new VaultsModel(new Api(send), noMemory);
  await model.refresh();
  const opening = model.toggle(model.rows[0]);
  model.clear();
  slow.resolve({ root: '0x', total: 1, offset: 0, entries: [file('secret')] });
  await opening;
  await model.refresh();
  await model.toggle(model.rows[0]);
  assert.equal(model.rows.filter(row => row.label === 'secret').length, 1);
});

test('what nobody may read, and what is not published, is not asked for', async () => {
  const { send, asked } = server(
    () => [vault('bob/c', { owned: false, readable: false }), vault('alice/new', { version: 0, changes: 2 })],
    {}
  );
  const model = new VaultsModel(new Api(send), noMemory);
  await model.refresh();
  for (const row of [...model.rows].reverse()) {
    await model.toggle(row);
  }
  assert.deepEqual(
    model.rows.map(row => row.kind),
    ['vault', 'about', 'kept', 'vault', 'about']
  );
  assert.equal(asked.length, 1);
});

test('the keys of a tree move, open and close', () => {
  const row = (label: string, depth: number, expanded?: boolean): Row =>
    ({ label, depth, expanded, kind: expanded === undefined ? 'file' : 'directory' }) as Row;
  const rows = [row('a', 1, true), row('b', 2), row('c', 2, false), row('d', 1, false)];
  const press = (active: number, key: string) => Keys.press(rows, active, key, 2);
  assert.equal(press(0, 'ArrowDown')?.index, 1);
  assert.equal(press(3, 'ArrowDown')?.index, 3);
  assert.equal(press(0, 'ArrowRight')?.index, 1);
  assert.equal(press(1, 'ArrowLeft')?.index, 0);
  assert.equal(press(0, 'ArrowLeft')?.toggle, rows[0]);
  assert.equal(press(2, 'ArrowRight')?.toggle, rows[2]);
  assert.equal(press(1, 'Enter')?.open, rows[1]);
  assert.equal(press(2, 'Enter')?.toggle, rows[2]);
  assert.equal(press(0, 'End')?.index, 3);
  assert.equal(press(3, 'PageUp')?.index, 1);
  assert.equal(press(0, 'D')?.index, 3);
  assert.equal(press(0, 'z'), null);
  assert.equal(press(0, 'Tab'), null);
  assert.equal(press(-1, 'ArrowDown')?.index, 0);
});
