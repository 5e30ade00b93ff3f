import React from 'react';

import { useDesk } from '../desk';
import { formatAmount, formatWei, share, SYMBOL } from '../format';
import { shortAddress } from '../model/wallet';
import type { Quote } from '../values';
import { Problem, Warning } from './parts';
import { LabError } from '../values';

/** Everyone who is paid, the total, and what is left: what a person confirms before paying. */
export function QuoteView(props: { quote: Quote; wallet: Quote | null }): JSX.Element {
  const { trans } = useDesk();
  const { quote, wallet } = props;
  const payees = quote.lines.map(line => ({
    key: `${line.asset}:${line.account}`,
    account: line.account,
    why:
      line.asset === quote.asset
        ? trans.__('owner of %1', line.asset)
        : trans.__('royalty of %1', line.asset),
    amount: line.amount
  }));
  if (quote.fee.wei !== '0') {
    payees.push({
      key: 'fee',
      account: trans.__('Treasury'),
      why: trans.__('protocol fee'),
      amount: quote.fee
    });
  }
  const left = BigInt(quote.balance.wei) - BigInt(quote.price.wei);
  const facts = [
    quote.terms.duration === 'for ever'
      ? trans.__('does not expire')
      : trans.__('lasts %1', quote.terms.duration),
    trans.__('allows %1', quote.terms.allows.join(', '))
  ];
  if (quote.terms.royalty !== '0%') {
    facts.push(trans.__('derivatives owe %1 of their revenue', quote.terms.royalty));
  }
  return (
    <div className="jp-Sahara-quote">
      <Warning text={quote.warning} />
      <p className="jp-Sahara-quoteTerms">
        <strong>{quote.terms.flavor}</strong> · {facts.join(' · ')}
      </p>
      {quote.price.wei === '0' ? (
        <p>{trans.__('This license is free. Nobody is paid.')}</p>
      ) : (
        <>
          <div className="jp-Sahara-bar" aria-hidden="true">
            {payees.map((payee, index) => (
              <span
                key={payee.key}
                data-slot={index % 5}
                style={{ width: `${share(payee.amount.wei, quote.price.wei)}%` }}
              />
            ))}
          </div>
          <table className="jp-Sahara-table" aria-label={trans.__('Who is paid')}>
            <tbody>
              {payees.map((payee, index) => (
                <tr key={payee.key}>
                  <td>
                    <span className="jp-Sahara-dot" data-slot={index % 5} aria-hidden="true" />
                    {payee.account} <span className="jp-Sahara-muted">{payee.why}</span>
                  </td>
                  <td>{formatAmount(payee.amount)}</td>
                </tr>
              ))}
            </tbody>
            <tfoot>
              <tr className="jp-mod-total">
                <th scope="row">{trans.__('Total')}</th>
                <td>{formatAmount(quote.price)}</td>
              </tr>
              <tr>
                <td className="jp-Sahara-muted">{trans.__('Balance of %1 now', quote.buyer)}</td>
                <td className="jp-Sahara-muted">{formatAmount(quote.balance)}</td>
              </tr>
              {wallet && (
                <tr>
                  <td className="jp-Sahara-muted">
                    {trans.__('Balance of the wallet %1', shortAddress(wallet.buyer))}
                  </td>
                  <td className="jp-Sahara-muted">{formatAmount(wallet.balance)}</td>
                </tr>
              )}
              {quote.affordable && (
                <tr>
                  <td className="jp-Sahara-muted">{trans.__('Balance afterwards')}</td>
                  <td className="jp-Sahara-muted">{`${formatWei(left)} ${SYMBOL}`}</td>
                </tr>
              )}
            </tfoot>
          </table>
        </>
      )}
      {quote.affordable && (
        <p className="jp-Sahara-muted">
          {trans.__('Signed for %1: %2.', quote.buyer, quote.signatures)}{' '}
          {quote.gas && trans.__('Gas: %1.', quote.gas)}
        </p>
      )}
      {wallet?.affordable && (
        <p className="jp-Sahara-muted">
          {trans.__('Paid with the wallet, the license is %1’s all the same.', quote.buyer)}
        </p>
      )}
      {!quote.affordable && !wallet?.affordable && (
        <Problem
          error={
            new LabError(
              trans.__('The balance does not cover the price'),
              'funds',
              trans.__('%1 needs %2 more.', quote.buyer, `${formatWei(-left)} ${SYMBOL}`)
            )
          }
        />
      )}
    </div>
  );
}
