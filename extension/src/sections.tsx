import { PanelWithToolbar, refreshIcon, type SidePanel, ToolbarButton } from '@jupyterlab/ui-components';
import type { AccordionPanel, PanelLayout, Widget } from '@lumino/widgets';
import React from 'react';

import type { Desk } from './desk';
import { view } from './panel';
import { JobsView } from './views/jobs';
import { LibraryView } from './views/library';
import { MarketView } from './views/market';
import { AccountView, NetworkView } from './views/session';
import { VaultsView } from './views/vaults';
import { WalletView } from './views/wallet';

/** Put head, sections and foot into the sidebar. */
export function fill(panel: SidePanel, desk: Desk): void {
  const { trans, library, vaults, jobs, market } = desk;
  const section = (label: string, element: JSX.Element, refresh: () => Promise<void>): Widget => {
    const made = sectionOf(desk, label, element, refresh);
    panel.addWidget(made);
    return made;
  };
  panel.header.addWidget(view(desk, <AccountView />));
  panel.header.addWidget(view(desk, <WalletView />));
  const search = section(trans.__('Market'), <MarketView />, () => market.apply());
  const mine = section(trans.__('My assets'), <LibraryView />, () => library.content.refresh());
  const shelf = section(trans.__('My vaults'), <VaultsView />, () => vaults.refresh());
  const running = section(trans.__('Jobs'), <JobsView />, () => jobs.refresh());
  (panel.layout as PanelLayout).addWidget(view(desk, <NetworkView />));
  const accordion = panel.content as AccordionPanel;
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
  search.title.caption = trans.__('Find and license datasets and models');
  shelf.addClass('jp-mod-filled');
  shelf.title.caption = trans.__('Encrypted files that you own or hold a license for');

  const count = (): void => {
    const content = library.content.value;
    const assets = content ? content.published.length + content.licenses.length : 0;
    mine.title.label = assets ? trans.__('My assets (%1)', String(assets)) : trans.__('My assets');
    const listed = vaults.list.value?.length;
    shelf.title.label = listed ? trans.__('My vaults (%1)', String(listed)) : trans.__('My vaults');
    running.title.label = jobs.active ? trans.__('Jobs (%1 running)', String(jobs.active)) : trans.__('Jobs');
  };
  for (const model of [library.content, vaults.list, jobs.list]) {
    model.changed.connect(count);
  }
  count();
}

function sectionOf(desk: Desk, label: string, element: JSX.Element, refresh: () => Promise<void>): Widget {
  const panel = new PanelWithToolbar();
  panel.addClass('jp-Sahara-panel');
  panel.title.label = label;
  panel.toolbar.addItem(
    'refresh',
    new ToolbarButton({
      icon: refreshIcon,
      tooltip: desk.trans.__('Refresh'),
      onClick: () => void refresh()
    })
  );
  panel.toolbar.node.setAttribute('aria-label', label);
  panel.addWidget(view(desk, element));
  return panel;
}
