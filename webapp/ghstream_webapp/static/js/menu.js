// The menu of a panel: its figures as a table, as CSV, as the JSON they came in.

import { h, setAttribute } from "./dom.js";

/** Return the menu. `toggleTable()`, if given, returns whether the table is shown now; `csv()` saves
 * the figures; `json()` returns their address. */
export function createMenu(name, { toggleTable, csv, json }) {
  const menu = h("details", { class: "menu" });
  const close = () => menu.removeAttribute("open");
  const button = (text, run) => h("button", { class: "menu-item", type: "button", text, on: { click: run } });
  const switchView = ({ target }) => {
    target.textContent = toggleTable() ? "View as chart" : "View as table";
    close();
  };
  const link = h("a", { class: "menu-item", text: "Open JSON", target: "_blank", rel: "noopener", on: { click: close } });
  menu.append(
    h("summary", { "aria-label": `Data of “${name}”`, title: "Data of this panel" }),
    h("div", { class: "menu-items" },
      toggleTable ? button("View as table", switchView) : null,
      button("Download CSV", () => (csv(), close())),
      link,
    ),
  );
  menu.addEventListener("toggle", () => setAttribute(link, "href", json()));
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    close();
    menu.firstChild.focus();
  });
  document.addEventListener("click", ({ target }) => menu.contains(target) || close());
  return menu;
}
