// Time to merge and to close per repository.

import { endpoint } from "../api.js";
import { h, reconcile, setText } from "../dom.js";
import { duration, whole } from "../format.js";
import { rangeParameters } from "../state.js";

const SHOWN = 10;
const COLUMNS = [
  { label: "Repository" },
  { label: "Pull requests merged", value: ({ pull_requests: { merged } }) => merged, words: whole },
  { label: "Median to merge", value: ({ pull_requests: { median_seconds } }) => median_seconds, words: duration },
  { label: "90% within", value: ({ pull_requests: { p90_seconds } }) => p90_seconds, words: duration },
  { label: "Issues closed", value: ({ issues: { closed } }) => closed, words: whole },
  { label: "Median to close", value: ({ issues: { median_seconds } }) => median_seconds, words: duration },
  { label: "90% within", value: ({ issues: { p90_seconds } }) => p90_seconds, words: duration },
];
const FIGURES = COLUMNS.slice(1);

export const resolution = {
  nothing: "merged pull requests or closed issues",
  narrowedBy: ["type", "repo", "org"],
  requests: (state) => ({
    times: endpoint("resolution-times", { ...rangeParameters(state), repo: state.repo, org: state.org, limit: SHOWN }),
  }),
  isEmpty: ({ times }) => times.repositories.length === 0,
  build(content) {
    const rows = h("tbody");
    content.append(
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Time to merge and close by repository" },
        h("table", { class: "resolution" },
          h("thead", {}, h("tr", {}, ...COLUMNS.map(({ label, value }) => h("th", { scope: "col", text: label, class: value ? "number" : null })))),
          rows,
        ),
      ),
    );
    return ({ times }, { state, set }) => {
      reconcile(rows, times.repositories, ({ repo }) => repo, makeRow, (row, item) => {
        const [name, ...cells] = row.children;
        setText(name.firstChild, item.repo);
        name.firstChild.onclick = () => set(state.repo === item.repo ? { repo: null } : { repo: item.repo, org: null });
        cells.forEach((cell, i) => setText(cell, FIGURES[i].words(FIGURES[i].value(item))));
      });
    };
  },
  table: ({ times }) => ({
    columns: ["repo", "merged", "merge_median_seconds", "merge_p90_seconds", "closed", "close_median_seconds", "close_p90_seconds"],
    rows: times.repositories.map((item) => [item.repo, ...FIGURES.map(({ value }) => value(item))]),
  }),
};

function makeRow() {
  const name = h("th", { scope: "row" }, h("button", { type: "button", class: "link" }));
  return h("tr", {}, name, ...FIGURES.map(() => h("td", { class: "number" })));
}
