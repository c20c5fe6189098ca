"""Parameters and parts of answers that several resources share."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, cast

from ghstream_store.metrics import Grain
from ghstream_store.queries.ranges import Bots, Range
from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from ghstream_webapp import timerange
from ghstream_webapp.endpoints import Answer, Query


def _parsed(text: object, info: ValidationInfo) -> datetime:
    return timerange.parse(str(text), cast("dict[str, datetime]", info.context)["now"])


Instant = Annotated[
    datetime,
    BeforeValidator(_parsed),
    WithJsonSchema({"type": "string", "examples": ["2026-01-31T12:00:00Z", "-10m", "now"]}),
]
"""A point in time: RFC 3339, or relative to now."""

Time = datetime
"""Epoch seconds in the store, RFC 3339 in UTC in an answer."""

Seconds = Annotated[float, Field(ge=0)]


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


class RangeAnswer(Answer):
    """The range that the figures are of: the one asked for, rounded outward."""

    start: Time = Field(alias="from")
    stop: Time = Field(alias="to")
