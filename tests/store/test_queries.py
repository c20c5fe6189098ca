"""What the API's tests cannot see of the queries: how they are run, and single cases."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from ghstream_store.batch import Batch
from ghstream_store.database import migrate, open_store
from ghstream_store.merge import merge
from ghstream_store.metrics import Grain
from ghstream_store.queries.activity import Subject, activity, is_known, ranking
from ghstream_store.queries.lifecycles import (
    Scope,
    open_now,
    resolutions,
    resolutions_by_repository,
    transitions_per_hour,
)
from ghstream_store.queries.openings import pull_request_openings
from ghstream_store.queries.organizations import active_users
from ghstream_store.queries.ranges import EVER, Bots, Filter, Range
from ghstream_store.reader import Reader, StoreUnavailableError
from ghstream_store.tables import TABLES
from sqlalchemy import Connection, event, text

HOUR = 3600


def tables(hours: int, names: int) -> dict[str, pa.Table]:
    """Rows of all tables that are read by name: every name in every hour."""
    rng = random.Random(3)
    keys = [(hour * HOUR, f"o{n % 9}/r{n}") for hour in range(hours) for n in range(names)]
    buckets, repos = [bucket for bucket, _ in keys], [repo for _, repo in keys]
    owners = [repo.split("/")[0] for repo in repos]
    count, people = len(keys), [False] * len(keys)
    events = [rng.randrange(1, 9) for _ in keys]
    types = ["PushEvent"] * count
    return {
        "repository_activity": pa.table(
            {"bucket": buckets, "repo": repos, "type": types, "is_bot": people, "events": events}
        ),
        "organization_activity": pa.table(
            {"bucket": buckets, "org": repos, "type": types, "is_bot": people, "events": events}
        ),
        "organization_membership": pa.table(
            {"bucket": buckets, "org": owners, "actor": repos, "is_bot": people, "events": events}
        ),
        "pull_request_openings": pa.table(
            {
                "bucket": buckets, "repo": repos, "opened": events, "first_opened_at": buckets,
                "last_opened_at": buckets,
            }
        ),
        "transitions": pa.table(
            {
                "bucket": buckets, "repo": repos, "subject": ["issue"] * count,
                "transition": ["opened"] * count, "is_bot": people, "events": events,
            }
        ),
    }  # fmt: skip


@pytest.fixture
def fill(store_url: str) -> Callable[[dict[str, pa.Table]], str]:
    def write(rows: dict[str, pa.Table]) -> str:
        engine = open_store(store_url)
        migrate(engine)
        assert merge(engine, Batch("s", "q", 0, rows, {}, 1, 0, None, None))
        engine.dispose()
        return store_url

    return write


@pytest.fixture
def read() -> Iterator[Callable[[str], Reader]]:
    readers: list[Reader] = []

    def make(url: str) -> Reader:
        readers.append(Reader(url))
        return readers[-1]

    yield make
    for reader in readers:
        reader.close()


OF_ONE = {
    "repository": lambda c: activity(c, Subject.REPOSITORY, "o1/r1", EVER),
    "is known": lambda c: is_known(c, Subject.REPOSITORY, "o1/r1"),
    "active users": lambda c: active_users(c, "o1", EVER, Bots.NONE, 5),
    "openings": lambda c: pull_request_openings(c, "o1/r1", EVER),
    "transitions": lambda c: transitions_per_hour(c, EVER, repo="o1/r1"),
}


@pytest.mark.parametrize("question", OF_ONE)
def test_one_name_is_found_by_seeks_not_by_a_scan(
    question: str, tmp_path: Any, read: Callable[[str], Reader]
) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/store.db")
    migrate(engine)
    merge(engine, Batch("s", "q", 0, tables(hours=30, names=100), {}, 1, 0, None, None))
    statements: list[tuple[str, Any]] = []

    def record(*given: Any) -> None:
        statements.append((given[2], given[3]))

    with engine.connect() as connection:
        event.listen(engine, "before_cursor_execute", record)
        OF_ONE[question](connection)
        event.remove(engine, "before_cursor_execute", record)
        plans = [
            [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)]
            for sql, parameters in statements
        ]
    engine.dispose()
    assert plans
    for plan in plans:
        touched = [step for step in plan if "PRIMARY KEY" in step or step.startswith("SCAN")]
        [seek] = [step for step in touched if "bucket=? AND" in step]
        assert "(bucket=? AND repo=?" in seek or "(bucket=? AND org=?" in seek
        scans = [step for step in touched if step.startswith("SCAN") and step.split()[1] in TABLES]
        assert not scans, plan


def test_a_gap_of_years_costs_no_steps(
    fill: Callable[[dict[str, pa.Table]], str], read: Callable[[str], Reader]
) -> None:
    far = 400_000 * HOUR
    rows = pa.table(
        {"bucket": [0, far], "repo": ["a/b"] * 2, "type": ["X"] * 2, "is_bot": [False] * 2,
         "events": [1, 2]}
    )  # fmt: skip
    with read(fill({"repository_activity": rows})).read() as connection:
        found = activity(connection, Subject.REPOSITORY, "a/b", EVER)
    assert [(hour.at, hour.events) for hour in found.hours] == [(0, 1), (far, 2)]


def test_equals_are_ranked_by_code_point_in_every_database(
    fill: Callable[[dict[str, pa.Table]], str], read: Callable[[str], Reader]
) -> None:
    names = ["b/a", "B/a", "a-b/c", "ab/c", "é/x", "z/x", "_/x"]
    rows = pa.table(
        {"bucket": [0] * 7, "repo": names, "type": ["X"] * 7, "is_bot": [False] * 7,
         "events": [1] * 7}
    )  # fmt: skip
    with read(fill({"repository_activity": rows})).read() as connection:
        found = ranking(connection, Subject.REPOSITORY, Range(0, HOUR), Filter(), 7)
    assert [item.name for item in found.items] == sorted(names)


def lifecycles(*rows: tuple[Any, ...]) -> dict[str, pa.Table]:
    names = ("number", "subject", "repo", "opened_at", "reopened_at", "closed_at", "merged_at")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    kinds = {"subject": pa.string(), "repo": pa.string()}
    return {
        "lifecycles": pa.table(
            {"repo_id": [1] * len(rows), "updated_at": [0] * len(rows)}
            | {name: pa.array(v, kinds.get(name, pa.int64())) for name, v in columns.items()}
        )
    }


@pytest.mark.parametrize(
    ("durations", "median", "p90"),
    [([], None, None), ([7], 7, 7), ([1, 2], 1.5, 1.9), ([1, 2, 4], 2, 3.6),
     ([5, 5, 5, 5], 5, 5), ([10, 0, 30, 20, 40, 60, 50, 70, 80, 90, 100], 50, 90),
     ([0, 0], 0, 0)],
)  # fmt: skip
def test_percentiles_interpolate_between_neighbours(
    fill: Callable[[dict[str, pa.Table]], str],
    read: Callable[[str], Reader],
    durations: list[int],
    median: float | None,
    p90: float | None,
) -> None:
    unmeasured = [(999, "pull_request", None, None, None, None, 500)]
    rows = [(i, "pull_request", "a/b", 500 - d, None, None, 500) for i, d in enumerate(durations)]
    with read(fill(lifecycles(*rows, *unmeasured))).read() as connection:
        found = resolutions(connection, Range(0, 1000), Scope()).pull_requests
        each = resolutions_by_repository(connection, Range(0, 1000), Scope(), 10)
    assert (found.resolved, found.unmeasured) == (len(durations) + 1, 1)
    assert found.median_seconds == (None if median is None else pytest.approx(median))
    assert found.p90_seconds == (None if p90 is None else pytest.approx(p90))
    assert [repo for repo, _ in each] == (["a/b"] if durations else [])


def test_a_reopened_issue_is_open_and_not_resolved_until_it_is_closed_again(
    fill: Callable[[dict[str, pa.Table]], str], read: Callable[[str], Reader]
) -> None:
    rows = lifecycles(
        (1, "issue", "a/b", 10, 30, 20, None),
        (2, "issue", "a/b", 10, 20, 30, None),
        (3, "issue", "a/b", 10, 30, 30, None),
        (4, "issue", "a/b", None, 30, None, None),
        (5, "pull_request", "a/b", 10, 30, 20, None),
        (6, "pull_request", "a/b", 10, 30, 20, 40),
    )
    with read(fill(rows)).read() as connection:
        assert open_now(connection, Scope()) == {"issue": 2, "pull_request": 1}
        found = resolutions(connection, Range(0, 100), Scope())
    assert (found.issues.resolved, found.issues.average_seconds) == (2, 20)
    assert (found.pull_requests.resolved, found.pull_requests.average_seconds) == (1, 30)


def test_the_end_of_a_range_is_exclusive(
    fill: Callable[[dict[str, pa.Table]], str], read: Callable[[str], Reader]
) -> None:
    rows = lifecycles(*((at, "issue", "a/b", 0, None, at, None) for at in (99, 100, 199, 200)))
    with read(fill(rows)).read() as connection:
        assert resolutions(connection, Range(100, 200), Scope()).issues.resolved == 2


@pytest.mark.parametrize(
    ("given", "grain", "widened"),
    [((61, 119), Grain.MINUTE, (60, 120)), ((60, 120), Grain.MINUTE, (60, 120)),
     ((3599, 3601), Grain.HOUR, (0, 7200))],
)  # fmt: skip
def test_a_range_is_rounded_outward(
    given: tuple[int, int], grain: Grain, widened: tuple[int, int]
) -> None:
    assert Range(*given).widened(grain) == Range(*widened)


def test_a_store_without_tables_answers_as_an_empty_one(
    store_url: str, read: Callable[[str], Reader]
) -> None:
    reader = read(store_url)
    assert not reader.is_ready()
    with reader.read() as connection:
        assert ranking(connection, Subject.CONTRIBUTOR, EVER, Filter(), 5).items == []
        assert pull_request_openings(connection, "a/b", EVER).average_seconds is None


def test_all_statements_of_one_read_see_the_same_batches(
    fill: Callable[[dict[str, pa.Table]], str], read: Callable[[str], Reader]
) -> None:
    rows = tables(hours=1, names=3)
    url = fill(rows)
    reader, engine = read(url), open_store(url)

    def seen(connection: Connection) -> int:
        return ranking(connection, Subject.REPOSITORY, EVER, Filter(), 1).events

    with reader.read() as connection:
        before = seen(connection)
        assert merge(engine, Batch("s", "q", 1, rows, {}, 1, 0, None, None))
        assert seen(connection) == before
    with reader.read() as connection:
        assert seen(connection) == 2 * before
    engine.dispose()


def test_a_damaged_store_is_unavailable_and_says_why(
    tmp_path: Any, read: Callable[[str], Reader]
) -> None:
    (tmp_path / "store.db").write_bytes(b"this is no database" * 100)
    reader = read(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(StoreUnavailableError, match="not a database"), reader.read():
        pass


def test_an_unreachable_store_is_unavailable(read: Callable[[str], Reader]) -> None:
    reader = read("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailableError, match="refused"):
        reader.is_ready()


def test_a_reader_never_writes(
    fill: Callable[[dict[str, pa.Table]], str], read: Callable[[str], Reader]
) -> None:
    reader = read(fill(tables(hours=1, names=1)))
    with pytest.raises(StoreUnavailableError), reader.read() as connection:
        connection.execute(text("DELETE FROM ledger"))
