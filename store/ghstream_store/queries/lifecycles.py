"""How issues and pull requests come and go: transitions, what is open, times to resolution."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Double,
    Select,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)

from ghstream_store.queries.ranges import Bots, Range, by, seek, total, within
from ghstream_store.tables import TABLES

_LIFECYCLES = TABLES["lifecycles"]
_TRANSITIONS = TABLES["transitions"]
_CLOSED_FOR_GOOD = _LIFECYCLES.c.closed_at.is_not(None) & or_(
    _LIFECYCLES.c.reopened_at.is_(None), _LIFECYCLES.c.reopened_at <= _LIFECYCLES.c.closed_at
)


class Kind(StrEnum):
    """What has a lifecycle, as the `subject` columns name it."""

    ISSUE = "issue"
    PULL_REQUEST = "pull_request"


@dataclass(frozen=True)
class Scope:
    """Which repositories: one, those of one owner, or all."""

    repo: str | None = None
    owner: str | None = None

    def holds(self, repo: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the condition that a repository is in the scope."""
        if self.repo is not None:
            return repo == self.repo
        if self.owner is not None:
            prefix = f"{self.owner}/"
            return func.substr(repo, 1, len(prefix)) == prefix
        return true()


Transitions = Mapping[tuple[Kind, str], int]
"""Events per kind and transition: opened, reopened, closed (pull requests: unmerged), merged."""


@dataclass(frozen=True)
class Resolution:
    """Durations from opened to closed or merged, in seconds; None where none was measured.

    `unmeasured` counts those whose opening the store does not know. Percentiles interpolate
    between the two nearest durations.
    """

    resolved: int = 0
    measured: int = 0
    average_seconds: float | None = None
    median_seconds: float | None = None
    p90_seconds: float | None = None

    @property
    def unmeasured(self) -> int:
        """How many were resolved without a known opening."""
        return self.resolved - self.measured


@dataclass(frozen=True)
class Resolutions:
    """Closed issues and merged pull requests."""

    issues: Resolution = field(default_factory=Resolution)
    pull_requests: Resolution = field(default_factory=Resolution)


def transitions_per_hour(
    connection: Connection, span: Range, bots: Bots = Bots.ALL, repo: str | None = None
) -> Mapping[int, Transitions]:
    """Return the transitions per hour (epoch seconds of its start), in order of time.

    Hours without any are left out. `span` is in whole hours.
    """
    table = _TRANSITIONS
    rows = table if repo is None else seek(table, span)
    statement = (
        select(table.c.bucket, table.c.subject, table.c.transition, total(table.c.events))
        .select_from(rows)
        .where(within(table.c.bucket, span), by(table, bots))
        .where(true() if repo is None else table.c.repo == repo)
        .group_by(table.c.bucket, table.c.subject, table.c.transition)
        .order_by(table.c.bucket)
    )
    hours: dict[int, dict[tuple[Kind, str], int]] = defaultdict(dict)
    for bucket, subject, transition, events in connection.execute(statement):
        hours[bucket][Kind(subject), transition] = events
    return hours


def open_now(connection: Connection, scope: Scope) -> Mapping[Kind, int]:
    """Return how many are open, of those that the store has seen change."""
    statement = (
        select(_LIFECYCLES.c.subject, func.count())
        .where(scope.holds(_LIFECYCLES.c.repo))
        .where(_LIFECYCLES.c.merged_at.is_(None), ~_CLOSED_FOR_GOOD)
        .group_by(_LIFECYCLES.c.subject)
    )
    counts: dict[str, int] = dict(connection.execute(statement).all())
    return {kind: counts.get(kind, 0) for kind in Kind}


def resolutions(connection: Connection, span: Range, scope: Scope) -> Resolutions:
    """Return the times to close issues and merge pull requests that ended in the range."""
    return _by_kind(connection.execute(_summaries(_resolved(span, scope))).all())


def resolutions_by_repository(
    connection: Connection, span: Range, scope: Scope, limit: int
) -> Sequence[tuple[str, Resolutions]]:
    """Return the same for each of the `limit` repositories with the most of them."""
    resolved = _resolved(span, scope)
    most = (
        select(resolved.c.repo)
        .where(resolved.c.repo.is_not(None))
        .group_by(resolved.c.repo)
        .order_by(func.count().desc(), resolved.c.repo)
        .limit(limit)
    )
    repos = list(connection.scalars(most))
    rows: dict[str, list[Any]] = {repo: [] for repo in repos}
    summaries = _summaries(resolved, [resolved.c.repo], resolved.c.repo.in_(repos))
    for repo, *row in connection.execute(summaries):
        rows[repo].append(row)
    return [(repo, _by_kind(of_it)) for repo, of_it in rows.items()]


def _resolved(span: Range, scope: Scope) -> CTE:
    """Select the repository, kind and duration of all that was closed or merged in the range."""
    is_issue = _LIFECYCLES.c.subject == Kind.ISSUE
    resolved_at = case((is_issue, _LIFECYCLES.c.closed_at), else_=_LIFECYCLES.c.merged_at)
    return (
        select(
            _LIFECYCLES.c.repo,
            _LIFECYCLES.c.subject,
            (resolved_at - _LIFECYCLES.c.opened_at).label("seconds"),
        )
        .where(within(resolved_at, span), scope.holds(_LIFECYCLES.c.repo))
        .where(~is_issue | _CLOSED_FOR_GOOD)
        .cte("resolved")
    )


def _summaries(
    resolved: CTE, keys: Sequence[ColumnElement[Any]] = (), where: ColumnElement[bool] | None = None
) -> Select[Any]:
    """Select counts, average, median and 90th percentile per `keys` and kind.

    A percentile is the sum of the durations, each weighted by how near its place in the order is
    to the place wanted: the two neighbours share a weight of 1, the others have 0. It is what
    percentile_cont computes, in SQL that SQLite has too.
    """
    group = (*keys, resolved.c.subject)
    seconds = resolved.c.seconds
    ranked = (
        select(
            *group,
            seconds,
            func.row_number()
            .over(partition_by=(*group, seconds.is_(None)), order_by=seconds)
            .label("place"),
            func.count(seconds).over(partition_by=group).label("measured"),
        )
        .where(true() if where is None else where)
        .subquery("ranked")
    )

    def percentile(share: float) -> ColumnElement[float]:
        wanted = 1 + literal(share, Double) * (ranked.c.measured - 1)
        distance = func.abs(ranked.c.place - wanted, type_=Double)
        return func.sum(ranked.c.seconds * case((distance < 1, 1 - distance), else_=0.0))

    grouped = list(ranked.c)[: len(group)]
    return select(
        *grouped,
        func.count(),
        func.count(ranked.c.seconds),
        func.avg(cast(ranked.c.seconds, Double)),
        percentile(0.5),
        percentile(0.9),
    ).group_by(*grouped)


def _by_kind(rows: Iterable[Sequence[Any]]) -> Resolutions:
    found = {Kind(kind): Resolution(*figures) for kind, *figures in rows}
    return Resolutions(
        issues=found.get(Kind.ISSUE, Resolution()),
        pull_requests=found.get(Kind.PULL_REQUEST, Resolution()),
    )
