// The lineage graph: a column for each generation, the oldest left, and a line from each asset to what was made from it.

import { el, orders } from "./front.js";

const NODE = { width: 176, height: 30 };
const STEP = { x: 232, y: 42 };
const SVG = "http://www.w3.org/2000/svg";

function places(generations) {
  const tallest = Math.max(...generations.map((generation) => generation.length));
  const at = new Map();
  generations.forEach((generation, column) => {
    const top = ((tallest - generation.length) * STEP.y) / 2;
    generation.forEach((one, row) => at.set(one.name, { x: column * STEP.x, y: top + row * STEP.y }));
  });
  return { at, width: (generations.length - 1) * STEP.x + NODE.width, height: (tallest - 1) * STEP.y + NODE.height };
}

function lines(graph, { at, width, height }) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ width, height, "aria-hidden": "true" })) svg.setAttribute(name, value);
  for (const tie of graph.ties) {
    const [parent, child] = [at.get(tie.parent), at.get(tie.child)];
    const [x1, y1, x2, y2] = [parent.x + NODE.width, parent.y + NODE.height / 2, child.x, child.y + NODE.height / 2];
    const bend = Math.max(24, (x2 - x1) / 2);
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`);
    svg.append(path);
  }
  return svg;
}

function node(one, graph, at) {
  const made = graph.ties.filter((tie) => tie.child === one.name).map((tie) => `${tie.relation} ${tie.parent}`);
  const item = el(
    "li",
    { class: `sahara-node${one.name === graph.asset ? " sahara-node-self" : ""}`, title: [one.name, ...made].join(", ") },
    one.name,
  );
  const place = at.get(one.name);
  Object.assign(item.style, { left: `${place.x}px`, top: `${place.y}px`, width: `${NODE.width}px`, height: `${NODE.height}px` });
  return item;
}

function render({ model, el: root }) {
  const draw = () => {
    const graph = model.get("graph");
    const drawn = places(graph.generations);
    const canvas = el(
      "ul",
      { class: "sahara-canvas", "aria-label": `Lineage of ${graph.asset}` },
      ...graph.generations.flat().map((one) => node(one, graph, drawn.at)),
    );
    Object.assign(canvas.style, { width: `${drawn.width}px`, height: `${drawn.height}px` });
    canvas.prepend(lines(graph, drawn));
    root.replaceChildren(
      el(
        "article",
        { class: "sahara-widget sahara-wide", "aria-busy": order.waiting ? "true" : "false" },
        el(
          "header",
          { class: "sahara-row" },
          el("strong", { class: "sahara-title sahara-grow" }, `Lineage of ${graph.asset}`),
          el("button", { class: "sahara-button", disabled: order.waiting, onclick: () => order.send({ action: "refresh" }) }, "Refresh"),
        ),
        el("div", { class: "sahara-scroll" }, canvas),
        graph.ties.length ? null : el("div", { class: "sahara-muted" }, "Made from nothing else here, and nothing was made from it."),
        graph.complete ? null : el("div", { class: "sahara-muted" }, "There are more relatives than are drawn here."),
        el("div", { class: "sahara-error", role: "alert" }, graph.error || ""),
      ),
    );
  };
  const order = orders(model, "graph", draw);
  model.on("change:graph", draw);
  draw();
  return () => model.off("change:graph", draw);
}

export default { render };
