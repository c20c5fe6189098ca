// A row of labelled figures within a panel.

import { h, reconcile, setAttribute, setText } from "./dom.js";

/** Return a list of figures; `show([{label, text, note?, title?, colour?}])` fills it.
 *
 * `colour` names the CSS property of the figure's bars in the chart below. */
export function createFigures() {
  const element = h("dl", { class: "figures" });
  const make = () => h("div", { class: "figure" }, h("dt", {}, h("span", { class: "swatch" }), h("span")), h("dd", { class: "figure-value" }), h("dd", { class: "figure-note" }));
  return {
    element,
    show: (figures) =>
      reconcile(element, figures, ({ label }) => label, make, (item, { label, text, note, title, colour }) => {
        const [name, value, small] = item.children;
        name.firstChild.hidden = !colour;
        name.firstChild.style.background = colour ? `var(${colour})` : "";
        setText(name.lastChild, label);
        setText(value, text);
        setText(small, note ?? "");
        setAttribute(item, "title", title);
      }),
  };
}
