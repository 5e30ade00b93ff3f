// The license chooser: plain questions. The kernel says what they are and what the answers mean; this view asks and shows.

import { el, orders } from "./front.js";

function choice(question, { key, text }, given, order) {
  return el(
    "button",
    {
      class: `sahara-button${given === key ? " sahara-primary" : ""}`,
      type: "button",
      "aria-pressed": String(given === key),
      onclick: () => order.send({ action: "answer", [question.key]: key }),
    },
    text,
  );
}

function typed(question, given, order) {
  const chosen = question.choices.some(({ key }) => key === given);
  const label = `${question.text} ${question.free}`;
  const input = el("input", { type: "text", size: "30", placeholder: question.free, "aria-label": label, value: chosen ? "" : given });
  input.addEventListener("change", () => order.send({ action: "answer", [question.key]: input.value.trim() || question.default }));
  return input;
}

function ask(question, given, order) {
  return el(
    "fieldset",
    { class: "sahara-question", disabled: order.waiting || !question.open },
    el("legend", {}, question.text),
    ...question.choices.map((one) => choice(question, one, given, order)),
    question.free ? typed(question, given, order) : null,
  );
}

function render({ model, el: root }) {
  const draw = () => {
    const state = model.get("chooser");
    root.replaceChildren(
      el(
        "article",
        { class: "sahara-widget", "aria-busy": order.waiting ? "true" : "false" },
        el("strong", { class: "sahara-title" }, "Choose a license"),
        ...state.questions.map((question) => ask(question, state.answers[question.key], order)),
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
