import { Widget } from '@lumino/widgets';
import React, { useEffect, useRef } from 'react';

import { useDesk } from '../desk';
import { formatDate, formatSize } from '../format';
import type { Loader } from '../model/loader';
import type { Asset } from '../values';
import { Lineage } from './lineage';
import { Access, Offers } from './offers';
import { Alike, Busy, KindTile, Problem, Stars, useSignals, Verified, Warning } from './parts';
import { Actions, ReviewsOf } from './reviews';

/** Everything about one asset: what it is, where it comes from, what it costs, and how to open it. */
export function DetailView(props: { asset: Loader<Asset> }): JSX.Element {
  const { trans } = useDesk();
  useSignals(props.asset.changed);
  const { value, error } = props.asset;
  if (error) {
    return (
      <div className="jp-Sahara-detail">
        <Problem error={error} retry={() => void props.asset.refresh()} />
      </div>
    );
  }
  if (!value) {
    return (
      <div className="jp-Sahara-detail">
        <Busy label={trans.__('Loading')} />
      </div>
    );
  }
  return (
    <article className="jp-Sahara-detail">
      <Head asset={value} />
      <Notices asset={value} />
      <div className="jp-Sahara-columns">
        <div className="jp-Sahara-main">
          <Description asset={value} />
          <Lineage asset={value} />
          <Columns asset={value} />
          <Files asset={value} />
          <Versions asset={value} />
          <ReviewsOf asset={value} />
        </div>
        <aside className="jp-Sahara-aside">
          <Access asset={value} />
          <Offers asset={value} />
          <Actions asset={value} />
        </aside>
      </div>
    </article>
  );
}

function Head(props: { asset: Asset }): JSX.Element {
  const { trans } = useDesk();
  const { asset } = props;
  const latest = asset.versions[asset.versions.length - 1];
  return (
    <header className="jp-Sahara-head">
      <KindTile kind={asset.kind} large />
      <div>
        <h1 dir="auto">{asset.title || asset.name}</h1>
        <p className="jp-Sahara-muted">
          <code>{asset.name}</code> · {trans.__('%1 by %2', asset.kind, asset.owner)}{' '}
          <Verified reputation={asset.reputation} /> · {trans.__('version %1', String(asset.version))}
          {latest && ` · ${formatDate(latest.published)}`} · {formatSize(asset.size)}
        </p>
        <Stars reputation={asset.reputation} />
        {asset.tags.length > 0 && (
          <ul className="jp-Sahara-tags" aria-label={trans.__('Tags')}>
            {asset.tags.map(tag => (
              <li key={tag}>{tag}</li>
            ))}
          </ul>
        )}
      </div>
    </header>
  );
}

function Section(props: { title: string; children: React.ReactNode }): JSX.Element {
  return (
    <section className="jp-Sahara-section">
      <h2>{props.title}</h2>
      {props.children}
    </section>
  );
}

/** What somebody must know before anything else about the asset. */
function Notices(props: { asset: Asset }): JSX.Element {
  const { trans } = useDesk();
  const { reputation, decided, alike, owner } = props.asset;
  return (
    <>
      <Warning text={reputation.warning}>
        {decided && <p dir="auto">{trans.__('Its reason: %1', decided)}</p>}
      </Warning>
      <Alike owner={owner} alike={alike} />
    </>
  );
}

function Description(props: { asset: Asset }): JSX.Element {
  const { trans } = useDesk();
  const { description, summary } = props.asset;
  return (
    <Section title={trans.__('About')}>
      {description ? (
        <Markdown text={description} />
      ) : (
        <p>{summary || trans.__('The owner wrote no description.')}</p>
      )}
    </Section>
  );
}

/** Text by a stranger: rendered as Markdown through a sanitizer that lets no image, form, style or command through. */
function Markdown(props: { text: string }): JSX.Element {
  const { markdown } = useDesk();
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!markdown || !host.current) {
      return;
    }
    const renderer = markdown.createRenderer('text/markdown');
    const model = markdown.createModel({ data: { 'text/markdown': props.text }, trusted: false });
    void renderer.renderModel(model);
    Widget.attach(renderer, host.current);
    return () => {
      Widget.detach(renderer);
      renderer.dispose();
    };
  }, [markdown, props.text]);
  return markdown ? <div ref={host} /> : <p className="jp-Sahara-plain">{props.text}</p>;
}

const SHOWN_COLUMNS = 12;

function Columns(props: { asset: Asset }): JSX.Element | null {
  const { trans } = useDesk();
  const { tables } = props.asset;
  if (tables.length === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Columns')}>
      {tables.map(table => (
        <details key={table.name} className="jp-Sahara-columnsOf" open={tables.length === 1}>
          <summary>
            <code>{table.name}</code>{' '}
            <span className="jp-Sahara-muted">
              {trans._n('%1 column', '%1 columns', table.columns.length)}
            </span>
          </summary>
          <ul className="jp-Sahara-tags">
            {table.columns.slice(0, SHOWN_COLUMNS).map(column => (
              <li key={column.name}>
                {column.name} <span className="jp-Sahara-muted">{column.type}</span>
              </li>
            ))}
            {table.columns.length > SHOWN_COLUMNS && (
              <li className="jp-Sahara-muted">
                {trans.__('and %1 more', String(table.columns.length - SHOWN_COLUMNS))}
              </li>
            )}
          </ul>
        </details>
      ))}
    </Section>
  );
}

function Files(props: { asset: Asset }): JSX.Element | null {
  const { trans } = useDesk();
  if (props.asset.files.length === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Files')}>
      <table className="jp-Sahara-table">
        <tbody>
          {props.asset.files.map(file => (
            <tr key={file.path}>
              <td>
                <code>{file.path}</code>
              </td>
              <td>{formatSize(file.size)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Versions(props: { asset: Asset }): JSX.Element {
  const { copy, trans } = useDesk();
  return (
    <Section title={trans.__('Versions')}>
      <table className="jp-Sahara-table">
        <tbody>
          {[...props.asset.versions].reverse().map(version => (
            <tr key={version.number}>
              <td>{trans.__('Version %1', String(version.number))}</td>
              <td>
                <button
                  type="button"
                  className="jp-Sahara-command"
                  title={trans.__('Copy the Merkle root that the chain holds for this version')}
                  onClick={() => copy(version.root)}
                >
                  <code>{`${version.root.slice(0, 14)}…`}</code>
                </button>
              </td>
              <td>{formatDate(version.published)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
