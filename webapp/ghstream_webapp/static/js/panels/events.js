// Events per type over time, and how they divide into types.

import { endpoint } from "../api.js";
import { createChart, stepWords } from "../chart.js";
import { h, reconcile, setText } from "../dom.js";
import { typeColour, typeWords } from "../eventtypes.js";
import { percent, whole } from "../format.js";
import { axis, sums } from "../series.js";
import { rangeParameters, stepFor } from "../state.js";

export const events = {
  nothing: "events",
  narrowedBy: ["type", "bots"],
  chart: true,
  offers: true,
  requests: (state) => ({
    counts: endpoint("event-counts", { ...rangeParameters(state), step: stepFor(state), type: state.types, bots: state.bots }),
  }),
  isEmpty: ({ counts }) => counts.total === 0,
  build(content) {
    const canvas = h("div", { class: "chart chart-tall" });
    const types = h("ul", { class: "breakdown", "aria-label": "Events per type" });
    content.classList.add("split");
    content.append(canvas, types);
    const chart = createChart(canvas);
    return ({ counts }, context) => {
      chart.show(figure(counts, context));
      fillTypes(types, counts, context);
    };
  },
  table: ({ counts }, { zone }) => {
    const { step, starts } = axis(counts, counts.step_seconds * 1000);
    const lines = counts.series.map(({ points }) => sums(points, starts, step, ({ events }) => events));
    return {
      columns: ["Time", ...counts.series.map(({ type }) => typeWords(type))],
      rows: starts.map((start, i) => [stepWords(start, step, zone), ...lines.map((line) => line[i])]),
    };
  },
};

function figure(counts, { zone, now }) {
  const { step, starts } = axis(counts, counts.step_seconds * 1000);
  const [most] = counts.series;
  return {
    starts,
    step,
    zone,
    now,
    series: grouped(counts.series).map(({ name, colour, points }) => ({ name, colour, values: sums(points, starts, step, ({ events }) => events) })),
    description: `Events per type over time, as stacked bars. ${whole(counts.total)} in all; most are ${typeWords(most.type).toLowerCase()}, ${whole(most.total)}. The panel's menu shows them as a table.`,
  };
}

// Types without a colour of their own are too rare to be told apart in a chart.
function grouped(series) {
  const named = series.filter(({ type }) => typeColour(type) !== "--other");
  const others = series.filter(({ type }) => typeColour(type) === "--other").flatMap(({ points }) => points);
  return [
    ...named.map(({ type, points }) => ({ name: typeWords(type), colour: typeColour(type), points })),
    ...(others.length ? [{ name: "Other types", colour: "--other", points: others }] : []),
  ];
}

function fillTypes(list, { series, total }, { state, set }) {
  const most = series[0].total;
  reconcile(list, series, ({ type }) => type, makeType, (row, { type, total: count }) => {
    const button = row.firstChild;
    const [bar, swatch, name, share, value] = button.children;
    const chosen = state.types.includes(type);
    const others = state.types.filter((one) => one !== type);
    bar.style.width = `${(100 * count) / most}%`;
    bar.style.background = swatch.style.background = `var(${typeColour(type)})`;
    setText(name, typeWords(type));
    setText(share, percent(count / total));
    setText(value, whole(count));
    button.title = `${type}: ${chosen ? "show all types" : "show only these"}`;
    button.setAttribute("aria-pressed", String(chosen));
    button.onclick = () => set({ types: chosen ? others : [type] });
  });
}

function makeType() {
  const part = (name) => h("span", { class: name });
  return h("li", {}, h("button", { type: "button", class: "bar-row" }, part("bar"), part("swatch"), part("bar-name"), part("bar-share"), part("bar-value")));
}
