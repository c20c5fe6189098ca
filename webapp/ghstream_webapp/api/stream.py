"""The live feed as server-sent events."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, request

from ghstream_webapp.api.status import Status
from ghstream_webapp.endpoints import endpoint
from ghstream_webapp.live import TooManyStreamsError, Update
from ghstream_webapp.problems import unavailable
from ghstream_webapp.services import services

HEARTBEAT_SECONDS = 15
LIFETIME_SECONDS = 15 * 60
MEDIA_TYPE = "text/event-stream"
blueprint = Blueprint("stream", __name__, url_prefix="/api/v1")


@endpoint(blueprint, "/stream", media_type=MEDIA_TYPE, answer=Status)
def stream() -> Response:
    """Send the status, once at the start and then whenever a batch was merged.

    Server-sent events of type `update`, each with the status as JSON. A comment every 15 seconds
    keeps the connection open. A stream ends after 15 minutes; a browser then connects again.
    """
    feed = services().feed
    try:
        feed.join()
    except TooManyStreamsError:
        return unavailable("All places for live streams are taken; try again later, or poll.")
    updates = feed.updates(
        request.headers.get("Last-Event-ID"), HEARTBEAT_SECONDS, LIFETIME_SECONDS
    )
    # Proxies like nginx would keep events back until a buffer is full.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    response = Response(_lines(updates), headers=headers, content_type=MEDIA_TYPE)
    response.call_on_close(feed.leave)
    return response


def _lines(updates: Iterator[Update | None]) -> Iterator[str]:
    """Write updates as https://html.spec.whatwg.org/multipage/server-sent-events.html says."""
    yield ": connected\n\n"
    for update in updates:
        yield f"id: {update.id}\nevent: update\ndata: {update.data}\n\n" if update else ":\n\n"
