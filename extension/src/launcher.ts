import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';

import { CommandIDs } from './commands';
import { type Desk, IDesk } from './desk';

/** Cards of the launcher: the market, and a folder to publish. */
export const launcherPlugin: JupyterFrontEndPlugin<void> = {
  id: 'sahara-lab:launcher',
  description: 'The market in the launcher.',
  autoStart: true,
  requires: [IDesk],
  optional: [ILauncher],
  activate: (_: JupyterFrontEnd, desk: Desk, launcher: ILauncher | null) => {
    launcher?.add({
      command: CommandIDs.open,
      category: desk.trans.__('Sahara Lab'),
      rank: 0,
      args: { isLauncher: true }
    });
  }
};
