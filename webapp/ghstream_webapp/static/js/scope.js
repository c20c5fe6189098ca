// What a panel's figures are of, where that is not what the controls at the top say.

import { period } from "./format.js";
import { rangeLength } from "./state.js";

// Whole hours round a range outward; a tenth more is worth a word.
const TOLERANCE = 1.1;
const WORDS = { type: "type", bots: "bots", repo: "repository", org: "organisation" };

/** Return the words, empty if the panel heeds all that is set.
 *
 * `narrowedBy` names the filters that the panel heeds; `answer` may hold its `from` and `to`. */
export function scopeWords(narrowedBy, answer, { state, zone }) {
  if (!narrowedBy) return "";
  return [...ignored(narrowedBy, state), ...wider(answer, state, zone)].join(" · ");
}

function ignored(narrowedBy, { types, bots, repo, org }) {
  const set = { type: types.length > 0, bots: bots !== "all", repo, org };
  const names = Object.keys(WORDS).filter((name) => set[name] && !narrowedBy.includes(name));
  return names.length ? [`not narrowed by ${names.map((name) => WORDS[name]).join(" or ")}`] : [];
}

function wider(answer, state, zone) {
  return isWider(answer, state) ? [`whole hours: ${period(Date.parse(answer.from), Date.parse(answer.to), zone)}`] : [];
}

/** Tell whether an answer's range was rounded outward by enough to be worth a word. */
export function isWider({ from, to }, state) {
  return Date.parse(to) - Date.parse(from) > TOLERANCE * rangeLength(state);
}
