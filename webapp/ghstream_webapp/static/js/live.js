// Tells when the store has merged a new batch: by server-sent events, else by asking.

import { endpoint, getJson } from "./api.js";

const POLL_INTERVAL = 10_000;
const RETRY_INTERVAL = 30_000;

/** Follow the store until the page is left; nothing is asked while the page is hidden.
 *
 * `onStatus(status)` gets each new status, `onConnection(name)` one of live, reconnecting, polling,
 * offline, paused. */
export function followStore(onStatus, onConnection) {
  let source = null;
  let timers = [];

  function stop() {
    source?.close();
    source = null;
    timers.forEach(clearTimeout);
    timers = [];
  }

  function stream() {
    source = new EventSource(endpoint("stream"));
    source.addEventListener("open", () => onConnection("live"));
    source.addEventListener("update", (event) => onStatus(JSON.parse(event.data)));
    // The browser reconnects by itself unless it was refused, as when all places are taken.
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return onConnection("reconnecting");
      stop();
      poll();
      timers.push(setTimeout(start, RETRY_INTERVAL));
    });
  }

  async function poll() {
    const status = await getJson(endpoint("status")).catch(() => null);
    if (source || document.hidden) return;
    if (status) onStatus(status);
    onConnection(status ? "polling" : "offline");
    timers.push(setTimeout(poll, POLL_INTERVAL));
  }

  function start() {
    stop();
    if (document.hidden) onConnection("paused");
    else stream();
  }

  document.addEventListener("visibilitychange", start);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && start());
  start();
}
