"""Parameters and parts of answers that several resources share."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, cast

from ghstream_store.metrics import Grain
from ghstream_store.queries.ranges import Bots, Filter, Range
from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from werkzeug.routing import BaseConverter

from ghstream_webapp import timerange
from ghstream_webapp.endpoints import Answer, Query


def _parsed(text: object, info: ValidationInfo) -> datetime:
    return timerange.parse(str(text), cast("dict[str, datetime]", info.context)["now"])


Instant = Annotated[
    datetime,
    BeforeValidator(_parsed),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": timerange.PATTERN,
            "examples": ["2026-01-31T12:00:00Z", "-10m", "now"],
        }
    ),
]
"""A point in time: RFC 3339, or relative to now."""

Time = datetime
"""Epoch seconds in the store, RFC 3339 in UTC in an answer."""


class RangeQuery(Query):
    """A time range."""

    start: Annotated[Instant, Field(alias="from", description="Start of the range, inclusive.")] = (
        "-24h"  # type: ignore[assignment] # a default is parsed too
    )
    stop: Annotated[Instant, Field(alias="to", description="End of the range, exclusive.")] = "now"  # type: ignore[assignment]

    @field_validator("stop")
    @classmethod
    def _is_after_start(cls, stop: datetime, info: ValidationInfo) -> datetime:
        if "start" in info.data and stop <= info.data["start"]:
            raise ValueError("must be after from")
        return stop

    def span(self, grain: Grain) -> Range:
        """Return the range, rounded outward to whole buckets of a table."""
        start, stop = self.start.timestamp(), self.stop.timestamp()
        whole = Range(math.floor(start), math.ceil(stop))
        return whole if grain is Grain.LIFETIME else whole.widened(grain)


class BotsQuery(RangeQuery):
    """A time range, and whose events count."""

    bots: Bots = Field(Bots.ALL, description="Count everybody, bots only, or people only.")


# PostgreSQL has no character 0, and no name has a control character.
_TEXT = r"[^/\x00-\x1f\x7f]{1,200}"
Name = Annotated[str, StringConstraints(pattern=f"^{_TEXT}$")]
RepositoryName = Annotated[str, StringConstraints(pattern=f"^{_TEXT}/{_TEXT}$")]


NAME = {"type": "string", "pattern": f"^{_TEXT}$"}
"""JSON schema of a name in a path."""


class NameConverter(BaseConverter):
    """Matches the name of an owner, a repository or an organisation in a path."""

    regex = _TEXT


class EventsQuery(BotsQuery):
    """A time range, and which events count."""

    type: list[Name] = Field(
        [], max_length=50, description="Count this event type, such as PushEvent; repeatable."
    )

    @property
    def chosen(self) -> Filter:
        """The events that count."""
        return Filter(self.type, self.bots)


class RangeAnswer(Answer):
    """The range that the figures are of: the one asked for, rounded outward."""

    start: Time = Field(alias="from")
    stop: Time = Field(alias="to")


def bounds(span: Range) -> dict[str, int]:
    """Return what a RangeAnswer says of its range."""
    return {"from": span.start, "to": span.stop}
