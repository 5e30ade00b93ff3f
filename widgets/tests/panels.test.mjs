import assert from "node:assert/strict";
import test from "node:test";

import earnings from "../src/earnings_panel.js";
import chooser from "../src/license_chooser.js";
import lineage from "../src/lineage_graph.js";
import { fakeModel, page } from "./dom.mjs";

function open(widget, name, state) {
  const root = page();
  const model = fakeModel({ [name]: { busy: false, error: "", turn: 2, ...state } });
  const close = widget.render({ model, el: root });
  return { root, model, close };
}

const state = {
  questions: [
    { key: "use", text: "What may people do?", choices: [{ key: "study", text: "research" }, { key: "build", text: "build" }], free: "", open: true },
    { key: "price", text: "What does it cost?", choices: [{ key: "free", text: "nothing" }], free: "an amount", default: "free", open: true },
    { key: "back", text: "What do you want?", choices: [{ key: "nothing", text: "no share" }], free: "a share", default: "nothing", open: false },
  ],
  answers: { use: "build", price: "5", back: "nothing" }, flavor: "Commercial Remix",
  summary: "Commercial Remix, 5 SAHARA", text: "The holder may …", allows: "read",
};

test("an answer names its question, and the kernel says what it means", () => {
  const { root, model } = open(chooser, "chooser", state);
  assert.equal(root.button("build").attributes["aria-pressed"], "true");
  root.button("research").click();
  assert.deepEqual(model.sent, [{ action: "answer", use: "study", turn: 2 }]);
  assert.match(root.text, /Commercial Remix, 5 SAHARA/);
});

test("what is typed is an answer, and nothing typed is the default", () => {
  for (const [typed, price] of [[" 7 ", "7"], ["", "free"]]) {
    const { root, model } = open(chooser, "chooser", state);
    const [input] = root.all((node) => node.tag === "input");
    assert.equal(input.value, "5");
    input.value = typed;
    input.listeners.change();
    assert.deepEqual(model.sent, [{ action: "answer", price, turn: 2 }]);
  }
});

test("questions that an earlier answer settles cannot be answered", () => {
  const { root } = open(chooser, "chooser", state);
  const disabled = root.all((node) => node.tag === "fieldset").map((node) => "disabled" in node.attributes);
  assert.deepEqual(disabled, [false, false, true]);
});

test("each relative is drawn once, and each tie", () => {
  const { root } = open(lineage, "graph", {
    asset: "bob/map",
    generations: [[{ name: "alice/wells" }], [{ name: "bob/map" }]],
    ties: [{ child: "bob/map", parent: "alice/wells", relation: "derived from" }],
    complete: false,
  });
  assert.deepEqual(root.all((node) => node.tag === "li").map((node) => node.text), ["alice/wells", "bob/map"]);
  assert.equal(root.all((node) => node.tag === "path").length, 1);
  assert.match(root.text, /more relatives/);
});

test("claiming is one press, and nothing can be claimed twice", () => {
  const line = { asset: "alice/wells", received: "9 SAHARA", claimable: "3 SAHARA", share: 1 };
  const { root, model, close } = open(earnings, "earnings", { account: "alice", claimable: "3 SAHARA", nothing: false, held: "", lines: [line] });
  const claim = root.button("Claim 3 SAHARA");
  claim.click();
  claim.click();
  assert.deepEqual(model.sent, [{ action: "claim", turn: 2 }]);
  model.set("earnings", { account: "alice", claimable: "0 SAHARA", nothing: true, held: "", lines: [], turn: 3 });
  assert.ok("disabled" in root.button("Nothing to claim").attributes);
  close();
  assert.equal(model.listening("change:earnings"), 0);
});
