"""Paths that other systems of this kind use."""

from __future__ import annotations

import time

from flask import Blueprint
from ghstream_store.metrics import Grain
from ghstream_store.queries.counts import event_counts
from ghstream_store.queries.openings import pull_request_openings
from ghstream_store.queries.ranges import EVER, Filter, Range
from pydantic import Field

from ghstream_webapp.endpoints import Answer, Query, endpoint
from ghstream_webapp.services import services

_MINUTES_OF_A_YEAR = 366 * 24 * 60
blueprint = Blueprint("compatibility", __name__, url_prefix="/v1")


class AveragePullRequestInterval(Answer):
    """Average time between two openings of pull requests, over all that the store holds."""

    repo: str
    opened: int
    avg_seconds: float | None


class OffsetQuery(Query):
    """How far to look back."""

    offset_minutes: int = Field(
        10, ge=1, le=_MINUTES_OF_A_YEAR, description="How many minutes to look back."
    )


class AggregatedEventCounts(Answer):
    """Events per type of the last minutes."""

    offset_minutes: int
    total: int
    counts: dict[str, int]


@endpoint(blueprint, "/avg_pr_interval/<name:owner>/<name:repo>")
def avg_pr_interval(owner: str, repo: str) -> AveragePullRequestInterval:
    """Return the average time between two pull requests of a repository."""
    name = f"{owner}/{repo}"
    with services().reader.read() as connection:
        found = pull_request_openings(connection, name, EVER)
    return AveragePullRequestInterval(
        repo=name, opened=found.opened, avg_seconds=found.average_seconds
    )


@endpoint(blueprint, "/agg_event_counts")
def agg_event_counts(query: OffsetQuery) -> AggregatedEventCounts:
    """Return events per type of the last minutes, the minute that has begun included."""
    now = int(time.time())
    minutes = query.offset_minutes * 60
    span = Range(now - minutes, now + 1).widened(Grain.MINUTE)
    with services().reader.read() as connection:
        series = event_counts(connection, span, span.stop - span.start, Filter())
    counts = {line.type: line.total for line in series}
    return AggregatedEventCounts(
        offset_minutes=query.offset_minutes, total=sum(counts.values()), counts=counts
    )
