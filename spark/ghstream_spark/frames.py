"""The columns that metrics are computed from, derived from records: pure functions on Arrow tables.

Times are whole seconds since 1970-01-01 UTC. Null means that the record does not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from ghstream_store.metrics import Dataset

from ghstream_spark.records import Coverage, Event

_TEXT = pa.string()
_INTEGER = pa.int64()
_BOOLEAN = pa.bool_()
_TIME = pa.timestamp("s", "UTC")
_TRANSITIONS = pa.array(["opened", "reopened", "closed", "merged"])


def events_frame(events: Sequence[Event]) -> pa.Table:
    """Return one row per event.

    `subject` is issue or pull_request, `transition` what happened to it: opened, reopened, closed
    (a pull request: without merge) or merged. Payloads before and after October 2025 differ in
    how they tell a merge: an action of its own now, `closed` with `merged` then.
    """
    kind = pa.array([event.type for event in events], _TEXT)
    action = pa.array([event.action or None for event in events], _TEXT)
    is_merged = pc.fill_null(
        pa.array([event.merged for event in events], _BOOLEAN), fill_value=False
    )
    time = _seconds([event.created_at for event in events])

    is_pull_request = pc.equal(kind, "PullRequestEvent")
    subject = pc.if_else(
        is_pull_request,
        "pull_request",
        pc.if_else(pc.equal(kind, "IssuesEvent"), "issue", pa.scalar(None, _TEXT)),
    )
    ends_merged = pc.and_(pc.is_in(action, pa.array(["closed", "merged"])), is_merged)
    outcome = pc.if_else(pc.and_(is_pull_request, ends_merged), "merged", action)
    is_transition = pc.and_(pc.is_valid(subject), pc.is_in(outcome, _TRANSITIONS))
    transition = pc.if_else(is_transition, outcome, pa.scalar(None, _TEXT))

    def when(name: str, told: pa.Array | None = None) -> pa.Array:
        happened = pc.fill_null(pc.equal(transition, name), fill_value=False)
        at = time if told is None else pc.coalesce(told, time)
        return pc.if_else(happened, at, pa.scalar(None, _INTEGER))

    opened = _seconds([event.opened_at for event in events])
    ended = _seconds([event.closed_at for event in events])
    return pa.table(
        {
            "time": time,
            "type": kind,
            "is_bot": pa.array([bool(event.is_bot) for event in events], _BOOLEAN),
            "actor": pa.array([event.actor or None for event in events], _TEXT),
            "repo": pa.array([event.repo or None for event in events], _TEXT),
            "repo_id": pa.array([event.repo_id for event in events], _INTEGER),
            "org": pa.array([event.org or None for event in events], _TEXT),
            "number": pa.array([event.number for event in events], _INTEGER),
            "subject": subject,
            "transition": transition,
            "is_transition": is_transition,
            "opens_pull_request": pc.and_(
                is_pull_request, pc.fill_null(pc.equal(action, "opened"), fill_value=False)
            ),
            "opened_time": pc.coalesce(opened, when("opened")),
            "reopened_time": when("reopened"),
            "closed_time": when("closed", ended),
            "merged_time": when("merged", ended),
        }
    )


def coverage_frame(polls: Sequence[Coverage]) -> pa.Table:
    """Return one row per poll; `gaps` is 1 where the poll found a gap, `gap_seconds` its length."""
    gap_from = _seconds([poll.gap_from for poll in polls])
    gap_to = _seconds([poll.gap_to for poll in polls])
    return pa.table(
        {
            "time": _seconds([poll.polled_at for poll in polls]),
            "feed": pa.array([poll.feed for poll in polls], _TEXT),
            "new_events": pa.array([poll.new_events for poll in polls], _INTEGER),
            "gaps": pc.cast(pc.is_valid(gap_from), _INTEGER),
            "gap_seconds": pc.fill_null(pc.subtract(gap_to, gap_from), fill_value=0),
            "gap_from_time": gap_from,
            "gap_to_time": gap_to,
            "requests_left": pa.array([poll.requests_left for poll in polls], _INTEGER),
            "requests_limit": pa.array([poll.requests_limit for poll in polls], _INTEGER),
            "resets_time": _seconds([poll.resets_at for poll in polls]),
        }
    )


FRAMES: dict[Dataset, Callable[[Sequence[Any]], pa.Table]] = {
    Dataset.EVENTS: events_frame,
    Dataset.COVERAGE: coverage_frame,
}


def _seconds(times: Sequence[object]) -> pa.Array:
    return pc.cast(pa.array(times, _TIME), _INTEGER)
