"""Time ranges, and how a range of one repository or organisation is read by its primary key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import CTE, ColumnElement, Table, func, select, true

from ghstream_store.metrics import Grain


class Bots(StrEnum):
    """Whose events count."""

    ALL = "all"
    ONLY = "only"
    NONE = "none"


@dataclass(frozen=True)
class Range:
    """Seconds since 1970-01-01 UTC, from `start` up to but not including `stop`."""

    start: int
    stop: int

    def widened(self, grain: Grain) -> Range:
        """Return the range rounded outward to whole buckets."""
        length = grain.value
        return Range(self.start // length * length, -(-self.stop // length) * length)


EVER = Range(0, 2**62)


def within(table: Table, span: Range) -> ColumnElement[bool]:
    """Return the condition that a row's bucket is in the range."""
    return (table.c.bucket >= span.start) & (table.c.bucket < span.stop)


def by(table: Table, bots: Bots) -> ColumnElement[bool]:
    """Return the condition that a row is of the bots or people asked for."""
    if bots is Bots.ALL:
        return true()
    return table.c.is_bot.is_(bots is Bots.ONLY)


def buckets(table: Table, span: Range) -> CTE:
    """Return the buckets in the range that the table has rows of, as a table `buckets(bucket)`.

    The primary keys start with the bucket. Joined with this, rows of one repository are found by
    one seek per bucket, where the range alone would read the rows of every repository in it. Each
    step seeks the next bucket that exists, so a gap of years costs nothing.
    """
    found = (
        select(func.min(table.c.bucket).label("bucket"))
        .where(within(table, span))
        .cte("buckets", recursive=True)
    )
    following: Any = (
        select(func.min(table.c.bucket))
        .where(table.c.bucket > found.c.bucket, table.c.bucket < span.stop)
        .correlate(found)
        .scalar_subquery()
    )
    return found.union_all(select(following).where(found.c.bucket.is_not(None)))
