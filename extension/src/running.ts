import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRunningSessionManagers, type IRunningSessions } from '@jupyterlab/running';
import { Signal } from '@lumino/signaling';

import { CommandIDs } from './commands';
import { type Desk, IDesk } from './desk';
import { modelIcon } from './icons';
import { isActive } from './model/jobs';
import type { Job } from './values';

/** Training jobs that run, in the Running panel beside kernels and terminals. */
export const runningPlugin: JupyterFrontEndPlugin<void> = {
  id: 'sahara-lab:running',
  description: 'Training jobs in the Running panel.',
  autoStart: true,
  requires: [IDesk],
  optional: [IRunningSessionManagers],
  activate: (app: JupyterFrontEnd, desk: Desk, managers: IRunningSessionManagers | null) => {
    if (!managers) {
      return;
    }
    const { jobs, trans } = desk;
    const changed = new Signal<object, void>({});
    jobs.list.changed.connect(() => changed.emit());
    const active = (): Job[] => (jobs.list.value ?? []).filter(isActive);
    const item = (job: Job): IRunningSessions.IRunningItem => ({
      icon: () => modelIcon,
      label: () => job.name || job.id,
      labelTitle: () => job.id,
      detail: () => (job.progress === null ? job.status : `${Math.round(job.progress * 100)} %`),
      open: () => {
        void app.commands.execute(CommandIDs.open);
        if (jobs.openId !== job.id) {
          void jobs.toggle(job.id);
        }
      },
      shutdown: () => void jobs.stop(job.id).catch(() => jobs.refresh())
    });
    managers.add({
      name: trans.__('Training jobs'),
      running: () => active().map(item),
      shutdownAll: () => active().forEach(job => void jobs.stop(job.id).catch(() => jobs.refresh())),
      refreshRunning: () => void jobs.refresh(),
      runningChanged: changed,
      shutdownLabel: trans.__('Stop'),
      shutdownAllLabel: trans.__('Stop All'),
      shutdownAllConfirmationText: trans.__(
        'Every training job of this machine writes a checkpoint and ends. Do you want to stop them all?'
      )
    });
  }
};
