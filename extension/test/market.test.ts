import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../src/api';
import { MarketModel, remembered } from '../src/model/market';
import type { Listing, Page } from '../src/values';
import { deferred, transport } from './support';

const page = (total: number, next: string | null = null, names: string[] = []): Page => ({
  items: names.map(name => ({ name }) as Listing),
  total,
  page: 1,
  per_page: 20,
  next,
  similar: false,
  facets: {}
});

test('while an answer is awaited typing asks nothing, and then for what was typed last', async () => {
  const first = deferred<Page>();
  const { send, asked } = transport(() => (asked.length === 1 ? first.promise : page(1)));
  const market = new MarketModel(new Api(send));
  const typing = ['d', 'di', 'dig'].map(text => market.type({ text }));
  first.resolve(page(9));
  await Promise.all(typing);
  assert.deepEqual(
    asked.map(({ options }) => options.query?.q),
    ['d', 'dig']
  );
  assert.equal(market.results.value?.total, 1);
});

test('a slow answer to an earlier query does not replace a newer one', async () => {
  const slow = deferred<Page>();
  const { send } = transport(({ options }) => (options.query?.kind ? page(2) : slow.promise));
  const market = new MarketModel(new Api(send));
  const first = market.apply();
  await market.apply({ kind: 'model' });
  slow.resolve(page(99));
  await first;
  assert.equal(market.results.value?.total, 2);
});

test('empty filters are not sent', async () => {
  const { send, asked } = transport(() => page(50));
  const market = new MarketModel(new Api(send));
  await market.apply({ license: 'Commercial', price: '1 to 10' });
  assert.deepEqual(asked[0].options.query, {
    license: 'Commercial',
    price: '1 to 10',
    sort: 'relevance',
    per_page: '20'
  });
  assert.deepEqual(market.filters, ['license', 'price']);
});

test('more begins where the page ended, and shows nothing twice', async () => {
  const pages = [page(3, 'here', ['a/1', 'a/2']), page(3, null, ['a/2', 'a/3'])];
  const { send, asked } = transport(() => pages.shift());
  const market = new MarketModel(new Api(send));
  await market.apply();
  await market.more();
  assert.equal(asked[1].options.query?.after, 'here');
  assert.deepEqual(
    market.results.value?.items.map(listing => listing.name),
    ['a/1', 'a/2', 'a/3']
  );
  await market.more();
  assert.equal(asked.length, 2);
});

test('a page that follows is dropped when something else was chosen meanwhile', async () => {
  const late = deferred<Page>();
  const { send } = transport(({ options }) =>
    options.query?.after ? late.promise : page(options.query?.kind ? 1 : 3, 'here', ['a/1'])
  );
  const market = new MarketModel(new Api(send));
  await market.apply();
  const more = market.more();
  await market.apply({ kind: 'model' });
  late.resolve(page(3, null, ['a/2']));
  await more;
  assert.equal(market.results.value?.items.length, 1);
});

test('only what is a query is remembered', () => {
  assert.deepEqual(remembered({ text: 'dunes', sort: 7, other: 'x' }), { text: 'dunes' });
  assert.deepEqual(remembered('dunes'), {});
  assert.deepEqual(remembered(null), {});
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
