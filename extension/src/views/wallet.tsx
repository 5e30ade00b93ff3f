import { Notification } from '@jupyterlab/apputils';
import { closeIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import { useDesk } from '../desk';
import { shortAddress, type Words } from '../model/wallet';
import { LabError } from '../values';
import { Action, useSignals } from './parts';

/** Refusals and silences of a wallet, said so that a person knows whether anything was paid. */
export function walletWords(trans: TranslationBundle): Words {
  return {
    declined: trans.__('You declined in the wallet. Nothing was paid.'),
    busy: trans.__('The wallet has a question open already. Answer it there, then try again.'),
    late: seconds =>
      trans.__(
        'The wallet did not answer in %1 seconds. Close its question there; if you confirm a payment after all, the license appears by itself.',
        String(seconds)
      ),
    away: trans.__('The wallet is not connected. Connect it in the sidebar, then try again.'),
    unknownChain: chain =>
      trans.__(
        'The wallet is on another network. Choose the network %1 there, then try again.',
        String(chain)
      ),
    failed: what => trans.__('The wallet refused: %1', what)
  };
}

/** Wallets of the browser, the one that is connected, and its network. Nothing where the browser has none. */
export function WalletView(): JSX.Element | null {
  const { wallet, session, trans } = useDesk();
  const [asking, setAsking] = useState(false);
  useSignals(wallet.changed, session.status.changed);
  const network = session.status.value?.network;
  const attempt = async (work: Promise<void>): Promise<void> => {
    setAsking(true);
    await work.catch(error => Notification.error(LabError.from(error).message, { autoClose: false }));
    setAsking(false);
  };
  if (wallet.found.length === 0) {
    return null;
  }
  if (!wallet.connected) {
    return (
      <div className="jp-Sahara-wallet" role="group" aria-label={trans.__('Wallets in this browser')}>
        {wallet.found.map(found => (
          <Action
            key={found.info.uuid}
            label={asking ? trans.__('Asking the wallet') : trans.__('Connect %1', found.info.name)}
            title={trans.__('Licenses can then be paid with this wallet; its keys stay in it')}
            disabled={asking}
            onClick={() => void attempt(wallet.connect(found))}
          />
        ))}
      </div>
    );
  }
  const elsewhere = network?.up && wallet.chain !== network.chain;
  return (
    <div className="jp-Sahara-wallet" role="group" aria-label={trans.__('Connected wallet')}>
      <span className="jp-Sahara-walletName" title={wallet.address}>
        <bdi>{wallet.connected.info.name}</bdi> <code>{shortAddress(wallet.address)}</code>
      </span>
      {elsewhere && network && (
        <Action
          label={trans.__('Switch network')}
          title={trans.__(
            'The wallet is on network %1, the lab on %2',
            String(wallet.chain),
            String(network.chain)
          )}
          disabled={asking}
          onClick={() => void attempt(wallet.use(network))}
        />
      )}
      <button
        type="button"
        className="jp-Sahara-iconButton"
        aria-label={trans.__('Disconnect the wallet')}
        title={trans.__('Disconnect the wallet')}
        onClick={() => wallet.disconnect()}
      >
        <closeIcon.react tag="span" width={12} height={12} />
      </button>
    </div>
  );
}
