// Elements without HTML strings: text from data can never become markup, and the strict
// Content-Security-Policy holds, since styles are set as properties.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. Properties: `class`, `text`, `style` (object), `on` (object of listeners),
 * anything else is an attribute; null, undefined and false leave it out. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** Return an SVG element; arguments as for `h`. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, { text, style, on, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  if (style) Object.assign(element.style, style);
  for (const [name, listener] of Object.entries(on ?? {})) element.addEventListener(name, listener);
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Set, or with null, undefined or false remove, an attribute. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Set the text only if it differs, so that screen readers and selections are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make the children of `parent` those of `items`, in order, keeping the element of each key.
 *
 * `make(item)` returns a new element, `update(element, item)` brings one up to date. */
export function reconcile(parent, items, keyOf, make, update) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const key = String(keyOf(item));
    const element = before.get(key) ?? make(item);
    before.delete(key);
    element.dataset.key = key;
    update(element, item);
    // Moving an element drops its focus, so only those out of place are moved.
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index]);
  });
  for (const element of before.values()) element.remove();
}
