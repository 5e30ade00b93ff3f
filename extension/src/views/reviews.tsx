import React, { useEffect, useMemo, useState } from 'react';

import { useDesk } from '../desk';
import { formatDate } from '../format';
import { Loader } from '../model/loader';
import { appeal, report } from '../opinions';
import { type Asset, LabError, type Review, type Reviews } from '../values';
import { Action, Badge, Busy, Problem, useSignals } from './parts';

const MOST_BYTES = 1024;
const STARS = [1, 2, 3, 4, 5];

/** What license holders say, and a form for who holds one. */
export function ReviewsOf(props: { asset: Asset }): JSX.Element {
  const { api, trans } = useDesk();
  const { asset } = props;
  const reviews = useMemo(() => new Loader(() => api.reviews(asset.name)), [api, asset.name]);
  useSignals(reviews.changed);
  // The asset is another object whenever something about it was read again.
  useEffect(() => void reviews.refresh(), [reviews, asset]);
  const { value, error } = reviews;
  const mine = value?.items.find(review => review.mine);
  const holder = !asset.owned && asset.held.some(grant => grant.status === 'valid');
  return (
    <section className="jp-Sahara-section" aria-label={trans.__('Reviews')}>
      <h2>{trans.__('Reviews')}</h2>
      {error && <Problem error={error} retry={() => void reviews.refresh()} />}
      {!value && !error && <Busy label={trans.__('Loading')} />}
      {value && <Summary reviews={value} />}
      {value && holder && (
        <Write
          key={mine ? `${mine.stars}${mine.text}` : ''}
          name={asset.name}
          mine={mine}
          reviews={reviews}
        />
      )}
      {value && value.items.length > 0 && (
        <ul className="jp-Sahara-reviews">
          {value.items.map(review => (
            <Said key={review.author} review={review} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Summary(props: { reviews: Reviews }): JSX.Element {
  const { trans } = useDesk();
  const { mean, items, bought } = props.reviews;
  return (
    <p className="jp-Sahara-muted">
      {mean === null
        ? trans.__('Nobody who holds a license has said anything yet.')
        : trans._n(
            '%2 of 5 stars in %1 review; %3 with a license that was paid for',
            '%2 of 5 stars in %1 reviews; %3 with a license that was paid for',
            items.length,
            mean.toFixed(1),
            String(bought)
          )}
    </p>
  );
}

function Said(props: { review: Review }): JSX.Element {
  const { trans } = useDesk();
  const { review } = props;
  return (
    <li>
      <div>
        <span
          className="jp-Sahara-stars"
          role="img"
          aria-label={trans.__('%1 of 5 stars', String(review.stars))}
        >
          <span aria-hidden="true">{'★'.repeat(review.stars) + '☆'.repeat(5 - review.stars)}</span>
        </span>{' '}
        <strong>{review.author}</strong>{' '}
        <span title={trans.__('The receipt: license %1', String(review.license))}>
          {review.bought ? (
            <Badge tone="good">{trans.__('bought')}</Badge>
          ) : (
            <Badge>{trans.__('given or free')}</Badge>
          )}
        </span>{' '}
        <span className="jp-Sahara-muted">{formatDate(review.time)}</span>
      </div>
      {review.text && <p dir="auto">{review.text}</p>}
    </li>
  );
}

/** The form; a press while one is under way does nothing. */
function Write(props: { name: string; mine?: Review; reviews: Loader<Reviews> }): JSX.Element {
  const { api, refresh, trans } = useDesk();
  const { name, mine, reviews } = props;
  const [stars, setStars] = useState(mine?.stars ?? 0);
  const [text, setText] = useState(mine?.text ?? '');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<LabError | null>(null);
  const over = new TextEncoder().encode(text).length - MOST_BYTES;
  const send = async (said: Promise<Reviews>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await said;
      await reviews.replace(said);
      refresh();
    } catch (reason) {
      setError(LabError.from(reason));
    }
    setBusy(false);
  };
  return (
    <form
      className="jp-Sahara-review jp-Sahara-box"
      aria-label={trans.__('Your review')}
      onSubmit={event => {
        event.preventDefault();
        void send(api.review(name, stars, text));
      }}
    >
      <fieldset className="jp-Sahara-rate">
        <legend>{trans.__('Your review')}</legend>
        {STARS.map(count => (
          <label key={count} title={trans._n('%1 star', '%1 stars', count)}>
            <input
              type="radio"
              name={`stars of ${name}`}
              aria-label={trans._n('%1 star', '%1 stars', count)}
              checked={stars === count}
              onChange={() => setStars(count)}
            />
            <span aria-hidden="true">{count <= stars ? '★' : '☆'}</span>
          </label>
        ))}
      </fieldset>
      <textarea
        className="jp-mod-styled"
        rows={3}
        aria-label={trans.__('What others should know')}
        placeholder={trans.__('What others should know')}
        value={text}
        onChange={event => setText(event.target.value)}
      />
      {over > 0 && <p role="alert">{trans._n('%1 byte too long', '%1 bytes too long', over)}</p>}
      {error && <Problem error={error} />}
      <p className="jp-Sahara-muted">
        {trans.__('It is on chain under your name for everyone to read, also after you take it back.')}
      </p>
      <div className="jp-Sahara-boxHead">
        <button
          type="submit"
          className="jp-Sahara-action jp-mod-styled jp-mod-accept"
          disabled={busy || stars === 0 || over > 0}
        >
          {mine ? trans.__('Change the review') : trans.__('Publish the review')}
        </button>
        {mine && (
          <Action
            label={trans.__('Take it back')}
            disabled={busy}
            onClick={() => void send(api.withdrawReview(name))}
          />
        )}
      </div>
    </form>
  );
}

/** Report it; answer what the DAO decided about an own one. */
export function Actions(props: { asset: Asset }): JSX.Element {
  const desk = useDesk();
  const { trans } = desk;
  const { asset } = props;
  const { reports, standing, appealed } = asset.reputation;
  return (
    <p className="jp-Sahara-muted jp-Sahara-actions">
      {reports > 0 && (
        <span>
          {trans._n(
            '%1 account has reported it; the DAO has not decided.',
            '%1 accounts have reported it; the DAO has not decided.',
            reports
          )}{' '}
        </span>
      )}
      {asset.owned
        ? standing !== 'clear' &&
          !appealed && (
            <button type="button" className="jp-Sahara-link" onClick={() => void appeal(desk, asset.name)}>
              {trans.__('Appeal')}
            </button>
          )
        : asset.reputation.standing !== 'taken down' && (
            <button type="button" className="jp-Sahara-link" onClick={() => void report(desk, asset.name)}>
              {trans.__('Report a problem')}
            </button>
          )}
    </p>
  );
}
