import assert from "node:assert/strict";
import test from "node:test";

import widget from "../src/dao_panel.js";
import { fakeModel, page } from "./dom.mjs";

const proposal = {
  number: 4, title: "Set the fee to 3%", description: "More servers.", state: "active", proposer: "alice", actions: "fee becomes 3%",
  for: "20,000", against: "10,000", abstain: "0", for_share: 2 / 3, against_share: 1 / 3, abstain_share: 0, quorum: "4,000",
  quorum_reached: true, my_vote: "", next: "vote", when: "Voting closes in 4 min.",
};
const panel = {
  account: "bob", power: "10,000", embedded: true, busy: false, error: "", turn: 7,
  parameters: [{ name: "fee", label: "Protocol fee", value: "2.5%" }], proposals: [proposal],
};

function open(changes = {}) {
  const root = page();
  const model = fakeModel({ panel: { ...panel, ...changes } });
  widget.render({ model, el: root });
  return { root, model };
}

test("a vote names the proposal and the choice", () => {
  const { root, model } = open();
  root.button("Against").click();
  assert.deepEqual(model.sent, [{ action: "vote", choice: "against", number: 4, turn: 7 }]);
});

test("who has voted is shown the vote and no buttons", () => {
  const { root } = open({ proposals: [{ ...proposal, my_vote: "for" }] });
  assert.match(root.text, /You voted for/);
  assert.equal(root.button("For"), undefined);
});

for (const [next, label] of [["queue", "Queue"], ["execute", "Execute"]]) {
  test(`a proposal that can be ${next}d has the button`, () => {
    const { root, model } = open({ proposals: [{ ...proposal, state: "succeeded", next }] });
    root.button(label).click();
    assert.deepEqual(model.sent, [{ action: next, number: 4, turn: 7 }]);
  });
}

test("after a press nothing can be pressed until the kernel shows another turn", () => {
  const { root, model } = open({ proposals: [{ ...proposal, state: "succeeded", next: "queue" }] });
  const press = root.button("Queue");
  press.click();
  press.click();
  root.button("Move the clock 6 minutes").click();
  assert.deepEqual(model.sent, [{ action: "queue", number: 4, turn: 7 }]);
  model.set("panel", { ...panel, busy: true });
  root.button("Move the clock 6 minutes").click();
  assert.equal(model.sent.length, 1);
  model.set("panel", { ...panel, turn: 8 });
  root.button("Move the clock 6 minutes").click();
  assert.deepEqual(model.sent[1], { action: "advance", turn: 8 });
});

test("a proposal is sent as it was typed", () => {
  const { root, model } = open();
  const form = root.find((node) => node.tag === "form");
  form.find((node) => node.attributes["aria-label"] === "New value").value = "3%";
  let prevented = false;
  form.listeners.submit({ preventDefault: () => (prevented = true) });
  assert.ok(prevented);
  assert.deepEqual(model.sent, [{ action: "propose", parameter: "fee", value: "3%", reason: "", turn: 7 }]);
});

test("what was typed survives a change of the panel", () => {
  const { root, model } = open();
  const field = (label) => root.find((node) => node.attributes["aria-label"] === label);
  field("New value").value = "4%";
  field("New value").listeners.input();
  model.set("panel", { ...panel, busy: true });
  assert.equal(field("New value").value, "4%");
});

test("bars are as wide as the share of votes", () => {
  const { root } = open();
  const widths = root.all((node) => node.attributes.class?.startsWith("sahara-fill")).map((node) => node.style.width);
  assert.deepEqual(widths, [`${(2 / 3) * 100}%`, `${(1 / 3) * 100}%`, "0%"]);
});

test("only the embedded network's clock can be moved", () => {
  assert.ok(open().root.button("Move the clock 6 minutes"));
  assert.equal(open({ embedded: false }).root.button("Move the clock 6 minutes"), undefined);
});
