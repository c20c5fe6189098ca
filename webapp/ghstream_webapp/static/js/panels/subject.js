// One repository, or one organisation, in detail: shown while it is the filter.

import { endpoint } from "../api.js";
import { createChart } from "../chart.js";
import { h, reconcile, setText } from "../dom.js";
import { typeColour, typeWords } from "../eventtypes.js";
import { createFigures } from "../figures.js";
import { duration, percent, whole } from "../format.js";
import { axis, HOUR, peaks, sums } from "../series.js";
import { rangeParameters } from "../state.js";
import { resolution } from "./lifecycles.js";

const SHOWN = 10;
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
      chart.show(figure(subject, "Events", sums, ({ events }) => events, context));
      fillRows(types, typeRows(subject), subject.events);
    };
  },
  table: ({ subject }) => ({
    columns: ["Hour", "Events"],
    rows: subject.hours.map(({ at, events }) => [at, events]),
  }),
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
    const users = h("ul", { class: "breakdown", "aria-label": "Most active users of the organisation" });
    content.append(figures.element, h("div", { class: "split" }, canvas, users));
    const chart = createChart(canvas);
    return ({ subject }, context) => {
      setTitle(element, subject.org);
      figures.show(organizationFigures(subject));
      chart.show(figure(subject, "Active users in an hour", peaks, (hour) => hour.active_users, context));
      fillRows(users, subject.users.slice(0, SHOWN).map(({ actor, events }) => ({ key: actor, name: actor, events })), eventsOf(subject));
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
    resolution(times.pull_requests, "merge", "merged"),
    { label: "Issues opened", text: whole(issues.opened), note: `${whole(issues.closed)} closed, ${whole(issues.open_now)} open now` },
    resolution(times.issues, "close", "closed"),
  ];
}

function eventsOf({ hours }) {
  return hours.reduce((sum, { events }) => sum + events, 0);
}

function organizationFigures(subject) {
  const { active_users: users, hours } = subject;
  const busiest = hours.reduce((best, hour) => (hour.active_users > best.active_users ? hour : best));
  return [
    { label: "Active users", text: whole(users), note: "with at least one event" },
    { label: "Most in an hour", text: whole(busiest.active_users) },
    { label: "Events", text: whole(eventsOf(subject)) },
  ];
}

function figure(subject, name, combine, value, { zone, now }) {
  const { step, starts } = axis(subject, HOUR);
  return {
    starts,
    step,
    zone,
    now,
    series: [{ name, colour: "--accent", values: combine(subject.hours, starts, step, value) }],
    description: `${name} over time, as bars. The panel's menu shows them as a table.`,
  };
}

function typeRows({ by_type: counts }) {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([type, events]) => ({ key: type, name: typeWords(type), events, colour: typeColour(type) }));
}

function fillRows(list, rows, total) {
  reconcile(list, rows, ({ key }) => key, makeRow, (row, { name, events, colour = "--accent" }) => {
    const [bar, swatch, label, share, value] = row.firstChild.children;
    bar.style.width = `${(100 * events) / rows[0].events}%`;
    bar.style.background = swatch.style.background = `var(${colour})`;
    setText(label, name);
    setText(share, percent(events / total));
    setText(value, whole(events));
  });
}

function makeRow() {
  const part = (name) => h("span", { class: name });
  return h("li", {}, h("div", { class: "bar-row" }, part("bar"), part("swatch"), part("bar-name"), part("bar-share"), part("bar-value")));
}
