// A row of labelled figures within a panel.

import { h, reconcile, setAttribute, setText } from "./dom.js";

/** Return a list of figures; `show([{label, text, note?, title?}])` fills it. */
export function createFigures() {
  const element = h("dl", { class: "figures" });
  const make = () => h("div", { class: "figure" }, h("dt"), h("dd", { class: "figure-value" }), h("dd", { class: "figure-note" }));
  return {
    element,
    show: (figures) =>
      reconcile(element, figures, ({ label }) => label, make, (item, { label, text, note, title }) => {
        const [name, value, small] = item.children;
        setText(name, label);
        setText(value, text);
        setText(small, note ?? "");
        setAttribute(item, "title", title);
      }),
  };
}
