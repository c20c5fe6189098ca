"""Events per type over time."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from flask import Blueprint
from ghstream_store.metrics import Grain
from ghstream_store.queries.counts import event_counts as read_event_counts
from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from ghstream_webapp.api.parameters import BotsQuery, RangeAnswer, Time
from ghstream_webapp.endpoints import Answer, endpoint
from ghstream_webapp.services import services

MAX_STEPS = 10_000
blueprint = Blueprint("event_counts", __name__, url_prefix="/api/v1")


class Step(StrEnum):
    """Time between two points."""

    AUTO = "auto"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


_SECONDS = {Step.MINUTE: 60, Step.HOUR: 3600, Step.DAY: 86_400}
# Up to this many points a line is still readable.
_READABLE_STEPS = 360


def step_seconds(step: Step, seconds: float) -> int:
    """Return the step's length; AUTO is the shortest that leaves a range of `seconds` readable."""
    if step is not Step.AUTO:
        return _SECONDS[step]
    fitting = (length for length in _SECONDS.values() if seconds <= length * _READABLE_STEPS)
    return next(fitting, _SECONDS[Step.DAY])


EventType = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class EventCountsQuery(BotsQuery):
    """Which events, in which range, per which step."""

    type: list[EventType] = Field(
        [], max_length=50, description="An event type, such as PushEvent; repeatable. None: all."
    )
    step: Step = Field(Step.AUTO, description="Time between two points, in UTC.")

    @field_validator("step")
    @classmethod
    def _gives_few_points(cls, step: Step, info: ValidationInfo) -> Step:
        if {"start", "stop"} <= info.data.keys():
            seconds = (info.data["stop"] - info.data["start"]).total_seconds()
            if seconds / step_seconds(step, seconds) > MAX_STEPS:
                raise ValueError(f"makes more than {MAX_STEPS} steps: take a longer one")
        return step


class Point(Answer):
    """Events of the step that begins at `at`."""

    at: Time
    events: int


class Series(Answer):
    """One event type over time. Steps without events have no point."""

    type: str
    total: int
    points: list[Point]


class EventCounts(RangeAnswer):
    """Events per type over time, the most frequent type first."""

    step_seconds: int
    total: int
    series: list[Series]


@endpoint(blueprint, "/event-counts")
def event_counts(query: EventCountsQuery) -> EventCounts:
    """Return events per type over time.

    The range is rounded outward to whole minutes; the first and the last step may reach beyond it
    and then count only what is in the range.
    """
    span = query.span(Grain.MINUTE)
    step = step_seconds(query.step, span.stop - span.start)
    with services().reader.read() as connection:
        series = read_event_counts(connection, span, step, query.type, query.bots)
    return EventCounts.model_validate(
        {
            "from": span.start,
            "to": span.stop,
            "step_seconds": step,
            "total": sum(line.total for line in series),
            "series": series,
        }
    )
