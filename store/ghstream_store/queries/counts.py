"""Events per type over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ghstream_store.queries.ranges import Filter, Range, total, within
from ghstream_store.tables import TABLES


@dataclass(frozen=True)
class Point:
    """Events of the step that starts at `at` (epoch seconds)."""

    at: int
    events: int


@dataclass(frozen=True)
class Series:
    """One event type over time; steps without events have no point."""

    type: str
    total: int
    points: Sequence[Point]


def event_counts(
    connection: Connection, span: Range, step: int, chosen: Filter
) -> Sequence[Series]:
    """Return one series per event type, the most frequent first, with a point per `step` seconds.

    `span` is in whole minutes.
    """
    table = TABLES["event_counts"]
    at = table.c.bucket - table.c.bucket % step
    statement = (
        select(table.c.type, at.label("at"), total(table.c.events))
        .where(within(table.c.bucket, span), chosen.of(table))
        .group_by(table.c.type, "at")
        .order_by(table.c.type, "at")
    )
    points: dict[str, list[Point]] = defaultdict(list)
    for name, start, events in connection.execute(statement):
        points[name].append(Point(start, events))
    series = [
        Series(name, sum(point.events for point in line), line) for name, line in points.items()
    ]
    return sorted(series, key=lambda line: (-line.total, line.type))
