import React, { useEffect, useState } from 'react';

import { useDesk } from '../desk';
import type { Picked } from '../dropped';
import { formatSize } from '../format';
import { Latest } from '../model/latest';
import {
  LabError,
  type Announcement,
  type Answers,
  type InWords,
  type Question,
  type Statement
} from '../values';

const KINDS = ['dataset', 'model', 'agent', 'notebook', 'service', 'collection'];
/** Milliseconds without a change after which the answers are put into words. */
const PAUSE = 250;

/** What a person says of files that are to be published. */
export interface Wish {
  name: string;
  kind: string;
  title: string;
  description: string;
  task: string;
  /** With commas between them. */
  tags: string;
  statement: Statement;
  answers: Answers;
}

/** The wish as the server takes it: of the answers, those that the first one leaves open. */
export function announced(wish: Wish, questions: Question[], files: [string, number][]): Announcement {
  const open = questions.filter(question => question.uses.includes(wish.answers.use));
  const answers = Object.fromEntries(open.map(({ key }) => [key, wish.answers[key].trim()]));
  const tags = wish.tags.split(',').map(tag => tag.trim());
  return {
    name: wish.name.trim(),
    kind: wish.kind,
    title: wish.title,
    description: wish.description,
    task: wish.task,
    tags: tags.filter(Boolean),
    ...(wish.kind === 'dataset' ? { statement: wish.statement } : {}),
    ...answers,
    update: false,
    files
  };
}

interface Props {
  wish: Wish;
  files: Picked[];
  questions: Question[];
  /** What a person should look at before it is published. */
  checks: string[];
  /** The license that the files name. */
  named: string;
  /** The name is given already: what is published was prepared under it. */
  fixed: boolean;
  problem: LabError | null;
  onChange: (wish: Wish) => void;
}

/** What is proposed for files, to be checked and changed; the license by four questions. */
export function NewVault(props: Props): JSX.Element {
  const { trans } = useDesk();
  const { checks, fixed, named, problem } = props;
  const [wish, setWish] = useState(props.wish);
  const set = (change: Partial<Wish>): void => {
    const next = { ...wish, ...change };
    setWish(next);
    props.onChange(next);
  };
  const field = (key: 'name' | 'title' | 'task' | 'tags', label: string, more: object = {}): JSX.Element => (
    <label>
      <span>{label}</span>
      <input
        type="text"
        className="jp-mod-styled"
        value={wish[key]}
        onChange={event => set({ [key]: event.target.value })}
        {...more}
      />
    </label>
  );
  return (
    <div className="jp-Sahara-form jp-mod-publish">
      {problem && (
        <div className="jp-Sahara-problem" role="alert">
          <strong>{problem.message}</strong>
          {problem.hint && <p className="jp-Sahara-hint">{problem.hint}</p>}
        </div>
      )}
      {checks.length > 0 && (
        <div className="jp-Sahara-warning" role="group" aria-label={trans.__('Look at this first')}>
          <strong>{trans.__('Look at this first')}</strong>
          <ul>
            {checks.map(check => (
              <li key={check} dir="auto">
                {check}
              </li>
            ))}
          </ul>
        </div>
      )}
      {field('name', trans.__('Name'), { maxLength: 64, readOnly: fixed })}
      {field('title', trans.__('Title'), { maxLength: 120, placeholder: trans.__('What it is, in a line') })}
      <label>
        <span>{trans.__('Kind')}</span>
        <select value={wish.kind} onChange={event => set({ kind: event.target.value })}>
          {KINDS.map(kind => (
            <option key={kind}>{kind}</option>
          ))}
        </select>
      </label>
      <label>
        <span>{trans.__('Description')}</span>
        <textarea
          rows={3}
          maxLength={2000}
          placeholder={trans.__('What it holds, and who would want it')}
          value={wish.description}
          onChange={event => set({ description: event.target.value })}
        />
      </label>
      {field('tags', trans.__('Tags'), { maxLength: 400, placeholder: trans.__('with, commas, between') })}
      {field('task', trans.__('Task'), { maxLength: 64, placeholder: 'image-classification' })}
      {wish.kind === 'dataset' && (
        <Claims statement={wish.statement} onChange={statement => set({ statement })} />
      )}
      {named && <p className="jp-Sahara-muted">{trans.__('The files name the license %1.', named)}</p>}
      <Questions questions={props.questions} answers={wish.answers} onChange={answers => set({ answers })} />
      <Outcome wish={wish} files={props.files} />
    </div>
  );
}

function Questions(props: {
  questions: Question[];
  answers: Answers;
  onChange: (answers: Answers) => void;
}): JSX.Element {
  const { trans } = useDesk();
  const { questions, answers, onChange } = props;
  const [first, ...others] = questions;
  const nobody = trans.__('nothing yet: only you, and whom you share it with, can open it');
  const uses = [{ key: '', text: nobody }, ...first.choices];
  return (
    <>
      <fieldset className="jp-Sahara-ask">
        <legend>{trans.__(first.text)}</legend>
        {uses.map(({ key, text }) => (
          <label key={key}>
            <input
              type="radio"
              name="sahara-use"
              checked={answers.use === key}
              onChange={() => onChange({ ...answers, use: key })}
            />
            <span>{trans.__(text)}</span>
          </label>
        ))}
      </fieldset>
      {others
        .filter(question => question.uses.includes(answers.use))
        .map(question => (
          <Asked
            key={question.key}
            question={question}
            answer={answers[question.key]}
            onChange={answer => onChange({ ...answers, [question.key]: answer })}
          />
        ))}
      {answers.use && <Words answers={answers} questions={questions} />}
    </>
  );
}

/** A question with a few answers, beside which something else can be typed. */
function Asked(props: {
  question: Question;
  answer: string;
  onChange: (answer: string) => void;
}): JSX.Element {
  const { trans } = useDesk();
  const { question, answer, onChange } = props;
  const list = `sahara-answers-${question.key}`;
  return (
    <label>
      <span>{trans.__(question.text)}</span>
      <input
        type="text"
        className="jp-mod-styled"
        list={list}
        maxLength={24}
        value={answer}
        placeholder={question.default}
        title={trans.__(question.free)}
        onChange={event => onChange(event.target.value)}
      />
      <datalist id={list}>
        {question.choices.map(({ key, text }) => (
          <option key={key} value={key}>
            {trans.__(text)}
          </option>
        ))}
      </datalist>
    </label>
  );
}

/** The license that the answers mean, in plain words, or why they mean none. */
function Words(props: { answers: Answers; questions: Question[] }): JSX.Element {
  const { api, trans } = useDesk();
  const [told, setTold] = useState<InWords | LabError | null>(null);
  const [latest] = useState(() => new Latest());
  const open = props.questions.filter(question => question.uses.includes(props.answers.use));
  const asked = JSON.stringify(Object.fromEntries(open.map(({ key }) => [key, props.answers[key].trim()])));
  useEffect(() => {
    const timer = setTimeout(() => {
      latest
        .ask(() => api.terms(JSON.parse(asked) as Partial<Answers>))
        .then(words => words && setTold(words))
        .catch(error => setTold(LabError.from(error)));
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [asked, api, latest]);
  if (!told || told instanceof LabError) {
    return <p role="status">{told?.message ?? ''}</p>;
  }
  const lines: [string, string[]][] = [
    [trans.__('Holders may'), told.may],
    [trans.__('They may not'), told.may_not],
    [trans.__('They must'), told.must]
  ];
  return (
    <div className="jp-Sahara-words" role="status" aria-label={trans.__('In plain words')}>
      <strong>{told.summary}</strong>
      {lines
        .filter(([, deeds]) => deeds.length > 0)
        .map(([word, deeds]) => (
          <p key={word}>
            {word} {deeds.join(', ')}.
          </p>
        ))}
    </div>
  );
}

/** Where the data comes from and what it is good for, in its publisher's words. */
function Claims(props: { statement: Statement; onChange: (statement: Statement) => void }): JSX.Element {
  const { trans } = useDesk();
  const { statement, onChange } = props;
  const labels: [keyof Statement, string][] = [
    ['source', trans.__('Where it comes from')],
    ['consent', trans.__('Who agreed to it')],
    ['personal_data', trans.__('What in it is about people')],
    ['intended_use', trans.__('What it is made for')],
    ['known_risks', trans.__('What it is not good for')]
  ];
  return (
    <details>
      <summary>{trans.__('Data statement')}</summary>
      {labels.map(([key, label]) => (
        <label key={key}>
          <span>{label}</span>
          <textarea
            rows={1}
            maxLength={2000}
            value={statement[key]}
            onChange={event => onChange({ ...statement, [key]: event.target.value })}
          />
        </label>
      ))}
    </details>
  );
}

/** What publishing does. */
function Outcome(props: { wish: Wish; files: Picked[] }): JSX.Element {
  const { session, trans } = useDesk();
  const { wish, files } = props;
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  return (
    <>
      <ul>
        <li>
          {files.length
            ? trans._n(
                'Sends and encrypts %1 file (%2)',
                'Sends and encrypts %1 files (%2)',
                files.length,
                formatSize(size)
              )
            : trans.__('Publishes what was prepared in a notebook')}
        </li>
        <li>{trans.__('Records version 1 of %1 on chain', `${session.account}/${wish.name || '…'}`)}</li>
      </ul>
      <p className="jp-Sahara-muted">
        {trans.__(
          'Names, sizes and columns of the files become public; their content does not. A version stays for ever.'
        )}
      </p>
    </>
  );
}
