import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openCode, publishCode } from '../src/code';
import {
  formatAmount,
  formatMetric,
  formatSeconds,
  formatShort,
  formatSize,
  formatWei,
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
