import {
  caretDownIcon,
  caretRightIcon,
  ellipsesIcon,
  fileIcon,
  folderIcon,
  type LabIcon
} from '@jupyterlab/ui-components';
import React, { useEffect, useRef, useState } from 'react';

import { useDesk } from '../desk';
import { dragCode } from '../drag';
import { droppedFiles, isFileDrag } from '../dropped';
import { aboutVault, formatCount, formatSize, keptVault } from '../format';
import { kindIcon } from '../icons';
import { Keys } from '../model/keys';
import type { Row } from '../model/vaults';
import { useSignals } from './parts';

const HEIGHT = 26;
const SPARE = 10;

/** The tree of vaults. Only the rows in sight are in the page, so that many thousands scroll smoothly. */
export function VaultTree(): JSX.Element {
  const { vaults, session, actions, trans } = useDesk();
  useSignals(vaults.changed, session.accountChanged);
  const node = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 400 });
  const [target, setTarget] = useState<string | null>(null);
  const { rows } = vaults;
  const look = (): void => {
    const { current } = node;
    if (current) {
      setView({ top: current.scrollTop, height: current.clientHeight });
    }
  };
  useEffect(() => {
    const observer = new ResizeObserver(look);
    observer.observe(node.current as Element);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(view.top / HEIGHT) - SPARE);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / HEIGHT) + SPARE);
  const active = rows.findIndex(row => row.key === vaults.active);
  const shown = rows.slice(first, last).map((row, index) => ({ row, index: first + index }));
  if (active >= 0 && (active < first || active >= last)) {
    shown.push({ row: rows[active], index: active });
  }
  // Entries that were not fetched yet are fetched when their place comes into sight.
  const wanted = shown.find(({ row }) => row.kind === 'more')?.row;
  useEffect(() => {
    if (wanted) {
      void vaults.fetch(wanted.vault, wanted.path);
    }
  }, [wanted?.key, rows.length]);

  const focus = (index: number): void => {
    const { current } = node;
    const row = rows[index];
    if (!row || !current) {
      return;
    }
    vaults.select(row.key);
    const top = index * HEIGHT;
    if (top < current.scrollTop) {
      current.scrollTop = top;
    } else if (top + HEIGHT > current.scrollTop + current.clientHeight) {
      current.scrollTop = top + HEIGHT - current.clientHeight;
    }
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const page = Math.max(1, Math.floor(view.height / HEIGHT) - 1);
    const step = Keys.press(rows, active, event.key, page);
    if (!step) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (step.toggle) {
      void vaults.toggle(step.toggle);
    } else if (step.open) {
      actions.activate(step.open);
    } else {
      focus(step.index);
    }
  };
  const menu = (event: React.MouseEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    const over = rowOf(event.target);
    const row = over ? rows.find(one => one.key === over) : vaults.activeRow;
    if (!row) {
      return;
    }
    vaults.select(row.key);
    const place = document.getElementById(rowId(row))?.getBoundingClientRect();
    const pointed = over && event.clientX > 0;
    actions.menu(
      pointed ? event.clientX : (place?.left ?? 0) + 24,
      pointed ? event.clientY : (place?.bottom ?? 0)
    );
  };
  const dropOn = (event: React.DragEvent): Row | undefined => {
    const over = rowOf(event.target);
    const row = rows.find(one => one.key === over);
    return row?.vault.owned && row.vault.version > 0 ? row : undefined;
  };
  return (
    <div
      ref={node}
      className="jp-Sahara-tree"
      role="tree"
      tabIndex={0}
      aria-label={trans.__('My vaults')}
      aria-activedescendant={active >= 0 ? rowId(rows[active]) : undefined}
      data-drop={target === ''}
      onScroll={look}
      onKeyDown={onKeyDown}
      onContextMenu={menu}
      onFocus={() => {
        if (active < 0 && rows.length) {
          vaults.select(rows[0].key);
        }
      }}
      onDragOver={event => {
        if (isFileDrag(event)) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          setTarget(dropOn(event)?.key ?? '');
        }
      }}
      onDragLeave={event => {
        if (!event.currentTarget.contains(event.relatedTarget as Node)) {
          setTarget(null);
        }
      }}
      onDrop={event => {
        if (isFileDrag(event)) {
          event.preventDefault();
          event.stopPropagation();
          setTarget(null);
          const row = dropOn(event);
          void droppedFiles(event.dataTransfer).then(files => actions.publish(files, row));
        }
      }}
    >
      <div role="presentation" style={{ height: rows.length * HEIGHT, position: 'relative' }}>
        {shown.map(({ row, index }) => (
          <TreeRow key={row.key} row={row} top={index * HEIGHT} dropped={target === row.key} />
        ))}
      </div>
    </div>
  );
}

function TreeRow(props: { row: Row; top: number; dropped: boolean }): JSX.Element {
  const { vaults, actions, trans } = useDesk();
  const { row } = props;
  const file = row.kind === 'file';
  const real = file || row.kind === 'directory' || row.kind === 'vault';
  const openable = (file || row.kind === 'directory' || row.expanded !== undefined) && row.vault.version > 0;
  const selected = vaults.active === row.key;
  return (
    <div
      id={rowId(row)}
      className="jp-Sahara-row"
      role="treeitem"
      aria-level={row.depth}
      aria-setsize={row.siblings}
      aria-posinset={row.position}
      aria-expanded={row.expanded}
      aria-selected={selected}
      data-key={row.key}
      data-kind={row.kind}
      data-drop={props.dropped}
      style={{ top: props.top, paddingLeft: 8 + (row.depth - 1) * 14 }}
      onClick={() => {
        vaults.select(row.key);
        if (row.kind === 'about' || row.kind === 'kept') {
          actions.activate(row);
        } else {
          void vaults.toggle(row);
        }
      }}
      onDoubleClick={() => file && actions.activate(row)}
      onPointerDown={down => openable && dragCode(down, () => actions.code(row), row.label)}
    >
      <span className="jp-Sahara-twist" aria-hidden="true">
        {row.expanded === undefined ? null : row.expanded ? (
          <caretDownIcon.react tag="span" />
        ) : (
          <caretRightIcon.react tag="span" />
        )}
      </span>
      {real && <Glyph icon={glyph(row)} />}
      <Label row={row} />
      {real && row.size !== null && <span className="jp-Sahara-size">{formatSize(row.size)}</span>}
      {real && (
        <button
          type="button"
          className="jp-Sahara-iconButton"
          tabIndex={-1}
          aria-hidden="true"
          title={trans.__('What can be done with it')}
          onPointerDown={event => event.stopPropagation()}
          onClick={event => {
            event.stopPropagation();
            vaults.select(row.key);
            const place = event.currentTarget.getBoundingClientRect();
            actions.menu(place.left, place.bottom);
          }}
        >
          <ellipsesIcon.react tag="span" width={14} height={14} />
        </button>
      )}
    </div>
  );
}

function Glyph(props: { icon: LabIcon }): JSX.Element {
  return (
    <props.icon.react tag="span" className="jp-Sahara-glyph" width={16} height={16} aria-hidden="true" />
  );
}

function glyph(row: Row): LabIcon {
  return row.kind === 'vault' ? kindIcon(row.vault.kind) : row.kind === 'file' ? fileIcon : folderIcon;
}

/** What a row says: a name with what belongs to it, or a sentence about the folder. */
function Label(props: { row: Row }): JSX.Element {
  const { vaults, trans } = useDesk();
  const { row } = props;
  const { vault } = row;
  if (row.kind === 'vault') {
    const [owner, name] = vault.name.split('/');
    return (
      <span className="jp-Sahara-label" title={vault.title ? `${vault.name}: ${vault.title}` : vault.name}>
        <span>
          {!vault.owned && <span className="jp-Sahara-muted">{owner}/</span>}
          {name}
        </span>
        {vault.version > 0 && <small>{trans.__('v%1', String(vault.version))}</small>}
        {vault.changes > 0 && (
          <small className="jp-Sahara-changes" title={formatCount(vault.changes, trans)}>
            {vault.version ? trans.__('+%1', String(vault.changes)) : trans.__('not published')}
          </small>
        )}
      </span>
    );
  }
  if (row.kind === 'about' || row.kind === 'kept') {
    const readers = vaults.whoCanRead(vault);
    const root = vaults.root(vault);
    const text =
      row.kind === 'kept'
        ? keptVault(root, trans)
        : aboutVault(vault, readers?.value ?? null, readers?.error ?? null, trans);
    return (
      <span
        className="jp-Sahara-label jp-Sahara-muted"
        title={row.kind === 'kept' && root ? trans.__('%1. Merkle root: %2', text, root) : text}
      >
        {text}
      </span>
    );
  }
  const words = {
    more: trans.__('Loading more'),
    loading: trans.__('Loading'),
    empty: trans.__('Empty'),
    problem: row.error ? [row.error.message, row.error.hint].filter(Boolean).join('. ') : ''
  };
  const text = row.label || words[row.kind as keyof typeof words];
  return (
    <span
      className={`jp-Sahara-label${row.label ? '' : ' jp-Sahara-muted'}`}
      role={row.kind === 'problem' ? 'alert' : undefined}
      title={row.kind === 'problem' ? trans.__('%1. Click to try again', text) : text}
    >
      {text}
    </span>
  );
}

const rowId = (row: Row): string => `jp-Sahara-row:${row.key}`;

function rowOf(target: EventTarget): string | undefined {
  return (target as Element).closest<HTMLElement>('.jp-Sahara-row')?.dataset.key;
}
