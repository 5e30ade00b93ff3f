import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { addBelowIcon, copyIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { listingCode, openCode } from './code';
import type { Desk } from './desk';
import { sentence } from './format';
import { LabError } from './values';

export const CommandIDs = {
  open: 'sahara-lab:open',
  asset: 'sahara-lab:open-asset',
  license: 'sahara-lab:license-asset',
  insert: 'sahara-lab:insert-asset-code',
  copyName: 'sahara-lab:copy-asset-name',
  jobs: 'sahara-lab:refresh-jobs',
  startNetwork: 'sahara-lab:start-network'
} as const;

const ONE_ASSET = {
  args: {
    type: 'object',
    properties: { name: { type: 'string', description: 'owner/name; asked for when it is not given' } }
  }
};

/**
 * Commands on one asset: the one that is named, else the one that was clicked on, else the one in front; from the palette the
 * person is asked. `show` opens its page.
 */
export function assetCommands(
  app: JupyterFrontEnd,
  desk: Desk,
  front: () => string,
  show: (name: string) => unknown
): void {
  const { trans } = desk;
  const pointedAt = (): string =>
    app.contextMenuHitTest(node => node.dataset.saharaAsset !== undefined)?.dataset.saharaAsset ?? '';
  const named = async (args: ReadonlyPartialJSONObject): Promise<string> => {
    const known =
      typeof args.name === 'string' && args.name
        ? args.name
        : args.isPalette
          ? args.ask
            ? ''
            : front()
          : pointedAt() || front();
    if (known) {
      return known;
    }
    const answer = await InputDialog.getText({
      title: trans.__('Which asset?'),
      label: trans.__('Its owner and name, as alice/digits'),
      placeholder: 'alice/digits'
    });
    return answer.button.accept ? (answer.value ?? '').trim() : '';
  };
  const add = (id: string, label: string, run: (name: string) => unknown, icon?: typeof copyIcon): void => {
    app.commands.addCommand(id, {
      label: args => (args.isPalette ? trans.__('Sahara: %1', label) : label),
      icon: args => (args.isPalette ? undefined : icon),
      describedBy: ONE_ASSET,
      execute: async args => {
        const name = await named(args);
        try {
          return name ? await run(name) : undefined;
        } catch (error) {
          Notification.error(sentence(LabError.from(error)), { autoClose: false });
        }
      }
    });
  };
  add(CommandIDs.asset, trans.__('Open Asset'), show);
  add(CommandIDs.license, trans.__('License Asset…'), name => desk.license(name, ''));
  add(
    CommandIDs.insert,
    trans.__('Insert Code into Notebook'),
    async name => {
      const asset = await desk.api.asset(name);
      const readable = asset.owned || asset.held.some(grant => grant.status === 'valid');
      const account = desk.session.codeAccount;
      return desk.insert(readable ? openCode(asset, account) : listingCode(asset, false, account));
    },
    addBelowIcon
  );
  add(CommandIDs.copyName, trans.__('Copy Name'), name => desk.copy(name), copyIcon);
}

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
