// The license chooser: four plain questions. The kernel says what the answers mean; this view asks and shows.

import { el, orders } from "./front.js";

const QUESTIONS = [
  ["files", "May others have the files?", [[true, "Yes"], [false, "No, their code comes to the data"]]],
  ["money", "May they earn money with it?", [[true, "Yes"], [false, "No, for research only"]]],
  ["derivatives", "May they publish what they make of it?", [["share", "Yes, for a share"], ["free", "Yes, freely"], ["no", "No"]]],
];

function applies(name, state) {
  return name === "files" || (state.files && (name === "money" || state.money));
}

function question([name, text, choices], state, order) {
  return el(
    "fieldset",
    { class: "sahara-question", disabled: order.waiting || !applies(name, state) },
    el("legend", {}, text),
    ...choices.map(([value, label]) =>
      el(
        "button",
        {
          class: `sahara-button${state[name] === value ? " sahara-primary" : ""}`,
          type: "button",
          "aria-pressed": String(state[name] === value),
          onclick: () => order.send({ action: "answer", [name]: value }),
        },
        label,
      ),
    ),
  );
}

function amount(name, label, state, order) {
  const input = el("input", { type: "text", size: "8", value: state[name], "aria-label": label, disabled: order.waiting });
  input.addEventListener("change", () => order.send({ action: "answer", [name]: input.value }));
  return el("label", { class: "sahara-row" }, label, input);
}

function render({ model, el: root }) {
  const draw = () => {
    const state = model.get("chooser");
    const shares = state.files && state.money && state.derivatives === "share";
    root.replaceChildren(
      el(
        "article",
        { class: "sahara-widget", "aria-busy": order.waiting ? "true" : "false" },
        el("strong", { class: "sahara-title" }, "Choose a license"),
        ...QUESTIONS.map((entry) => question(entry, state, order)),
        el(
          "div",
          { class: "sahara-row sahara-wrap" },
          amount("price", "Price in SAHARA", state, order),
          shares ? amount("royalty", "Share of their revenue", state, order) : null,
        ),
        el(
          "section",
          { class: "sahara-offer", "aria-live": "polite", "aria-label": "The license" },
          el("div", { class: "sahara-row" }, el("strong", { class: "sahara-grow" }, state.flavor), el("span", {}, state.summary)),
          el("p", { class: "sahara-summary" }, state.text),
          el("div", { class: "sahara-muted" }, `Allows ${state.allows}`),
        ),
        el("div", { class: "sahara-error", role: "alert" }, state.error || ""),
      ),
    );
  };
  const order = orders(model, "chooser", draw);
  model.on("change:chooser", draw);
  draw();
  return () => model.off("change:chooser", draw);
}

export default { render };
