import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';

import { Api } from './api';
import { assetCommands, CommandIDs, insertCode } from './commands';
import { type Desk, IDesk } from './desk';
import { saharaIcon } from './icons';
import { launcherPlugin } from './launcher';
import { strictMarkdown } from './markdown';
import { Changes } from './model/changes';
import { JobsModel } from './model/jobs';
import { LibraryModel } from './model/library';
import { MarketModel, remembered } from './model/market';
import { SessionModel } from './model/session';
import { UploadModel } from './model/upload';
import { type Memory, VaultsModel } from './model/vaults';
import { WalletModel } from './model/wallet';
import { AssetPage, PANEL_ID, SaharaPanel } from './panel';
import { sendTo } from './request';
import { runningPlugin } from './running';
import { Settings } from './settings';
import { statusPlugin } from './status';
import { vaultActions } from './vaultActions';
import { VERSION } from './version';
import { walletWords } from './views/wallet';

/** Open folders of each account, kept with the workspace. */
function memory(state: IStateDB | null, session: SessionModel): Memory {
  const id = (account: string): string => `sahara-lab:vaults:${account || session.account}`;
  return {
    load: async account => ((await state?.fetch(id(account))) as string[] | undefined) ?? [],
    save: async (account, open) => void (await state?.save(id(account), open))
  };
}

const QUERY_ID = 'sahara-lab:market';

/** Begin with what was searched for before the page was loaded, and keep what is searched for next. */
async function resume(state: IStateDB | null, market: MarketModel): Promise<void> {
  market.recall(remembered(await state?.fetch(QUERY_ID).catch(() => undefined)));
  market.results.changed.connect(() => {
    if (!market.results.loading) {
      void state?.save(QUERY_ID, { ...market.query });
    }
  });
}

/** When the lab has drawn itself; what the sidebar asks for makes the server work. */
function idle(): Promise<void> {
  return new Promise(resolve => requestIdleCallback(() => resolve(), { timeout: 3000 }));
}

/** Say once that the two halves are of different versions, and how to bring them together. */
function handshake(session: SessionModel, trans: TranslationBundle): void {
  const compare = (): void => {
    if (session.otherVersion) {
      session.status.changed.disconnect(compare);
      Notification.warning(
        trans.__(
          'The sidebar is Sahara Lab %1 and the server %2. Restart JupyterLab, then reload this page.',
          VERSION,
          session.otherVersion
        ),
        { autoClose: false }
      );
    }
  };
  session.status.changed.connect(compare);
}

/** The sidebar, the asset pages, and the commands that open them. */
const plugin: JupyterFrontEndPlugin<Desk> = {
  id: 'sahara-lab:plugin',
  description: 'Search, license and follow AI assets from a sidebar.',
  autoStart: true,
  provides: IDesk,
  optional: [ICommandPalette, ILayoutRestorer, IRenderMimeRegistry, ITranslator, IStateDB, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    rendermime: IRenderMimeRegistry | null,
    translator: ITranslator | null,
    state: IStateDB | null,
    registry: ISettingRegistry | null
  ): Desk => {
    const trans = (translator ?? nullTranslator).load('sahara_lab');
    const api = new Api(sendTo(app.serviceManager.serverSettings, trans));
    const pages = new WidgetTracker<AssetPage>({ namespace: 'sahara-lab-assets' });
    const settings = new Settings();
    const session = new SessionModel(api);
    const jobs = new JobsModel(api);
    const library = new LibraryModel(api);
    const market = new MarketModel(api);
    const vaults = new VaultsModel(api, memory(state, session));
    const uploads = new UploadModel(api);

    const refresh = (): void => {
      panel.look();
      pages.forEach(page => void page.asset.refresh());
    };
    session.networkUp.connect(refresh);
    const changes = new Changes(app.serviceManager.events.stream);
    changes.changed.connect((_, what) => {
      if (what === 'jobs') {
        void jobs.refresh();
      } else if (what === 'market') {
        refresh();
      } else if (what === 'reviews') {
        void library.content.refresh();
      } else {
        void session.status.refresh();
      }
    });
    session.accountChanged.connect(() => {
      library.content.clear();
      vaults.clear();
      refresh();
    });

    /** What is being bought: a second press while the first one is under way buys nothing. */
    const buying = new Set<string>();
    const desk: Desk = {
      api,
      session,
      market,
      library,
      vaults,
      uploads,
      jobs,
      wallet: new WalletModel(window, walletWords(trans)),
      settings,
      trans,
      markdown: rendermime ? strictMarkdown(rendermime) : null,
      open: name => void app.commands.execute(CommandIDs.asset, { name }),
      insert: code => insertCode(app, code, trans),
      copy: text => {
        void navigator.clipboard.writeText(text);
        Notification.success(trans.__('Copied'), { autoClose: 1500 });
      },
      license: async (name, flavor) => {
        if (buying.has(name)) {
          return;
        }
        buying.add(name);
        try {
          const { purchase } = await import('./purchase');
          if (await purchase(desk, name, flavor)) {
            desk.refresh();
            desk.open(name);
          }
        } finally {
          buying.delete(name);
        }
      },
      refresh: () => {
        refresh();
        void session.status.refresh();
      },
      actions: vaultActions(app, vaults, trans, () => desk)
    };
    void settings.follow(registry, plugin.id).then(async () => {
      api.account ||= settings.account;
      market.query.sort = settings.order;
      await resume(state, market);
      await app.restored;
      await idle();
      session.start();
      jobs.start();
    });
    handshake(session, trans);
    window.addEventListener('beforeunload', event => uploads.busy && event.preventDefault());
    uploads.published.connect((_, name) => {
      uploads.dismiss();
      Notification.success(trans.__('%1 is published', name), { autoClose: 5000 });
      refresh();
    });

    const panel = new SaharaPanel(desk);
    app.shell.add(panel, 'left', { rank: 600, type: 'Sahara Lab' });
    restorer?.add(panel, PANEL_ID);

    app.commands.addCommand(CommandIDs.open, {
      label: args => (args.isLauncher ? trans.__('Market') : trans.__('Sahara: Open the Market')),
      caption: trans.__('Find and license datasets and models'),
      describedBy: { args: { type: 'object', properties: { isLauncher: { type: 'boolean' } } } },
      icon: saharaIcon,
      execute: () => app.shell.activateById(PANEL_ID)
    });
    const show = (name: string): AssetPage => {
      const found = pages.find(page => page.name === name);
      const page = found ?? new AssetPage(desk, name);
      if (!found) {
        void pages.add(page);
        app.shell.add(page, 'main');
      }
      app.shell.activateById(page.id);
      return page;
    };
    assetCommands(app, desk, () => pages.currentWidget?.name ?? '', show);
    app.commands.addCommand(CommandIDs.jobs, {
      label: trans.__('Sahara: Refresh Jobs'),
      execute: () => jobs.refresh()
    });
    app.commands.addCommand(CommandIDs.startNetwork, {
      label: trans.__('Sahara: Start the Network'),
      isEnabled: () => !session.up && !session.starting,
      execute: () => session.startNetwork()
    });
    const category = trans.__('Sahara Lab');
    for (const command of [CommandIDs.open, CommandIDs.jobs, CommandIDs.startNetwork]) {
      palette?.addItem({ command, category });
    }
    palette?.addItem({ command: CommandIDs.asset, category, args: { isPalette: true, ask: true } });
    for (const command of [CommandIDs.license, CommandIDs.insert, CommandIDs.copyName]) {
      palette?.addItem({ command, category, args: { isPalette: true } });
    }
    void restorer?.restore(pages, {
      command: CommandIDs.asset,
      args: page => ({ name: page.name }),
      name: page => page.name
    });
    return desk;
  }
};

export default [plugin, statusPlugin, runningPlugin, launcherPlugin];
