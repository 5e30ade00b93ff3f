import React from 'react';

import { licenseCode, openCode } from '../code';
import { useDesk } from '../desk';
import { formatAmount, formatDate } from '../format';
import { request } from '../opinions';
import type { Asset, Grant, Terms } from '../values';
import { Action, Badge, Code, Price, useSignals } from './parts';

/** How to open an asset that the account may read, and what the account earned when it is its own. */
export function Access(props: { asset: Asset }): JSX.Element | null {
  const { session, trans } = useDesk();
  const { asset } = props;
  const valid = asset.held.find(grant => grant.status === 'valid');
  if (!asset.owned && !valid) {
    return null;
  }
  return (
    <section className="jp-Sahara-box jp-mod-open" aria-label={trans.__('Open it')}>
      <div className="jp-Sahara-boxHead">
        <h2>{asset.owned ? trans.__('Your asset') : trans.__('Licensed')}</h2>
        {valid && <Badge tone="good">{trans.__('license %1', String(valid.id))}</Badge>}
      </div>
      {valid && (
        <p className="jp-Sahara-muted">{held(valid, trans.__('does not expire'), trans.__('until'))}</p>
      )}
      {asset.earned && <Earned earned={asset.earned} />}
      <Code code={openCode(asset, session.codeAccount)} label={asset.name} />
    </section>
  );
}

function Earned(props: { earned: NonNullable<Asset['earned']> }): JSX.Element {
  const { library, refresh, trans } = useDesk();
  useSignals(library.content.changed);
  const { received, claimable, sales } = props.earned;
  return (
    <div className="jp-Sahara-earned" role="group" aria-label={trans.__('Earnings')}>
      <dl>
        <dt>{trans.__('Sold')}</dt>
        <dd>{trans._n('%1 license', '%1 licenses', sales)}</dd>
        <dt>{trans.__('Earned')}</dt>
        <dd>{formatAmount(received)}</dd>
        <dt>{trans.__('To claim')}</dt>
        <dd>{formatAmount(claimable)}</dd>
      </dl>
      {claimable.wei !== '0' && (
        <Action
          accent
          label={trans.__('Claim')}
          title={trans.__('Move everything that you can claim into your account')}
          disabled={library.content.loading}
          onClick={() => void library.claim().then(refresh)}
        />
      )}
    </div>
  );
}

function held(grant: Grant, forever: string, until: string): string {
  return `${grant.terms.flavor} · ${grant.expires ? `${until} ${formatDate(grant.expires)}` : forever}`;
}

/** The licenses on offer, in plain words, each with a button that asks for a quote. */
export function Offers(props: { asset: Asset }): JSX.Element {
  const { session, trans } = useDesk();
  const { asset } = props;
  if (asset.offers.length === 0) {
    return (
      <section className="jp-Sahara-box">
        <h2>{trans.__('Licenses')}</h2>
        <p className="jp-Sahara-muted">{trans.__('The owner offers no license at the moment.')}</p>
        {!asset.owned && !asset.held.some(grant => grant.status === 'valid') && <Ask name={asset.name} />}
      </section>
    );
  }
  const sold = asset.reputation.standing !== 'taken down';
  const without = sold && !asset.owned && !asset.held.some(grant => grant.status === 'valid');
  return (
    <>
      {asset.offers.map(offer => (
        <Offer key={offer.flavor} asset={asset} offer={offer} sold={sold} />
      ))}
      {without && (
        <details className="jp-Sahara-box">
          <summary>{trans.__('License it from a notebook')}</summary>
          <Code
            code={licenseCode(asset, asset.offers[0], session.codeAccount)}
            label={trans.__('License %1', asset.name)}
          />
        </details>
      )}
    </>
  );
}

/** A request to the owner, and what became of the last one. */
function Ask(props: { name: string }): JSX.Element {
  const desk = useDesk();
  const { library, trans } = desk;
  useSignals(library.content.changed);
  const last = library.asked(props.name);
  if (last?.status === 'open') {
    return <p role="status">{trans.__('You asked for it; the owner has not answered.')}</p>;
  }
  return (
    <>
      {last?.status === 'declined' && <p role="status">{trans.__('The owner declined your request.')}</p>}
      <Action accent label={trans.__('Ask the owner')} onClick={() => void request(desk, props.name)} />
    </>
  );
}

/** `sold`: the DAO lets it be bought. */
function Offer(props: { asset: Asset; offer: Terms; sold: boolean }): JSX.Element {
  const { license, session, trans } = useDesk();
  useSignals(session.status.changed);
  const { asset, offer } = props;
  const renewed = asset.held.some(grant => grant.terms.flavor === offer.flavor && grant.status === 'expired');
  const covered = asset.held.some(grant => grant.terms.flavor === offer.flavor && grant.status === 'valid');
  const facts = [
    offer.duration === 'for ever' ? trans.__('Does not expire') : trans.__('Lasts %1', offer.duration),
    offer.royalty === '0%'
      ? trans.__('No royalty')
      : trans.__('Derivatives owe %1 of their revenue', offer.royalty)
  ];
  if (offer.seats > 0) {
    facts.push(trans._n('%1 seat', '%1 seats', offer.seats));
  }
  return (
    <section className="jp-Sahara-box" aria-label={offer.flavor}>
      <div className="jp-Sahara-boxHead">
        <h2>{offer.flavor}</h2>
        <Price amount={offer.price} />
      </div>
      <p>{offer.text}</p>
      <ul className="jp-Sahara-tags" aria-label={trans.__('Allows')}>
        {offer.allows.map(use => (
          <li
            key={use}
            title={offer.not_enforced.includes(use) ? trans.__('By agreement; no contract enforces it') : ''}
          >
            {use}
          </li>
        ))}
      </ul>
      <p className="jp-Sahara-muted">{facts.join(' · ')}</p>
      {props.sold && !asset.owned && !covered && (
        <Action
          accent
          disabled={!session.up}
          title={session.up ? undefined : trans.__('The network is down')}
          label={renewed ? trans.__('Renew') : trans.__('License')}
          onClick={() => void license(asset.name, offer.flavor)}
        />
      )}
    </section>
  );
}
