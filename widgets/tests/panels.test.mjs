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

const answers = {
  files: true, money: true, derivatives: "share", price: "5", royalty: "10%", flavor: "Commercial Remix",
  summary: "Commercial Remix, 5 SAHARA", text: "The holder may …", allows: "read",
};

test("an answer names its question, and the kernel says what it means", () => {
  const { root, model } = open(chooser, "chooser", answers);
  root.button("No, for research only").click();
  assert.deepEqual(model.sent, [{ action: "answer", money: false, turn: 2 }]);
  assert.match(root.text, /Commercial Remix, 5 SAHARA/);
});

test("questions that an earlier answer settles cannot be answered", () => {
  const { root } = open(chooser, "chooser", { ...answers, files: false });
  const disabled = root.all((node) => node.tag === "fieldset").map((node) => "disabled" in node.attributes);
  assert.deepEqual(disabled, [false, true, true]);
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
