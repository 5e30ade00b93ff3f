import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import { createContext, useContext } from 'react';

import type { Api } from './api';
import type { JobsModel } from './model/jobs';
import type { LibraryModel } from './model/library';
import type { MarketModel } from './model/market';
import type { SessionModel } from './model/session';
import type { UploadModel } from './model/upload';
import type { VaultsModel } from './model/vaults';
import type { WalletModel } from './model/wallet';
import type { Settings } from './settings';
import type { VaultActions } from './vaultActions';

/** What every view may use: the models, and the few things it can make the lab do. */
export interface Desk {
  api: Api;
  session: SessionModel;
  market: MarketModel;
  library: LibraryModel;
  vaults: VaultsModel;
  uploads: UploadModel;
  jobs: JobsModel;
  wallet: WalletModel;
  settings: Settings;
  trans: TranslationBundle;
  /** Renders untrusted Markdown without HTML, images or commands of its own. */
  markdown: IRenderMimeRegistry | null;
  /** Open an asset's page in the main area. */
  open: (name: string) => void;
  /** Quote, show who gets what, and pay when the person confirms. */
  license: (name: string, flavor: string) => Promise<void>;
  /** Put code into a new cell of the current notebook, or on the clipboard when there is none. */
  insert: (code: string) => Promise<void>;
  copy: (text: string) => void;
  /** Look again at everything that an action may have changed. */
  refresh: () => void;
  /** What can be done with the vaults. */
  actions: VaultActions;
}

/** For plugins that show more of Sahara Lab elsewhere in the lab. */
export const IDesk = new Token<Desk>(
  'sahara-lab:IDesk',
  'The models of Sahara Lab and what they can make the lab do.'
);

const DeskContext = createContext<Desk | null>(null);

export const DeskProvider = DeskContext.Provider;

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) {
    throw new Error('this view is not inside a DeskProvider');
  }
  return desk;
}
