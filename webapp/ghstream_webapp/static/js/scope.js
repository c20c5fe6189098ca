// What a panel's figures are of, where that is not what the controls at the top say.

import { period } from "./format.js";
import { rangeLength } from "./state.js";

// Whole hours round a range outward; a tenth more is worth a word.
const TOLERANCE = 1.1;

/** Return the words, empty if the panel heeds all that is set.
 *
 * `narrowedBy` names the filters that the panel heeds; `answer` may hold its `from` and `to`. */
export function scopeWords(narrowedBy, answer, { state, zone }) {
  if (!narrowedBy) return "";
  return [...ignored(narrowedBy, state), ...wider(answer, state, zone)].join(" · ");
}

function ignored(narrowedBy, { types, bots, repo, org }) {
  const subject = repo ? "repository" : "organisation";
  const active = { type: types.length && "type", bots: bots !== "all" && "people or bots", subject: (repo || org) && subject };
  const names = Object.keys(active).filter((name) => active[name] && !narrowedBy.includes(name));
  return names.length ? [`not narrowed by ${names.map((name) => active[name]).join(" and ")}`] : [];
}

function wider({ from, to }, state, zone) {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return end - start > TOLERANCE * rangeLength(state) ? [`whole hours: ${period(start, end, zone)}`] : [];
}
