/** Files from the desktop: dropped or chosen, folders included, as one list of paths. */

export interface Picked {
  /** With slashes; begins with the folder's name for files of a folder. */
  path: string;
  file: File;
}

/** What file managers leave in folders for themselves. */
const LITTER = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);

export function isFileDrag(event: { dataTransfer: DataTransfer | null }): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

/** Files of an `<input type=file>`, with their folders for one that takes a folder. */
export function chosenFiles(list: FileList): Picked[] {
  return tidy(Array.from(list, file => ({ path: file.webkitRelativePath || file.name, file })));
}

/** Files of a drop. Call it before the event handler returns: afterwards the browser has taken them away. */
export async function droppedFiles(transfer: DataTransfer): Promise<Picked[]> {
  const items = Array.from(transfer.items).filter(item => item.kind === 'file');
  const found = items.map(item => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const picked = await Promise.all(
    found.map(({ entry, file }) =>
      entry ? walk(entry) : Promise.resolve(file ? [{ path: file.name, file }] : [])
    )
  );
  return tidy(picked.flat());
}

/** The only folder that all files lie in, and the files without it; for a vault that is made of a folder. */
export function withoutTop(picked: Picked[]): { name: string; files: Picked[] } {
  const tops = new Set(picked.map(({ path }) => (path.includes('/') ? path.split('/')[0] : '')));
  const [top] = tops;
  if (tops.size !== 1 || !top) {
    return { name: picked.length === 1 ? picked[0].path : '', files: picked };
  }
  return { name: top, files: picked.map(({ path, file }) => ({ path: path.slice(top.length + 1), file })) };
}

/** A name that the registry takes, made of a folder's or a file's name. */
export function plainName(name: string): string {
  return name
    .replace(/\.[^.]+$/, '')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 64);
}

function tidy(picked: Picked[]): Picked[] {
  return picked
    .filter(({ path }) => !LITTER.has(path.split('/').pop() ?? ''))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function walk(entry: FileSystemEntry): Promise<Picked[]> {
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject)
    );
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Picked[] = [];
  // The browser gives a folder's entries in batches; an empty one is the end.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (batch.length === 0) {
      return found;
    }
    for (const below of batch) {
      found.push(...(await walk(below)));
    }
  }
}
