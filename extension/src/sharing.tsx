import { Dialog, Notification, ReactWidget } from '@jupyterlab/apputils';
import React, { useState } from 'react';

import { type Desk, DeskProvider, useDesk } from './desk';
import { formatUntil, sentence } from './format';
import type { Row } from './model/vaults';
import { confirmed, Form } from './publishing';
import { LabError, type Reader, type Renewals, type Vault } from './values';
import { Empty } from './views/parts';

const DAY = 86_400;

interface Wish {
  account: string;
  days: number;
}

/** Ask with whom to share a vault, a folder or a file, and do it. */
export async function share(desk: Desk, row: Row): Promise<void> {
  const { api, trans } = desk;
  const form = new Form<Wish>(desk, { account: '', days: 0 }, change => (
    <ShareForm row={row} onChange={change} />
  ));
  const { button } = await new Dialog({
    title: trans.__('Share %1', place(row)),
    body: form,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Share') })],
    focusNodeSelector: '.jp-Sahara-form input'
  }).launch();
  const { account, days } = form.value;
  if (button.accept) {
    const until = days ? Math.floor(Date.now() / 1000) + days * DAY : 0;
    const done = trans.__('%1 is shared with %2 %3', place(row), account, formatUntil(until, trans));
    await telling(desk, api.share(row.vault.name, account, row.path, until), () => done);
  }
}

/** Ask from whom to take a vault back, and do it by new keys. */
export async function stopSharing(desk: Desk, vault: Vault): Promise<void> {
  const { api, trans } = desk;
  try {
    const readers = await api.readers(vault.name);
    const shared = [...new Set(readers.filter(({ why }) => why === 'shared').map(({ account }) => account))];
    if (shared.length === 0) {
      Notification.info(trans.__('%1 is not shared with anybody.', vault.name), { autoClose: 4000 });
      return;
    }
    const form = new Form(desk, shared[0], change => <StopForm accounts={shared} onChange={change} />);
    const { button } = await new Dialog({
      title: trans.__('Stop sharing %1', vault.name),
      body: form,
      buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Stop sharing') })],
      defaultButton: 0,
      focusNodeSelector: '.jp-Sahara-form select'
    }).launch();
    if (button.accept) {
      const account = form.value;
      await telling(desk, api.unshare(vault.name, account), renewals =>
        trans.__('%1 can get no key of %2 any more. %3', account, vault.name, told(desk, renewals))
      );
    }
  } catch (error) {
    Notification.error(sentence(LabError.from(error)), { autoClose: false });
  }
}

/** Say what new keys protect and what they do not, and renew them when the owner agrees. */
export async function renewKeys(desk: Desk, vault: Vault): Promise<void> {
  const { api, trans } = desk;
  const body = (
    <div className="jp-Sahara-plan">
      <p>
        {trans.__(
          'All versions get new keys. Who can read the vault today can read it afterwards: you, licensees, and those you share it with.'
        )}
      </p>
      <KeysNote />
    </div>
  );
  const title = trans.__('Renew the keys of %1', vault.name);
  if (await confirmed(desk, title, body, trans.__('Renew keys'))) {
    await telling(desk, api.rotate(vault.name), renewals => told(desk, renewals));
  }
}

/** Show who can read a vault, why, and until when. */
export async function whoCanRead(desk: Desk, vault: Vault): Promise<void> {
  const { api, trans } = desk;
  try {
    const readers = await api.readers(vault.name);
    await new Dialog({
      title: trans.__('Who can read %1', vault.name),
      body: ReactWidget.create(
        <DeskProvider value={desk}>
          <Readers readers={readers} />
        </DeskProvider>
      ),
      buttons: [Dialog.okButton({ label: trans.__('Close') })]
    }).launch();
  } catch (error) {
    Notification.error(sentence(LabError.from(error)), { autoClose: false });
  }
}

const place = (row: Row): string => (row.path ? `${row.vault.name}/${row.path}` : row.vault.name);

function told(desk: Desk, { versions, note }: Renewals): string {
  const renewed = desk.trans._n('%1 version has new keys.', '%1 versions have new keys.', versions.length);
  return `${renewed} ${note}`;
}

/** Follow something that takes a moment, say how it ended, and look again. */
async function telling<T>(desk: Desk, pending: Promise<T>, done: (value: T) => string): Promise<void> {
  const { trans, vaults } = desk;
  const outcome = pending.then(done);
  Notification.promise(outcome, {
    pending: { message: trans.__('Working on the keys'), options: { autoClose: false } },
    success: { message: text => String(text), options: { autoClose: 8000 } },
    error: { message: reason => sentence(LabError.from(reason)), options: { autoClose: false } }
  });
  await outcome.catch(() => undefined);
  await vaults.refresh();
}

function KeysNote(): JSX.Element {
  const { trans } = useDesk();
  return (
    <p>
      {trans.__(
        'No file is encrypted again. Who had access before and kept the key of a file can still open that file, and what was copied stays copied.'
      )}
    </p>
  );
}

function ShareForm(props: { row: Row; onChange: (wish: Wish) => void }): JSX.Element {
  const { session, trans } = useDesk();
  const { path } = props.row;
  const [wish, setWish] = useState<Wish>({ account: '', days: 0 });
  const set = (change: Partial<Wish>): void => {
    const next = { ...wish, ...change };
    setWish(next);
    props.onChange(next);
  };
  const others = (session.status.value?.accounts ?? []).filter(account => account !== session.account);
  return (
    <div className="jp-Sahara-form">
      <label>
        <span>{trans.__('With')}</span>
        <input
          type="text"
          className="jp-mod-styled"
          placeholder={trans.__('handle or address')}
          maxLength={62}
          list="jp-Sahara-accounts"
          value={wish.account}
          onChange={event => set({ account: event.target.value.trim() })}
        />
        <datalist id="jp-Sahara-accounts">
          {others.map(account => (
            <option key={account} value={account} />
          ))}
        </datalist>
      </label>
      <label>
        <span>{trans.__('How long')}</span>
        <select value={wish.days} onChange={event => set({ days: Number(event.target.value) })}>
          <option value={0}>{trans.__('until I stop it')}</option>
          <option value={7}>{trans.__('7 days')}</option>
          <option value={30}>{trans.__('30 days')}</option>
          <option value={365}>{trans.__('a year')}</option>
        </select>
      </label>
      <p className="jp-Sahara-muted">
        {path
          ? trans.__('They can read %1 without a license, and nothing beside it, not even names.', path)
          : trans.__('They can read all of the newest version without a license.')}{' '}
        {wish.days > 0 &&
          trans.__('Sahara Lab refuses to open it after that day; “Stop sharing” takes the key away sooner.')}
      </p>
    </div>
  );
}

function StopForm(props: { accounts: string[]; onChange: (account: string) => void }): JSX.Element {
  const { trans } = useDesk();
  return (
    <div className="jp-Sahara-form">
      <label>
        <span>{trans.__('With')}</span>
        <select onChange={event => props.onChange(event.target.value)}>
          {props.accounts.map(account => (
            <option key={account}>{account}</option>
          ))}
        </select>
      </label>
      <p>{trans.__('The versions shared with them get new keys, which they do not get.')}</p>
      <KeysNote />
    </div>
  );
}

function Readers(props: { readers: Reader[] }): JSX.Element {
  const { trans } = useDesk();
  if (props.readers.length === 0) {
    return <Empty title={trans.__('Nobody')} />;
  }
  return (
    <table className="jp-Sahara-table jp-Sahara-readers">
      <thead>
        <tr>
          <th scope="col">{trans.__('Account')}</th>
          <th scope="col">{trans.__('Why')}</th>
          <th scope="col">{trans.__('What')}</th>
          <th scope="col">{trans.__('How long')}</th>
        </tr>
      </thead>
      <tbody>
        {props.readers.map(reader => (
          <tr key={`${reader.account} ${reader.why} ${reader.path}`}>
            <td>{reader.account}</td>
            <td>{reader.why}</td>
            <td>{reader.path || trans.__('all of it')}</td>
            <td>{formatUntil(reader.until, trans)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
