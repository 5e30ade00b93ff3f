import { Dialog, Notification, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { type Desk, DeskProvider } from './desk';
import { formatAmount } from './format';
import { LabError, type Grant } from './values';
import { QuoteView } from './views/quote';

/** Quote, show who gets what, and pay only what was shown. The grant, or null when the person did not go through with it. */
export async function purchase(desk: Desk, name: string, flavor: string): Promise<Grant | null> {
  const { api, trans } = desk;
  try {
    const quote = await api.quote(name, flavor);
    const free = quote.price.wei === '0';
    const confirm = free ? trans.__('Accept the license') : trans.__('Pay %1', formatAmount(quote.price));
    const dialog = new Dialog({
      title: trans.__('License %1', name),
      body: ReactWidget.create(
        <DeskProvider value={desk}>
          <QuoteView quote={quote} />
        </DeskProvider>
      ),
      buttons: quote.affordable
        ? [Dialog.cancelButton(), Dialog.okButton({ label: confirm })]
        : [Dialog.cancelButton({ label: trans.__('Close') })],
      // Enter must not spend: paying takes a click or Space on the button itself.
      defaultButton: 0,
      focusNodeSelector: '.jp-Dialog-footer button'
    });
    const { button } = await dialog.launch();
    if (!button.accept) {
      return null;
    }
    const paid = api.license(name, quote.terms.flavor, quote.price.tokens);
    // The notification keeps a JSON value: the license number will do.
    Notification.promise(
      paid.then(grant => grant.id),
      {
        pending: { message: trans.__('Licensing %1', name), options: { autoClose: false } },
        success: {
          message: () => trans.__('%1 is licensed to %2', name, quote.buyer),
          options: { autoClose: 5000 }
        },
        error: {
          message: reason => refused(LabError.from(reason), name, trans),
          options: { autoClose: false }
        }
      }
    );
    return await paid.catch(() => {
      desk.refresh();
      return null;
    });
  } catch (error) {
    Notification.error(sentence(LabError.from(error)), { autoClose: false });
    return null;
  }
}

/** Why nothing was bought. What the kernel would advise when the price rose is no advice for a page. */
function refused(error: LabError, name: string, trans: TranslationBundle): string {
  return error.code === 'price'
    ? trans.__('%1 costs more than the quote said, so nothing was paid. Look at its price again.', name)
    : sentence(error);
}

/** A failure in one line. */
export function sentence(error: LabError): string {
  return error.hint ? `${error.message}. ${error.hint}` : error.message;
}
