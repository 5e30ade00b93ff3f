import { Poll } from '@lumino/polling';

import type { Api } from '../api';
import type { Job, JobDetail, JobStatus } from '../values';
import { Loader } from './loader';

const ACTIVE: ReadonlySet<JobStatus> = new Set<JobStatus>(['starting', 'running', 'stopping']);

export function isActive(job: Job): boolean {
  return ACTIVE.has(job.status);
}

/** The jobs: asked for when the server says that one of them wrote something, and rarely besides. */
export class JobsModel {
  private readonly poll: Poll;

  readonly list: Loader<Job[]>;
  /** The job whose metrics are open. */
  readonly open: Loader<JobDetail>;
  openId = '';

  constructor(
    private readonly api: Api,
    interval = 60_000
  ) {
    this.list = new Loader(() => api.jobs());
    this.open = new Loader(() => api.job(this.openId));
    this.poll = new Poll({
      auto: false,
      name: 'sahara-lab:jobs',
      factory: () => this.follow(),
      frequency: { interval, backoff: true, max: 5 * interval },
      standby: 'when-hidden'
    });
  }

  get active(): number {
    return (this.list.value ?? []).filter(isActive).length;
  }

  start(): void {
    void this.poll.start();
  }

  refresh(): Promise<void> {
    return this.poll.refresh();
  }

  /** Show a job's metrics, or hide them when they are shown. */
  async toggle(id: string): Promise<void> {
    this.openId = this.openId === id ? '' : id;
    this.open.clear();
    if (this.openId) {
      await this.open.refresh();
    }
  }

  async stop(id: string): Promise<void> {
    const stopped = await this.api.stop(id);
    this.list.value = (this.list.value ?? []).map(job => (job.id === id ? stopped : job));
    await this.refresh();
  }

  dispose(): void {
    this.poll.dispose();
  }

  private async follow(): Promise<void> {
    await this.list.refresh();
    const open = this.list.value?.find(job => job.id === this.openId);
    if (open && (isActive(open) || this.open.value?.status !== open.status)) {
      await this.open.refresh();
    }
    if (this.list.error) {
      throw this.list.error;
    }
  }
}
