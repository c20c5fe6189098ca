"""What queries are made of: time ranges, conditions, and seeks by primary key."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Cast,
    ColumnElement,
    FromClause,
    Table,
    cast,
    func,
    select,
    true,
)

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


def within(time: ColumnElement[Any], span: Range) -> ColumnElement[bool]:
    """Return the condition that a time, such as a row's bucket, is in the range."""
    return (time >= span.start) & (time < span.stop)


def by(table: Table, bots: Bots) -> ColumnElement[bool]:
    """Return the condition that a row is of the bots or people asked for."""
    if bots is Bots.ALL:
        return true()
    return table.c.is_bot.is_(bots is Bots.ONLY)


@dataclass(frozen=True)
class Filter:
    """Which events count; no `types` means all of them."""

    types: Collection[str] = ()
    bots: Bots = Bots.ALL

    def of(self, table: Table) -> ColumnElement[bool]:
        """Return the condition that a row holds events that count."""
        return by(table, self.bots) & (table.c.type.in_(self.types) if self.types else true())


def total(column: ColumnElement[Any]) -> Cast[int]:
    """Return the sum of a column, 0 if there is nothing; PostgreSQL's own would be a decimal."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def seek(table: Table, span: Range) -> FromClause:
    """Return the table's rows in the range, for a query that names one repository or a few.

    The primary keys start with the bucket, so the range alone would read the rows of everybody in
    it. Joined with the buckets themselves, the named rows are found by one seek per bucket. Each
    step seeks the next bucket that exists, so a gap of years costs nothing.
    """
    buckets = (
        select(func.min(table.c.bucket).label("bucket"))
        .where(within(table.c.bucket, span))
        .cte("buckets", recursive=True)
    )
    following: Any = (
        select(func.min(table.c.bucket))
        .where(table.c.bucket > buckets.c.bucket, table.c.bucket < span.stop)
        .correlate(buckets)
        .scalar_subquery()
    )
    found: CTE = buckets.union_all(select(following).where(buckets.c.bucket.is_not(None)))
    return found.join(table, table.c.bucket == found.c.bucket)
