"""The real web application on a real store, and Chromium to look at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ghstream_local.broker import free_port
from ghstream_store.batch import Batch
from ghstream_store.database import migrate, open_store
from ghstream_store.merge import merge
from ghstream_store.tables import TABLES
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parents[2]
STREAM = "github-events"
HOUR = 3600
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Store:
    """A SQLite store that tests fill by merging batches, as the pipeline does."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "store.db"
        self.url = f"sqlite:///{self.path}"
        self._batches = 0

    def merge(self, rows: dict[str, list[tuple[object, ...]]], events: int, newest: int) -> None:
        """Merge a batch: `rows` per metric, in the order of its table's columns."""
        engine = open_store(self.url)
        migrate(engine)
        tables = {name: _table(name, values) for name, values in rows.items()}
        batch = Batch(
            STREAM, "query", self._batches, tables, {}, events, 2, newest, time.time() - 1
        )
        assert merge(engine, batch)
        engine.dispose()
        self._batches += 1


def _table(name: str, rows: list[tuple[object, ...]]) -> pa.Table:
    columns = [column.name for column in TABLES[name].columns]
    return pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))


def known_rows(now: int) -> dict[str, list[tuple[object, ...]]]:
    """1,600 events two hours ago, 800 thirty hours ago, with figures that are easy to check."""
    hour, before = now // HOUR * HOUR - 2 * HOUR, now // HOUR * HOUR - 30 * HOUR
    push, issue, star = "PushEvent", "IssuesEvent", "WatchEvent"
    merged = [(number, hour - number * HOUR) for number in (1, 2, 3)]
    closed = [(11, hour - HOUR // 2), (12, hour - 3 * HOUR // 2), (13, None)]
    return {
        "event_counts": [
            (hour, push, False, 1200),
            (hour, push, True, 300),
            (hour + 60, issue, False, 40),
            (hour + 120, star, False, 60),
            (before, push, False, 800),
        ],
        "repository_activity": [
            (hour, "acme/rocket", push, False, 900),
            (hour, "acme/rocket", push, True, 300),
            (hour, "acme/rocket", issue, False, 40),
            (hour, "acme/anvil", push, False, 300),
            (hour, "acme/anvil", star, False, 60),
        ],
        "contributor_activity": [
            (hour, "wile", push, False, 900),
            (hour, "roadrunner", push, False, 400),
            (hour, "deploy[bot]", push, True, 300),
        ],
        "organization_activity": [
            (hour, "acme", push, False, 1300),
            (hour, "acme", push, True, 300),
        ],
        "organization_membership": [
            (hour, "acme", "wile", False, 900),
            (hour, "acme", "roadrunner", False, 400),
            (hour, "acme", "deploy[bot]", True, 300),
        ],
        "pull_request_openings": [
            (hour, "acme/rocket", 4, hour, hour + 50),
            (hour + 2 * 60, "acme/rocket", 1, hour + 240, hour + 240),
        ],
        "transitions": [
            (hour, "acme/rocket", "pull_request", "opened", False, 5),
            (hour, "acme/rocket", "pull_request", "merged", False, 3),
            (hour, "acme/rocket", "pull_request", "closed", False, 1),
            (hour, "acme/rocket", "issue", "opened", False, 4),
            (hour, "acme/rocket", "issue", "closed", False, 3),
        ],
        "lifecycles": [
            *(
                (7, "pull_request", number, hour, "acme/rocket", opened, None, None, hour)
                for number, opened in merged
            ),
            *(
                (7, "issue", number, hour, "acme/rocket", opened, None, hour, None)
                for number, opened in closed
            ),
        ],
        "feed_coverage": [(hour, "org:acme", 12, 1600, 2, 90)],
        "feed_status": [("org:acme", now - 30, 4900, 5000, now + 600, hour, hour + 90)],
    }


class Web:
    """Starts web applications and stops them at the end."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, store: Store, **settings: object) -> str:
        """Return the address of a new web application that shows the store."""
        port = free_port()
        environment = os.environ | {
            "GHSTREAM_STORE_URL": store.url,
            "GHSTREAM_WEBAPP_PORT": str(port),
            "GHSTREAM_WEBAPP_METRICS_PORT": str(free_port()),
            **{f"GHSTREAM_WEBAPP_{name.upper()}": str(value) for name, value in settings.items()},
        }
        command = [sys.executable, "-m", "ghstream_webapp"]
        log = store.path.with_name(f"webapp-{port}.log")
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        self._processes.append(process)
        address = f"http://127.0.0.1:{port}"
        _wait_until_live(f"{address}/livez", process, log)
        return address

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=30)


def _wait_until_live(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"no answer from {url}: {log.read_text()}") from None
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="session")
def web() -> Iterator[Web]:
    servers = Web()
    yield servers
    servers.stop()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store of this test alone."""
    return Store(tmp_path)


@pytest.fixture
def filled(store: Store) -> Store:
    """A store of this test alone that holds the known rows."""
    now = int(time.time())
    store.merge(known_rows(now), events=2400, newest=now - 5400)
    return store


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, web: Web) -> str:
    """The address of an application with the known rows, which no test changes."""
    store, now = Store(tmp_path_factory.mktemp("site")), int(time.time())
    store.merge(known_rows(now), events=2400, newest=now - 5400)
    return web.start(store)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    assert executable, "Chromium is missing. On Debian, as root: apt-get install chromium"
    assets = ROOT / "webapp/ghstream_webapp/static/vendor/echarts/echarts.min.js"
    assert assets.exists(), "the dashboard's libraries are missing: make assets"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """One page, and every complaint of the browser about it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(30_000)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def forgive_status(self, status: int) -> None:
        """Drop what the browser itself says of answers with that status, and nothing else."""
        said = f"Failed to load resource: the server responded with a status of {status}"
        self.complaints = [text for text in self.complaints if not text.startswith(said)]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens pages; afterwards the browser may not have complained about any of them.

    It complains of violations of the Content-Security-Policy, too.
    """
    visits: list[Visit] = []

    def open_page(url: str, **options: Any) -> Visit:
        options = {"viewport": {"width": 1360, "height": 900}, **options}
        seen = Visit(browser.new_page(**options))
        visits.append(seen)
        seen.page.goto(url)
        return seen

    yield open_page
    complaints = [text for seen in visits for text in seen.complaints]
    for seen in visits:
        seen.page.close()
    assert complaints == []
