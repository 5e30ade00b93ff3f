import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from './api';
import { CommandIDs, insertCode } from './commands';
import type { Desk } from './desk';
import { saharaIcon } from './icons';
import { strictMarkdown } from './markdown';
import { JobsModel } from './model/jobs';
import { LibraryModel } from './model/library';
import { MarketModel } from './model/market';
import { SessionModel } from './model/session';
import { AssetPage, PANEL_ID, SaharaPanel } from './panel';
import { purchase } from './purchase';
import { sendTo } from './request';

/** The sidebar, the asset pages, and the commands that open them. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'sahara-lab:plugin',
  description: 'Search, license and follow AI assets from a sidebar.',
  autoStart: true,
  optional: [ICommandPalette, ILayoutRestorer, IRenderMimeRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    rendermime: IRenderMimeRegistry | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('sahara_lab');
    const api = new Api(sendTo(app.serviceManager.serverSettings, trans));
    const pages = new WidgetTracker<AssetPage>({ namespace: 'sahara-lab-assets' });
    const visible = (): boolean => panel.isVisible;
    const session = new SessionModel(api, visible);
    const jobs = new JobsModel(api, visible);
    const library = new LibraryModel(api);
    const market = new MarketModel(api);

    const refresh = (): void => {
      void market.apply({ page: market.query.page });
      void library.content.refresh();
      pages.forEach(page => void page.asset.refresh());
    };
    session.networkUp.connect(refresh);
    session.accountChanged.connect(() => {
      library.content.clear();
      refresh();
    });

    const desk: Desk = {
      api,
      session,
      market,
      library,
      jobs,
      trans,
      markdown: rendermime ? strictMarkdown(rendermime) : null,
      open: name => void app.commands.execute(CommandIDs.asset, { name }),
      insert: code => insertCode(app, code, trans),
      copy: text => {
        void navigator.clipboard.writeText(text);
        Notification.success(trans.__('Copied'), { autoClose: 1500 });
      },
      license: async (name, flavor) => {
        if (await purchase(desk, name, flavor)) {
          refresh();
          void session.status.refresh();
          desk.open(name);
        }
      }
    };

    const panel = new SaharaPanel(desk);
    app.shell.add(panel, 'left', { rank: 600, type: 'Sahara Lab' });
    restorer?.add(panel, PANEL_ID);

    app.commands.addCommand(CommandIDs.open, {
      label: trans.__('Sahara: Open the Market'),
      icon: saharaIcon,
      execute: () => app.shell.activateById(PANEL_ID)
    });
    app.commands.addCommand(CommandIDs.asset, {
      label: args => (args.name ? trans.__('Open %1', String(args.name)) : trans.__('Sahara: Open an Asset')),
      describedBy: {
        args: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } }
      },
      execute: args => {
        const name = String(args.name ?? '');
        const found = pages.find(page => page.name === name);
        const page = found ?? new AssetPage(desk, name);
        if (!found) {
          void pages.add(page);
          app.shell.add(page, 'main');
        }
        app.shell.activateById(page.id);
        return page;
      }
    });
    app.commands.addCommand(CommandIDs.jobs, {
      label: trans.__('Sahara: Refresh Jobs'),
      execute: () => jobs.refresh()
    });
    app.commands.addCommand(CommandIDs.startNetwork, {
      label: trans.__('Sahara: Start the Network'),
      isEnabled: () => !session.up && !session.starting,
      execute: () => session.startNetwork()
    });
    for (const command of [CommandIDs.open, CommandIDs.jobs, CommandIDs.startNetwork]) {
      palette?.addItem({ command, category: trans.__('Sahara Lab') });
    }
    void restorer?.restore(pages, {
      command: CommandIDs.asset,
      args: page => ({ name: page.name }),
      name: page => page.name
    });
  }
};

export default plugin;
