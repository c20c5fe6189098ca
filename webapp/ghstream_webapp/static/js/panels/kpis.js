// The figures at the top.

import { endpoint } from "../api.js";
import { h, setAttribute, setText, svg } from "../dom.js";
import { change, percent, short, whole } from "../format.js";
import { isWider } from "../scope.js";
import { axis, sums } from "../series.js";
import { CUSTOM, previousParameters, RANGES, rangeParameters, stepFor } from "../state.js";
import { topRequest } from "./rankings.js";

const ANNOUNCE_INTERVAL = 60_000;
const CELLS = [
  { id: "events", label: "Events" },
  { id: "bots", label: "By bots" },
  { id: "repositories", label: "Active repositories" },
  { id: "contributors", label: "Active contributors" },
  { id: "organizations", label: "Active organisations" },
];

export const kpis = {
  nothing: "events",
  requests: (state) => {
    const filters = { type: state.types, bots: state.bots };
    return {
      counts: endpoint("event-counts", { ...rangeParameters(state), step: stepFor(state), ...filters }),
      before: endpoint("event-counts", { ...previousParameters(state), step: "day", ...filters }),
      bots: endpoint("event-counts", { ...rangeParameters(state), step: "day", ...filters, bots: "only" }),
      repositories: topRequest("repositories", state),
      contributors: topRequest("contributors", state),
      organizations: topRequest("organizations", state),
    };
  },
  // Zero is a figure, too.
  isEmpty: () => false,
  build(content) {
    const cells = Object.fromEntries(CELLS.map(({ id, label }) => [id, cell(id, label)]));
    const spark = svg("svg", { class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { class: "spark-area" }), svg("path", { class: "spark-line" }));
    cells.events.element.append(spark);
    const spoken = h("p", { class: "visually-hidden", role: "status" });
    const announce = createAnnouncer(spoken);
    content.append(h("dl", { class: "kpis" }, ...Object.values(cells).map(({ element }) => element)), spoken);
    return (answers, context) => {
      const figures = describe(answers, context);
      for (const { id } of CELLS) cells[id].show(figures[id]);
      drawSpark(spark, answers.counts);
      announce(answers, context);
    };
  },
};

function describe({ counts, before, bots, repositories, contributors, organizations }, { state }) {
  const compared = change(counts.total, before.total);
  const leader = (ranking, name) => {
    if (!ranking.items.length) return "none in this range";
    return isWider(ranking, state) ? "in whole hours" : `most: ${ranking.items[0][name]}`;
  };
  return {
    events: {
      value: counts.total,
      note: compared ? `${compared.text} ${comparedWith(state)}` : `none in the ${periodWords(state)} before`,
      trend: compared?.trend,
    },
    bots: {
      text: counts.total ? percent(state.bots === "none" ? 0 : bots.total / counts.total) : "–",
      note: state.bots === "none" ? "left out by the filter" : `${whole(bots.total)} events`,
    },
    repositories: { value: repositories.total, note: leader(repositories, "repo") },
    contributors: { value: contributors.total, note: leader(contributors, "actor") },
    organizations: { value: organizations.total, note: leader(organizations, "org") },
  };
}

function periodWords(state) {
  return RANGES.find(({ id }) => id === state.range)?.words ?? "period";
}

function comparedWith(state) {
  return `on the ${periodWords(state)} before`;
}

function cell(id, label) {
  const value = h("dd", { class: "kpi-value" });
  const note = h("dd", { class: "kpi-note" });
  return {
    element: h("div", { class: "kpi", "data-kpi": id }, h("dt", { text: label }), value, note),
    show(figure) {
      setText(value, figure.text ?? short(figure.value));
      setAttribute(value, "title", figure.value >= 1_000_000 ? whole(figure.value) : null);
      setText(note, figure.note);
      setAttribute(note, "title", figure.note);
      setAttribute(note, "data-trend", figure.trend);
    },
  };
}

function drawSpark(spark, counts) {
  const { step, starts } = axis(counts, counts.step_seconds * 1000);
  const points = counts.series.flatMap((line) => line.points);
  const values = sums(points, starts, step, ({ events }) => events);
  const top = Math.max(...values, 1);
  const line = values.map((value, i) => `${((i + 0.5) * 100) / values.length},${(23 - (22 * value) / top).toFixed(2)}`).join("L");
  const [area, stroke] = spark.children;
  area.setAttribute("d", values.length > 1 ? `M0,24L${line}L100,24Z` : "");
  stroke.setAttribute("d", values.length > 1 ? `M${line}` : "");
}

// Screen readers tell of a new view at once, and of new events once a minute.
function createAnnouncer(element) {
  let last = { state: null, at: 0 };
  return ({ counts }, { state }) => {
    if (last.state === state && Date.now() - last.at < ANNOUNCE_INTERVAL) return;
    last = { state, at: Date.now() };
    const range = state.range === CUSTOM ? "the chosen range" : `the last ${periodWords(state)}`;
    setText(element, `${whole(counts.total)} events in ${range}`);
  };
}
