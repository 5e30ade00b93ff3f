import { MainAreaWidget, ReactWidget } from '@jupyterlab/apputils';
import { PanelWithToolbar, refreshIcon, SidePanel, ToolbarButton } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { AccordionPanel, PanelLayout, type Widget } from '@lumino/widgets';
import React from 'react';

import { type Desk, DeskProvider } from './desk';
import { kindIcon, saharaIcon } from './icons';
import { Loader } from './model/loader';
import type { Asset } from './values';
import { DetailView } from './views/detail';
import { JobsView } from './views/jobs';
import { LibraryView } from './views/library';
import { MarketView } from './views/market';
import { AccountView, NetworkView } from './views/session';
import { VaultsView } from './views/vaults';
import { WalletView } from './views/wallet';

export const PANEL_ID = 'sahara-lab-panel';

function view(desk: Desk, element: JSX.Element): ReactWidget {
  return ReactWidget.create(<DeskProvider value={desk}>{element}</DeskProvider>);
}

/** The sidebar: account, market, own assets, vaults, jobs, network. */
export class SaharaPanel extends SidePanel {
  /** Something may have changed while the panel was out of sight. */
  private stale = true;

  constructor(private readonly desk: Desk) {
    super();
    const { trans, library, vaults, jobs, market } = desk;
    this.id = PANEL_ID;
    this.addClass('jp-Sahara');
    this.title.icon = saharaIcon;
    this.title.caption = trans.__('Sahara Lab');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Sahara Lab'));

    this.header.addWidget(view(desk, <AccountView />));
    this.header.addWidget(view(desk, <WalletView />));
    const search = this.section(trans.__('Market'), <MarketView />, () => market.apply());
    const mine = this.section(trans.__('My assets'), <LibraryView />, () => library.content.refresh());
    const shelf = this.section(trans.__('My vaults'), <VaultsView />, () => vaults.refresh());
    const running = this.section(trans.__('Jobs'), <JobsView />, () => jobs.refresh());
    (this.layout as PanelLayout).addWidget(view(desk, <NetworkView />));
    const accordion = this.content as AccordionPanel;
    // Sections that open share the height by these weights; left alone, one of them may open with no height at all.
    const weights = new Map<Widget, number>([
      [search, 3],
      [mine, 2],
      [shelf, 3],
      [running, 2]
    ]);
    accordion.expansionToggled.connect(() => {
      accordion.setRelativeSizes(
        accordion.widgets.map(section => (section.isHidden ? 0 : (weights.get(section) ?? 1)))
      );
    });
    [mine, shelf, running].forEach(section => accordion.collapse(accordion.widgets.indexOf(section)));

    library.content.changed.connect(() => {
      const content = library.content.value;
      const count = content ? content.published.length + content.licenses.length : 0;
      mine.title.label = count ? trans.__('My assets (%1)', String(count)) : trans.__('My assets');
    });
    vaults.list.changed.connect(() => {
      const count = vaults.list.value?.length;
      shelf.title.label = count ? trans.__('My vaults (%1)', String(count)) : trans.__('My vaults');
    });
    shelf.addClass('jp-mod-filled');
    shelf.title.caption = trans.__('Encrypted files that you own or hold a license for');
    jobs.list.changed.connect(() => {
      running.title.label = jobs.active
        ? trans.__('Jobs (%1 running)', String(jobs.active))
        : trans.__('Jobs');
    });
    search.title.caption = trans.__('Find and license datasets and models');
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    if (this.stale) {
      this.look();
    }
  }

  /** Fetch again what the panel shows, at once or when it comes into sight. */
  look(): void {
    const { session, market, library, vaults } = this.desk;
    this.stale = !this.isVisible || !session.up;
    if (!this.stale) {
      void market.refresh();
      void library.content.refresh();
      void vaults.refresh();
    }
  }

  protected onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    this.node.querySelector<HTMLInputElement>('input[type=search]')?.focus();
  }

  private section(label: string, element: JSX.Element, refresh: () => Promise<void>): Widget {
    const panel = new PanelWithToolbar();
    panel.addClass('jp-Sahara-panel');
    panel.title.label = label;
    panel.toolbar.addItem(
      'refresh',
      new ToolbarButton({
        icon: refreshIcon,
        tooltip: this.desk.trans.__('Refresh'),
        onClick: () => void refresh()
      })
    );
    panel.toolbar.node.setAttribute('aria-label', label);
    panel.addWidget(view(this.desk, element));
    this.addWidget(panel);
    return panel;
  }
}

/** An asset's page in the main area. */
export class AssetPage extends MainAreaWidget<ReactWidget> {
  readonly asset: Loader<Asset>;

  constructor(
    desk: Desk,
    readonly name: string
  ) {
    const asset = new Loader(() => desk.api.asset(name));
    super({ content: view(desk, <DetailView asset={asset} />) });
    this.asset = asset;
    this.id = `sahara-lab-asset:${name}`;
    this.addClass('jp-Sahara');
    this.addClass('jp-Sahara-page');
    this.title.label = name;
    this.title.closable = true;
    this.title.icon = saharaIcon;
    this.toolbar.hide();
    asset.changed.connect(() => {
      if (asset.value) {
        this.title.icon = kindIcon(asset.value.kind);
        this.title.caption = asset.value.title;
      }
    });
    void asset.refresh();
  }
}
