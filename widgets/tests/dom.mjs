// The least of a document that the widgets use, and a model as anywidget gives one.

class Node {
  constructor(tag) {
    this.tag = tag;
    this.attributes = {};
    this.children = [];
    this.listeners = {};
    this.style = {};
    this.value = "";
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
    if (name === "value") this.value = value;
  }
  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }
  append(...children) {
    this.children.push(...children);
    if (this.tag === "select" && !this.value) this.value = this.find((node) => node.tag === "option")?.value ?? "";
  }
  prepend(...children) {
    this.children.unshift(...children);
  }
  replaceChildren(...children) {
    this.children = children;
  }
  get text() {
    return this.children.map((child) => (child instanceof Node ? child.text : String(child))).join(" ");
  }
  all(test) {
    const found = test(this) ? [this] : [];
    return found.concat(...this.children.filter((child) => child instanceof Node).map((child) => child.all(test)));
  }
  find(test) {
    return this.all(test)[0];
  }
  button(label) {
    return this.find((node) => node.tag === "button" && node.text === label);
  }
  click() {
    if (!("disabled" in this.attributes)) this.listeners.click();
  }
}

export function page() {
  globalThis.document = { createElement: (tag) => new Node(tag), createElementNS: (_, tag) => new Node(tag) };
  return new Node("root");
}

export function fakeModel(state) {
  const listeners = {};
  return {
    sent: [],
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      for (const listener of listeners[`change:${name}`] ?? []) listener();
    },
    on: (name, listener) => (listeners[name] ??= []).push(listener),
    off: (name, listener) => (listeners[name] = listeners[name].filter((kept) => kept !== listener)),
    send(message) {
      this.sent.push(message);
    },
    listening: (name) => (listeners[name] ?? []).length,
  };
}
