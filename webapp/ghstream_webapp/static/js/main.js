// Puts the page together: address → panels, live updates → panels.

import { createLoader } from "./api.js";
import { redrawCharts } from "./chart.js";
import { setText } from "./dom.js";
import { createHealth } from "./health.js";
import { followStore } from "./live.js";
import { createPanel } from "./panel.js";
import { events } from "./panels/events.js";
import { kpis } from "./panels/kpis.js";
import { issues, pullRequests } from "./panels/lifecycles.js";
import { pipeline } from "./panels/pipeline.js";
import { contributors, organizations, repositories } from "./panels/rankings.js";
import { resolution } from "./panels/resolution.js";
import { organization, repository } from "./panels/subject.js";
import { followTheme, followZone } from "./preferences.js";
import { followAddress } from "./state.js";
import { createToolbar } from "./toolbar.js";

const DEFINITIONS = {
  kpis,
  repository,
  organization,
  events,
  repositories,
  contributors,
  organizations,
  "pull-requests": pullRequests,
  issues,
  resolution,
  pipeline,
};
// A busy pipeline merges every second; people read more slowly.
const REFRESH_INTERVAL = 4_000;
// Without a new batch, time still moves out of the range.
const IDLE_INTERVAL = 60_000;

const find = (selector) => document.querySelector(selector);
const address = followAddress(() => refresh());
const zone = followZone(find("#zone"), () => refresh());
followTheme(find("#theme"), redrawCharts);
const showToolbar = createToolbar(find("#toolbar"), address, zone);
const health = createHealth(document);
const panels = Object.entries(DEFINITIONS).map(([id, definition]) => ({ element: find(`#${id}`), refresh: createPanel(find(`#${id}`), definition) }));

let status = null;
let clockSkew = 0;
let loading = new AbortController();
let refreshedAt = 0;
let timer = null;

const now = () => Date.now() + clockSkew;

function refreshIn(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(refresh, milliseconds);
}

function refresh() {
  refreshIn(IDLE_INTERVAL);
  if (document.hidden) return;
  refreshedAt = Date.now();
  loading.abort();
  loading = new AbortController();
  const state = address.get();
  const context = { state, zone: zone(), now: now(), load: createLoader(loading.signal), set: address.set, retry: refresh };
  showToolbar(state, zone(), now());
  find("#repository").hidden = !state.repo;
  find("#organization").hidden = !state.org;
  for (const panel of panels) if (!panel.element.hidden) panel.refresh(context);
}

function showStatus(next) {
  const isNew = !status || next.merged_at !== status.merged_at || next.batch_id !== status.batch_id;
  status = next;
  clockSkew = Date.parse(next.now) - Date.now();
  setText(find("#notice"), next.notice ?? "");
  find("#notice").hidden = !next.notice;
  tick();
  if (isNew) refreshIn(Math.max(0, refreshedAt + REFRESH_INTERVAL - Date.now()));
}

function tick() {
  if (status) health.status(status, now(), zone());
}

setInterval(tick, 1_000);
document.addEventListener("visibilitychange", refresh);
refresh();
followStore(showStatus, health.connection);
