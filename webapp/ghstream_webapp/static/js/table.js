// Plain tables: the other view of a chart.

import { h } from "./dom.js";
import { whole } from "./format.js";

/** Put the table {columns, rows} into `element`; numbers are right-aligned. */
export function fillTable(element, { columns, rows }, caption) {
  const cell = (value) => typeof value === "number" ? h("td", { class: "number", text: whole(value) }) : h("td", { text: value ?? "" });
  const numeric = (index) => typeof rows[0]?.[index] === "number";
  element.replaceChildren(
    h("table", {},
      h("caption", { class: "visually-hidden", text: caption }),
      h("thead", {}, h("tr", {}, ...columns.map((text, i) => h("th", { scope: "col", class: numeric(i) ? "number" : null, text })))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map(cell)))),
    ),
  );
}
