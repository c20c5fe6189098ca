// The pipeline itself: what is in the store, and how completely each feed was seen.

import { endpoint } from "../api.js";
import { h, reconcile, setText } from "../dom.js";
import { createFigures } from "../figures.js";
import { ago, clock, duration, moment, NONE, percent, whole } from "../format.js";

const COLUMNS = ["Feed", "Polls", "New events", "Gaps", "Requests left", "Last poll"];

export const pipeline = {
  nothing: "batches",
  requests: () => ({ status: endpoint("status") }),
  isEmpty: ({ status }) => !status.ready || status.merged_at === null,
  build(content) {
    const figures = createFigures();
    const rows = h("tbody");
    const feeds = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Coverage of the feeds" },
      h("table", { class: "feeds" },
        h("thead", {}, h("tr", {}, ...COLUMNS.map((text, i) => h("th", { scope: "col", text, class: i ? "number" : null })))),
        rows,
      ),
    );
    const none = h("p", { class: "hint", text: "No feed is polled: the events come from files." });
    content.append(figures.element, feeds, none);
    return ({ status }, context) => {
      figures.show(statusFigures(status, context));
      feeds.hidden = status.coverage.length === 0;
      none.hidden = !feeds.hidden;
      reconcile(rows, status.coverage, ({ feed }) => feed, makeRow, (row, feed) => fillRow(row, feed, context));
    };
  },
  table: ({ status }) => {
    const columns = ["feed", "polls", "new_events", "gaps", "gap_seconds", "requests_left", "requests_limit", "resets_at", "last_polled_at"];
    return { columns, rows: status.coverage.map((feed) => columns.map((column) => feed[column])) };
  },
};

/** Seconds between the newest event's arrival and the moment it could be seen here. */
export function lag({ merged_at: merged, newest_ingested_at: ingested }) {
  return merged && ingested ? Math.max(0, (Date.parse(merged) - Date.parse(ingested)) / 1000) : null;
}

function statusFigures(status, { zone }) {
  return [
    { label: "Stream", text: status.stream },
    { label: "Last batch", text: status.batch_id === null ? NONE : `No. ${whole(status.batch_id)}`, note: moment(Date.parse(status.merged_at), zone) },
    { label: "From source to page", text: duration(lag(status)), note: "newest event of the last batch" },
    { label: "Events merged", text: whole(status.events), note: "since the stream began" },
    { label: "Rejected records", text: whole(status.rejected), note: status.rejected ? "see the dead-letter topic" : "all were events" },
  ];
}

function fillRow(row, feed, { zone, now }) {
  const [name, polls, events, gaps, left, last] = row.children;
  setText(name, feed.feed);
  setText(polls, whole(feed.polls));
  setText(events, whole(feed.new_events));
  setText(gaps, feed.gaps ? `${whole(feed.gaps)} (${duration(feed.gap_seconds)})` : "none");
  gaps.dataset.level = feed.gaps ? "warning" : "good";
  gaps.title = feed.gaps ? "Times that two polls had no event in common, and how long that was in all" : "Every poll overlapped with the one before";
  fillBudget(left, feed, zone);
  setText(last, feed.last_polled_at ? ago((now - Date.parse(feed.last_polled_at)) / 1000) : NONE);
}

function fillBudget(cell, { requests_left: left, requests_limit: limit, resets_at: resets }, zone) {
  const [meter, text] = cell.firstChild.children;
  meter.hidden = left === null || !limit;
  meter.firstChild.style.width = limit ? percent(left / limit) : "0";
  setText(text, left === null ? NONE : limit ? `${whole(left)} of ${whole(limit)}` : whole(left));
  cell.title = resets ? `The budget is renewed at ${clock(Date.parse(resets), zone)}` : "";
}

function makeRow() {
  const number = () => h("td", { class: "number" });
  const budget = h("td", { class: "number" }, h("div", { class: "budget" }, h("span", { class: "meter" }, h("span")), h("span")));
  return h("tr", {}, h("th", { scope: "row" }), number(), number(), number(), budget, number());
}
