"""The merge, on real SQLite and real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pyarrow as pa
import pytest
from ghstream_store.batch import Batch
from ghstream_store.database import migrate, open_store
from ghstream_store.ledger import read_entry
from ghstream_store.merge import merge
from ghstream_store.metrics import METRICS, Merge
from ghstream_store.tables import TABLES
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

EMPTY = Batch("github-events", "query-1", 0, {}, {}, 0, 0, None, None)


@pytest.fixture
def store(store_url: str) -> Iterator[Engine]:
    engine = open_store(store_url)
    migrate(engine)
    yield engine
    engine.dispose()


def activity(*rows: tuple[int, str, str, bool, int]) -> pa.Table:
    names = ("bucket", "repo", "type", "is_bot", "events")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def lifecycle(**row: object) -> pa.Table:
    columns = {
        "repo_id": 1, "subject": "issue", "number": 7, "updated_at": 0, "repo": None,
        "opened_at": None, "reopened_at": None, "closed_at": None, "merged_at": None,
    }  # fmt: skip
    types = {"subject": pa.string(), "repo": pa.string()}
    return pa.table(
        {
            name: pa.array([value], types.get(name, pa.int64()))
            for name, value in (columns | row).items()
        }
    )


def rows(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def test_counts_of_two_batches_add_up(store: Engine) -> None:
    first = activity((0, "a/b", "PushEvent", False, 2), (0, "a/c", "PushEvent", False, 1))
    second = activity((0, "a/b", "PushEvent", False, 3), (0, "a/b", "PushEvent", True, 4))
    assert merge(store, replace(EMPTY, rows={"repository_activity": first}, events=3))
    assert merge(store, replace(EMPTY, batch_id=1, rows={"repository_activity": second}, events=7))
    assert rows(
        store, "SELECT repo, is_bot, events FROM repository_activity ORDER BY repo, is_bot"
    ) == [("a/b", False, 5), ("a/b", True, 4), ("a/c", False, 1)]
    with store.connect() as connection:
        entry = read_entry(connection, "github-events")
    assert entry
    assert (entry.events, entry.batch_id) == (10, 1)


@pytest.mark.parametrize("count", [99, 100, 101, 250])
def test_rows_beyond_what_one_statement_takes_are_merged_too(store: Engine, count: int) -> None:
    repos = [f"a/{number:03}" for number in range(count)]
    for batch_id, events in enumerate([1, 2]):
        table = activity(*((0, repo, "PushEvent", False, events) for repo in repos))
        merge(store, replace(EMPTY, batch_id=batch_id, rows={"repository_activity": table}))
    found = rows(store, "SELECT repo, events FROM repository_activity ORDER BY repo")
    assert found == [(repo, 3) for repo in repos]


def test_a_replayed_batch_changes_nothing(store: Engine) -> None:
    batch = replace(
        EMPTY, rows={"repository_activity": activity((0, "a/b", "X", False, 2))}, events=2
    )
    assert merge(store, batch)
    assert not merge(store, batch)
    assert rows(store, "SELECT sum(events) FROM repository_activity") == [(2,)]
    assert rows(store, "SELECT events FROM ledger") == [(2,)]


def test_a_new_query_continues_after_the_old_ones_batches(store: Engine) -> None:
    batch = replace(
        EMPTY, batch_id=5, rows={"repository_activity": activity((0, "a", "X", False, 2))}
    )
    assert merge(store, batch)
    assert merge(store, replace(batch, query_id="query-2", batch_id=0))
    assert rows(store, "SELECT sum(events) FROM repository_activity") == [(4,)]


def test_times_merge_to_the_earliest_opening_and_the_last_close_in_any_order(store: Engine) -> None:
    late = lifecycle(updated_at=50, repo="new/name", closed_at=50)
    early = lifecycle(updated_at=10, repo="old/name", opened_at=10, closed_at=30)
    for number, part in enumerate((late, early)):
        merge(store, replace(EMPTY, batch_id=number, rows={"lifecycles": part}))
    assert rows(
        store, "SELECT repo, opened_at, closed_at, merged_at, updated_at FROM lifecycles"
    ) == [("new/name", 10, 50, None, 50)]


def test_the_latest_value_survives_a_later_row_that_lacks_it(store: Engine) -> None:
    parts = (lifecycle(updated_at=1, repo=None), lifecycle(updated_at=0, repo="a/b"),
             lifecycle(updated_at=9, repo=None))  # fmt: skip
    for number, part in enumerate(parts):
        merge(store, replace(EMPTY, batch_id=number, rows={"lifecycles": part}))
    assert rows(store, "SELECT repo FROM lifecycles") == [("a/b",)]


def test_text_that_would_break_a_csv_arrives_as_it_is(store: Engine) -> None:
    name = 'a,"b"\n\\N\t\\. é ☃'
    merge(store, replace(EMPTY, rows={"repository_activity": activity((0, name, "", False, 1))}))
    assert rows(store, "SELECT repo, type FROM repository_activity") == [(name, "")]


def test_a_batch_that_fails_halfway_leaves_nothing(store: Engine) -> None:
    good = activity((0, "a/b", "X", False, 1))
    bad = lifecycle(updated_at=1).set_column(1, "subject", pa.array([None], pa.string()))
    with pytest.raises((DatabaseError, psycopg.DatabaseError)):
        merge(store, replace(EMPTY, rows={"repository_activity": good, "lifecycles": bad}))
    assert rows(store, "SELECT count(*) FROM repository_activity") == [(0,)]
    assert rows(store, "SELECT count(*) FROM ledger") == [(0,)]


def test_a_reader_sees_whole_batches_only(store: Engine, store_url: str) -> None:
    reader = open_store(store_url, read_only=True)
    seen: set[tuple[object, ...]] = set()
    done = threading.Event()

    def read() -> None:
        total = "(SELECT coalesce(sum(events), 0) FROM {})"
        sql = f"SELECT {total.format('repository_activity')}, {total.format('ledger')}"
        while not done.is_set():
            seen.update(rows(reader, sql))

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(20):
        part = activity(*((number, f"r/{i}", "X", False, 1) for i in range(500)))
        merge(
            store, replace(EMPTY, batch_id=number, rows={"repository_activity": part}, events=500)
        )
    done.set()
    thread.join()
    reader.dispose()
    assert all(total == ledger for total, ledger in seen)


def test_a_reader_cannot_write(store: Engine, store_url: str) -> None:
    reader = open_store(store_url, read_only=True)
    with pytest.raises(DatabaseError), reader.begin() as connection:
        connection.execute(text("DELETE FROM ledger"))
    reader.dispose()


def test_every_latest_measure_has_the_time_it_is_judged_by() -> None:
    for metric in METRICS:
        merges = {measure.name: measure.merge for measure in metric.measures}
        if Merge.LATEST in merges.values():
            assert merges["updated_at"] is Merge.MAX


def test_every_table_has_its_metrics_columns_in_order() -> None:
    for metric in METRICS:
        expected = [key.name for key in metric.key_columns] + [m.name for m in metric.measures]
        assert [column.name for column in TABLES[metric.name].columns] == expected
