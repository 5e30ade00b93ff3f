import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fileCode, folderCode, openCode, publishCode } from '../src/code';
import {
  aboutVault,
  formatAmount,
  formatMetric,
  formatSeconds,
  formatShort,
  formatSize,
  formatWei,
  keptVault,
  share
} from '../src/format';

const amount = (wei: string): { wei: string; tokens: string } => ({ wei, tokens: '' });

test('amounts are exact to the last wei', () => {
  assert.equal(formatWei(1_234_567n * 10n ** 18n + 1n), '1,234,567.000000000000000001');
  assert.equal(formatWei(25n * 10n ** 18n), '25');
  assert.equal(formatWei(-(10n ** 17n)), '-0.1');
  assert.equal(formatAmount(amount('0')), '0 SAHARA');
});

test('a shortened amount says that it is one', () => {
  assert.equal(formatShort(amount('22500000000000000000')), '22.5');
  assert.equal(formatShort(amount('1000010000000000000')), '≈ 1');
});

test('bars, sizes, times and metrics read well', () => {
  assert.equal(share('25', '100'), 25);
  assert.equal(share('1', '0'), 0);
  assert.equal(formatSize(1536), '1.5 KiB');
  assert.equal(formatSize(12), '12 B');
  assert.equal(formatSeconds(3700), '1 h 1 min');
  assert.equal(formatMetric(0.123456), '0.1235');
  assert.equal(formatMetric(0.00001234), '1.23e-5');
});

test('names in generated code cannot break out of their string', () => {
  const code = openCode(
    { name: 'alice/digits', version: 1, files: [{ path: 'a".parquet', size: 1 }] },
    'bob'
  );
  assert.ok(code.includes('"vault://alice/digits@1/a\\".parquet"'));
  assert.ok(publishCode({ id: 'train-1', name: 'My Net!' }, 'bob').includes('name="my-net-"'));
});

test('a file opens as what its name says', () => {
  const opens = (path: string, account = ''): string => fileCode(`vault://alice/a@2/${path}`, account);
  assert.ok(opens('t.PARQUET').includes('pd.read_parquet("vault://alice/a@2/t.PARQUET")'));
  assert.ok(opens('t.csv', 'bob').includes('storage_options={"account": "bob"}'));
  assert.ok(opens('t.tsv').includes('sep="\\t"'));
  assert.ok(opens('rows.jsonl').includes('lines=True'));
  assert.ok(opens('w.safetensors').includes('from safetensors.numpy import load'));
  assert.ok(opens('x.npy').includes('allow_pickle=False'));
  assert.ok(opens('x.jpeg').includes('Image(file.read())'));
  assert.ok(opens('read.me.md', 'bob').includes('"rt", encoding="utf-8", account="bob"'));
  assert.ok(opens('model.pkl').includes('content = file.read()'));
  assert.ok(opens('.csv/parquet').includes('content = file.read()'));
  assert.ok(folderCode('vault://alice/a@2/d', 'bob').includes('filesystem("vault", account="bob")'));
});

test('who can read a vault is said in plain words', () => {
  const trans = {
    __: (text: string, ...given: string[]) => text.replace(/%(\d)/g, (_, index) => given[Number(index) - 1])
  } as never;
  const vault = {
    name: 'alice/a',
    kind: 'dataset',
    title: '',
    version: 1,
    size: 1,
    owned: true,
    readable: true,
    changes: 0,
    flavor: '',
    until: 0
  };
  const readers = [
    { account: 'alice', why: 'owner', path: '', until: 0 },
    { account: 'bob', why: 'license 3', path: '', until: 0 },
    { account: 'carol', why: 'shared', path: 'data', until: 86_400 * 400 }
  ];
  const said = aboutVault(vault, readers, null, trans);
  assert.match(said, /alice \(owner\), bob \(license 3\), carol \(shared of data, until .*1971\)/);
  assert.match(keptVault('0x0123456789', trans), /anchored on chain: 0x01234567…/);
});
