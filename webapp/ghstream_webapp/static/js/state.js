// What the page shows, kept in the address: a link gives the same view, "back" the one before.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const RANGES = [
  { id: "15m", words: "15 minutes", length: 15 * MINUTE },
  { id: "1h", words: "hour", length: HOUR },
  { id: "6h", words: "6 hours", length: 6 * HOUR },
  { id: "24h", words: "24 hours", length: DAY },
  { id: "7d", words: "7 days", length: 7 * DAY },
  { id: "30d", words: "30 days", length: 30 * DAY },
];
export const CUSTOM = "custom";
const DEFAULTS = { range: "24h", from: null, to: null, bots: "all", types: [], repo: null, org: null };
const BOTS = ["all", "none", "only"];
const REPO = /^[\w.-]+\/[\w.-]+$/;
const ORG = /^[\w.-]+$/;

/** Read the state from an address's query; what is not understood falls back to the default. */
export function parse(search) {
  const query = new URLSearchParams(search);
  const matching = (name, pattern) => (pattern.test(query.get(name) ?? "") ? query.get(name) : null);
  const range = RANGES.find(({ id }) => id === query.get("range"))?.id ?? DEFAULTS.range;
  const from = Date.parse(query.get("from"));
  const to = Date.parse(query.get("to"));
  return {
    ...(from < to ? { range: CUSTOM, from, to } : { range, from: null, to: null }),
    bots: BOTS.includes(query.get("bots")) ? query.get("bots") : DEFAULTS.bots,
    types: [...new Set(query.getAll("type"))].filter(Boolean),
    repo: matching("repo", REPO),
    org: matching("org", ORG),
  };
}

/** Return the address's query of a state; defaults are left out. */
export function format(state) {
  const query = new URLSearchParams();
  if (state.range === CUSTOM) {
    query.set("from", rfc3339(state.from));
    query.set("to", rfc3339(state.to));
  } else if (state.range !== DEFAULTS.range) query.set("range", state.range);
  if (state.bots !== DEFAULTS.bots) query.set("bots", state.bots);
  for (const type of state.types) query.append("type", type);
  if (state.repo) query.set("repo", state.repo);
  if (state.org) query.set("org", state.org);
  return query.size ? `?${query}` : location.pathname;
}

/** Return the state of the address, and tell `changed` about each new one. */
export function followAddress(changed) {
  let state = parse(location.search);
  addEventListener("popstate", () => changed((state = parse(location.search))));
  return {
    get: () => state,
    set(changes) {
      const next = { ...state, ...changes };
      if (format(next) === format(state)) return;
      history.pushState(null, "", format(next));
      changed((state = next));
    },
  };
}

/** Turn what a person typed into the filter it names; null if it names nothing. */
export function parseSubject(text) {
  const name = text.trim().replace(/^https:\/\/github\.com\//, "").replace(/\/$/, "");
  if (REPO.test(name)) return { repo: name, org: null };
  return ORG.test(name) ? { org: name, repo: null } : null;
}

/** Return the range's length in milliseconds. */
export function rangeLength({ range, from, to }) {
  return range === CUSTOM ? to - from : RANGES.find(({ id }) => id === range).length;
}

/** Return the range's `from` and `to` as the API takes them. */
export function rangeParameters({ range, from, to }) {
  return range === CUSTOM
    ? { from: rfc3339(from), to: rfc3339(to) }
    : { from: `-${range}`, to: "now" };
}

/** Return the `from` and `to` of the period of the same length that ends where the range starts. */
export function previousParameters(state) {
  const length = rangeLength(state);
  return state.range === CUSTOM
    ? { from: rfc3339(state.from - length), to: rfc3339(state.from) }
    : { from: `-${(2 * length) / 1000}s`, to: `-${length / 1000}s` };
}

/** Return the step of the range's time series: as fine as about a hundred steps allow. */
export function stepFor(state) {
  const length = rangeLength(state);
  if (length <= 6 * HOUR) return "minute";
  return length <= 14 * DAY ? "hour" : "day";
}

/** Return a custom range of about the same length that ends just after the time `at`. */
export function rangeUntil(state, at) {
  const length = rangeLength(state);
  const grain = length <= 6 * HOUR ? MINUTE : HOUR;
  const to = (Math.floor(at / grain) + 1) * grain;
  return { range: CUSTOM, from: to - length, to };
}

/** Tell whether anything but the range narrows what is shown. */
export function isFiltered({ bots, types, repo, org }) {
  return Boolean(bots !== DEFAULTS.bots || types.length || repo || org);
}

export const NO_FILTERS = { bots: DEFAULTS.bots, types: DEFAULTS.types, repo: null, org: null };

function rfc3339(time) {
  return new Date(time).toISOString().replace(".000Z", "Z");
}
