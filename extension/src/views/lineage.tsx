import React from 'react';

import { useDesk } from '../desk';
import { kindIcon } from '../icons';
import type { Asset, Family } from '../values';
import { Badge } from './parts';

const NODE = { width: 168, height: 32 };
const STEP = { x: 216, y: 42 };

interface Place {
  x: number;
  y: number;
}

/** Where each relative stands: a column for each generation, oldest left, every column centered. */
export function places(family: Family): { at: Map<string, Place>; width: number; height: number } {
  const tallest = Math.max(...family.generations.map(generation => generation.length));
  const at = new Map<string, Place>();
  family.generations.forEach((generation, column) => {
    const top = ((tallest - generation.length) * STEP.y) / 2;
    generation.forEach((relative, row) =>
      at.set(relative.name, { x: column * STEP.x, y: top + row * STEP.y })
    );
  });
  return {
    at,
    width: (family.generations.length - 1) * STEP.x + NODE.width,
    height: (tallest - 1) * STEP.y + NODE.height
  };
}

/** Where an asset comes from, who earns with it, and what was made from it. */
export function Lineage(props: { asset: Asset }): JSX.Element | null {
  const { trans } = useDesk();
  const { asset } = props;
  if (asset.family.ties.length === 0 && asset.royalties.length === 0) {
    return null;
  }
  return (
    <section className="jp-Sahara-section">
      <h2>{trans.__('Lineage')}</h2>
      {asset.family.ties.length > 0 && <Graph asset={asset} />}
      <Payees asset={asset} />
    </section>
  );
}

function Graph(props: { asset: Asset }): JSX.Element {
  const { open, trans } = useDesk();
  const { family, name } = props.asset;
  const { at, width, height } = places(family);
  return (
    <>
      <div className="jp-Sahara-graph" role="group" aria-label={trans.__('Made from and used in')}>
        <div style={{ width, height }}>
          <svg width={width} height={height} aria-hidden="true">
            {family.ties.map(tie => (
              <path key={`${tie.child} ${tie.parent}`} d={curve(at.get(tie.parent), at.get(tie.child))} />
            ))}
          </svg>
          {family.generations.flat().map(relative => {
            const place = at.get(relative.name);
            const ties = family.ties.filter(tie => tie.child === relative.name);
            const made = ties.map(tie => `${tie.relation} ${tie.parent}`).join(', ');
            const Icon = kindIcon(relative.kind);
            return (
              <button
                key={relative.name}
                type="button"
                style={{ left: place?.x, top: place?.y, ...NODE }}
                aria-current={relative.name === name}
                title={made ? `${relative.name}: ${made}` : relative.name}
                data-sahara-asset={relative.name}
                onClick={() => relative.name !== name && open(relative.name)}
              >
                <Icon.react tag="span" width={14} height={14} />
                <span>{relative.name}</span>
              </button>
            );
          })}
        </div>
      </div>
      {!family.complete && (
        <p className="jp-Sahara-muted">{trans.__('There are more relatives than are drawn here.')}</p>
      )}
    </>
  );
}

function curve(parent: Place | undefined, child: Place | undefined): string {
  if (!parent || !child) {
    return '';
  }
  const [x1, y1] = [parent.x + NODE.width, parent.y + NODE.height / 2];
  const [x2, y2] = [child.x, child.y + NODE.height / 2];
  const bend = Math.max(24, (x2 - x1) / 2);
  return `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

/** Who gets a share of each sale. */
function Payees(props: { asset: Asset }): JSX.Element | null {
  const { open, trans } = useDesk();
  const { royalties } = props.asset;
  if (royalties.length === 0) {
    return null;
  }
  return (
    <ul className="jp-Sahara-lineage" aria-label={trans.__('Who earns with it')}>
      {royalties.map(entry => (
        <li key={entry.name}>
          <button type="button" className="jp-Sahara-link" onClick={() => open(entry.name)}>
            {entry.name}
          </button>
          <Badge tone="brand">{trans.__('earns %1 of each sale', entry.share)}</Badge>
        </li>
      ))}
    </ul>
  );
}
