// Pull requests and issues: how many were opened and finished, and how long that took.

import { endpoint } from "../api.js";
import { createChart, stepWords } from "../chart.js";
import { h } from "../dom.js";
import { createFigures } from "../figures.js";
import { duration, whole } from "../format.js";
import { axis, HOUR, sums } from "../series.js";
import { rangeParameters } from "../state.js";

const TRANSITIONS = {
  opened: { words: "Opened", colour: "--opened" },
  reopened: { words: "Reopened", colour: "--reopened" },
  merged: { words: "Merged", colour: "--merged", below: true },
  closed: { words: "Closed", colour: "--closed", below: true },
  closed_unmerged: { words: "Unmerged", colour: "--closed", below: true },
};

export const pullRequests = lifecycle("pull_requests", {
  nothing: "opened or closed pull requests",
  words: "pull requests",
  transitions: ["opened", "reopened", "merged", "closed_unmerged"],
  finished: "merged",
  verb: "merge",
});

export const issues = lifecycle("issues", {
  nothing: "opened or closed issues",
  words: "issues",
  transitions: ["opened", "reopened", "closed"],
  finished: "closed",
  verb: "close",
});

function lifecycle(subject, { nothing, words, transitions, finished, verb }) {
  return {
    nothing,
    narrowedBy: ["type", "bots", "repo"],
    chart: true,
    requests: (state) => ({
      counts: endpoint("lifecycle-counts", { ...rangeParameters(state), bots: state.bots, repo: state.repo }),
      times: endpoint("resolution-times", { ...rangeParameters(state), repo: state.repo }),
    }),
    isEmpty: ({ counts }) => transitions.every((name) => counts[subject][name] === 0),
    build(content) {
      const figures = createFigures();
      const canvas = h("div", { class: "chart" });
      content.append(figures.element, canvas);
      const chart = createChart(canvas);
      return ({ counts, times }, context) => {
        figures.show([...amounts(counts[subject]), resolution(times[subject], verb, finished)]);
        chart.show(figure(counts, context));
      };
    },
    table: ({ counts }, { zone }) => {
      const { step, starts } = axis(counts, HOUR);
      const lines = transitions.map((name) => values(counts, name, starts, step));
      return {
        columns: ["Time", ...transitions.map((name) => TRANSITIONS[name].words)],
        rows: starts.map((start, i) => [stepWords(start, step, zone), ...lines.map((line) => line[i])]),
      };
    },
  };

  function amounts(counts) {
    const shown = transitions.filter((name) => name !== "reopened" || counts.reopened);
    return [
      ...shown.map((name) => ({ label: TRANSITIONS[name].words, text: whole(counts[name]), colour: TRANSITIONS[name].colour })),
      { label: "Open now", text: whole(counts.open_now), title: `Open ${words} whose opening this stream has seen` },
    ];
  }

  function values(counts, name, starts, step) {
    return sums(counts.hours, starts, step, (hour) => hour[subject][name]);
  }

  function figure(counts, { zone, now }) {
    const { step, starts } = axis(counts, HOUR);
    const seen = counts[subject];
    return {
      starts,
      step,
      zone,
      now,
      series: transitions.map((name) => ({ name: TRANSITIONS[name].words, ...TRANSITIONS[name], values: values(counts, name, starts, step) })),
      description: `Over time, ${words} opened as bars upward, merged and closed as bars downward. ${transitions.map((name) => `${TRANSITIONS[name].words}: ${whole(seen[name])}`).join(", ")}. The panel's menu shows them as a table.`,
    };
  }
}

/** The figure of resolution times: median and 90th percentile, and of how many they are. */
export function resolution(times, verb, finished) {
  const unmeasured = times.unmeasured ? `; the opening of ${whole(times.unmeasured)} is not known` : "";
  return {
    label: `Median to ${verb}`,
    text: duration(times.median_seconds),
    note: times.measured ? `90% within ${duration(times.p90_seconds)}` : "",
    title: `Of ${whole(times.measured)} ${finished}${unmeasured}`,
  };
}
