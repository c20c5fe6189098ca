"""The OpenAPI document: it is the committed one, and the application keeps to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from ghstream_webapp import create_app
from ghstream_webapp.settings import from_env
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

COMMITTED = Path(__file__).parents[2] / "webapp" / "openapi.json"
# An instance of every endpoint; the application is given its store by `test_answers…`.
DOCUMENT = json.loads(COMMITTED.read_text())


def test_the_committed_document_is_the_applications(
    make_client: Callable[..., FlaskClient], empty_url: str
) -> None:
    served = make_client(empty_url).get("/openapi.json")
    assert served.content_type == "application/json"
    assert served.text == COMMITTED.read_text(), "run: python webapp/write_openapi.py"


def test_every_endpoint_is_in_the_document() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert set(DOCUMENT["paths"]) == {
        "/api/v1/status",
        "/api/v1/event-counts",
        "/api/v1/repositories/top",
        "/api/v1/repositories/{owner}/{repo}",
        "/api/v1/contributors/top",
        "/api/v1/organizations/top",
        "/api/v1/organizations/{org}/active-users",
        "/api/v1/pull-request-intervals/{owner}/{repo}",
        "/api/v1/resolution-times",
        "/api/v1/lifecycle-counts",
        "/api/v1/stream",
        "/v1/avg_pr_interval/{owner}/{repo}",
        "/v1/agg_event_counts",
    }
