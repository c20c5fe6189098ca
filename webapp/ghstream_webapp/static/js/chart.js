// Bars over time, drawn by ECharts. Tooltips are drawn on the canvas too: HTML ones would need
// inline styles, and would read text from data as markup.

import { clock, compact, date, day, whole, zoneName, zoneOffset } from "./format.js";
import { niceStep, DAY, MINUTE } from "./series.js";

const LABEL_WIDTH = 64;
const charts = new Set();

/** Draw all charts anew, e.g. in other colours. */
export function redrawCharts() {
  for (const chart of charts) chart.draw();
}

/** Return a chart in `element`: `show(figure)` draws it, and brings it up to date.
 *
 * A figure is {starts, step, zone, now, series: [{name, colour, values, below?}], description}.
 * Series are stacked, those `below` downward; `colour` names a CSS property. */
export function createChart(element) {
  if (!window.echarts) throw new Error("The chart library did not load; run “make assets”.");
  const instance = window.echarts.init(element);
  const chart = { figure: null, draw: () => chart.figure && instance.setOption(options(chart.figure, element), { replaceMerge: ["series"] }) };
  charts.add(chart);
  new ResizeObserver(() => {
    instance.resize();
    chart.draw();
  }).observe(element);
  return {
    show(figure) {
      chart.figure = figure;
      chart.draw();
    },
  };
}

function options(figure, element) {
  const colour = colourReader(element);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    animation: !still,
    animationDuration: 250,
    animationDurationUpdate: 250,
    textStyle: { fontFamily: getComputedStyle(element).fontFamily },
    aria: { enabled: true, label: { description: figure.description } },
    grid: { left: 0, right: 4, top: 12, bottom: 0, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: tooltip(figure, colour),
    xAxis: timeAxis(figure, element.clientWidth, colour),
    yAxis: valueAxis(figure, colour),
    series: figure.series.map((line) => bars(line, figure, colour)),
  };
}

function bars({ name, colour: property, values, below }, { starts, step, now }, colour) {
  return {
    id: name,
    name,
    type: "bar",
    stack: "all",
    color: colour(property),
    barCategoryGap: starts.length > 60 ? "18%" : "28%",
    barMaxWidth: 28,
    emphasis: { focus: "none" },
    // The last step is not over yet, so its bar is lighter: it does not show a fall.
    data: values.map((value, index) => ({
      value: below ? -value : value,
      itemStyle: { opacity: starts[index] + step > now ? 0.5 : 1 },
    })),
  };
}

function timeAxis({ starts, step, zone }, width, colour) {
  const length = starts.length * step;
  const labelStep = niceStep(length, step, Math.max(2, width / LABEL_WIDTH));
  const isLabelled = (time) => (time + zoneOffset(time, zone)) % labelStep === 0;
  return {
    type: "category",
    data: starts.map(String),
    axisLine: { lineStyle: { color: colour("--line-strong") } },
    axisTick: { show: false },
    axisLabel: {
      color: colour("--muted"),
      fontSize: 11,
      margin: 10,
      hideOverlap: true,
      interval: (index) => isLabelled(starts[index]),
      formatter: (text) => tick(Number(text), step, zone),
      rich: { day: { color: colour("--text"), fontSize: 11, fontWeight: 600 } },
    },
  };
}

function tick(time, step, zone) {
  const midnight = (time + zoneOffset(time, zone)) % DAY === 0;
  if (step >= DAY) return day(time, zone);
  return midnight ? `{day|${day(time, zone)}}` : clock(time, zone);
}

function valueAxis({ series }, colour) {
  return {
    type: "value",
    splitNumber: 4,
    minInterval: 1,
    axisLabel: { color: colour("--muted"), fontSize: 11, formatter: (value) => compact(Math.abs(value)) },
    splitLine: { lineStyle: { color: colour("--line") } },
    // Nothing at all still needs a scale.
    max: series.some(({ values }) => values.some(Boolean)) ? null : 1,
  };
}

function tooltip({ starts, step, zone, now, series }, colour) {
  return {
    trigger: "axis",
    renderMode: "richText",
    confine: true,
    axisPointer: { type: "shadow", shadowStyle: { color: colour("--hover"), opacity: 1 } },
    backgroundColor: colour("--raised"),
    borderColor: colour("--line-strong"),
    borderWidth: 1,
    padding: [10, 12],
    textStyle: { color: colour("--text"), fontSize: 12, lineHeight: 19 },
    // ECharts styles a canvas tooltip's markers only; figure spaces align the numbers.
    formatter: (marks) => {
      const index = marks[0].dataIndex;
      const running = starts[index] + step > now ? ", so far" : "";
      const lines = marks
        .map(({ marker, seriesIndex }) => ({ marker, ...series[seriesIndex] }))
        .filter(({ values }) => values[index] > 0);
      const width = Math.max(...lines.map(({ values }) => whole(values[index]).length), 0);
      const text = ({ marker, name, values }) => `${marker} ${whole(values[index]).padStart(width, "\u2007")}  ${plain(name)}`;
      return [`${stepWords(starts[index], step, zone)}${running}`, ...(lines.length ? lines.map(text) : ["nothing"])].join("\n");
    },
  };
}

/** A step in words: "12 Mar 2026, 14:00 – 15:00 UTC"; a day is a date alone. */
export function stepWords(start, step, zone) {
  if (step >= DAY) return `${step > DAY ? "from " : ""}${date(start, zone)} ${zoneName("utc")}`;
  const end = step > MINUTE ? ` – ${clock(start + step, zone)}` : "";
  return `${date(start, zone)}, ${clock(start, zone)}${end} ${zoneName(zone, start)}`;
}

// Braces and bars are rich text's markup.
function plain(text) {
  return text.replace(/[{}|]/g, "");
}

// A canvas knows nothing of CSS: let the browser resolve the property on an element.
function colourReader(element) {
  const probe = document.createElement("span");
  const known = new Map();
  return (property) => {
    if (!known.has(property)) {
      element.append(probe);
      probe.style.color = `var(${property})`;
      known.set(property, getComputedStyle(probe).color);
      probe.remove();
    }
    return known.get(property);
  };
}
