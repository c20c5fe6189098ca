"""A store filled from random events, which the tests compute their expectations from."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import psycopg
import pyarrow as pa
import pytest
from flask.testing import FlaskClient
from ghstream_store.batch import Batch
from ghstream_store.database import migrate, open_store
from ghstream_store.merge import merge
from ghstream_webapp import create_app
from ghstream_webapp.services import EXTENSION
from ghstream_webapp.settings import Settings, from_env

HOUR = 3600
START = 1_772_323_200  # 2026-03-01T00:00:00Z
LONG_AGO = 1_420_070_400  # 2015-01-01T00:00:00Z
STREAM = "test-events"

PEOPLE = ["ada", "ben", "Çelik", "dora", "emil", "fay-☃", "gus", "hana"]
BOTS = ["dependabot[bot]", "renovate[bot]"]
REPOSITORIES = {
    1: ("kube/core", "kube"), 2: ("kube/docs", "kube"), 3: ("kube-x/core", "kube-x"),
    4: ("dora/dotfiles", None), 5: ("Zed/ünïcode", "Zed"), 6: ("zed/quiet", "zed"),
    7: ("moved/old-name", "moved"), 8: ("kube%/a_b", "kube%"),
}  # fmt: skip
RENAMED_AT = START + 25 * HOUR
OTHER_TYPES = ["PushEvent", "WatchEvent", "ForkEvent"]

SCHEMA = pa.schema(
    {
        "time": pa.int64(), "type": pa.string(), "actor": pa.string(), "is_bot": pa.bool_(),
        "repo": pa.string(), "repo_id": pa.int64(), "org": pa.string(), "subject": pa.string(),
        "transition": pa.string(), "number": pa.int64(), "opened_time": pa.int64(),
    }
)  # fmt: skip

# What the Spark application computes from one batch of events.
PARTS = {
    "event_counts": "SELECT time // 60 * 60 AS bucket, type, is_bot, count(*) AS events",
    "repository_activity": "SELECT hour AS bucket, repo, type, is_bot, count(*) AS events",
    "contributor_activity": "SELECT hour AS bucket, actor, type, is_bot, count(*) AS events",
    "organization_activity": "SELECT hour AS bucket, org, type, is_bot, count(*) AS events",
    "organization_membership": "SELECT hour AS bucket, org, actor, is_bot, count(*) AS events",
    "pull_request_openings": """SELECT time // 60 * 60 AS bucket, repo, count(*) AS opened,
        min(time) AS first_opened_at, max(time) AS last_opened_at""",
    "transitions": """SELECT hour AS bucket, repo, subject, transition, is_bot,
        count(*) AS events""",
    "lifecycles": """SELECT repo_id, subject, number, max(time) AS updated_at,
        arg_max(repo, time) AS repo, min(opened_time) AS opened_at,
        max(time) FILTER (transition = 'reopened') AS reopened_at,
        max(time) FILTER (transition = 'closed') AS closed_at,
        min(time) FILTER (transition = 'merged') AS merged_at""",
}
WHERE = {
    "organization_activity": "org IS NOT NULL",
    "organization_membership": "org IS NOT NULL",
    "pull_request_openings": "subject = 'pull_request' AND transition = 'opened'",
    "transitions": "subject IS NOT NULL",
    "lifecycles": "subject IS NOT NULL",
}
COVERAGE = {
    "feed_coverage": pa.table(
        {
            "bucket": [START, START + HOUR, START],
            "feed": ["public", "public", "org:kube"],
            "polls": [60, 30, 7],
            "new_events": [900, None, 12],
            "gaps": [2, 0, 0],
            "gap_seconds": [45, None, 0],
        }
    ),
    "feed_status": pa.table(
        {
            "feed": ["public", "org:kube"],
            "updated_at": [START + HOUR, START],
            "requests_left": pa.array([41, None], pa.int64()),
            "requests_limit": pa.array([60, None], pa.int64()),
            "resets_at": pa.array([START + 2 * HOUR, None], pa.int64()),
            "last_gap_from": pa.array([START, None], pa.int64()),
            "last_gap_to": pa.array([START + 45, None], pa.int64()),
        }
    ),
}


def random_events(seed: int) -> list[dict[str, Any]]:
    """Two days of events with quiet hours, an old hour, and lives of issues and pull requests."""
    rng = random.Random(seed)
    busy = [hour for hour in range(48) if hour % 7 != 3]

    def moment() -> int:
        return START + rng.choice(busy) * HOUR + rng.randrange(HOUR)

    events = [
        event(rng, rng.choice([1, 1, 1, 2, 3, 4, 5, 7, 8]), moment(), rng.choice(OTHER_TYPES))
        for _ in range(1500)
    ]
    events += [event(rng, 6, LONG_AGO + i * 7, "PushEvent") for i in range(5)]
    for number in range(1, 400):
        events += life(rng, rng.choice([1, 1, 2, 3, 5, 7, 8]), number, moment())
    return events


def life(rng: random.Random, repo_id: int, number: int, opened: int) -> list[dict[str, Any]]:
    """The events of an issue or a pull request; some were opened before anybody looked."""
    subject = rng.choice(["issue", "pull_request"])
    steps = [("opened", opened)] * (rng.random() < 0.8)
    end = opened + rng.randrange(60, 30 * HOUR)
    ending = rng.choice(["closed", "merged"] if subject == "pull_request" else ["closed"])
    if rng.random() < 0.7:
        steps.append((ending, end))
        if ending == "closed" and rng.random() < 0.3:
            steps.append(("reopened", end + rng.choice([0, 600])))
            if rng.random() < 0.5:
                steps.append((ending, end + 900))
    knows_opening = rng.random() < 0.5
    kind = "IssuesEvent" if subject == "issue" else "PullRequestEvent"
    return [
        event(rng, repo_id, time, kind)
        | {"subject": subject, "transition": transition, "number": number}
        | {"opened_time": opened if transition == "opened" or knows_opening else None}
        for transition, time in steps
    ]


def event(rng: random.Random, repo_id: int, time: int, kind: str) -> dict[str, Any]:
    repo, org = REPOSITORIES[repo_id]
    actor = rng.choice(BOTS if rng.random() < 0.2 else PEOPLE)
    return {
        "time": time, "type": kind, "actor": actor, "is_bot": actor in BOTS,
        "repo": "moved/new-name" if repo_id == 7 and time >= RENAMED_AT else repo,
        "repo_id": repo_id, "org": org, "subject": None, "transition": None, "number": None,
        "opened_time": None,
    }  # fmt: skip


def aggregated(events: pa.Table) -> dict[str, pa.Table]:
    with duckdb.connect() as database:
        database.register("raw", events)
        database.execute("CREATE VIEW batch AS SELECT *, time // 3600 * 3600 AS hour FROM raw")
        return {
            name: database.sql(
                f"{select} FROM batch WHERE {WHERE.get(name, 'true')} GROUP BY ALL"
            ).to_arrow_table()
            for name, select in PARTS.items()
        }


def merge_events(url: str, events: list[dict[str, Any]], batches: int = 1) -> None:
    """Merge the events in batches of no order, as a replay or a backfill would."""
    shuffled = random.Random(batches).sample(events, len(events))
    engine = open_store(url)
    migrate(engine)
    for number in range(batches):
        some = pa.Table.from_pylist(shuffled[number::batches], SCHEMA)
        newest = max(one["time"] for one in shuffled[number::batches])
        rows = aggregated(some) | (COVERAGE if number == 0 else {})
        batch = Batch(STREAM, "query", number, rows, {}, some.num_rows, 1, newest, newest + 0.5)
        assert merge(engine, batch)
    engine.dispose()


@dataclass(frozen=True)
class Filled:
    """A filled store, and its raw events as the DuckDB table `events`."""

    url: str
    raw: duckdb.DuckDBPyConnection
    start: int = START
    batches: int = 5

    def ask(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        return self.raw.execute(sql, parameters).fetchall()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('filled')}/store.db"
    else:
        server, name = request.getfixturevalue("postgres"), f"filled_{uuid.uuid4().hex}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        url = f"{server}/{name}"
    events = random_events(seed=20260301)
    merge_events(url, events, batches=Filled.batches)
    with duckdb.connect() as raw:
        raw.register("arrow", pa.Table.from_pylist(events, SCHEMA))
        raw.execute("CREATE TABLE events AS SELECT * FROM arrow")
        yield Filled(url, raw)


@pytest.fixture
def make_settings() -> Callable[..., Settings]:
    def make(url: str, **others: object) -> Settings:
        given = {"STORE_URL": url, "TOPIC": STREAM, **others}
        return from_env({f"GHSTREAM_{name}": str(value) for name, value in given.items()})

    return make


@pytest.fixture
def make_client(make_settings: Callable[..., Settings]) -> Iterator[Callable[..., FlaskClient]]:
    apps = []

    def make(url: str, **settings: object) -> FlaskClient:
        apps.append(create_app(make_settings(url, **settings)))
        apps[-1].testing = True
        return apps[-1].test_client()

    yield make
    for app in apps:
        app.extensions[EXTENSION].close()


@pytest.fixture(scope="session")
def get(filled: Filled) -> Iterator[Callable[..., Any]]:
    """Ask the application on the filled store; a parameter named `from_` is `from`."""
    app = create_app(from_env({"GHSTREAM_STORE_URL": filled.url, "GHSTREAM_TOPIC": STREAM}))
    client = app.test_client()

    def ask(path: str, **parameters: object) -> Any:
        query = {name.rstrip("_"): value for name, value in parameters.items()}
        response = client.get(quote(path), query_string=query)
        assert response.status_code == 200, response.text
        return response.json

    yield ask
    app.extensions[EXTENSION].close()


@pytest.fixture
def fill_store() -> Callable[..., None]:
    """Fill the store with that URL with one event at each of the given times."""

    def fill(url: str, *times: int) -> None:
        rng = random.Random(1)
        merge_events(url, [event(rng, 1, time, "PushEvent") for time in times])

    return fill


@pytest.fixture
def merge_one() -> Callable[[str, int, int], None]:
    """Merge one more event into a store: URL, batch number, epoch seconds."""

    def more(url: str, number: int, time: int) -> None:
        engine = open_store(url)
        rows = aggregated(
            pa.Table.from_pylist([event(random.Random(1), 1, time, "PushEvent")], SCHEMA)
        )
        assert merge(engine, Batch(STREAM, "query", number, rows, {}, 1, 0, time, float(time)))
        engine.dispose()

    return more


@pytest.fixture
def empty_url(tmp_path: Path) -> str:
    """The URL of a store that nobody has written to."""
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def stamp() -> Callable[[float], str]:
    """Write epoch seconds as answers do."""
    return lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
