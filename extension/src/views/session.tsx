import { refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { useDesk } from '../desk';
import { formatShort, formatAmount, SYMBOL } from '../format';
import { saharaIcon } from '../icons';
import { networkProblem } from '../model/session';
import { Action, Hint, useSignals } from './parts';

/** The panel's head: who acts, and how much they have. */
export function AccountView(): JSX.Element {
  const { session, trans } = useDesk();
  useSignals(session.status.changed, session.accountChanged);
  const status = session.status.value;
  const accounts = status?.accounts ?? [];
  const listed =
    accounts.includes(session.account) || !session.account ? accounts : [session.account, ...accounts];
  return (
    <div className="jp-Sahara-account">
      <saharaIcon.react tag="span" width={22} height={22} />
      <select
        aria-label={trans.__('Account that acts')}
        value={session.account}
        disabled={listed.length < 2}
        onChange={event => void session.use(event.target.value)}
      >
        {listed.map(account => (
          <option key={account} value={account}>
            {account}
          </option>
        ))}
      </select>
      {status?.balance && (
        <span className="jp-Sahara-balance" title={trans.__('Balance: %1', formatAmount(status.balance))}>
          {formatShort(status.balance)} <small>{SYMBOL}</small>
        </span>
      )}
    </div>
  );
}

/** The panel's foot: whether the network is up, and the way to repair it when it is not. */
export function NetworkView(): JSX.Element {
  const { session, trans } = useDesk();
  useSignals(session.status.changed);
  const status = session.status.value;
  const problem = networkProblem(session);
  const state = session.starting ? 'starting' : problem ? 'down' : status ? 'up' : 'unknown';
  const words = {
    starting: trans.__('Starting the network'),
    down: problem?.message ?? '',
    up: status ? trans.__('%1 network, block %2', status.network.name, String(status.network.block)) : '',
    unknown: trans.__('Looking for the network')
  };
  return (
    <div className="jp-Sahara-network" data-state={state}>
      <div className="jp-Sahara-networkLine" role="status">
        <span className="jp-Sahara-light" aria-hidden="true" />
        <span>{words[state]}</span>
        <button
          type="button"
          className="jp-Sahara-iconButton"
          aria-label={trans.__('Refresh')}
          title={trans.__('Refresh')}
          onClick={() => void session.status.refresh()}
        >
          <refreshIcon.react tag="span" width={14} height={14} />
        </button>
      </div>
      {status?.network.recovered && state === 'up' && (
        <p className="jp-Sahara-hint">{status.network.recovered}</p>
      )}
      {state === 'down' && problem && (
        <div className="jp-Sahara-repair">
          {problem.hint && <Hint text={problem.hint} />}
          {status?.network.embedded && problem.code === 'network' && (
            <Action accent label={trans.__('Start it')} onClick={() => void session.startNetwork()} />
          )}
        </div>
      )}
    </div>
  );
}
