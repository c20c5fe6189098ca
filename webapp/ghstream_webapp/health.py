"""Probes: alive, and able to show figures."""

from __future__ import annotations

from flask import Blueprint, Response

from ghstream_webapp.problems import unavailable
from ghstream_webapp.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """Answer as long as the process does."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 503 until the store can be read and a writer has made its tables."""
    if not services().reader.is_ready():
        return unavailable("The store has no tables yet: nothing has written to it.")
    return Response("ok\n", content_type="text/plain; charset=utf-8")
