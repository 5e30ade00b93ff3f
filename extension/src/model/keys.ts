import type { Row } from './vaults';

/** What a key does in a tree: move to a row, open or close one, or open what it stands for. */
export interface Step {
  index: number;
  toggle?: Row;
  open?: Row;
}

/** The keys of a tree, as the ARIA Authoring Practices describe them for the tree view pattern. */
export const Keys = {
  press(rows: Row[], active: number, key: string, page: number): Step | null {
    const row = rows[active];
    const last = rows.length - 1;
    const to = (index: number): Step => ({ index: Math.max(0, Math.min(last, index)) });
    if (last < 0) {
      return null;
    }
    switch (key) {
      case 'ArrowDown':
        return to(active + 1);
      case 'ArrowUp':
        return to(active - 1);
      case 'PageDown':
        return to(active + page);
      case 'PageUp':
        return to(active - page);
      case 'Home':
        return to(0);
      case 'End':
        return to(last);
      case 'ArrowRight':
        return row?.expanded === false
          ? { index: active, toggle: row }
          : row?.expanded
            ? to(active + 1)
            : null;
      case 'ArrowLeft':
        return row?.expanded ? { index: active, toggle: row } : row ? to(parent(rows, active)) : null;
      case ' ':
        return row?.expanded === undefined ? null : { index: active, toggle: row };
      case 'Enter':
        return row && { index: active, ...(opens(row) ? { open: row } : { toggle: row }) };
      default:
        return key.length === 1 ? named(rows, active, key) : null;
    }
  }
};

const opens = (row: Row): boolean => row.kind === 'file' || row.kind === 'about' || row.kind === 'kept';

function parent(rows: Row[], active: number): number {
  for (let index = active - 1; index >= 0; index -= 1) {
    if (rows[index].depth < rows[active].depth) {
      return index;
    }
  }
  return active;
}

/** The next row after the active one whose name begins with a letter. */
function named(rows: Row[], active: number, letter: string): Step | null {
  for (let step = 1; step <= rows.length; step += 1) {
    const index = (active + step + rows.length) % rows.length;
    const name = rows[index].kind === 'vault' ? rows[index].label.split('/')[1] : rows[index].label;
    if (name?.toLowerCase().startsWith(letter.toLowerCase())) {
      return { index };
    }
  }
  return null;
}
