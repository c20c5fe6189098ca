"""GitHub's Events API over real HTTP: real events in sliding pages, and faults on request.

Time is counted in requests: each request for a first page, answered well or badly, lets `step` more
events happen, right after it. So a run is the same on a slow machine as on a fast one, and the next
page of a poll has already moved on. As with GitHub, a feed shows its last 300 events, newest first.

Standalone: python tests/source/fake_github.py --port 8080 --file events.jsonl.gz
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SHOWN = 300
# Fault -> status, headers, body. {now+n} in a header becomes an epoch.
JSON = {"Content-Type": "application/json"}
EXHAUSTED = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"}
FAULTS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "exhausted": (403, JSON | EXHAUSTED, b'{"message": "API rate limit exceeded"}'),
    "secondary": (403, JSON, b'{"message": "You have exceeded a secondary rate limit"}'),
    "forbidden": (403, JSON, b'{"message": "Resource not accessible"}'),
    "retry-after": (429, JSON, b'{"message": "Too many requests"}'),
    "unauthorized": (401, JSON, b'{"message": "Bad credentials"}'),
    "not-found": (404, JSON, b'{"message": "Not Found"}'),
    "error": (500, JSON, b'{"message": "Server Error"}'),
    "unavailable": (503, {"Content-Type": "text/html"}, b"<html>Unicorn!</html>"),
    "html": (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html></html>"),
    "object": (200, JSON, b'{"message": "not a list"}'),
    "cut-json": (200, JSON, b'[{"id": "1", "type": "PushEv'),
    "not-utf8": (200, JSON, b'[{"id": "\xff\xfe"}]\xff'),
    "truncated": (200, JSON, b"[" + b" " * 10_000),
    "slow": (200, JSON, b"[" + b" " * 200 + b"]"),
    "hang-up": (0, {}, b""),
}


@dataclass(frozen=True)
class Request:
    """One request as the server saw it, and the status it answered."""

    path: str
    page: int
    token: str | None
    etag: str | None
    user_agent: str | None
    version: str | None
    status: int


class FakeGitHub:
    """Serves `events`, oldest first; `happened` of them are visible.

    `delays` (path -> number) holds a feed that many events back. `rate_limit` requests per token
    and hour are granted; without, no limit is told. `pause` is what a refusal asks for, in seconds.
    """

    def __init__(
        self,
        events: Iterable[bytes],
        *,
        happened: int = 100,
        step: int = 50,
        poll_interval: int = 0,
        delays: dict[str, int] | None = None,
        rate_limit: int | None = None,
        pause: int = 60,
        fault_every: int = 0,
        faults: Sequence[str] = (),
        now: Callable[[], float] = time.time,
        port: int = 0,
    ) -> None:
        self.events = list(events)
        self.happened = happened
        self.step = step
        self.poll_interval = poll_interval
        self.delays = delays or {}
        self.rate_limit = rate_limit
        self.pause = pause
        self.now = now
        self.requests: list[Request] = []
        self._parsed = [json.loads(event) for event in self.events]
        self._faults: dict[tuple[str, int], deque[str]] = defaultdict(deque)
        self._fault_every = fault_every
        self._every = deque(faults)
        self._used: dict[str | None, int] = defaultdict(int)
        self._window_ends: dict[str | None, float] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host}:{port}"

    @property
    def over(self) -> bool:
        """All events have happened."""
        return self.happened >= len(self.events) + max(self.delays.values(), default=0)

    def __enter__(self) -> FakeGitHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, path: str, *faults: str, page: int = 1) -> None:
        """Answer the next requests for that page with these faults, one after the other."""
        self._faults[path, page].extend(faults)

    def shown(self, path: str) -> list[bytes]:
        """What a feed shows now, newest first."""
        end = max(0, self.happened - self.delays.get(path, 0))
        pick = _feed(path)
        indices = [i for i, event in enumerate(self._parsed[:end]) if pick(event)]
        return [self.events[i] for i in reversed(indices[-SHOWN:])]

    def answer(
        self, path: str, page: int, size: int, token: str | None, headers: dict[str, str | None]
    ) -> tuple[int, dict[str, str], bytes, str | None]:
        """Return status, headers, body, and the fault that is played."""
        with self._lock:
            fault = self._next_fault(path, page)
            status, own, body = FAULTS[fault] if fault else self._page(path, page, size, headers)
            told = {"X-Poll-Interval": str(self.poll_interval)} | own | self._limit(token, status)
            if fault == "retry-after":
                told["Retry-After"] = str(self.pause)
            if fault == "exhausted":
                told |= EXHAUSTED | {"X-RateLimit-Reset": str(int(self.now()) + self.pause)}
            if not fault and self._is_exhausted(token, status):
                status, _, body = FAULTS["exhausted"]
            if page == 1:
                self.happened += self.step
            agent, version = headers["user-agent"], headers["x-github-api-version"]
            self.requests.append(
                Request(path, page, token, headers["if-none-match"], agent, version, status)
            )
            return status, told, body, fault

    def _next_fault(self, path: str, page: int) -> str | None:
        if self._faults[path, page]:
            return self._faults[path, page].popleft()
        if self._fault_every and len(self.requests) % self._fault_every == self._fault_every - 1:
            self._every.rotate(-1)
            return self._every[-1]
        return None

    def _page(
        self, path: str, page: int, size: int, headers: dict[str, str | None]
    ) -> tuple[int, dict[str, str], bytes]:
        shown = self.shown(path)
        etag = f'W/"{hashlib.sha256(b"".join(shown)).hexdigest()}"'
        if page == 1 and headers["if-none-match"] == etag:
            return 304, {"ETag": etag}, b""
        told = JSON | {"ETag": etag}
        if len(shown) > page * size:
            address = f"{self.url}{path}?per_page={size}&page="
            told["Link"] = f'<{address}{page + 1}>; rel="next", <{address}3>; rel="last"'
        return 200, told, b"[" + b",".join(shown[(page - 1) * size : page * size]) + b"]"

    def _limit(self, token: str | None, status: int) -> dict[str, str]:
        if self.rate_limit is None:
            return {}
        if self.now() >= self._window_ends.get(token, 0):
            self._window_ends[token] = int(self.now()) + 3600
            self._used[token] = 0
        self._used[token] += status != 304
        return {
            "X-RateLimit-Limit": str(self.rate_limit),
            "X-RateLimit-Remaining": str(max(0, self.rate_limit - self._used[token])),
            "X-RateLimit-Reset": str(int(self._window_ends[token])),
        }

    def _is_exhausted(self, token: str | None, status: int) -> bool:
        return self.rate_limit is not None and self._used[token] > self.rate_limit


def _feed(path: str) -> Callable[[dict], bool]:
    """Return what belongs to the feed at `path`."""
    name = "/".join(path.split("/")[2:-1]).lower()
    if path == "/events":
        return lambda event: True
    if path.startswith("/orgs/"):
        return lambda event: event.get("org", {}).get("login", "").lower() == name
    if path.startswith("/repos/"):
        return lambda event: event["repo"]["name"].lower() == name
    if path.startswith("/users/"):
        return lambda event: event["actor"]["login"].lower() == name
    return lambda event: False


def _handler(github: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            page, size = (int(query.get(key, [n])[0]) for key, n in (("page", 1), ("per_page", 30)))
            token = (self.headers["Authorization"] or "").removeprefix("Bearer ") or None
            names = ("if-none-match", "user-agent", "x-github-api-version")
            told = {name: self.headers[name] for name in names}
            status, headers, body, fault = github.answer(url.path, page, size, token, told)
            self.close_connection = fault is not None
            if fault != "hang-up":
                self.reply(status, headers, body, fault)

        def reply(
            self, status: int, headers: dict[str, str], body: bytes, fault: str | None
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            if fault is not None:
                self.send_header("Connection", "close")
            self.end_headers()
            if fault == "slow":
                self.trickle(body)
            else:
                self.wfile.write(body[: len(body) // 2] if fault == "truncated" else body)

        def trickle(self, body: bytes) -> None:
            for at in range(len(body)):
                try:
                    self.wfile.write(body[at : at + 1])
                except OSError:
                    return
                time.sleep(0.05)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(github.now(), usegmt=True)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def read_events(path: Path) -> list[bytes]:
    """The events of a JSON Lines file, gzipped or not, in the order of their times."""
    text = path.read_bytes()
    lines = (gzip.decompress(text) if path.suffix == ".gz" else text).splitlines()
    return sorted((line for line in lines if line), key=lambda line: json.loads(line)["created_at"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve real events as GitHub's Events API does.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--file", type=Path, required=True, help="JSON Lines, .gz or not")
    parser.add_argument("--step", type=int, default=50, help="events that happen per request")
    parser.add_argument("--happened", type=int, default=100, help="events visible at the start")
    parser.add_argument("--poll-interval", type=int, default=0, help="X-Poll-Interval, seconds")
    parser.add_argument("--pause", type=int, default=1, help="seconds that a refusal asks for")
    parser.add_argument("--fault-every", type=int, default=0, help="each n-th answer is a fault")
    parser.add_argument("--faults", nargs="*", choices=FAULTS, default=list(FAULTS))
    options = vars(parser.parse_args())
    with FakeGitHub(read_events(options.pop("file")), **options) as github:
        print(f"serving {len(github.events)} events at {github.url}", flush=True)  # noqa: T201
        for _ in count():
            time.sleep(3600)


if __name__ == "__main__":
    main()
