import { Dialog, Notification } from '@jupyterlab/apputils';
import React from 'react';

import type { Desk } from './desk';
import { Form } from './publishing';
import { sentence } from './format';
import { LabError } from './values';

/** Ask what is wrong with an asset, and say it where the DAO and everybody else reads it. */
export async function report(desk: Desk, name: string): Promise<void> {
  const { api, trans } = desk;
  const note = trans.__('Everyone can read it, for good. Reports decide nothing: the DAO does, by a vote.');
  const reason = await asked(
    desk,
    trans.__('Report %1', name),
    trans.__('What is wrong?'),
    note,
    trans.__('Report')
  );
  await say(desk, reason, text => api.report(name, text), trans.__('%1 is reported', name));
}

/** Ask an owner for the answer to the DAO's decision, and send it. */
export async function appeal(desk: Desk, name: string): Promise<void> {
  const { api, trans } = desk;
  const note = trans.__('Everyone can read it, for good. You can answer each decision once.');
  const label = trans.__('Why is the decision wrong?');
  const reason = await asked(desk, trans.__('Appeal for %1', name), label, note, trans.__('Appeal'));
  await say(desk, reason, text => api.appeal(name, text), trans.__('Your appeal is recorded'));
}

/** Ask an owner for a license of something that is not on offer. */
export async function request(desk: Desk, name: string): Promise<void> {
  const { api, trans } = desk;
  const note = trans.__(
    'Everyone can read it, for good. The owner grants it or declines; you are bound to nothing.'
  );
  const title = trans.__('Ask for %1', name);
  const words = await asked(desk, title, trans.__('What is it for?'), note, trans.__('Ask the owner'));
  const send = async (text: string): Promise<void> => void (await api.request(name, text));
  await say(desk, words, send, trans.__('The owner of %1 is asked', name));
}

async function asked(
  desk: Desk,
  title: string,
  label: string,
  note: string,
  button: string
): Promise<string> {
  const form: Form<string> = new Form(desk, '', change => (
    <div className="jp-Sahara-form">
      <label>
        <span>{label}</span>
        <textarea
          className="jp-mod-styled"
          rows={3}
          maxLength={500}
          onChange={event => change(event.target.value)}
        />
      </label>
      <p className="jp-Sahara-muted">{note}</p>
    </div>
  ));
  const answer = await new Dialog({
    title,
    body: form,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: button })],
    focusNodeSelector: '.jp-Sahara-form textarea'
  }).launch();
  return answer.button.accept ? form.value.trim() : '';
}

async function say(
  desk: Desk,
  text: string,
  send: (text: string) => Promise<void>,
  done: string
): Promise<void> {
  if (!text) {
    return;
  }
  try {
    await send(text);
    Notification.success(done, { autoClose: 5000 });
    desk.refresh();
  } catch (error) {
    Notification.error(sentence(LabError.from(error)), { autoClose: false });
  }
}
