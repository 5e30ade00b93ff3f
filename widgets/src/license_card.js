// A license card: what an asset costs, who is paid, and a button that buys at the price shown.
// The kernel holds the rules; this view shows its state and sends what was pressed.

import { el, orders } from "./front.js";

/** @typedef {{label: string, amount: string, share: number}} Line */
/** @typedef {{key: string, flavor: string, price: string, free: boolean, affordable: boolean, terms: string, allows: string, lines: Line[]}} Offer */

function shares(lines) {
  const bar = el("div", { class: "sahara-bar", role: "img", "aria-label": lines.map((l) => `${l.label} ${l.amount}`).join(", ") });
  for (const [index, line] of lines.entries()) {
    const part = el("span", { class: `sahara-part sahara-part-${index % 6}` });
    part.style.width = `${line.share * 100}%`;
    bar.append(part);
  }
  const rows = lines.map((line, index) =>
    el("li", {}, el("span", { class: `sahara-dot sahara-part-${index % 6}` }), el("span", { class: "sahara-grow" }, line.label), el("span", {}, line.amount)),
  );
  return el("div", {}, bar, el("ul", { class: "sahara-lines" }, ...rows));
}

function offerView(offer, order, asking, render) {
  const ask = asking.key === offer.key;
  const buy = () => {
    asking.key = null;
    order.send({ action: "buy", key: offer.key });
  };
  const first = el(
    "button",
    {
      class: "sahara-button sahara-primary",
      disabled: order.waiting || !offer.affordable,
      onclick: () => {
        if (offer.free) return buy();
        asking.key = offer.key;
        render();
      },
    },
    offer.free ? "Get the license" : `License for ${offer.price}`,
  );
  const confirm = el(
    "div",
    { class: "sahara-confirm", role: "group", "aria-label": "Confirm the purchase" },
    el("span", { class: "sahara-grow" }, `Pay ${offer.price}?`),
    el("button", { class: "sahara-button sahara-primary", disabled: order.waiting, onclick: buy }, "Pay"),
    el("button", { class: "sahara-button", onclick: () => ((asking.key = null), render()) }, "Cancel"),
  );
  return el(
    "section",
    { class: "sahara-offer" },
    el("div", { class: "sahara-row" }, el("strong", { class: "sahara-grow" }, offer.flavor), el("span", {}, offer.price)),
    el("div", { class: "sahara-muted" }, offer.terms),
    el("div", { class: "sahara-muted" }, `Allows ${offer.allows}`),
    offer.free ? null : shares(offer.lines),
    offer.affordable ? null : el("div", { class: "sahara-error" }, "Your balance does not cover the price."),
    ask ? confirm : first,
  );
}

function render({ model, el: root }) {
  const asking = { key: null }; // of this view; the kernel need not know
  const draw = () => {
    const card = model.get("card");
    const status = card.licensed
      ? el("div", { class: "sahara-good" }, card.licensed)
      : null;
    root.replaceChildren(
      el(
        "article",
        { class: "sahara-widget", "aria-busy": order.waiting ? "true" : "false" },
        el("header", { class: "sahara-row" }, el("strong", { class: "sahara-title sahara-grow" }, card.title), el("span", { class: "sahara-badge" }, card.kind)),
        el("div", { class: "sahara-muted" }, [card.name, card.standing].filter(Boolean).join(" · ")),
        card.warning ? el("div", { class: "sahara-error", role: "note" }, card.warning) : null,
        card.summary ? el("p", { class: "sahara-summary" }, card.summary) : null,
        el("div", { class: "sahara-muted" }, `${card.account} has ${card.balance}`),
        status,
        card.code ? el("pre", { class: "sahara-code" }, card.code) : null,
        ...(card.licensed ? [] : card.offers.map((offer) => offerView(offer, order, asking, draw))),
        card.offers.length || card.licensed ? null : el("div", { class: "sahara-muted" }, "Not offered for licensing."),
        el("div", { class: "sahara-error", role: "alert" }, card.error || ""),
      ),
    );
  };
  const order = orders(model, "card", draw);
  model.on("change:card", draw);
  draw();
  return () => model.off("change:card", draw);
}

export default { render };
