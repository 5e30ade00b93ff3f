import assert from "node:assert/strict";
import test from "node:test";

import widget from "../src/license_card.js";
import { fakeModel, page } from "./dom.mjs";

const offer = {
  key: "a1",
  flavor: "Commercial Remix",
  price: "25 SAHARA",
  free: false,
  affordable: true,
  terms: "Commercial Remix, 25 SAHARA",
  allows: "training, read",
  lines: [
    { label: "alice for alice/digits", amount: "24.375 SAHARA", share: 0.975 },
    { label: "protocol treasury", amount: "0.625 SAHARA", share: 0.025 },
  ],
};
const card = {
  name: "alice/digits", title: "Digits", kind: "dataset", summary: "<b>scans</b>", account: "bob", balance: "100 SAHARA",
  licensed: "", code: "", offers: [offer], busy: false, error: "", turn: 3,
};

function open(changes = {}) {
  const root = page();
  const model = fakeModel({ card: { ...card, ...changes } });
  const close = widget.render({ model, el: root });
  return { root, model, close };
}

test("every payee is shown before anything can be paid", () => {
  const { root } = open();
  for (const line of offer.lines) assert.match(root.text, new RegExp(`${line.label} ${line.amount}`));
});

test("a listing in dispute says so before it can be paid", () => {
  const { root } = open({ warning: "The DAO disputes this listing.", standing: "★ 4.5 (2)" });
  assert.equal(root.find((node) => node.attributes.role === "note").text, "The DAO disputes this listing.");
  assert.match(root.text, /alice\/digits · ★ 4.5 \(2\)/);
});

test("a purchase takes two presses, and the message names no price", () => {
  const { root, model } = open();
  root.button("License for 25 SAHARA").click();
  assert.deepEqual(model.sent, []);
  root.button("Pay").click();
  assert.deepEqual(model.sent, [{ action: "buy", key: "a1", turn: 3 }]);
});

test("two offers of one flavor are told apart", () => {
  const { root, model } = open({ offers: [offer, { ...offer, key: "b2", price: "90 SAHARA" }] });
  root.button("License for 90 SAHARA").click();
  assert.ok(root.button("License for 25 SAHARA"));
  root.button("Pay").click();
  assert.deepEqual(model.sent, [{ action: "buy", key: "b2", turn: 3 }]);
});

test("a purchase can be called off", () => {
  const { root, model } = open();
  root.button("License for 25 SAHARA").click();
  root.button("Cancel").click();
  assert.ok(root.button("License for 25 SAHARA"));
  assert.deepEqual(model.sent, []);
});

test("nothing can be pressed while a purchase runs or without the money", () => {
  for (const root of [open({ busy: true }).root, open({ offers: [{ ...offer, affordable: false }] }).root]) {
    assert.ok("disabled" in root.button("License for 25 SAHARA").attributes);
  }
});

test("a license held replaces the offers by the code that opens the asset", () => {
  const { root } = open({ licensed: "You hold license 3.", code: "vault://alice/digits" });
  assert.match(root.text, /You hold license 3/);
  assert.match(root.text, /vault:\/\/alice\/digits/);
  assert.equal(root.button("License for 25 SAHARA"), undefined);
});

test("a publisher's markup stays text, and errors are announced", () => {
  const { root } = open({ error: "no funds" });
  assert.match(root.text, /<b>scans<\/b>/);
  assert.equal(root.find((node) => node.attributes.role === "alert").text, "no funds");
});

test("several views follow one model, and a closed one stops", () => {
  const { root, model, close } = open();
  model.set("card", { ...card, title: "Digits again" });
  assert.match(root.text, /Digits again/);
  close();
  assert.equal(model.listening("change:card"), 0);
});
