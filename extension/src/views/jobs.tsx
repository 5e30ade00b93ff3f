import { stopIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { publishCode } from '../code';
import { useDesk } from '../desk';
import { formatAgo, formatMetric, formatSeconds } from '../format';
import { isActive } from '../model/jobs';
import { type Job, type JobDetail, LabError } from '../values';
import { Action, Badge, Busy, Code, Empty, Problem, useSignals } from './parts';

const TONES: Record<string, 'good' | 'bad' | 'warn' | 'brand'> = {
  starting: 'brand',
  running: 'brand',
  stopping: 'warn',
  stopped: 'warn',
  done: 'good',
  failed: 'bad',
  lost: 'bad'
};

/** Training jobs, newest first; one of them may be open. */
export function JobsView(): JSX.Element {
  const { jobs, trans } = useDesk();
  useSignals(jobs.list.changed, jobs.open.changed);
  const { value, error } = jobs.list;
  if (error) {
    return <Problem error={error} retry={() => void jobs.refresh()} />;
  }
  if (!value) {
    return <Busy label={trans.__('Loading')} />;
  }
  if (value.length === 0) {
    return (
      <Empty title={trans.__('No jobs yet')}>
        <p>{trans.__('Put %1 on the first line of a training cell.', '%%sahara train')}</p>
      </Empty>
    );
  }
  return (
    <ul className="jp-Sahara-jobs">
      {value.map(job => (
        <JobRow key={job.id} job={job} open={jobs.openId === job.id} />
      ))}
    </ul>
  );
}

function JobRow(props: { job: Job; open: boolean }): JSX.Element {
  const { jobs, trans } = useDesk();
  const { job, open } = props;
  const active = isActive(job);
  const metrics = Object.entries(job.metrics).slice(0, 2);
  return (
    <li className="jp-Sahara-job" data-open={open}>
      <div className="jp-Sahara-jobHead">
        <button
          type="button"
          className="jp-Sahara-cardTitle"
          aria-expanded={open}
          title={job.id}
          onClick={() => void jobs.toggle(job.id)}
        >
          {job.name || job.id}
        </button>
        <Badge tone={TONES[job.status]}>{label(job, trans.__.bind(trans))}</Badge>
      </div>
      <div className="jp-Sahara-jobLine">
        <span className="jp-Sahara-muted">
          {active ? formatSeconds(job.seconds) : formatAgo(job.created, Date.now() / 1000, trans)}
        </span>
        {metrics.map(([name, value]) => (
          <span key={name} className="jp-Sahara-metric">
            {name} <b>{formatMetric(value)}</b>
          </span>
        ))}
      </div>
      {job.error && !open && <p className="jp-Sahara-cardSummary">{job.error}</p>}
      {active && <Progress job={job} />}
      {open && <JobOpen job={job} />}
    </li>
  );
}

function label(job: Job, __: (text: string) => string): string {
  const words: Record<string, string> = {
    starting: __('starting'),
    running: __('running'),
    stopping: __('stopping'),
    stopped: __('stopped'),
    done: __('done'),
    failed: __('failed'),
    lost: __('lost')
  };
  return words[job.status] ?? job.status;
}

function Progress(props: { job: Job }): JSX.Element {
  const { trans } = useDesk();
  const percent = props.job.progress === null ? undefined : Math.round(props.job.progress * 100);
  return (
    <div
      className="jp-Sahara-progress"
      role="progressbar"
      aria-label={trans.__('Progress')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      data-unknown={percent === undefined}
    >
      <span style={{ width: `${percent ?? 30}%` }} />
    </div>
  );
}

function JobOpen(props: { job: Job }): JSX.Element {
  const { jobs, session, open, trans } = useDesk();
  const { value, error } = jobs.open;
  const { job } = props;
  return (
    <div className="jp-Sahara-jobOpen">
      {job.error && (
        <div className="jp-Sahara-problem">
          <strong>{job.error}</strong>
          {value?.id === job.id && value.traceback && <pre>{value.traceback}</pre>}
        </div>
      )}
      {error && <Problem error={error} />}
      <dl>
        <dt>{trans.__('Job')}</dt>
        <dd>
          <code>{job.id}</code>
        </dd>
        <dt>{trans.__('Workers')}</dt>
        <dd>{job.workers}</dd>
        {job.inputs.length > 0 && <dt>{trans.__('Reads')}</dt>}
        {job.inputs.map(input => (
          <dd key={input}>
            <button type="button" className="jp-Sahara-link" onClick={() => open(input.split('@')[0])}>
              {input}
            </button>
          </dd>
        ))}
      </dl>
      {value && value.id === job.id && <Charts job={value} />}
      {isActive(job) && (
        <Action
          icon={stopIcon}
          label={job.status === 'stopping' ? trans.__('Stopping') : trans.__('Stop')}
          title={trans.__('Write a checkpoint and end the job')}
          disabled={job.status === 'stopping'}
          onClick={() => void jobs.stop(job.id).catch(reason => (jobs.open.error = LabError.from(reason)))}
        />
      )}
      {job.publishable && (
        <>
          <p className="jp-Sahara-muted">
            {trans.__('Publish the result; its parents are recorded by itself:')}
          </p>
          <Code
            code={publishCode(job, session.codeAccount)}
            label={trans.__('Publish %1', job.name || job.id)}
          />
        </>
      )}
    </div>
  );
}

const WIDTH = 240;
const HEIGHT = 44;

function Charts(props: { job: JobDetail }): JSX.Element {
  const series = Object.entries(props.job.history).filter(([, points]) => points.length > 1);
  return (
    <div className="jp-Sahara-charts">
      {series.slice(0, 4).map(([name, points]) => (
        <figure key={name}>
          <figcaption>
            {name} <b>{formatMetric(points[points.length - 1][1])}</b>
          </figcaption>
          <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={name}>
            <polyline points={polyline(points)} />
          </svg>
        </figure>
      ))}
    </div>
  );
}

function polyline(points: [number, number][]): string {
  const xs = points.map(point => point[0]);
  const ys = points.map(point => point[1]);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const x = (value: number): number => ((value - left) / (right - left || 1)) * WIDTH;
  const y = (value: number): number => HEIGHT - 3 - ((value - low) / (high - low || 1)) * (HEIGHT - 6);
  return points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
}
