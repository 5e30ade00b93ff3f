import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

export const CommandIDs = {
  open: 'sahara-lab:open',
  asset: 'sahara-lab:open-asset',
  jobs: 'sahara-lab:refresh-jobs',
  startNetwork: 'sahara-lab:start-network'
} as const;

/** Put code into a new cell below the active one of the last used notebook; without a notebook, on the clipboard. */
export async function insertCode(
  app: JupyterFrontEnd,
  code: string,
  trans: TranslationBundle
): Promise<void> {
  const notebook = Array.from(app.shell.widgets('main')).some(widget => widget.hasClass('jp-NotebookPanel'));
  if (!notebook) {
    await navigator.clipboard.writeText(code);
    Notification.info(trans.__('No notebook is open. The code is on the clipboard.'), { autoClose: 4000 });
    return;
  }
  await app.commands.execute('notebook:insert-cell-below');
  await app.commands.execute('notebook:replace-selection', { text: code });
}
