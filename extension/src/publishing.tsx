import { Dialog, Notification, ReactWidget } from '@jupyterlab/apputils';
import React, { useState } from 'react';

import { type Desk, DeskProvider, useDesk } from './desk';
import { type Picked, plainName, withoutTop } from './dropped';
import { formatSize } from './format';
import type { Row } from './model/vaults';
import { sentence } from './purchase';
import { type Announcement, LabError, type UploadPlan, type Vault } from './values';

export const FLAVORS = [
  'Open Use',
  'Non-Commercial Research',
  'Commercial',
  'Commercial Remix',
  'Compute-Only'
];

interface Wish {
  name: string;
  kind: string;
  title: string;
  license: string;
  price: string;
  royalty: string;
}

const KINDS = ['dataset', 'model', 'agent', 'notebook', 'service', 'collection'];

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
  let wish: Wish = {
    name: prepared || plainName(name),
    kind: 'dataset',
    title: '',
    license: '',
    price: '',
    royalty: '10%'
  };
  let problem: LabError | null = null;
  for (;;) {
    const form: Form<Wish> = new Form(desk, wish, change => (
      <NewVault wish={wish} files={files} fixed={prepared !== ''} problem={problem} onChange={change} />
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
    const paid = !['', 'Open Use'].includes(wish.license);
    const what: Announcement = {
      name: wish.name,
      kind: wish.kind,
      title: wish.title,
      license: wish.license,
      price: paid ? wish.price : '',
      royalty: wish.license === 'Commercial Remix' ? wish.royalty : '',
      update: false,
      files: sizes(files)
    };
    try {
      const plan = await api.announce(what);
      void desk.uploads.run(plan, contents(files));
      return;
    } catch (error) {
      problem = LabError.from(error);
    }
  }
}

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

function NewVault(props: {
  wish: Wish;
  files: Picked[];
  /** The name is given already: what is published was prepared under it. */
  fixed: boolean;
  problem: LabError | null;
  onChange: (wish: Wish) => void;
}): JSX.Element {
  const { session, trans } = useDesk();
  const { files, fixed, problem } = props;
  const [wish, setWish] = useState(props.wish);
  const set = (change: Partial<Wish>): void => {
    const next = { ...wish, ...change };
    setWish(next);
    props.onChange(next);
  };
  const field = (key: keyof Wish, label: string, more: object = {}): JSX.Element => (
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
  const priced = wish.license !== '' && wish.license !== 'Open Use';
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  return (
    <div className="jp-Sahara-form">
      {problem && (
        <div className="jp-Sahara-problem" role="alert">
          <strong>{problem.message}</strong>
          {problem.hint && <p className="jp-Sahara-hint">{problem.hint}</p>}
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
        <span>{trans.__('License on offer')}</span>
        <select value={wish.license} onChange={event => set({ license: event.target.value })}>
          <option value="">{trans.__('None')}</option>
          {FLAVORS.map(flavor => (
            <option key={flavor}>{flavor}</option>
          ))}
        </select>
      </label>
      {priced &&
        field('price', trans.__('Price in SAHARA'), {
          inputMode: 'decimal',
          maxLength: 24,
          placeholder: '0'
        })}
      {wish.license === 'Commercial Remix' &&
        field('royalty', trans.__('Royalty of derivatives'), { maxLength: 8 })}
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
        <li>
          {wish.license
            ? trans.__('Who licenses it can open it')
            : trans.__('Only you, and whom you share it with, can open it')}
        </li>
      </ul>
      <p className="jp-Sahara-muted">
        {trans.__(
          'Names, sizes and columns of the files become public; their content does not. A version stays for ever.'
        )}
      </p>
    </div>
  );
}
