import React, { useState } from 'react';

import { useDesk } from '../desk';
import { formatSize } from '../format';
import { type JobReview, LabError } from '../values';
import { Action, Problem } from './parts';

/** Strangers' jobs on data that must not leave: the code to read, the results to look at, and the owner's two answers. */
export function JobReviews(props: { reviews: JobReview[] }): JSX.Element | null {
  const { api, library, trans } = useDesk();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<LabError | null>(null);
  if (props.reviews.length === 0) {
    return null;
  }
  const say = async (review: JobReview, word: 'approve' | 'release' | 'refuse'): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const said = api.say(review.job, word);
      await said;
      await library.content.replace(said);
    } catch (reason) {
      setError(LabError.from(reason));
    }
    setBusy(false);
  };
  return (
    <section aria-label={trans.__('Jobs on your data')}>
      <h3>{trans.__('Jobs on your data')}</h3>
      {error && <Problem error={error} />}
      <ul className="jp-Sahara-rows">
        {props.reviews.map(review => (
          <li key={`${review.job} ${review.waits_for}`} className="jp-Sahara-jobReview">
            <div>
              {review.waits_for === 'code' ? (
                <Asks review={review} busy={busy} say={word => void say(review, word)} />
              ) : (
                <Leaves review={review} busy={busy} say={word => void say(review, word)} />
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Answering {
  review: JobReview;
  busy: boolean;
  say: (word: 'approve' | 'release' | 'refuse') => void;
}

function Asks(props: Answering): JSX.Element {
  const { trans } = useDesk();
  const { review } = props;
  return (
    <>
      <span>{trans.__('%1 asks to run code on %2', review.client, review.assets.join(', '))}</span>
      <Text label={trans.__('The code')} text={review.source} />
      <span className="jp-Sahara-muted">
        {trans.__('It runs here without a network; you see its results first.')}
      </span>
      <div className="jp-Sahara-buttons">
        <Action
          accent
          disabled={props.busy}
          label={trans.__('Let it run')}
          title={trans.__('This code may run on the data, now and later, for whoever holds a license')}
          onClick={() => props.say('approve')}
        />
        <Action disabled={props.busy} label={trans.__('Refuse')} onClick={() => props.say('refuse')} />
      </div>
    </>
  );
}

function Leaves(props: Answering): JSX.Element {
  const { trans } = useDesk();
  const { review } = props;
  return (
    <>
      <span>{trans.__('%1 asks for results from %2', review.client, review.assets.join(', '))}</span>
      <ul className="jp-Sahara-leaving">
        {review.results.map(result => (
          <li key={result.name}>
            {result.name} <span className="jp-Sahara-muted">{formatSize(result.size)}</span>
          </li>
        ))}
      </ul>
      <span className="jp-Sahara-muted">{trans.__('They lie in %1', review.folder)}</span>
      <details>
        <summary>{trans.__('What leaves with them')}</summary>
        <Text label={trans.__('What leaves with them')} text={review.record} />
      </details>
      <details>
        <summary>{trans.__('The code')}</summary>
        <Text label={trans.__('The code')} text={review.source} />
      </details>
      <div className="jp-Sahara-buttons">
        <Action
          accent
          disabled={props.busy}
          label={trans.__('Let them leave')}
          title={trans.__('The client gets them; that cannot be taken back')}
          onClick={() => props.say('release')}
        />
        <Action
          disabled={props.busy}
          label={trans.__('Keep them here')}
          onClick={() => props.say('refuse')}
        />
      </div>
    </>
  );
}

/** A stranger's text, to be read and not to be inserted anywhere. */
function Text(props: { label: string; text: string }): JSX.Element {
  return (
    <pre className="jp-Sahara-strange" dir="ltr" tabIndex={0} aria-label={props.label}>
      {props.text}
    </pre>
  );
}
