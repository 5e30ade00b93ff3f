// The DAO panel: proposals with their tally, and what can be done with each now.

import { el, orders } from "./front.js";

function tally(proposal) {
  const rows = [
    ["for", proposal.for, proposal.for_share],
    ["against", proposal.against, proposal.against_share],
    ["abstain", proposal.abstain, proposal.abstain_share],
  ];
  return el(
    "div",
    { class: "sahara-tally" },
    ...rows.map(([choice, amount, share]) => {
      const fill = el("span", { class: `sahara-fill sahara-${choice}` });
      fill.style.width = `${share * 100}%`;
      return el(
        "div",
        { class: "sahara-row" },
        el("span", { class: "sahara-choice" }, choice),
        el("span", { class: "sahara-track sahara-grow", role: "img", "aria-label": `${choice}: ${amount}` }, fill),
        el("span", { class: "sahara-amount" }, amount),
      );
    }),
    el("div", { class: "sahara-muted" }, `quorum ${proposal.quorum}${proposal.quorum_reached ? ", reached" : ""}`),
  );
}

function actions(proposal, order) {
  const button = (label, message, primary) =>
    el(
      "button",
      {
        class: `sahara-button${primary ? " sahara-primary" : ""}`,
        disabled: order.waiting,
        onclick: () => order.send({ ...message, number: proposal.number }),
      },
      label,
    );
  if (proposal.next === "vote" && !proposal.my_vote) {
    return el(
      "div",
      { class: "sahara-row", role: "group", "aria-label": `Vote on proposal ${proposal.number}` },
      button("For", { action: "vote", choice: "for" }, true),
      button("Against", { action: "vote", choice: "against" }),
      button("Abstain", { action: "vote", choice: "abstain" }),
    );
  }
  if (proposal.next === "queue") return button("Queue", { action: "queue" }, true);
  if (proposal.next === "execute") return button("Execute", { action: "execute" }, true);
  return null;
}

function proposalView(proposal, order) {
  return el(
    "section",
    { class: "sahara-offer", "aria-label": `Proposal ${proposal.number}` },
    el(
      "div",
      { class: "sahara-row" },
      el("strong", { class: "sahara-grow" }, `#${proposal.number} ${proposal.title}`),
      el("span", { class: `sahara-badge sahara-state-${proposal.state}` }, proposal.state),
    ),
    el("div", { class: "sahara-muted" }, `${proposal.actions}, proposed by ${proposal.proposer}`),
    proposal.description ? el("p", { class: "sahara-summary" }, proposal.description) : null,
    tally(proposal),
    proposal.my_vote ? el("div", { class: "sahara-good" }, `You voted ${proposal.my_vote}.`) : null,
    proposal.when ? el("div", { class: "sahara-muted" }, proposal.when) : null,
    actions(proposal, order),
  );
}

/** The form is drawn anew with every change; what was typed is kept in `typed`. */
function form(panel, order, typed) {
  const parameter = el(
    "select",
    { "aria-label": "Parameter" },
    ...panel.parameters.map((entry) => el("option", { value: entry.name }, `${entry.label} (now ${entry.value})`)),
  );
  const value = el("input", { type: "text", placeholder: "3%", "aria-label": "New value", size: "6" });
  const reason = el("input", { type: "text", placeholder: "Why?", "aria-label": "Reason", class: "sahara-grow" });
  const fields = { parameter, value, reason };
  for (const [name, field] of Object.entries(fields)) {
    if (typed[name] !== undefined) field.value = typed[name];
    field.addEventListener("input", () => (typed[name] = field.value));
  }
  const send = (event) => {
    event.preventDefault();
    const message = { action: "propose", parameter: parameter.value, value: value.value, reason: reason.value };
    if (order.waiting) return;
    typed.value = typed.reason = undefined;
    order.send(message);
  };
  return el(
    "form",
    { class: "sahara-row sahara-wrap", onsubmit: send },
    parameter,
    value,
    reason,
    el("button", { class: "sahara-button", type: "submit", disabled: order.waiting }, "Propose"),
  );
}

function render({ model, el: root }) {
  const typed = {};
  const draw = () => {
    const panel = model.get("panel");
    root.replaceChildren(
      el(
        "article",
        { class: "sahara-widget", "aria-busy": order.waiting ? "true" : "false" },
        el(
          "header",
          { class: "sahara-row" },
          el("strong", { class: "sahara-title sahara-grow" }, "Governance"),
          el("span", { class: "sahara-muted" }, `${panel.account} has ${panel.power} votes`),
          el("button", { class: "sahara-button", disabled: order.waiting, onclick: () => order.send({ action: "refresh" }) }, "Refresh"),
        ),
        form(panel, order, typed),
        ...panel.proposals.map((proposal) => proposalView(proposal, order)),
        panel.proposals.length ? null : el("div", { class: "sahara-muted" }, "No proposals yet."),
        panel.embedded
          ? el(
              "div",
              { class: "sahara-row" },
              el("span", { class: "sahara-muted sahara-grow" }, "Embedded network: nobody has to wait for a vote to close."),
              el("button", { class: "sahara-button", disabled: order.waiting, onclick: () => order.send({ action: "advance" }) }, "Move the clock 6 minutes"),
            )
          : null,
        el("div", { class: "sahara-error", role: "alert" }, panel.error || ""),
      ),
    );
  };
  const order = orders(model, "panel", draw);
  model.on("change:panel", draw);
  draw();
  return () => model.off("change:panel", draw);
}

export default { render };
