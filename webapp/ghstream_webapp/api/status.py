"""How far the figures reach."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Blueprint
from ghstream_store.ledger import Entry, read_entry
from ghstream_store.queries.status import coverage
from ghstream_store.reader import Reader
from pydantic import Field

from ghstream_webapp.api.parameters import Time
from ghstream_webapp.endpoints import Answer, endpoint
from ghstream_webapp.live import Update
from ghstream_webapp.services import services
from ghstream_webapp.settings import Settings

blueprint = Blueprint("status", __name__, url_prefix="/api/v1")


class FeedStatus(Answer):
    """What polling one feed has seen since the oldest hour kept."""

    feed: str
    polls: int
    new_events: int
    gaps: int
    """How often two polls had no event in common, so that events between them may be missing."""
    gap_seconds: int
    last_polled_at: Time | None
    requests_left: int | None
    """What is left of the upstream's rate limit."""
    requests_limit: int | None
    resets_at: Time | None
    """When the rate limit begins anew."""


class Status(Answer):
    """State of the pipeline."""

    stream: str
    """Topic of the events."""
    ready: bool
    """False until something has been written to the store."""
    notice: str | None
    """What whoever runs this wants people to know."""
    now: Time
    events: int
    """Events in the figures."""
    rejected: int
    """Records that were no events."""
    newest_event_at: Time | None
    newest_ingested_at: Time | None
    merged_at: Time | None
    """When the last batch became visible."""
    batch_id: int | None
    freshness_seconds: float | None = Field(ge=0)
    """Age of the newest event."""
    coverage: list[FeedStatus]


@endpoint(blueprint, "/status")
def status() -> Status:
    """Return the state of the pipeline, and how completely each feed was seen."""
    return _read(services().reader, services().settings)


def newer_status(reader: Reader, settings: Settings) -> Callable[[str | None], Update | None]:
    """Return the live feed's reader: the status, if a batch was merged since the update `after`."""

    def read(after: str | None) -> Update | None:
        with reader.read() as connection:
            entry = read_entry(connection, settings.topic)
        if _update_id(entry) == after:
            return None
        return Update(_update_id(entry), _read(reader, settings).model_dump_json())

    return read


def _update_id(entry: Entry | None) -> str:
    return str(entry.merged_at) if entry else "none"


def _read(reader: Reader, settings: Settings) -> Status:
    ready = reader.is_ready()
    with reader.read() as connection:
        entry = read_entry(connection, settings.topic)
        feeds = coverage(connection)
    now = time.time()
    newest = entry.newest_event_at if entry else None
    return Status.model_validate(
        {
            "stream": settings.topic,
            "ready": ready,
            "notice": settings.notice,
            "now": now,
            "events": entry.events if entry else 0,
            "rejected": entry.rejected if entry else 0,
            "newest_event_at": newest,
            "newest_ingested_at": entry and entry.newest_ingested_at,
            "merged_at": entry and entry.merged_at,
            "batch_id": entry and entry.batch_id,
            # An archive may be replayed with its times moved, so an event may be ahead of us.
            "freshness_seconds": None if newest is None else max(0.0, now - newest),
            "coverage": feeds,
        }
    )
