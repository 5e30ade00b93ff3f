import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ReactWidget } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import React from 'react';

import { CommandIDs } from './commands';
import { type Desk, DeskProvider, IDesk, useDesk } from './desk';
import { formatShort, SYMBOL } from './format';
import { saharaIcon } from './icons';
import { networkProblem } from './model/session';
import { useSignals } from './views/parts';

/** Who acts, how much they have, and on which network, for everywhere in the lab. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'sahara-lab:status',
  description: 'Account, balance and network in the status bar.',
  autoStart: true,
  requires: [IDesk],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, desk: Desk, bar: IStatusBar | null) => {
    if (!bar) {
      return;
    }
    const item = ReactWidget.create(
      <DeskProvider value={desk}>
        <StatusItem open={() => void app.commands.execute(CommandIDs.open)} />
      </DeskProvider>
    );
    bar.registerStatusItem('sahara-lab:status', { item, align: 'left', rank: 600 });
  }
};

function StatusItem(props: { open: () => void }): JSX.Element {
  const { session, settings, trans } = useDesk();
  useSignals(session.status.changed, session.accountChanged, settings.changed);
  const status = session.status.value;
  const problem = networkProblem(session);
  const state = problem ? 'down' : status ? 'up' : 'unknown';
  const words = status
    ? [session.account, status.network.name]
    : [problem ? trans.__('Sahara Lab is away') : trans.__('Sahara Lab')];
  if (status?.balance && settings.balance) {
    words.splice(1, 0, `${formatShort(status.balance)} ${SYMBOL}`);
  }
  return (
    <button
      type="button"
      className="jp-Sahara-status"
      data-state={state}
      title={problem ? problem.message : trans.__('Open Sahara Lab')}
      onClick={props.open}
    >
      <saharaIcon.react tag="span" width={16} height={16} />
      <span>{words.join(' · ')}</span>
      <span className="jp-Sahara-light" role="img" aria-label={LIGHTS(trans)[state]} />
    </button>
  );
}

const LIGHTS = (trans: Desk['trans']): Record<string, string> => ({
  up: trans.__('the network is up'),
  down: trans.__('the network is down'),
  unknown: trans.__('looking for the network')
});
