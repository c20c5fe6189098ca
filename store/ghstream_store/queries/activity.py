"""Who and what is active: rankings, and the activity of one repository or organisation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Column, Connection, Table, case, func, select, true

from ghstream_store.queries.ranges import EVER, Filter, Range, seek, total, within
from ghstream_store.tables import TABLES


class Subject(Enum):
    """What activity is counted by: a table, and its column that names the subject."""

    REPOSITORY = ("repository_activity", "repo")
    CONTRIBUTOR = ("contributor_activity", "actor")
    ORGANIZATION = ("organization_activity", "org")

    @property
    def table(self) -> Table:
        """The table of activity per hour, name, type and bot or not."""
        return TABLES[self.value[0]]

    @property
    def column(self) -> Column[str]:
        """The column that names the subject."""
        return self.table.c[self.value[1]]


@dataclass(frozen=True)
class Ranked:
    """One line of a ranking."""

    name: str
    events: int
    bot_events: int
    by_type: Mapping[str, int]


@dataclass(frozen=True)
class Ranking:
    """The most active ones; `total` and `events` are of all, also those that are not in `items`."""

    total: int
    events: int
    items: Sequence[Ranked]


@dataclass(frozen=True)
class Hour:
    """Events of the hour that starts at `at` (epoch seconds)."""

    at: int
    events: int


@dataclass(frozen=True)
class Activity:
    """What happened in one repository; hours without events are left out."""

    events: int
    bot_events: int
    by_type: Mapping[str, int]
    hours: Sequence[Hour]


def ranking(
    connection: Connection, subject: Subject, span: Range, chosen: Filter, limit: int
) -> Ranking:
    """Return the `limit` most active ones, equals by name; `span` is in whole hours."""
    table, name = subject.table, subject.column
    events = total(table.c.events)
    statement = (
        select(
            name,
            events,
            total(case((table.c.is_bot, table.c.events), else_=0)),
            func.count().over(),
            func.sum(events).over(),
        )
        .where(within(table.c.bucket, span), chosen.of(table))
        .group_by(name)
        .order_by(events.desc(), name)
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    by_type: dict[str, dict[str, int]] = defaultdict(dict)
    types_of_each = (
        select(name, table.c.type, events)
        .select_from(seek(table, span))
        .where(name.in_([row[0] for row in rows]), chosen.of(table))
        .group_by(name, table.c.type)
        .order_by(events.desc(), table.c.type)
    )
    for each, kind, count in connection.execute(types_of_each):
        by_type[each][kind] = count
    items = [Ranked(row[0], row[1], row[2], by_type[row[0]]) for row in rows]
    return Ranking(rows[0][3], int(rows[0][4]), items) if rows else Ranking(0, 0, [])


def activity(connection: Connection, subject: Subject, name: str, span: Range) -> Activity:
    """Return the activity of the one with that name; `span` is in whole hours."""
    table = subject.table
    statement = (
        select(table.c.bucket, table.c.type, table.c.is_bot, table.c.events)
        .select_from(seek(table, span))
        .where(subject.column == name)
        .order_by(table.c.bucket, table.c.type)
    )
    rows = connection.execute(statement).all()
    by_type: dict[str, int] = defaultdict(int)
    hours: dict[int, int] = defaultdict(int)
    for bucket, kind, _is_bot, events in rows:
        by_type[kind] += events
        hours[bucket] += events
    return Activity(
        events=sum(row.events for row in rows),
        bot_events=sum(row.events for row in rows if row.is_bot),
        by_type=dict(sorted(by_type.items(), key=lambda entry: (-entry[1], entry[0]))),
        hours=[Hour(at, events) for at, events in hours.items()],
    )


def is_known(connection: Connection, subject: Subject, name: str) -> bool:
    """Tell whether the store holds any event of the one with that name."""
    statement = (
        select(true()).select_from(seek(subject.table, EVER)).where(subject.column == name).limit(1)
    )
    return connection.execute(statement).first() is not None
