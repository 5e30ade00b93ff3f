import { Dialog, Notification, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { type Desk, DeskProvider } from './desk';
import { formatAmount, sentence } from './format';
import { LabError, type Grant, type Quote } from './values';
import { QuoteView } from './views/quote';

/**
 * Quote, show who gets what, and pay only what was shown, with the account's own keys or the wallet that is connected. The grant,
 * or null when the person did not go through with it.
 */
export async function purchase(desk: Desk, name: string, flavor: string): Promise<Grant | null> {
  const { api, trans, wallet } = desk;
  try {
    const own = await api.quote(name, flavor);
    const other = wallet.connected ? await api.quote(name, flavor, wallet.address) : null;
    const { button } = await new Dialog({
      title: trans.__('License %1', name),
      body: ReactWidget.create(
        <DeskProvider value={desk}>
          <QuoteView quote={own} wallet={other} />
        </DeskProvider>
      ),
      buttons: buttons(desk, own, other),
      // Enter must not spend: paying takes a click or Space on the button itself.
      defaultButton: 0,
      focusNodeSelector: '.jp-Dialog-footer button'
    }).launch();
    if (!button.accept) {
      return null;
    }
    const network = desk.session.status.value?.network;
    const wish = { name, license: own.terms.flavor, max_price: own.price.tokens };
    const paid =
      button.className === WALLET && network
        ? wallet.pay(api, network, wish)
        : api.license(name, own.terms.flavor, own.price.tokens);
    // The notification keeps a JSON value: the license number will do.
    Notification.promise(
      paid.then(grant => grant.id),
      {
        pending: { message: trans.__('Licensing %1', name), options: { autoClose: false } },
        success: {
          message: () => trans.__('%1 is licensed to %2', name, own.buyer),
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

const WALLET = 'jp-Sahara-payByWallet';

function buttons(desk: Desk, own: Quote, other: Quote | null): Dialog.IButton[] {
  const { trans, wallet } = desk;
  const free = own.price.wei === '0';
  const label = free ? trans.__('Accept the license') : trans.__('Pay %1', formatAmount(own.price));
  const offered: Dialog.IButton[] = [];
  if (other?.affordable && wallet.connected) {
    const by = trans.__('Pay with %1', wallet.connected.info.name);
    offered.push(Dialog.okButton({ label: by, className: WALLET }));
  }
  if (own.affordable) {
    offered.push(Dialog.okButton({ label }));
  }
  const cancel = offered.length ? Dialog.cancelButton() : Dialog.cancelButton({ label: trans.__('Close') });
  return [cancel, ...offered];
}

/** Why nothing was bought. What the kernel would advise when the price rose is no advice for a page. */
function refused(error: LabError, name: string, trans: TranslationBundle): string {
  return error.code === 'price'
    ? trans.__('%1 costs more than the quote said, so nothing was paid. Look at its price again.', name)
    : sentence(error);
}
