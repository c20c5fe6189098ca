"""The most active repositories, contributors and organisations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from flask import Blueprint
from ghstream_store.metrics import Grain
from ghstream_store.queries.activity import Subject, ranking
from ghstream_store.queries.organizations import count_active_users
from pydantic import Field

from ghstream_webapp.api.parameters import EventsQuery, RangeAnswer, bounds
from ghstream_webapp.endpoints import Answer, endpoint
from ghstream_webapp.services import services

blueprint = Blueprint("rankings", __name__, url_prefix="/api/v1")


class RankingQuery(EventsQuery):
    """Which events count, and how many lines to return."""

    limit: int = Field(20, ge=1, le=500, description="How many to return.")


class Line(Answer):
    """What is ranked by its events. Equals are in order of their names."""

    rank: int
    events: int
    bot_events: int
    by_type: dict[str, int]


class RankedRepository(Line):
    """A repository's place."""

    repo: str


class RankedContributor(Line):
    """A contributor's place."""

    actor: str
    is_bot: bool


class RankedOrganization(Line):
    """An organisation's place."""

    org: str
    active_users: int
    """Different users with events of any type."""


class Ranking(RangeAnswer):
    """How many there are in all, and their events."""

    total: int
    events: int


class RepositoryRanking(Ranking):
    """The most active repositories."""

    items: list[RankedRepository]


class ContributorRanking(Ranking):
    """The most active contributors."""

    items: list[RankedContributor]


class OrganizationRanking(Ranking):
    """The most active organisations."""

    items: list[RankedOrganization]


@endpoint(blueprint, "/repositories/top")
def top_repositories(query: RankingQuery) -> RepositoryRanking:
    """Return the most active repositories. The range is rounded outward to whole hours."""
    return RepositoryRanking.model_validate(_ranking(Subject.REPOSITORY, query))


@endpoint(blueprint, "/contributors/top")
def top_contributors(query: RankingQuery) -> ContributorRanking:
    """Return the most active contributors. The range is rounded outward to whole hours."""
    return ContributorRanking.model_validate(_ranking(Subject.CONTRIBUTOR, query))


@endpoint(blueprint, "/organizations/top")
def top_organizations(query: RankingQuery) -> OrganizationRanking:
    """Return the most active organisations. The range is rounded outward to whole hours."""
    return OrganizationRanking.model_validate(_ranking(Subject.ORGANIZATION, query))


def _ranking(subject: Subject, query: RankingQuery) -> dict[str, object]:
    """Read a ranking. A line holds what any of the models has; each takes what is its own."""
    span = query.span(Grain.HOUR)
    with services().reader.read() as connection:
        found = ranking(connection, subject, span, query.chosen, query.limit)
        users: Mapping[str, int] = {}
        if subject is Subject.ORGANIZATION:
            names = [item.name for item in found.items]
            users = count_active_users(connection, names, span, query.bots)
    items = [
        {
            **asdict(item),
            "rank": rank,
            subject.column.name: item.name,
            "is_bot": item.bot_events > 0,
            "active_users": users.get(item.name, 0),
        }
        for rank, item in enumerate(found.items, 1)
    ]
    return {**bounds(span), "total": found.total, "events": found.events, "items": items}
