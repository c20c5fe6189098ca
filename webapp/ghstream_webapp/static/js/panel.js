// A panel: loading, empty, failed or showing data; never blank, never flickering.
//
// A panel is a definition:
//   requests(state)         {name: url}; the first one is what "Open JSON" opens
//   build(content)          makes the elements once, returns update(answers, context)
//   isEmpty(answers)        whether there is nothing to show
//   nothing                 what there is nothing of, e.g. "events"
//   narrowedBy              filters it heeds or is beyond: "type", "bots", "repo", "org"; absent: all
//   offers                  true if, while empty, it offers what would help; one panel is enough
//   table(answers, context) {columns: [text], rows: [[value]]}, for CSV and "View as table"
//   chart                   true if the content is a chart, so that a table is another view of it
// `answers` holds the JSON per request. `context` is {state, zone, now, load, set, retry}.

import { ApiError, endpoint } from "./api.js";
import { download } from "./csv.js";
import { h, setAttribute, setText } from "./dom.js";
import { emptiness } from "./empty.js";
import { createMenu } from "./menu.js";
import { scopeWords } from "./scope.js";
import { NO_FILTERS } from "./state.js";
import { fillTable } from "./table.js";

/** Bring the definition to life in `element`; returns refresh(context), which never rejects. */
export function createPanel(element, definition) {
  const head = element.querySelector(".panel-head");
  const body = element.querySelector(".panel-body");
  const scope = h("p", { class: "panel-scope" });
  const content = h("div", { class: "panel-content" });
  const table = h("div", { class: "panel-table", hidden: true });
  const message = h("div", { class: "panel-message" });
  let update = null;
  let shown = null;

  function show(name) {
    element.dataset.panelState = name;
    setAttribute(body, "aria-busy", name === "loading" ? "true" : null);
  }

  function showMessage(name, text, action, run) {
    const button = action && h("button", { class: "button", type: "button", text: action, on: { click: run } });
    message.replaceChildren(h("p", { text }), ...(button ? [button] : []));
    show(name);
  }

  function draw() {
    const { answers, context } = shown;
    update ??= definition.build(content, element);
    show("ready");
    update(answers, context);
    if (!table.hidden) fillTable(table, definition.table(answers, context), element.querySelector("h2").textContent);
  }

  function fail(error, { retry, set }) {
    if (error.name === "AbortError") return;
    setAttribute(body, "aria-busy", null);
    if (error.status === 404) return showMessage("empty", error.message, "Clear the filters", () => set(NO_FILTERS));
    if (!(error instanceof ApiError)) console.error(error);
    showMessage("error", error.message, "Try again", retry);
  }

  async function refresh(context) {
    const requests = Object.entries(definition.requests(context.state));
    // Only a slow answer to another question dims what is shown; CSS waits before it does.
    if (shown && shown.context.state !== context.state) setAttribute(body, "aria-busy", "true");
    try {
      const json = await Promise.all(requests.map(([, url]) => context.load(url)));
      const answers = Object.fromEntries(requests.map(([name], index) => [name, json[index]]));
      setAttribute(body, "aria-busy", null);
      setText(scope, scopeWords(definition.narrowedBy, json[0], context));
      shown = { answers, context, json: requests[0][1] };
      if (!definition.isEmpty(answers)) return draw();
      const status = await context.load(endpoint("status"));
      const { text, action, changes } = emptiness(context, status, definition.nothing);
      showMessage("empty", text, definition.offers && action, () => context.set(changes));
    } catch (error) {
      fail(error, context);
    }
  }

  function toggleTable() {
    table.hidden = !table.hidden;
    content.hidden = !table.hidden;
    if (element.dataset.panelState === "ready") draw();
    return !table.hidden;
  }

  if (head) {
    const menu = createMenu(head.textContent.trim(), {
      toggleTable: definition.chart && toggleTable,
      csv: () => shown && download(element.id, definition.table(shown.answers, shown.context)),
      json: () => shown?.json,
    });
    head.append(scope, menu);
  }
  body.append(content, table, message);
  show("loading");
  return refresh;
}
