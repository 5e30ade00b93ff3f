import { type ISignal, Signal } from '@lumino/signaling';

import type { Api } from '../api';
import { type Grant, LabError, type Status } from '../values';

/** A wallet's way to take requests (EIP-1193). */
export interface Provider {
  request: (asked: { method: string; params?: unknown }) => Promise<unknown>;
  on?: (event: string, listener: (value: unknown) => void) => void;
  removeListener?: (event: string, listener: (value: unknown) => void) => void;
}

/** A wallet that announced itself (EIP-6963). */
export interface Announced {
  info: { uuid: string; name: string };
  provider: Provider;
}

/** Where wallets announce themselves: the window. */
export type Place = Pick<EventTarget, 'addEventListener' | 'dispatchEvent'>;

/** What a page says about a wallet, in the person's language. */
export interface Words {
  declined: string;
  busy: string;
  late: (seconds: number) => string;
  away: string;
  unknownChain: (chain: number) => string;
  failed: (what: string) => string;
}

/** A person reads before they confirm; a wallet that was closed answers never. */
const PATIENCE = 120_000;

/** A wallet in the browser: found, connected, and asked to pay what the server prepared. Keys and rules are not here. */
export class WalletModel {
  private readonly _changed = new Signal<this, void>(this);
  private readonly listeners: [string, (value: unknown) => void][] = [
    ['accountsChanged', value => this.moved(value)],
    ['chainChanged', value => this.switched(value)],
    ['disconnect', () => this.disconnect()]
  ];

  found: Announced[] = [];
  connected: Announced | null = null;
  address = '';
  chain = 0;

  constructor(
    place: Place,
    private readonly words: Words,
    private readonly patience = PATIENCE
  ) {
    place.addEventListener('eip6963:announceProvider', event => this.announced(event));
    place.dispatchEvent(new Event('eip6963:requestProvider'));
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Ask a wallet for its account. */
  async connect(wallet: Announced): Promise<void> {
    this.disconnect();
    const accounts = await this.ask(wallet.provider, 'eth_requestAccounts');
    const chain = await this.ask(wallet.provider, 'eth_chainId');
    this.connected = wallet;
    this.listeners.forEach(([event, listener]) => wallet.provider.on?.(event, listener));
    this.switched(chain);
    this.moved(accounts);
  }

  /** Forget the wallet; what it allows this page is the wallet's business. */
  disconnect(): void {
    const { connected } = this;
    this.listeners.forEach(([event, listener]) => connected?.provider.removeListener?.(event, listener));
    this.connected = null;
    this.address = '';
    this.chain = 0;
    this._changed.emit();
  }

  /** Have the wallet work on the lab's network; one that does not know it is told about it where its address is public. */
  async use(network: Status['network']): Promise<void> {
    const provider = this.provider();
    const chainId = `0x${network.chain.toString(16)}`;
    if (this.chain === network.chain) {
      return;
    }
    try {
      await this.ask(provider, 'wallet_switchEthereumChain', [{ chainId }]);
    } catch (error) {
      if (!(error instanceof LabError) || error.code !== 'wallet-chain') {
        throw error;
      }
      if (!network.rpc) {
        throw new LabError(this.words.unknownChain(network.chain), 'wallet');
      }
      const chain = {
        chainId,
        chainName: `Sahara Lab (${network.name})`,
        rpcUrls: [network.rpc],
        nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }
      };
      await this.ask(provider, 'wallet_addEthereumChain', [chain]);
    }
    this.switched(await this.ask(provider, 'eth_chainId'));
    if (this.chain !== network.chain) {
      throw new LabError(this.words.unknownChain(network.chain), 'wallet');
    }
  }

  /** Pay for a license of the account that acts: sign for the price that was shown, send, and wait for the license. */
  async pay(api: Api, network: Status['network'], wish: Wish): Promise<Grant> {
    await this.use(network);
    const provider = this.provider();
    const payer = this.address;
    const begun = await api.checkout({ ...wish, payer });
    const signature = begun.permit
      ? String(await this.ask(provider, 'eth_signTypedData_v4', [payer, JSON.stringify(begun.permit)]))
      : '';
    const { transaction } = await api.transaction({ ...wish, payer, deadline: begun.deadline, signature });
    const hash = String(await this.ask(provider, 'eth_sendTransaction', [transaction]));
    return api.outcome(hash);
  }

  // -- what wallets say -----------------------------------------------------------------------------

  private announced(event: Event): void {
    const { info, provider } = ((event as CustomEvent).detail ?? {}) as Partial<Announced>;
    const known = this.found.some(wallet => wallet.info.uuid === info?.uuid);
    if (typeof info?.name === 'string' && typeof info.uuid === 'string' && provider?.request && !known) {
      this.found = [...this.found, { info: { uuid: info.uuid, name: info.name.slice(0, 40) }, provider }];
      this._changed.emit();
    }
  }

  private moved(accounts: unknown): void {
    const [first] = Array.isArray(accounts) ? (accounts as unknown[]) : [];
    if (typeof first === 'string') {
      this.address = first;
      this._changed.emit();
    } else {
      this.disconnect();
    }
  }

  private switched(chain: unknown): void {
    this.chain = Number(chain);
    this._changed.emit();
  }

  private provider(): Provider {
    if (!this.connected) {
      throw new LabError(this.words.away, 'wallet');
    }
    return this.connected.provider;
  }

  /** One request to a wallet, with an end, and its refusals in words. */
  private async ask(provider: Provider, method: string, params: unknown[] = []): Promise<unknown> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const said = this.words.late(Math.round(this.patience / 1000));
      timer = setTimeout(() => reject(new LabError(said, 'wallet')), this.patience);
    });
    try {
      return await Promise.race([provider.request({ method, params }), late]);
    } catch (error) {
      throw error instanceof LabError ? error : this.refused(error);
    } finally {
      clearTimeout(timer);
    }
  }

  private refused(error: unknown): LabError {
    const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
    switch (code) {
      case 4001:
        return new LabError(this.words.declined, 'wallet');
      case 4902:
        return new LabError(this.words.away, 'wallet-chain');
      case 4900:
      case 4901:
        return new LabError(this.words.away, 'wallet');
      case -32002:
        return new LabError(this.words.busy, 'wallet');
      default:
        return new LabError(this.words.failed(String(message ?? error).slice(0, 200)), 'wallet');
    }
  }
}

/** A license that somebody wants, at most at a price. */
export interface Wish {
  name: string;
  license: string;
  max_price: string;
}

/** An address as people compare it: its beginning and its end. */
export const shortAddress = (address: string): string => `${address.slice(0, 6)}…${address.slice(-4)}`;
