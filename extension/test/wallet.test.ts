import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../src/api';
import { type Announced, WalletModel, type Words } from '../src/model/wallet';
import { transport } from './support';

const words: Words = {
  declined: 'declined',
  busy: 'busy',
  late: seconds => `late ${seconds}`,
  away: 'away',
  unknownChain: chain => `unknown ${chain}`,
  failed: what => `failed: ${what}`
};

const network = {
  name: 'local',
  up: true,
  embedded: true,
  message: '',
  hint: '',
  recovered: '',
  block: 1,
  chain: 31337,
  rpc: 'http://127.0.0.1:8545'
};

type Answer = (params: unknown) => unknown;

/** A wallet whose answers are given, and what it was asked. */
function wallet(answers: Record<string, Answer>): { announced: Announced; asked: string[] } {
  const asked: string[] = [];
  const defaults: Record<string, Answer> = {
    eth_requestAccounts: () => ['0x00000000000000000000000000000000000000aa'],
    eth_chainId: () => '0x7a69',
    eth_signTypedData_v4: () => '0x01',
    eth_sendTransaction: () => '0x02'
  };
  const provider = {
    request: async ({ method, params }: { method: string; params?: unknown }) => {
      asked.push(method);
      return (answers[method] ?? defaults[method])(params);
    }
  };
  return { announced: { info: { uuid: 'one', name: 'Test' }, provider }, asked };
}

const refuse = (code: number) => (): never => {
  throw { code, message: 'no' };
};

async function connected(
  answers: Record<string, Answer> = {},
  patience = 50
): Promise<{ model: WalletModel; asked: string[] }> {
  const made = wallet(answers);
  const model = new WalletModel(new EventTarget(), words, patience);
  await model.connect(made.announced);
  made.asked.length = 0;
  return { model, asked: made.asked };
}

const server = (): Api =>
  new Api(
    transport(({ path }) =>
      path === 'checkout'
        ? { permit: { a: 1 }, deadline: '9' }
        : path === 'checkout/transaction'
          ? { transaction: {} }
          : { id: 7 }
    ).send
  );
const wish = { name: 'alice/digits', license: 'Commercial', max_price: '5' };

test('wallets that announce themselves are found once each, and odd ones not at all', () => {
  const place = new EventTarget();
  const model = new WalletModel(place, words);
  const { announced } = wallet({});
  for (const detail of [
    announced,
    announced,
    { info: { uuid: 'x' } },
    null,
    { info: { name: 1, uuid: 2 }, provider: {} }
  ]) {
    place.dispatchEvent(Object.assign(new Event('eip6963:announceProvider'), { detail }));
  }
  assert.deepEqual(
    model.found.map(found => found.info.name),
    ['Test']
  );
});

test('a purchase signs once, sends once, and brings the license', async () => {
  const { model, asked } = await connected();
  assert.equal((await model.pay(server(), network, wish)).id, 7);
  assert.deepEqual(asked, ['eth_signTypedData_v4', 'eth_sendTransaction']);
});

test('a wallet on another network is switched, and told about ours when it does not know it', async () => {
  let chain = '0x1';
  const { model, asked } = await connected({
    eth_chainId: () => chain,
    wallet_switchEthereumChain: refuse(4902),
    wallet_addEthereumChain: () => {
      chain = '0x7a69';
      return null;
    }
  });
  await assert.rejects(model.use({ ...network, rpc: '' }), /unknown 31337/);
  await model.use(network);
  assert.equal(model.chain, 31337);
  assert.equal(asked.includes('wallet_addEthereumChain'), true);
});

for (const [code, said] of [
  [4001, 'declined'],
  [-32002, 'busy'],
  [4900, 'away'],
  [-32603, 'failed: no']
] as const) {
  test(`refusal ${code} is said in words, and nothing is sent`, async () => {
    const { model, asked } = await connected({ eth_signTypedData_v4: refuse(code) });
    await assert.rejects(model.pay(server(), network, wish), { message: said });
    assert.equal(asked.includes('eth_sendTransaction'), false);
  });
}

test('a wallet that never answers is given up', async () => {
  const { model } = await connected({ eth_signTypedData_v4: () => new Promise(() => undefined) }, 20);
  await assert.rejects(model.pay(server(), network, wish), { message: 'late 0' });
});
