// A table as a CSV file (RFC 4180).

import { h } from "./dom.js";

/** Return the text of a table {columns: [text], rows: [[value]]}; null is an empty field. */
export function csv({ columns, rows }) {
  return [columns, ...rows].map((row) => row.map(field).join(",") + "\r\n").join("");
}

function field(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Let the browser save the table as `<name>.csv`. */
export function download(name, table) {
  const url = URL.createObjectURL(new Blob([csv(table)], { type: "text/csv" }));
  h("a", { href: url, download: `${name}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url));
}
