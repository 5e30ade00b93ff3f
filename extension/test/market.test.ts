import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../src/api';
import { MarketModel } from '../src/model/market';
import type { Page } from '../src/values';
import { deferred, transport, until } from './support';

const page = (total: number): Page => ({ items: [], total, page: 1, per_page: 20, facets: {} });

test('typing searches once, for what was typed last', async () => {
  const { send, asked } = transport(() => page(1));
  const market = new MarketModel(new Api(send), 20, 10);
  for (const text of ['d', 'di', 'dig']) {
    market.set({ text });
  }
  await until(() => market.results.value !== null);
  assert.equal(asked.length, 1);
  assert.equal(asked[0].options.query?.q, 'dig');
  market.dispose();
});

test('a slow answer to an earlier query does not replace a newer one', async () => {
  const slow = deferred<Page>();
  const { send } = transport(({ options }) => (options.query?.kind ? page(2) : slow.promise));
  const market = new MarketModel(new Api(send), 20, 10);
  const first = market.apply();
  await market.apply({ kind: 'model' });
  slow.resolve(page(99));
  await first;
  assert.equal(market.results.value?.total, 2);
  market.dispose();
});

test('a new filter goes back to the first page, and empty filters are not sent', async () => {
  const { send, asked } = transport(() => page(50));
  const market = new MarketModel(new Api(send));
  await market.apply({ page: 3 });
  assert.equal(asked[0].options.query?.page, '3');
  await market.apply({ license: 'Commercial' });
  assert.deepEqual(asked[1].options.query, {
    license: 'Commercial',
    sort: 'relevance',
    page: '1',
    per_page: '20'
  });
  assert.equal(market.pages, 3);
  market.dispose();
});

test('every request carries the account that acts, and a license carries the price that was shown', async () => {
  const { send, asked } = transport(() => ({}));
  const api = new Api(send);
  api.account = 'bob';
  await api.license('alice/digits', 'Commercial', '25');
  assert.deepEqual(asked[0], {
    path: 'license',
    options: {
      query: { account: 'bob' },
      body: { name: 'alice/digits', license: 'Commercial', max_price: '25' }
    }
  });
  await api.asset('alice/a b');
  assert.equal(asked[1].path, 'listings/alice/a%20b');
});
