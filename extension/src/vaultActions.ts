import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { addBelowIcon, copyIcon } from '@jupyterlab/ui-components';
import { Menu } from '@lumino/widgets';

import { fileCode, folderCode } from './code';
import type { Desk } from './desk';
import type { Picked } from './dropped';
import type { Row, VaultsModel } from './model/vaults';

/** What can be done with a row of the tree of vaults. */
export interface VaultActions {
  /** Code that opens what the row stands for. */
  code: (row: Row) => string;
  /** What Enter or a double click does. */
  activate: (row: Row) => void;
  /** Show what can be done with the active row, at a place on the screen. */
  menu: (x: number, y: number) => void;
  publish: (files: Picked[], into?: Row) => void;
}

// Dialogs come when they are asked for.
const publishing = () => import('./publishing');
const sharing = () => import('./sharing');

const url = (row: Row): string =>
  `vault://${row.vault.name}@${row.vault.version}${row.path ? `/${row.path}` : ''}`;

/** The commands on the active row, their menu, and what the tree itself calls. `desk` is asked for when they run. */
export function vaultActions(
  app: JupyterFrontEnd,
  vaults: VaultsModel,
  trans: TranslationBundle,
  desk: () => Desk
): VaultActions {
  const code = (row: Row): string => {
    const account = desk().session.codeAccount;
    return row.kind === 'file' ? fileCode(url(row), account) : folderCode(url(row), account);
  };
  const own = (row: Row): boolean => row.vault.owned;
  const published = (row: Row): boolean => row.vault.version > 0;
  const menu = new Menu({ commands: app.commands });
  const add = (
    id: string,
    label: string,
    visible: (row: Row) => boolean,
    execute: (row: Row) => unknown,
    icon?: typeof copyIcon
  ): void => {
    const command = `sahara-lab:vault-${id}`;
    app.commands.addCommand(command, {
      label,
      icon,
      isVisible: () => vaults.activeRow !== undefined && visible(vaults.activeRow),
      isEnabled: () => vaults.activeRow !== undefined && visible(vaults.activeRow),
      execute: () => vaults.activeRow && execute(vaults.activeRow)
    });
    menu.addItem({ command });
  };
  const readable = (row: Row): boolean => published(row) && row.vault.readable;
  add('insert', trans.__('Insert Code'), readable, row => desk().insert(code(row)), addBelowIcon);
  add('copy', trans.__('Copy Path'), published, row => desk().copy(url(row)), copyIcon);
  add('open', trans.__('Open Page'), published, row => desk().open(row.vault.name));
  menu.addItem({ type: 'separator' });
  add(
    'who',
    trans.__('Who Can Read'),
    row => own(row) && published(row),
    async row => (await sharing()).whoCanRead(desk(), row.vault)
  );
  add(
    'share',
    trans.__('Share…'),
    row => own(row) && published(row),
    async row => (await sharing()).share(desk(), row)
  );
  add(
    'unshare',
    trans.__('Stop Sharing…'),
    row => own(row) && published(row),
    async row => (await sharing()).stopSharing(desk(), row.vault)
  );
  add(
    'rotate',
    trans.__('Renew Keys…'),
    row => own(row) && published(row),
    async row => (await sharing()).renewKeys(desk(), row.vault)
  );
  menu.addItem({ type: 'separator' });
  add(
    'publish',
    trans.__('Publish Changes…'),
    row => own(row) && row.vault.changes > 0,
    async row => (await publishing()).publishVersion(desk(), row.vault, [])
  );
  return {
    code,
    activate: row =>
      row.kind === 'file'
        ? void desk().insert(code(row))
        : row.kind === 'about' && own(row)
          ? void sharing().then(({ whoCanRead }) => whoCanRead(desk(), row.vault))
          : desk().open(row.vault.name),
    menu: (x, y) => menu.open(x, y),
    publish: (files, into) => void publishing().then(({ publish }) => publish(desk(), files, into))
  };
}
