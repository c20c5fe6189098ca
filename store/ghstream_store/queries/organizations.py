"""Who is active in organisations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ghstream_store.queries.ranges import Bots, Range, by, seek, total
from ghstream_store.tables import TABLES

_MEMBERSHIP = TABLES["organization_membership"]


@dataclass(frozen=True)
class ActiveHour:
    """One hour of an organisation, which starts at `at` (epoch seconds)."""

    at: int
    active_users: int
    events: int


@dataclass(frozen=True)
class ActiveUser:
    """How many events a user caused."""

    actor: str
    events: int


@dataclass(frozen=True)
class ActiveUsers:
    """`active_users` counts each user once, however many hours and events; `users` is the top."""

    active_users: int
    hours: Sequence[ActiveHour]
    users: Sequence[ActiveUser]


def active_users(
    connection: Connection, org: str, span: Range, bots: Bots, limit: int
) -> ActiveUsers:
    """Return the organisation's active users per hour, and the `limit` most active."""
    chosen = (_MEMBERSHIP.c.org == org, by(_MEMBERSHIP, bots))
    events = total(_MEMBERSHIP.c.events)
    hours = (
        select(_MEMBERSHIP.c.bucket, func.count(_MEMBERSHIP.c.actor.distinct()), events)
        .select_from(seek(_MEMBERSHIP, span))
        .where(*chosen)
        .group_by(_MEMBERSHIP.c.bucket)
        .order_by(_MEMBERSHIP.c.bucket)
    )
    users = (
        select(_MEMBERSHIP.c.actor, events, func.count().over())
        .select_from(seek(_MEMBERSHIP, span))
        .where(*chosen)
        .group_by(_MEMBERSHIP.c.actor)
        .order_by(events.desc(), _MEMBERSHIP.c.actor)
        .limit(limit)
    )
    top = connection.execute(users).all()
    return ActiveUsers(
        active_users=top[0][2] if top else 0,
        hours=[ActiveHour(*row) for row in connection.execute(hours)],
        users=[ActiveUser(actor, count) for actor, count, _ in top],
    )


def count_active_users(
    connection: Connection, orgs: Collection[str], span: Range, bots: Bots
) -> Mapping[str, int]:
    """Return how many different users were active in each of the organisations."""
    statement = (
        select(_MEMBERSHIP.c.org, func.count(_MEMBERSHIP.c.actor.distinct()))
        .select_from(seek(_MEMBERSHIP, span))
        .where(_MEMBERSHIP.c.org.in_(orgs), by(_MEMBERSHIP, bots))
        .group_by(_MEMBERSHIP.c.org)
    )
    return dict(connection.execute(statement).all())
