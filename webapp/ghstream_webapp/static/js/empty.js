// Why a panel has nothing to show, and what would help.

import { moment } from "./format.js";
import { isFiltered, NO_FILTERS, rangeLength, rangeUntil, CUSTOM } from "./state.js";

/** Return {text, action?, changes?}: a sentence, and the change of state that a button offers. */
export function emptiness({ state, zone, now }, status, nothing) {
  const newest = status.newest_event_at ? Date.parse(status.newest_event_at) : null;
  if (newest === null) return { text: `No ${nothing} yet. Figures appear with the first batch of events.` };
  const [from, to] = state.range === CUSTOM ? [state.from, state.to] : [now - rangeLength(state), now];
  if (newest < from || newest >= to)
    return {
      text: `No ${nothing} in this range. The newest event is of ${moment(newest, zone)}.`,
      action: "Go to the newest events",
      changes: rangeUntil(state, newest),
    };
  if (isFiltered(state))
    return { text: `No ${nothing} match the filters in this range.`, action: "Clear the filters", changes: NO_FILTERS };
  return { text: `No ${nothing} in this range.` };
}
