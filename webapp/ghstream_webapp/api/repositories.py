"""One repository."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint
from ghstream_store.metrics import Grain
from ghstream_store.queries.activity import Subject, activity
from ghstream_store.queries.lifecycles import Scope, open_now, resolutions, transitions_per_hour
from ghstream_store.queries.openings import pull_request_openings

from ghstream_webapp.api.event_counts import Point
from ghstream_webapp.api.lifecycles import (
    IssueCounts,
    PullRequestCounts,
    Resolutions,
    counts,
)
from ghstream_webapp.api.parameters import RangeAnswer, RangeQuery, Time, bounds
from ghstream_webapp.endpoints import Answer, endpoint
from ghstream_webapp.problems import require_known
from ghstream_webapp.services import services

blueprint = Blueprint("repositories", __name__, url_prefix="/api/v1")


class Openings(Answer):
    """How often pull requests were opened."""

    opened: int
    average_seconds: float | None
    """Average time between one opening and the next; null for fewer than two."""
    first_opened_at: Time | None
    last_opened_at: Time | None


class PullRequestIntervals(Openings, RangeAnswer):
    """How often pull requests were opened in a repository."""

    repo: str


class Repository(RangeAnswer):
    """What happened in a repository."""

    repo: str
    events: int
    bot_events: int
    by_type: dict[str, int]
    hours: list[Point]
    """Hours without events are left out."""
    pull_requests: PullRequestCounts
    issues: IssueCounts
    pull_request_interval: Openings
    resolution_times: Resolutions


@endpoint(blueprint, "/repositories/<name:owner>/<name:repo>")
def repository(query: RangeQuery, owner: str, repo: str) -> Repository:
    """Return what happened in a repository. The range is rounded outward to whole hours."""
    name, span = f"{owner}/{repo}", query.span(Grain.HOUR)
    with services().reader.read() as connection:
        require_known(connection, Subject.REPOSITORY, name)
        scope = Scope(repo=name)
        hours = transitions_per_hour(connection, span, repo=name)
        return Repository.model_validate(
            {
                **bounds(span),
                "repo": name,
                **asdict(activity(connection, Subject.REPOSITORY, name, span)),
                **counts(hours.values(), open_now(connection, scope)),
                "pull_request_interval": pull_request_openings(connection, name, span),
                "resolution_times": resolutions(connection, span, scope),
            }
        )


@endpoint(blueprint, "/pull-request-intervals/<name:owner>/<name:repo>")
def pull_request_intervals(query: RangeQuery, owner: str, repo: str) -> PullRequestIntervals:
    """Return how often pull requests are opened. The range is rounded to whole minutes."""
    name, span = f"{owner}/{repo}", query.span(Grain.MINUTE)
    with services().reader.read() as connection:
        require_known(connection, Subject.REPOSITORY, name)
        found = pull_request_openings(connection, name, span)
    return PullRequestIntervals.model_validate(
        {
            **bounds(span),
            "repo": name,
            **asdict(found),
            "average_seconds": found.average_seconds,
        }
    )
