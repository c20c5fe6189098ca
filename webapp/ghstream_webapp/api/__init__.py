"""The REST API: one module per resource."""

from ghstream_webapp.api import (
    event_counts,
    status,
    stream,
)

BLUEPRINTS = (
    status.blueprint,
    event_counts.blueprint,
    stream.blueprint,
)
