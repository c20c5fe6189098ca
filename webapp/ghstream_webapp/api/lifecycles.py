"""Issues and pull requests: what is opened and closed, what is open, how long it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from flask import Blueprint
from ghstream_store.metrics import Grain
from ghstream_store.queries import lifecycles as queries
from ghstream_store.queries.lifecycles import Kind, Scope, Transitions
from pydantic import Field

from ghstream_webapp.api.parameters import (
    BotsQuery,
    Name,
    RangeAnswer,
    RangeQuery,
    RepositoryName,
    Time,
    bounds,
)
from ghstream_webapp.endpoints import Answer, endpoint
from ghstream_webapp.services import services

blueprint = Blueprint("lifecycles", __name__, url_prefix="/api/v1")


class IssueTransitions(Answer):
    """How often issues were opened and closed."""

    opened: int
    reopened: int
    closed: int


class PullRequestTransitions(Answer):
    """How often pull requests were opened, merged and closed."""

    opened: int
    reopened: int
    merged: int
    closed_unmerged: int


class IssueCounts(IssueTransitions):
    """How often issues were opened and closed, and how many are open."""

    open_now: int
    """Of those that have been opened, reopened or closed since the store began."""


class PullRequestCounts(PullRequestTransitions):
    """How often pull requests were opened, merged and closed, and how many are open."""

    open_now: int
    """Of those that have been opened, reopened, merged or closed since the store began."""


class LifecycleHour(Answer):
    """The hour that begins at `at`."""

    at: Time
    issues: IssueTransitions
    pull_requests: PullRequestTransitions


class LifecycleCounts(RangeAnswer):
    """What was opened and closed, in all and per hour; hours without any are left out."""

    issues: IssueCounts
    pull_requests: PullRequestCounts
    hours: list[LifecycleHour]


class Durations(Answer):
    """Times from opening to resolution. Percentiles interpolate between two neighbours."""

    measured: int
    unmeasured: int
    """Those whose opening is not known; they are in no average."""
    average_seconds: float | None
    median_seconds: float | None
    p90_seconds: float | None


class IssueDurations(Durations):
    """Times to close issues that were closed in the range and not reopened since."""

    closed: int = Field(validation_alias="resolved")


class PullRequestDurations(Durations):
    """Times to merge pull requests that were merged in the range."""

    merged: int = Field(validation_alias="resolved")


class Resolutions(Answer):
    """Times to close issues and to merge pull requests."""

    issues: IssueDurations
    pull_requests: PullRequestDurations


class RepositoryResolutions(Resolutions):
    """The same for one repository."""

    repo: str


class ResolutionTimes(Resolutions, RangeAnswer):
    """Times to resolution, in all and for the repositories with the most of them."""

    repositories: list[RepositoryResolutions]


class LifecycleQuery(BotsQuery):
    """Whose transitions, and of which repository."""

    repo: RepositoryName | None = Field(None, description="Only this repository, as owner/name.")


class ResolutionQuery(RangeQuery):
    """Which repositories, and how many to list apart."""

    repo: RepositoryName | None = Field(None, description="Only this repository, as owner/name.")
    org: Name | None = Field(None, description="Only repositories of this owner.")
    limit: int = Field(20, ge=1, le=100, description="How many repositories to list apart.")


@endpoint(blueprint, "/lifecycle-counts")
def lifecycle_counts(query: LifecycleQuery) -> LifecycleCounts:
    """Return what was opened and closed. The range is rounded outward to whole hours."""
    span = query.span(Grain.HOUR)
    with services().reader.read() as connection:
        hours = queries.transitions_per_hour(connection, span, query.bots, query.repo)
        open_now = queries.open_now(connection, Scope(query.repo))
    return LifecycleCounts.model_validate(
        {
            **bounds(span),
            **counts(hours.values(), open_now),
            "hours": [{"at": at, **counts([hour])} for at, hour in hours.items()],
        }
    )


@endpoint(blueprint, "/resolution-times")
def resolution_times(query: ResolutionQuery) -> ResolutionTimes:
    """Return how long it took to close issues and to merge pull requests."""
    span, scope = query.span(Grain.LIFETIME), Scope(query.repo, query.org)
    with services().reader.read() as connection:
        found = queries.resolutions(connection, span, scope)
        each = queries.resolutions_by_repository(connection, span, scope, query.limit)
    return ResolutionTimes.model_validate(
        {
            **bounds(span),
            "issues": found.issues,
            "pull_requests": found.pull_requests,
            "repositories": [
                {"repo": repo, "issues": one.issues, "pull_requests": one.pull_requests}
                for repo, one in each
            ],
        }
    )


def counts(
    hours: Iterable[Transitions], open_now: Mapping[Kind, int] | None = None
) -> dict[str, dict[str, int]]:
    """Return the transitions of the hours in all, as the models of counts name them."""
    sums: Counter[tuple[Kind, str]] = Counter()
    for hour in hours:
        sums.update(hour)
    backlog = open_now or {}
    return {
        "issues": {
            "opened": sums[Kind.ISSUE, "opened"],
            "reopened": sums[Kind.ISSUE, "reopened"],
            "closed": sums[Kind.ISSUE, "closed"],
            "open_now": backlog.get(Kind.ISSUE, 0),
        },
        "pull_requests": {
            "opened": sums[Kind.PULL_REQUEST, "opened"],
            "reopened": sums[Kind.PULL_REQUEST, "reopened"],
            "merged": sums[Kind.PULL_REQUEST, "merged"],
            "closed_unmerged": sums[Kind.PULL_REQUEST, "closed"],
            "open_now": backlog.get(Kind.PULL_REQUEST, 0),
        },
    }
