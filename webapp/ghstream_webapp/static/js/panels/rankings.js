// The most active repositories, contributors and organisations. A click on a row filters.

import { endpoint } from "../api.js";
import { h, reconcile, setAttribute, setText } from "../dom.js";
import { percent, whole } from "../format.js";
import { rangeParameters } from "../state.js";

const SHOWN = 10;
const MORE = 50;

/** Return the address of a ranking; the figures at the top ask for the same. */
export function topRequest(what, state) {
  return endpoint(`${what}/top`, { ...rangeParameters(state), limit: MORE, type: state.types, bots: state.bots });
}

export const repositories = ranking("repositories", {
  nothing: "repositories",
  name: "repo",
  choose: (item) => ({ repo: item.repo, org: null }),
  isChosen: (item, state) => item.repo === state.repo,
  notes: (item) => [item.bot_events ? `${percent(item.bot_events / item.events)} by bots` : ""],
});

export const contributors = ranking("contributors", {
  nothing: "contributors",
  name: "actor",
  link: (item) => `https://github.com/${encodeURIComponent(item.actor)}`,
  notes: (item) => [item.is_bot ? "bot" : ""],
});

export const organizations = ranking("organizations", {
  nothing: "organisations",
  name: "org",
  choose: (item) => ({ org: item.org, repo: null }),
  isChosen: (item, state) => item.org === state.org,
  notes: (item) => [`${whole(item.active_users)} active`],
});

function ranking(what, { nothing, name, choose, isChosen, link, notes }) {
  return {
    nothing,
    narrowedBy: ["type", "bots"],
    requests: (state) => ({ top: topRequest(what, state) }),
    isEmpty: ({ top }) => top.items.length === 0,
    build(content) {
      const list = h("ol", { class: "ranking" });
      const more = h("button", { class: "button-quiet", type: "button", hidden: true });
      let shown = SHOWN;
      let draw = () => {};
      more.addEventListener("click", () => {
        shown = shown === SHOWN ? MORE : SHOWN;
        draw();
      });
      content.append(list, more);
      return ({ top }, context) => {
        draw = () => {
          const most = top.items[0].events;
          reconcile(list, top.items.slice(0, shown), (item) => item[name], () => makeRow(Boolean(link)), (row, item) => fillRow(row, item, most, context));
          more.hidden = top.items.length <= SHOWN;
          setText(more, shown === SHOWN ? `Show ${Math.min(MORE, top.items.length)}` : `Show ${SHOWN}`);
        };
        draw();
      };
    },
    table: ({ top }) => ({
      columns: ["rank", name, "events", ...Object.keys(top.items[0] ?? {}).filter((key) => ["is_bot", "bot_events", "active_users"].includes(key))],
      rows: top.items.map((item) => [item.rank, item[name], item.events, ...["is_bot", "bot_events", "active_users"].filter((key) => key in item).map((key) => item[key])]),
    }),
  };

  function fillRow(row, item, most, { state, set }) {
    const target = row.firstChild;
    const [bar, rank, label, note, value] = target.children;
    bar.style.width = `${(100 * item.events) / most}%`;
    setText(rank, String(item.rank));
    setText(label, item[name]);
    setText(note, notes(item)[0]);
    setText(value, whole(item.events));
    setAttribute(label, "title", item[name]);
    if (link) return setAttribute(target, "href", link(item));
    const chosen = isChosen(item, state);
    target.setAttribute("aria-pressed", String(chosen));
    target.onclick = () => set(chosen ? { repo: null, org: null } : choose(item));
  }
}

function makeRow(isLink) {
  const part = (name) => h("span", { class: name });
  const parts = ["bar", "bar-rank", "bar-name", "bar-note", "bar-value"].map(part);
  const target = isLink
    ? h("a", { class: "bar-row", target: "_blank", rel: "noopener noreferrer" }, ...parts)
    : h("button", { class: "bar-row", type: "button" }, ...parts);
  return h("li", {}, target);
}
