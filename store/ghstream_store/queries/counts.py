"""Events per type over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, cast, func, select, true

from ghstream_store.queries.ranges import Bots, Range, by, within
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
    connection: Connection, span: Range, step: int, types: Collection[str], bots: Bots
) -> Sequence[Series]:
    """Return one series per event type, the most frequent first, with a point per `step` seconds.

    `span` is in whole minutes; no `types` means all of them.
    """
    table = TABLES["event_counts"]
    at = table.c.bucket - table.c.bucket % step
    statement = (
        select(table.c.type, at.label("at"), cast(func.sum(table.c.events), BigInteger))
        .where(within(table, span), by(table, bots))
        .where(table.c.type.in_(types) if types else true())
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
