"""Partial aggregates of real events, compared with DuckDB on the raw archive."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pytest
from expected import tables
from ghstream_spark.aggregate import combine, partial, schema
from ghstream_spark.frames import coverage_frame, events_frame
from ghstream_spark.records import Coverage, Event, read
from ghstream_store.metrics import METRICS, Dataset


def aggregates(values: list[bytes]) -> dict[str, pa.Table]:
    events, rejected = read(values, Event)
    assert not rejected
    return partial(events_frame(events), Dataset.EVENTS)


def rows(table: pa.Table) -> list[tuple[object, ...]]:
    return sorted((tuple(row.values()) for row in table.to_pylist()), key=repr)


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_any_split_of_the_archive_gives_what_duckdb_computes(
    envelopes: list[bytes], archive: Path, parts: int
) -> None:
    shuffled = random.Random(parts).sample(envelopes, len(envelopes))
    combined = combine(aggregates(shuffled[part::parts]) for part in range(parts))
    assert {name: rows(table) for name, table in combined.items()} == tables([archive])


def test_the_columns_are_those_of_the_tables(envelopes: list[bytes]) -> None:
    found = aggregates(envelopes)
    for metric in METRICS:
        if metric.dataset is Dataset.EVENTS:
            assert found[metric.name].schema == schema(metric)


def event(**fields: object) -> Event:
    base = {"id": "1", "type": "PushEvent", "created_at": "2026-01-02T03:04:05Z"}
    values, rejected = read([json.dumps(base | fields).encode()], Event)
    assert not rejected
    return values[0]


def only(metric: str, *events: Event) -> list[dict[str, object]]:
    found: list[dict[str, object]] = partial(events_frame(events), Dataset.EVENTS)[
        metric
    ].to_pylist()
    return found


def test_a_record_without_a_key_is_left_out_of_that_metric_alone() -> None:
    nameless = event(actor="ann")
    assert only("repository_activity", nameless) == []
    assert [row["actor"] for row in only("contributor_activity", nameless)] == ["ann"]


def test_a_pull_request_without_times_lives_from_its_events() -> None:
    base = {"type": "PullRequestEvent", "repo": "a/b", "repo_id": 1, "number": 5}
    opened = event(**base, id="1", action="opened", created_at="2026-01-01T00:00:00Z")
    merged = event(**base, id="2", action="merged", merged=True, created_at="2026-01-03T00:00:00Z")
    (life,) = only("lifecycles", merged, opened)
    assert (life["merged_at"] - life["opened_at"], life["closed_at"]) == (2 * 86_400, None)
    changes = only("transitions", merged, opened)
    assert {row["transition"] for row in changes} == {"opened", "merged"}


@pytest.mark.parametrize(("merged", "transition"), [(True, "merged"), (False, "closed")])
def test_what_the_old_shape_calls_closed_is_a_merge_or_a_close(
    merged: bool, transition: str
) -> None:
    ended = event(
        type="PullRequestEvent",
        repo="a/b",
        repo_id=1,
        number=5,
        action="closed",
        merged=merged,
        opened_at="2015-01-01T00:00:00Z",
        closed_at="2015-01-01T01:00:00Z",
    )
    assert [row["transition"] for row in only("transitions", ended)] == [transition]


def test_an_action_that_changes_nothing_of_a_life_makes_no_row() -> None:
    labelled = event(type="IssuesEvent", action="labeled", repo="a/b", repo_id=1, number=2)
    assert only("lifecycles", labelled) == []
    assert only("transitions", labelled) == []


def test_times_before_1970_fall_into_the_bucket_that_holds_them() -> None:
    assert only("event_counts", event(created_at="1969-12-31T23:59:30Z"))[0]["bucket"] == -60


def test_gaps_and_what_is_left_of_the_budget_come_from_the_polls() -> None:
    polls, rejected = read(
        [
            b'{"feed":"public","polled_at":"2026-01-01T00:00:10Z","new_events":300,'
            b'"gap_from":"2026-01-01T00:00:00Z","gap_to":"2026-01-01T00:00:07Z","requests_left":9}',
            b'{"feed":"public","polled_at":"2026-01-01T00:01:10Z","new_events":20}',
        ],
        Coverage,
    )
    assert not rejected
    found = partial(coverage_frame(polls), Dataset.COVERAGE)
    (hour,) = found["feed_coverage"].to_pylist()
    (status,) = found["feed_status"].to_pylist()
    assert (hour["polls"], hour["new_events"], hour["gaps"], hour["gap_seconds"]) == (2, 320, 1, 7)
    assert (status["requests_left"], status["updated_at"]) == (9, 1_767_225_670)


def test_no_records_make_no_rows() -> None:
    found = partial(events_frame([]), Dataset.EVENTS)
    assert {table.num_rows for table in found.values()} == {0}
