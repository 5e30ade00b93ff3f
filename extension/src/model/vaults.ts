import { type ISignal, Signal } from '@lumino/signaling';

import type { Api } from '../api';
import { type Entry, LabError, type Reader, type Vault } from '../values';
import { Loader } from './loader';

/** Where the open folders are remembered from one page load to the next. */
export interface Memory {
  load: (account: string) => Promise<string[]>;
  save: (account: string, open: string[]) => Promise<void>;
}

/**
 * A line of the tree. `about` says who can read a vault, `kept` how it is kept; `more` stands for entries that were not fetched yet;
 * `empty`, `loading` and `problem` stand for a folder's content.
 */
export interface Row {
  key: string;
  kind: 'vault' | 'directory' | 'file' | 'about' | 'kept' | 'more' | 'empty' | 'loading' | 'problem';
  vault: Vault;
  /** The folder the row belongs to, for a file or folder its own path. */
  path: string;
  label: string;
  size: number | null;
  depth: number;
  position: number;
  siblings: number;
  expanded?: boolean;
  error?: LabError;
}

interface Folder {
  entries: Entry[];
  total: number;
  loading: boolean;
  error: LabError | null;
}

const PAGE = 500;

const join = (folder: string, name: string): string => (folder ? `${folder}/${name}` : name);
const folderKey = (vault: Vault, path: string): string => `${vault.name}/${path}`;

/** The account's vaults as a tree whose folders are fetched when they are opened, page by page. */
export class VaultsModel {
  private readonly _changed = new Signal<this, void>(this);
  private readonly folders = new Map<string, Folder>();
  private readonly open = new Set<string>();
  private readonly readers = new Map<string, Loader<Reader[]>>();
  private readonly roots = new Map<string, string>();
  private remembered: string | null = null;
  private kept: Row[] | null = null;

  readonly list: Loader<Vault[]>;
  /** The key of the row that has the keyboard. */
  active = '';

  constructor(
    private readonly api: Api,
    private readonly memory: Memory
  ) {
    this.list = new Loader(() => api.vaults());
    this.list.changed.connect(() => this.changeNow());
  }

  /** Rows, or something that they show, changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** All lines of the tree from top to bottom, those out of sight included. */
  get rows(): Row[] {
    this.kept ??= this.flatten();
    return this.kept;
  }

  get activeRow(): Row | undefined {
    return this.rows.find(row => row.key === this.active);
  }

  /** Fetch the list again and, where a version is new or somebody may have changed something, what is open. */
  async refresh(): Promise<void> {
    await this.recall();
    const before = new Map((this.list.value ?? []).map(vault => [vault.name, vault.version]));
    await this.list.refresh();
    for (const vault of this.list.value ?? []) {
      const failed = [...this.folders].some(
        ([key, folder]) => folder.error && key.startsWith(`${vault.name}/`)
      );
      if (failed || before.get(vault.name) !== vault.version) {
        this.forget(vault.name);
      }
      this.readers.delete(vault.name);
      await this.restore(vault, '');
    }
    this.changeNow();
  }

  /** Forget everything, for instance because another account acts. */
  clear(): void {
    this.folders.clear();
    this.readers.clear();
    this.roots.clear();
    this.open.clear();
    this.remembered = null;
    this.active = '';
    this.list.clear();
  }

  select(key: string): void {
    if (key !== this.active) {
      this.active = key;
      this._changed.emit();
    }
  }

  isOpen(vault: Vault, path = ''): boolean {
    return this.open.has(folderKey(vault, path));
  }

  /** Open or close a vault or folder; fetch what is missing when the row stands for that. */
  async toggle(row: Row): Promise<void> {
    if (row.kind === 'problem' || row.kind === 'more') {
      await this.fetch(row.vault, row.path);
    } else if (row.expanded !== undefined) {
      await (row.expanded ? this.collapse(row) : this.expand(row));
    }
  }

  async expand(row: Row): Promise<void> {
    this.open.add(folderKey(row.vault, row.path));
    this.save();
    await this.restore(row.vault, row.path);
  }

  async collapse(row: Row): Promise<void> {
    this.open.delete(folderKey(row.vault, row.path));
    this.save();
    this.changeNow();
  }

  /** Who can read an own vault, fetched when first asked for; null for the vaults of others. */
  whoCanRead(vault: Vault): Loader<Reader[]> | null {
    if (!vault.owned || vault.version === 0) {
      return null;
    }
    let found = this.readers.get(vault.name);
    if (!found) {
      found = new Loader(() => this.api.readers(vault.name));
      found.changed.connect(() => this._changed.emit());
      this.readers.set(vault.name, found);
    }
    return found;
  }

  /** The Merkle root that the chain anchors, once the vault was opened. */
  root(vault: Vault): string {
    return this.roots.get(vault.name) ?? '';
  }

  /** Fetch the next page of a folder. */
  async fetch(vault: Vault, path: string): Promise<void> {
    const key = folderKey(vault, path);
    const folder = this.folders.get(key) ?? { entries: [], total: 0, loading: false, error: null };
    if (folder.loading) {
      return;
    }
    folder.loading = true;
    folder.error = null;
    this.folders.set(key, folder);
    this.changeNow();
    try {
      const page = await this.api.folder(vault, path, folder.entries.length, PAGE);
      folder.entries = [...folder.entries, ...page.entries];
      folder.total = page.total;
      this.roots.set(vault.name, page.root);
    } catch (error) {
      folder.error = LabError.from(error);
    }
    folder.loading = false;
    this.changeNow();
  }

  // -- steps ------------------------------------------------------------------------------------

  /** Fetch an open folder, and those open beneath it. */
  private async restore(vault: Vault, path: string): Promise<void> {
    if (!this.isOpen(vault, path)) {
      return;
    }
    if (path === '') {
      const readers = this.whoCanRead(vault);
      if (readers && !readers.value && !readers.loading) {
        void readers.refresh();
      }
    }
    if (vault.version > 0 && vault.readable && !this.folders.has(folderKey(vault, path))) {
      await this.fetch(vault, path);
    }
    this.changeNow();
    const below = this.folders.get(folderKey(vault, path))?.entries ?? [];
    for (const entry of below) {
      if (entry.kind === 'directory') {
        await this.restore(vault, join(path, entry.name));
      }
    }
  }

  private forget(name: string): void {
    this.roots.delete(name);
    for (const key of [...this.folders.keys()]) {
      if (key.startsWith(`${name}/`)) {
        this.folders.delete(key);
      }
    }
  }

  private async recall(): Promise<void> {
    const account = this.api.account;
    if (this.remembered !== account) {
      this.remembered = account;
      const keys = await this.memory.load(account).catch(() => []);
      if (this.remembered === account && this.api.account === account) {
        keys.forEach(key => this.open.add(key));
      }
    }
  }

  private save(): void {
    void this.memory.save(this.api.account, [...this.open]).catch(() => undefined);
  }

  private changeNow(): void {
    this.kept = null;
    this._changed.emit();
  }

  private flatten(): Row[] {
    const rows: Row[] = [];
    const vaults = this.list.value ?? [];
    vaults.forEach((vault, index) => {
      const expanded = this.isOpen(vault);
      rows.push({
        key: vault.name,
        kind: 'vault',
        vault,
        path: '',
        label: vault.name,
        size: vault.version ? vault.size : null,
        depth: 1,
        position: index + 1,
        siblings: vaults.length,
        expanded
      });
      if (expanded) {
        rows.push(line(vault, '', 'about', 2));
        if (vault.version > 0) {
          rows.push(line(vault, '', 'kept', 2));
        }
        if (vault.version > 0 && vault.readable) {
          this.flattenFolder(vault, '', 2, rows);
        }
      }
    });
    return rows;
  }

  private flattenFolder(vault: Vault, path: string, depth: number, rows: Row[]): void {
    const folder = this.folders.get(folderKey(vault, path));
    if (!folder) {
      return;
    }
    folder.entries.forEach((entry, index) => {
      const below = join(path, entry.name);
      const directory = entry.kind === 'directory';
      const expanded = directory ? this.isOpen(vault, below) : undefined;
      rows.push({
        key: folderKey(vault, below),
        kind: entry.kind,
        vault,
        path: below,
        label: entry.name,
        size: entry.size,
        depth,
        position: index + 1,
        siblings: folder.total,
        expanded
      });
      if (expanded) {
        this.flattenFolder(vault, below, depth + 1, rows);
      }
    });
    if (folder.error) {
      rows.push({ ...line(vault, path, 'problem', depth), error: folder.error });
    } else if (folder.loading && folder.entries.length === 0) {
      rows.push(line(vault, path, 'loading', depth));
    } else if (folder.entries.length < folder.total) {
      rows.push(line(vault, path, 'more', depth));
    } else if (folder.total === 0) {
      rows.push(line(vault, path, 'empty', depth));
    }
  }
}

/** A row that stands for something about a folder; no file can have its key. */
function line(vault: Vault, path: string, kind: Row['kind'], depth: number): Row {
  const key = `${folderKey(vault, path)}//${kind}`;
  return { key, kind, vault, path, label: '', size: null, depth, position: 1, siblings: 1 };
}
