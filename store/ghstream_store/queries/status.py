"""How far the figures reach, and how completely each feed was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ghstream_store.tables import TABLES


@dataclass(frozen=True)
class FeedCoverage:
    """What polling one feed has seen since the oldest hour kept. Times are epoch seconds."""

    feed: str
    polls: int
    new_events: int
    gaps: int
    gap_seconds: int
    last_polled_at: int | None
    requests_left: int | None
    requests_limit: int | None
    resets_at: int | None


def coverage(connection: Connection) -> Sequence[FeedCoverage]:
    """Return every feed's coverage, ordered by name."""
    hours, latest = TABLES["feed_coverage"], TABLES["feed_status"]
    sums = ("polls", "new_events", "gaps", "gap_seconds")
    statement = (
        select(
            hours.c.feed,
            *(func.coalesce(func.sum(hours.c[name]), 0).label(name) for name in sums),
            func.max(latest.c.updated_at).label("last_polled_at"),
            func.max(latest.c.requests_left).label("requests_left"),
            func.max(latest.c.requests_limit).label("requests_limit"),
            func.max(latest.c.resets_at).label("resets_at"),
        )
        .join_from(hours, latest, latest.c.feed == hours.c.feed, isouter=True)
        .group_by(hours.c.feed)
        .order_by(hours.c.feed)
    )
    return [
        FeedCoverage(
            **{**row, **{name: int(row[name]) for name in sums}}  # PostgreSQL sums to a decimal
        )
        for row in connection.execute(statement).mappings()
    ]
