"""The REST API: one module per resource."""

from ghstream_webapp.api import (
    compatibility,
    event_counts,
    lifecycles,
    organizations,
    rankings,
    repositories,
    status,
    stream,
)

BLUEPRINTS = tuple(
    module.blueprint
    for module in (
        status,
        event_counts,
        rankings,
        repositories,
        organizations,
        lifecycles,
        stream,
        compatibility,
    )
)
