"""The OpenAPI document: it is the committed one, and the application keeps to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import given, settings
from schemathesis import Case, GenerationMode

COMMITTED = Path(__file__).parents[2] / "webapp" / "openapi.json"
DOCUMENT = json.loads(COMMITTED.read_text())
STREAM = "/api/v1/stream"


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
        STREAM,
        "/v1/avg_pr_interval/{owner}/{repo}",
        "/v1/agg_event_counts",
    }
    for path, operations in DOCUMENT["paths"].items():
        media_types = set(operations["get"]["responses"]["200"]["content"])
        assert media_types == {"text/event-stream" if path == STREAM else "application/json"}


@pytest.fixture
def described(
    make_client: Callable[..., FlaskClient], fill_store: Callable[..., None], empty_url: str
) -> Any:
    fill_store(empty_url, 1_772_323_200, 1_772_423_200)
    return schemathesis.openapi.from_wsgi("/openapi.json", make_client(empty_url).application)


@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"].keys() - {STREAM}))
def test_answers_to_whatever_request_are_as_described(described: Any, path: str) -> None:
    operation = described[path]["GET"]
    # Not every request that fits the document is a good one: a range may end before it starts.
    unfit = schemathesis.checks.CHECKS.get_one("positive_data_acceptance")

    @given(
        operation.as_strategy(GenerationMode.POSITIVE)
        | operation.as_strategy(GenerationMode.NEGATIVE)
    )
    @settings(max_examples=20, deadline=None, derandomize=True, database=None)
    def check(case: Case) -> None:
        case.call_and_validate(excluded_checks=[unfit])

    check()
