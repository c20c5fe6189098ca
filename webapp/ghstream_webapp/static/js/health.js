// The line under the title: is the page live, how old is the newest event, how far behind is it?

import { setAttribute, setText } from "./dom.js";
import { ago, duration, moment, NONE, whole } from "./format.js";
import { lag } from "./panels/pipeline.js";

const CONNECTIONS = {
  live: { words: "Live", title: "Updates arrive as the pipeline merges them" },
  reconnecting: { words: "Connecting", title: "The live connection is being opened again" },
  polling: { words: "Polling", title: "No place for a live connection was free; the page asks every 10 seconds" },
  offline: { words: "Offline", title: "The server cannot be reached; the figures are the last ones known" },
  paused: { words: "Paused", title: "Updates go on when the page is visible" },
};

/** Return {connection(name), status(status, now, zone)} that show themselves in the page. */
export function createHealth(root) {
  const find = (name) => root.querySelector(`[data-health="${name}"]`);
  const [badge, fresh, lagging, merged, rejected] = ["connection", "fresh", "lag", "merged", "rejected"].map(find);
  return {
    connection(name) {
      badge.dataset.level = name;
      badge.title = CONNECTIONS[name].title;
      setText(badge, CONNECTIONS[name].words);
    },
    status(status, now, zone) {
      const newest = status.newest_event_at && Date.parse(status.newest_event_at);
      setText(fresh, newest ? ago((now - newest) / 1000) : NONE);
      setAttribute(fresh, "title", newest ? moment(newest, zone) : null);
      setText(lagging, duration(lag(status)));
      setText(merged, whole(status.events));
      setText(rejected, whole(status.rejected));
      rejected.dataset.level = status.rejected ? "warning" : "good";
    },
  };
}
