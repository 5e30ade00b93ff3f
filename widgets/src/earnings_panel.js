// The earnings panel: what each asset was paid, and one button that claims all of it.

import { el, orders } from "./front.js";

function line(entry) {
  const fill = el("span", { class: "sahara-fill sahara-part-1" });
  fill.style.width = `${entry.share * 100}%`;
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, entry.asset),
    el("td", { class: "sahara-grow" }, el("span", { class: "sahara-track", role: "presentation" }, fill)),
    el("td", {}, entry.received),
    el("td", {}, entry.claimable),
  );
}

function render({ model, el: root }) {
  const draw = () => {
    const earned = model.get("earnings");
    root.replaceChildren(
      el(
        "article",
        { class: "sahara-widget", "aria-busy": order.waiting ? "true" : "false" },
        el(
          "header",
          { class: "sahara-row" },
          el("strong", { class: "sahara-title sahara-grow" }, `Earnings of ${earned.account}`),
          el("button", { class: "sahara-button", disabled: order.waiting, onclick: () => order.send({ action: "refresh" }) }, "Refresh"),
          el(
            "button",
            { class: "sahara-button sahara-primary", disabled: order.waiting || earned.nothing, onclick: () => order.send({ action: "claim" }) },
            earned.nothing ? "Nothing to claim" : `Claim ${earned.claimable}`,
          ),
        ),
        earned.held ? el("div", { class: "sahara-muted" }, `${earned.held} waits for refund windows to close.`) : null,
        earned.lines.length
          ? el(
              "table",
              { class: "sahara-earned" },
              el("thead", {}, el("tr", {}, ...["Asset", "", "Paid to it so far", "Claimable now"].map((text) => el("th", { scope: "col" }, text)))),
              el("tbody", {}, ...earned.lines.map(line)),
            )
          : el("div", { class: "sahara-muted" }, "You have published nothing yet."),
        el("div", { class: "sahara-error", role: "alert" }, earned.error || ""),
      ),
    );
  };
  const order = orders(model, "earnings", draw);
  model.on("change:earnings", draw);
  draw();
  return () => model.off("change:earnings", draw);
}

export default { render };
