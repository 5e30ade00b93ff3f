import { Dialog, Notification, ReactWidget } from '@jupyterlab/apputils';
import React from 'react';

import { type Desk, DeskProvider, useDesk } from './desk';
import { type Picked, plainName, withoutTop } from './dropped';
import { formatSize, sentence } from './format';
import type { Row } from './model/vaults';
import { samplesOf } from './samples';
import { LabError, type Statement, type UploadPlan, type Vault } from './values';
import { announced, NewVault, type Wish } from './views/newVault';

/** Ask what is to become of files, show what publishing them does, and publish them. `into` is where they were dropped. */
export async function publish(desk: Desk, picked: Picked[], into?: Row): Promise<void> {
  const { trans } = desk;
  if (desk.uploads.busy) {
    Notification.warning(trans.__('An upload is running. Wait for it, or cancel it.'), { autoClose: 5000 });
  } else if (picked.length === 0) {
    Notification.info(trans.__('There are no files in it.'), { autoClose: 4000 });
  } else if (into) {
    const folder =
      into.kind === 'directory'
        ? into.path
        : into.kind === 'file'
          ? into.path.split('/').slice(0, -1).join('/')
          : '';
    const files = picked.map(({ path, file }) => ({ path: folder ? `${folder}/${path}` : path, file }));
    await publishVersion(desk, into.vault, files);
  } else {
    await publishNew(desk, picked);
  }
}

/** Publish what a draft changes in an own vault, with `files` if any. */
export async function publishVersion(desk: Desk, vault: Vault, files: Picked[]): Promise<void> {
  const { api, trans } = desk;
  if (vault.version === 0) {
    return publishNew(desk, files, vault.name.split('/')[1]);
  }
  try {
    const name = vault.name.split('/')[1];
    const plan = await api.announce({ name, update: true, files: sizes(files) });
    const title = trans.__('Publish version %1 of %2', String(plan.version), plan.name);
    if (await confirmed(desk, title, <PlanView plan={plan} />)) {
      void desk.uploads.run(plan, contents(files));
    } else {
      await api.cancelUpload(plan.id);
    }
  } catch (error) {
    Notification.error(sentence(LabError.from(error)), { autoClose: false });
  }
}

const sizes = (files: Picked[]): [string, number][] => files.map(({ path, file }) => [path, file.size]);

/** All files as one stream. Nothing is read before it is sent. */
const contents = (files: Picked[]): Blob => new Blob(files.map(({ file }) => file));

async function publishNew(desk: Desk, picked: Picked[], prepared = ''): Promise<void> {
  const { api, trans } = desk;
  const { name, files } = prepared ? { name: prepared, files: picked } : withoutTop(picked);
  try {
    const found = await api.propose(name, sizes(files), await samplesOf(files));
    const { proposal, questions } = found;
    let wish: Wish = {
      name: prepared || plainName(name) || (proposal?.name ?? ''),
      kind: proposal?.kind ?? 'dataset',
      title: proposal?.title ?? '',
      description: proposal?.description ?? '',
      task: proposal?.task ?? '',
      tags: proposal?.tags.join(', ') ?? '',
      statement: proposal?.statement ?? NOTHING_SAID,
      answers: { use: proposal?.use ?? '', price: '', back: '', lasts: '' }
    };
    let problem: LabError | null = null;
    for (;;) {
      const form: Form<Wish> = new Form(desk, wish, change => (
        <NewVault
          wish={wish}
          files={files}
          questions={questions}
          checks={proposal?.checks ?? []}
          named={proposal?.named_license ?? ''}
          fixed={prepared !== ''}
          problem={problem}
          onChange={change}
        />
      ));
      const { button } = await new Dialog({
        title: trans.__('New vault'),
        body: form,
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Encrypt and publish') })],
        focusNodeSelector: '.jp-Sahara-form input'
      }).launch();
      if (!button.accept) {
        return;
      }
      wish = form.value;
      try {
        const plan = await api.announce(announced(wish, questions, sizes(files)));
        void desk.uploads.run(plan, contents(files));
        return;
      } catch (error) {
        problem = LabError.from(error);
      }
    }
  } catch (error) {
    Notification.error(sentence(LabError.from(error)), { autoClose: false });
  }
}

const NOTHING_SAID: Statement = {
  source: '',
  consent: '',
  personal_data: '',
  intended_use: '',
  known_risks: ''
};

/** A body of a dialog whose value is what was last typed. */
export class Form<T> extends ReactWidget {
  constructor(
    private readonly desk: Desk,
    public value: T,
    private readonly content: (change: (value: T) => void) => JSX.Element
  ) {
    super();
  }

  getValue(): T {
    return this.value;
  }

  protected render(): JSX.Element {
    return <DeskProvider value={this.desk}>{this.content(value => (this.value = value))}</DeskProvider>;
  }
}

/** Ask with a dialog that Enter does not answer. */
export async function confirmed(
  desk: Desk,
  title: string,
  body: JSX.Element,
  label = desk.trans.__('Publish'),
  warn = false
): Promise<boolean> {
  const ok = warn ? Dialog.warnButton({ label }) : Dialog.okButton({ label });
  const { button } = await new Dialog({
    title,
    body: ReactWidget.create(<DeskProvider value={desk}>{body}</DeskProvider>),
    buttons: [Dialog.cancelButton(), ok],
    defaultButton: 0,
    focusNodeSelector: '.jp-Dialog-footer button'
  }).launch();
  return button.accept;
}

function PlanView(props: { plan: UploadPlan }): JSX.Element {
  const { plan } = props;
  const { trans } = useDesk();
  const added = plan.files - plan.replaced;
  return (
    <div className="jp-Sahara-plan">
      <ul>
        {added > 0 && <li>{trans._n('Adds %1 file', 'Adds %1 files', added)}</li>}
        {plan.replaced > 0 && <li>{trans._n('Replaces %1 file', 'Replaces %1 files', plan.replaced)}</li>}
        {plan.pending > 0 && (
          <li>
            {trans._n(
              'Publishes %1 change that was prepared in a notebook, too',
              'Publishes %1 changes that were prepared in a notebook, too',
              plan.pending
            )}
          </li>
        )}
        <li>{trans.__('Sends and encrypts %1', formatSize(plan.total))}</li>
        <li>
          {plan.offers.length
            ? trans.__('Licenses on offer stay: %1', plan.offers.join('; '))
            : trans.__('No license is on offer: only you, and whom you share it with, can open it')}
        </li>
      </ul>
      <p className="jp-Sahara-muted">
        {trans.__(
          'Versions before it stay as they are. Names, sizes and columns of the files become public; their content does not.'
        )}
      </p>
    </div>
  );
}
