"""What the views of one application share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app
from ghstream_store.reader import Reader
from prometheus_client import CollectorRegistry

from ghstream_webapp.live import Feed
from ghstream_webapp.settings import Settings

EXTENSION = "ghstream"


@dataclass(frozen=True)
class Services:
    """The settings, the store, the live feed and the figures about ourselves."""

    settings: Settings
    reader: Reader
    feed: Feed
    metrics: CollectorRegistry

    def close(self) -> None:
        """End all streams and close the store."""
        self.feed.close()
        self.reader.close()


def services() -> Services:
    """Return the services of the application that handles the request."""
    return cast("Services", current_app.extensions[EXTENSION])
