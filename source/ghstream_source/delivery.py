"""What a source hands to its publisher: one delivery is one Kafka transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

from ghstream_source.envelope import Event


class Record(NamedTuple):
    """An event, the feed or archive it came from, and its untouched JSON if that is wanted too."""

    event: Event
    origin: str
    raw: bytes | None = None


class Rejected(NamedTuple):
    """A record that does not fit, as it came. `reason` reads "class: detail"."""

    value: bytes
    reason: str
    origin: str


class Coverage(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What one poll of one feed saw. Times are RFC 3339 UTC.

    A gap is the span between the newest event seen before and the oldest one seen now, when the
    two polls do not overlap.
    """

    feed: str
    polled_at: str
    new_events: int
    gap_from: str | None = None
    gap_to: str | None = None
    requests_left: int | None = None
    requests_limit: int | None = None
    resets_at: str | None = None


@dataclass(frozen=True)
class Delivery:
    """What is published together or not at all.

    `positions` are records of the state topic: where a restart goes on. None deletes a key.
    """

    events: Sequence[Record] = ()
    rejected: Sequence[Rejected] = ()
    coverage: Sequence[Coverage] = ()
    positions: Mapping[str, bytes | None] = field(default_factory=dict)


class Fenced(Exception):
    """Another instance with the same transactional id took over."""


class Stopped(Exception):
    """The source was asked to stop before the delivery was committed."""


class Publisher(Protocol):
    """Where deliveries go, each exactly once and in order."""

    def positions(self) -> dict[str, bytes]:
        """Return what the state topic holds, by key, as of the last committed delivery."""
        ...

    def publish(self, delivery: Delivery) -> None:
        """Return when the delivery is committed; keep trying while Kafka is away.

        Raises Fenced when another instance took over, Stopped when asked to stop.
        """
        ...
