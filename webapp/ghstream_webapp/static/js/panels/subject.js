// One repository, or one organisation, in detail: shown while it is the filter.

import { endpoint } from "../api.js";
import { createChart, stepWords } from "../chart.js";
import { h, reconcile, setText } from "../dom.js";
import { typeColour, typeWords } from "../eventtypes.js";
import { createFigures } from "../figures.js";
import { duration, percent, whole } from "../format.js";
import { axis, HOUR, sums } from "../series.js";
import { rangeParameters } from "../state.js";
import { resolution } from "./lifecycles.js";

const path = (name) => name.split("/").map(encodeURIComponent).join("/");

export const repository = {
  nothing: "events of this repository",
  narrowedBy: ["repo"],
  chart: true,
  offers: true,
  requests: (state) => ({ subject: endpoint(`repositories/${path(state.repo)}`, rangeParameters(state)) }),
  isEmpty: ({ subject }) => subject.events === 0,
  build(content, element) {
    const figures = createFigures();
    const canvas = h("div", { class: "chart" });
    const types = h("ul", { class: "breakdown", "aria-label": "Events of the repository per type" });
    content.append(figures.element, h("div", { class: "split" }, canvas, types));
    const chart = createChart(canvas);
    return ({ subject }, context) => {
      setTitle(element, subject.repo);
      figures.show(repositoryFigures(subject));
      chart.show(hourly(subject, [{ name: "Events", colour: "--accent", value: ({ events }) => events }], context));
      fillTypes(types, subject);
    };
  },
  table: ({ subject }, { zone }) => hourlyTable(subject, { Events: ({ events }) => events }, zone),
};

export const organization = {
  nothing: "events of this organisation",
  narrowedBy: ["bots", "org"],
  chart: true,
  offers: true,
  requests: (state) => ({
    subject: endpoint(`organizations/${path(state.org)}/active-users`, { ...rangeParameters(state), bots: state.bots }),
  }),
  isEmpty: ({ subject }) => subject.hours.length === 0,
  build(content, element) {
    const figures = createFigures();
    const canvas = h("div", { class: "chart" });
    content.append(figures.element, canvas);
    const chart = createChart(canvas);
    return ({ subject }, context) => {
      setTitle(element, subject.org);
      figures.show(organizationFigures(subject));
      chart.show(hourly(subject, [{ name: "Events", colour: "--accent", value: ({ events }) => events }], context));
    };
  },
  table: ({ subject }) => ({
    columns: ["Hour", "Active users", "Events"],
    rows: subject.hours.map(({ at, active_users: users, events }) => [at, users, events]),
  }),
};

function setTitle(element, name) {
  const link = element.querySelector("h2 a");
  setText(link, name);
  link.href = `https://github.com/${path(name)}`;
}

function repositoryFigures({ events, bot_events: bots, pull_requests: pulls, issues, pull_request_interval: interval, resolution_times: times }) {
  return [
    { label: "Events", text: whole(events), note: `${percent(bots / events)} by bots` },
    { label: "Pull requests opened", text: whole(pulls.opened), note: `${whole(pulls.merged)} merged, ${whole(pulls.open_now)} open now` },
    { label: "Between pull requests", text: duration(interval.average_seconds), note: "on average" },
    resolution(times.pull_requests, "merge", "merged")[0],
    { label: "Issues opened", text: whole(issues.opened), note: `${whole(issues.closed)} closed, ${whole(issues.open_now)} open now` },
    resolution(times.issues, "close", "closed")[0],
  ];
}

function organizationFigures({ active_users: users, hours }) {
  const busiest = hours.reduce((best, hour) => (hour.active_users > best.active_users ? hour : best));
  return [
    { label: "Active users", text: whole(users), note: "with at least one event" },
    { label: "Most in an hour", text: whole(busiest.active_users) },
    { label: "Events", text: whole(hours.reduce((sum, { events }) => sum + events, 0)) },
  ];
}

function hourly(subject, lines, { zone, now }) {
  const { step, starts } = axis(subject, HOUR);
  return {
    starts,
    step,
    zone,
    now,
    series: lines.map(({ value, ...line }) => ({ ...line, values: sums(subject.hours, starts, step, value) })),
    description: "Events over time, as bars. The panel's menu shows them as a table.",
  };
}

function hourlyTable(subject, lines, zone) {
  const { step, starts } = axis(subject, HOUR);
  const values = Object.values(lines).map((value) => sums(subject.hours, starts, step, value));
  return {
    columns: ["Time", ...Object.keys(lines)],
    rows: starts.map((start, i) => [stepWords(start, step, zone), ...values.map((line) => line[i])]),
  };
}

function fillTypes(list, { by_type: counts, events }) {
  const types = Object.entries(counts).sort(([, a], [, b]) => b - a);
  reconcile(list, types, ([type]) => type, makeType, (row, [type, count]) => {
    const [bar, swatch, name, share, value] = row.firstChild.children;
    bar.style.width = `${(100 * count) / types[0][1]}%`;
    bar.style.background = swatch.style.background = `var(${typeColour(type)})`;
    setText(name, typeWords(type));
    setText(share, percent(count / events));
    setText(value, whole(count));
  });
}

function makeType() {
  const part = (name) => h("span", { class: name });
  return h("li", {}, h("div", { class: "bar-row" }, part("bar"), part("swatch"), part("bar-name"), part("bar-share"), part("bar-value")));
}
