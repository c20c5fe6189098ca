"""One organisation."""

from __future__ import annotations

from flask import Blueprint
from ghstream_store.metrics import Grain
from ghstream_store.queries import organizations as queries
from ghstream_store.queries.activity import Subject
from pydantic import Field

from ghstream_webapp.api.parameters import BotsQuery, RangeAnswer, Time, bounds
from ghstream_webapp.endpoints import Answer, endpoint
from ghstream_webapp.problems import require_known
from ghstream_webapp.services import services

blueprint = Blueprint("organizations", __name__, url_prefix="/api/v1")


class ActiveUsersQuery(BotsQuery):
    """Whose activity, and how many users to return."""

    limit: int = Field(20, ge=1, le=500, description="How many users to return.")


class ActiveHour(Answer):
    """The hour that begins at `at`."""

    at: Time
    active_users: int
    events: int


class ActiveUser(Answer):
    """A user and the events they caused."""

    actor: str
    events: int


class ActiveUsers(RangeAnswer):
    """Who is active in an organisation."""

    org: str
    active_users: int
    """Different users over the whole range."""
    hours: list[ActiveHour]
    """Hours without events are left out."""
    users: list[ActiveUser]
    """The most active; equals are in order of their names."""


@endpoint(blueprint, "/organizations/<name:org>/active-users")
def active_users(query: ActiveUsersQuery, org: str) -> ActiveUsers:
    """Return who is active in an organisation. The range is rounded outward to whole hours."""
    span = query.span(Grain.HOUR)
    with services().reader.read() as connection:
        require_known(connection, Subject.ORGANIZATION, org)
        found = queries.active_users(connection, org, span, query.bots, query.limit)
    return ActiveUsers.model_validate(
        {
            **bounds(span),
            "org": org,
            "active_users": found.active_users,
            "hours": found.hours,
            "users": found.users,
        }
    )
