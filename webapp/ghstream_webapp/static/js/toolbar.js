// The controls at the top: time range, bots, types and the filters that are set.

import { h, reconcile, setText } from "./dom.js";
import { TYPE_NAMES, typeWords } from "./eventtypes.js";
import { period, zoneName } from "./format.js";
import { CUSTOM, NO_FILTERS, parseSubject, rangeLength } from "./state.js";

/** Connect the controls in `element` with the state; returns show(state, zone, now). */
export function createToolbar(element, { get, set }, zone) {
  const form = element.querySelector("#filters");
  const types = form.elements.type;
  types.append(...TYPE_NAMES.map((type) => h("option", { value: type, text: typeWords(type) })));
  const openDialog = createRangeDialog(document.querySelector("#custom-range"), { get, set }, zone);

  form.addEventListener("change", ({ target }) => {
    if (target.name === "range") set({ range: target.value, from: null, to: null });
    if (target.name === "bots") set({ bots: target.value });
    if (target.name === "type" && target.value) set({ types: [...new Set([...get().types, target.value])] });
    types.value = "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = form.elements.subject;
    const subject = parseSubject(field.value);
    field.setCustomValidity(subject || !field.value ? "" : "Write owner/repository, or an organisation’s name");
    if (!field.reportValidity() || !subject) return;
    field.value = "";
    set(subject);
  });
  form.elements.subject.addEventListener("input", ({ target }) => target.setCustomValidity(""));
  element.querySelector("#custom-button").addEventListener("click", openDialog);

  return (state, zoneNow, now) => {
    form.elements.range.value = state.range;
    form.elements.bots.value = state.bots;
    const custom = element.querySelector("#custom-button");
    custom.setAttribute("aria-pressed", String(state.range === CUSTOM));
    const [from, to] = state.range === CUSTOM ? [state.from, state.to] : [now - rangeLength(state), now];
    setText(element.querySelector("#period"), period(from, to, zoneNow));
    showChips(element.querySelector("#chips"), chipsOf(state), set);
  };
}

function chipsOf({ bots, types, repo, org }) {
  const chips = [];
  if (repo) chips.push({ key: `repo ${repo}`, label: "Repository", value: repo, without: { repo: null } });
  if (org) chips.push({ key: `org ${org}`, label: "Organisation", value: org, without: { org: null } });
  if (bots !== NO_FILTERS.bots) chips.push({ key: "bots", label: "By", value: bots === "only" ? "bots" : "people", without: { bots: NO_FILTERS.bots } });
  for (const type of types)
    chips.push({ key: `type ${type}`, label: "Type", value: typeWords(type), without: { types: types.filter((one) => one !== type) } });
  if (chips.length > 1) chips.push({ key: "all", label: "", value: "Clear all", without: NO_FILTERS });
  return chips;
}

function showChips(list, chips, set) {
  list.hidden = chips.length === 0;
  reconcile(list, chips, ({ key }) => key, () => h("li", {}, h("button", { type: "button" }, h("span"), h("strong"))), (chip, { key, label, value, without }) => {
    const button = chip.firstChild;
    button.className = key === "all" ? "button-quiet" : "chip";
    setText(button.firstChild, label);
    setText(button.lastChild, value);
    button.setAttribute("aria-label", key === "all" ? "Clear all filters" : `Remove the filter ${label} ${value}`);
    button.onclick = () => set(without);
  });
}

// Times are typed in the zone that the page shows.
function createRangeDialog(dialog, { get, set }, zone) {
  const { from, to } = dialog.querySelector("form").elements;
  const isUtc = () => zone() === "utc";
  const write = (time) => {
    const shift = isUtc() ? 0 : new Date(time).getTimezoneOffset() * 60_000;
    return new Date(time - shift).toISOString().slice(0, 16);
  };
  const read = (text) => Date.parse(isUtc() ? `${text}Z` : text);

  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    to.setCustomValidity(read(from.value) < read(to.value) ? "" : "The end has to be after the start");
    if (!to.reportValidity()) return;
    dialog.close();
    set({ range: CUSTOM, from: read(from.value), to: read(to.value) });
  });
  for (const field of [from, to]) field.addEventListener("input", () => to.setCustomValidity(""));
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());

  return () => {
    const state = get();
    const now = Date.now();
    from.value = write(state.range === CUSTOM ? state.from : now - rangeLength(state));
    to.value = write(state.range === CUSTOM ? state.to : now);
    setText(dialog.querySelector("#custom-zone"), zoneName(zone()));
    dialog.showModal();
  };
}
