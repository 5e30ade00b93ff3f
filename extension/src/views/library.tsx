import { Notification } from '@jupyterlab/apputils';
import React, { useState } from 'react';

import { firstPublishCode } from '../code';
import { type Desk, useDesk } from '../desk';
import { formatAmount, formatDate, sentence } from '../format';
import { type Grant, LabError, type Library, type Request } from '../values';
import { JobReviews } from './jobReviews';
import { Action, Badge, Busy, Code, Empty, KindTile, Price, Problem, Trouble, useSignals } from './parts';

/** What the account published, what it licensed, and what it can claim. */
export function LibraryView(): JSX.Element {
  const { library, session, trans } = useDesk();
  useSignals(library.content.changed, session.accountChanged);
  const { value, error } = library.content;
  if (error) {
    return <Problem error={error} retry={() => void library.content.refresh()} />;
  }
  if (!value) {
    return <Busy label={trans.__('Loading')} />;
  }
  return (
    <div className="jp-Sahara-library">
      <Revenue library={value} />
      <Requests requests={value.requests} />
      <JobReviews reviews={value.reviews} />
      <h3>{trans.__('Published')}</h3>
      <Published library={value} />
      <h3>{trans.__('Licensed')}</h3>
      <Licensed grants={value.licenses} />
    </div>
  );
}

function Revenue(props: { library: Library }): JSX.Element | null {
  const desk = useDesk();
  const { library, session, trans } = desk;
  const { claimable, lines } = props.library.earnings;
  if (lines.length === 0) {
    return null;
  }
  const nothing = claimable.wei === '0';
  return (
    <div className="jp-Sahara-revenue">
      <div>
        <span className="jp-Sahara-muted">{trans.__('Claimable revenue')}</span>
        <strong>{formatAmount(claimable)}</strong>
      </div>
      <Action
        accent={!nothing}
        disabled={nothing || library.content.loading}
        label={trans.__('Claim')}
        title={nothing ? trans.__('Nothing to claim yet') : trans.__('Move it into your account')}
        onClick={() => void library.claim().then(() => session.status.refresh())}
      />
      <Action
        minimal
        label={trans.__('Statement')}
        title={trans.__('Save every payment to your assets, and what their ancestors got, as CSV')}
        onClick={() => void save(desk)}
      />
    </div>
  );
}

/** Give the statement to the browser as a file. */
async function save(desk: Desk): Promise<void> {
  try {
    const file = new Blob([await desk.api.statement()], { type: 'text/csv' });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = `earnings-${desk.session.account}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    Notification.error(sentence(LabError.from(error)), { autoClose: false });
  }
}

/** What others ask for, each with the two answers; one answer is under way at a time. */
function Requests(props: { requests: Request[] }): JSX.Element | null {
  const { api, library, refresh, trans } = useDesk();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<LabError | null>(null);
  if (props.requests.length === 0) {
    return null;
  }
  const answer = async (request: Request, grant: boolean): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const said = api.answer(request.number, grant);
      await said;
      await library.content.replace(said);
      refresh();
    } catch (reason) {
      setError(LabError.from(reason));
    }
    setBusy(false);
  };
  return (
    <section aria-label={trans.__('Requests')}>
      <h3>{trans.__('Requests')}</h3>
      {error && <Problem error={error} />}
      <ul className="jp-Sahara-rows">
        {props.requests.map(request => (
          <li key={request.number}>
            <div>
              <span>{trans.__('%1 asks for %2', request.account, request.asset)}</span>
              <span className="jp-Sahara-muted">{request.summary}</span>
              {request.note && <q dir="auto">{request.note}</q>}
              <div className="jp-Sahara-buttons">
                <Action
                  accent
                  disabled={busy}
                  label={trans.__('Grant')}
                  title={trans.__('Give the license without payment')}
                  onClick={() => void answer(request, true)}
                />
                <Action
                  disabled={busy}
                  label={trans.__('Decline')}
                  onClick={() => void answer(request, false)}
                />
              </div>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Published(props: { library: Library }): JSX.Element {
  const { open, session, trans } = useDesk();
  const { published, earnings } = props.library;
  if (published.length === 0) {
    return (
      <Empty title={trans.__('Nothing yet')}>
        <p>{trans.__('Publish a folder from a notebook:')}</p>
        <Code code={firstPublishCode(session.codeAccount)} label={trans.__('Publish a folder')} />
      </Empty>
    );
  }
  return (
    <ul className="jp-Sahara-rows">
      {published.map(listing => {
        const line = earnings.lines.find(entry => entry.asset === listing.name);
        return (
          <li key={listing.name} onClick={() => open(listing.name)}>
            <KindTile kind={listing.kind} />
            <div>
              <button type="button" className="jp-Sahara-cardTitle" title={listing.name}>
                {listing.title || listing.name}
              </button>
              <span className="jp-Sahara-muted">
                {line ? trans.__('earned %1', formatAmount(line.received)) : listing.name}
              </span>
            </div>
            <Trouble reputation={listing.reputation} />
            <Price amount={listing.price} />
          </li>
        );
      })}
    </ul>
  );
}

function Licensed(props: { grants: Grant[] }): JSX.Element {
  const { open, trans } = useDesk();
  if (props.grants.length === 0) {
    return (
      <p className="jp-Sahara-muted jp-Sahara-pad">
        {trans.__('No licenses yet. Find something in the market.')}
      </p>
    );
  }
  return (
    <ul className="jp-Sahara-rows">
      {props.grants.map(grant => (
        <li key={grant.id} onClick={() => open(grant.asset)}>
          <div>
            <button type="button" className="jp-Sahara-cardTitle">
              {grant.asset}
            </button>
            <span className="jp-Sahara-muted">
              {grant.terms.flavor} ·{' '}
              {grant.expires ? trans.__('until %1', formatDate(grant.expires)) : trans.__('does not expire')}
            </span>
          </div>
          {grant.status === 'valid' ? (
            <Badge tone="good">{trans.__('valid')}</Badge>
          ) : (
            <Badge tone="bad">{trans.__('expired')}</Badge>
          )}
        </li>
      ))}
    </ul>
  );
}
