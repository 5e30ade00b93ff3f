import { MainAreaWidget, ReactWidget } from '@jupyterlab/apputils';
import { SidePanel } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React, { lazy, Suspense } from 'react';

import { type Desk, DeskProvider } from './desk';
import { kindIcon, saharaIcon } from './icons';
import { Loader } from './model/loader';
import type { Asset } from './values';

export const PANEL_ID = 'sahara-lab-panel';

const DetailView = lazy(async () => ({ default: (await import('./views/detail')).DetailView }));

export function view(desk: Desk, element: JSX.Element): ReactWidget {
  return ReactWidget.create(<DeskProvider value={desk}>{element}</DeskProvider>);
}

/** The sidebar: account, market, own assets, vaults, jobs, network. What is in it comes when it is first seen. */
export class SaharaPanel extends SidePanel {
  /** Something may have changed while the panel was out of sight. */
  private stale = true;
  private filled: Promise<void> | null = null;

  constructor(private readonly desk: Desk) {
    super();
    const { trans } = desk;
    this.id = PANEL_ID;
    this.addClass('jp-Sahara');
    this.title.icon = saharaIcon;
    this.title.caption = trans.__('Sahara Lab');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Sahara Lab'));
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

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this.fill();
    if (this.stale) {
      this.look();
    }
  }

  protected onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    void this.fill().then(() => this.node.querySelector<HTMLInputElement>('input[type=search]')?.focus());
  }

  private fill(): Promise<void> {
    this.filled ??= import('./sections').then(({ fill }) => fill(this, this.desk));
    return this.filled;
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
    super({
      content: view(
        desk,
        <Suspense fallback={null}>
          <DetailView asset={asset} />
        </Suspense>
      )
    });
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
