// What every widget's front end shares. The kernel puts this file before the widget's own: a module in a notebook can import nothing.

/** Make an element with text or children; text is never markup. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * Sends what was pressed in one view, with the turn of the state that was seen: one order for each state. Until the kernel
 * answers nothing more can be pressed; what another view pressed meanwhile makes this order void.
 */
export function orders(model, name, draw) {
  let sent;
  return {
    get waiting() {
      const { busy, turn } = model.get(name);
      return busy || turn === sent;
    },
    send(message) {
      if (this.waiting) return;
      const { turn } = model.get(name);
      sent = turn;
      model.send({ ...message, turn });
      draw();
    },
  };
}
