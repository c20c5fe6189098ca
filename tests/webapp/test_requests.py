"""What the application answers to requests that are wrong, odd or not for the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

RANGED = [
    "event-counts", "repositories/top", "contributors/top", "organizations/top",
    "repositories/a/b", "organizations/a/active-users", "pull-request-intervals/a/b",
    "resolution-times", "lifecycle-counts",
]  # fmt: skip
WITH_LIMIT = [
    "repositories/top", "contributors/top", "organizations/top", "organizations/a/active-users",
    "resolution-times",
]  # fmt: skip
WITH_BOTS = [
    "event-counts", "repositories/top", "contributors/top", "organizations/top",
    "organizations/a/active-users", "lifecycle-counts",
]  # fmt: skip
WITH_TYPE = ["event-counts", "repositories/top", "contributors/top", "organizations/top"]
BAD_TIMES = {
    "yesterday": "not a point in time",
    "2026-03-01": "not a point in time",
    "2026-03-01T10:00:00": "names no time zone",
    "2026-03-01T10:00:00 02:00": "not a point in time",
    "2026-02-30T10:00:00Z": "no date that exists",
    "2026-03-01T25:00:00Z": "no date that exists",
    "0001-01-01T00:00:00+10:00": "no date that exists",
    "1969-12-31T23:59:59Z": "before 1970",
    "2500-01-01T00:00:01Z": "after 2499",
    "9999-12-31T23:59:59.5Z": "after 2499",
    "-10": "not a point in time",
    "-10y": "not a point in time",
    "+10m": "not a point in time",
    "-999999999w": "before 1970",
    "-99999999999d": "not a point in time",
    "-\u0661h": "not a point in time",
    "": "not a point in time",
    "1772323200": "not a point in time",
}

BAD = [
    *((path, name, value, message) for path in RANGED[:1] for name in ("from", "to")
      for value, message in BAD_TIMES.items()),
    *((path, "from", "never", "not a point in time") for path in RANGED),
    *((path, "to", "1970-01-02T00:00:00Z", "must be after from") for path in RANGED),
    *((path, "surprise", "1", "not a parameter") for path in [*RANGED, "status", "stream"]),
    *((path, "limit", value, "") for path in WITH_LIMIT for value in ("0", "-1", "501", "x", "")),
    *((path, "bots", value, "") for path in WITH_BOTS for value in ("yes", "", "ALL")),
    *((path, "type", value, "") for path in WITH_TYPE for value in ("", "x" * 201, "a\0b")),
    *(("event-counts", "step", value, "") for value in ("second", "", "60")),
    *((path, "repo", value, "") for path in ("resolution-times", "lifecycle-counts")
      for value in ("", "kube", "a/b/c", "/b", "a/", "a/\0")),
    *(("resolution-times", "org", value, "") for value in ("", "a/b", "\0")),
    ("resolution-times", "limit", "101", "less than or equal to 100"),
]  # fmt: skip


@pytest.fixture
def client(make_client: Callable[..., FlaskClient], empty_url: str) -> FlaskClient:
    return make_client(empty_url)


def assert_refused(response: Any, parameter: str, message: str = "") -> None:
    assert response.status_code == 422
    assert response.content_type == "application/problem+json"
    body = response.json
    assert (body["status"], body["title"]) == (422, "Unprocessable Entity")
    assert parameter in body["detail"]
    [error] = [error for error in body["errors"] if error["parameter"] == parameter]
    assert message in error["message"]


@pytest.mark.parametrize(("path", "name", "value", "message"), BAD)
def test_a_wrong_parameter_is_named(
    client: FlaskClient, path: str, name: str, value: str, message: str
) -> None:
    assert_refused(client.get(f"/api/v1/{path}", query_string={name: value}), name, message)


@pytest.mark.parametrize("value", ["0", "-5", "ten", "", "527041", "1.5"])
def test_a_wrong_offset_is_named(client: FlaskClient, value: str) -> None:
    response = client.get("/v1/agg_event_counts", query_string={"offset_minutes": value})
    assert_refused(response, "offset_minutes")


def test_all_wrong_parameters_are_named_at_once(client: FlaskClient) -> None:
    response = client.get("/api/v1/repositories/top?from=x&to=y&limit=z&bots=b&other=1")
    names = [error["parameter"] for error in response.json["errors"]]
    assert sorted(names) == ["bots", "from", "limit", "other", "to"]


def test_a_range_that_is_empty_or_backwards_is_refused(client: FlaskClient) -> None:
    for start, stop in (("now", "now"), ("-1h", "-2h")):
        response = client.get("/api/v1/event-counts", query_string={"from": start, "to": stop})
        assert_refused(response, "to", "must be after from")
    assert_refused(
        client.get("/api/v1/event-counts?from=2499-12-31T00:00:00Z"), "to", "must be after from"
    )


def test_the_last_hours_that_may_be_asked_for_are_written_as_they_are(client: FlaskClient) -> None:
    until = {"from": "2499-12-31T23:30:00Z", "to": "2500-01-01T00:00:00Z"}
    answer = client.get("/api/v1/repositories/top", query_string=until).json
    assert (answer["from"], answer["to"]) == ("2499-12-31T23:00:00Z", "2500-01-01T00:00:00Z")


def test_more_points_than_anybody_reads_are_refused(client: FlaskClient) -> None:
    assert client.get("/api/v1/event-counts?from=-166h&step=minute").status_code == 200
    response = client.get("/api/v1/event-counts?from=-167h&step=minute")
    assert_refused(response, "step", "10000")


def test_a_parameter_given_twice_is_refused_unless_it_may_be(client: FlaskClient) -> None:
    assert client.get("/api/v1/event-counts?type=PushEvent&type=ForkEvent").status_code == 200
    response = client.get("/api/v1/repositories/top?limit=1&limit=2")
    assert_refused(response, "limit", "more than once")
    many = "&".join(f"type=T{n}" for n in range(51))
    assert_refused(client.get(f"/api/v1/event-counts?{many}"), "type")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"),
        ("2026-03-01t10:00:59z", "2026-03-01T10:00:00Z"),
        ("2026-03-01T12:00:00.9+02:00", "2026-03-01T10:00:00Z"),
        ("2026-03-01 05:00:00-05:00", "2026-03-01T10:00:00Z"),
    ],
)
def test_any_offset_is_understood_and_answered_in_utc(
    client: FlaskClient, given: str, expected: str
) -> None:
    query = {"from": given, "to": "2026-03-02T00:00:00.1Z"}
    answer = client.get("/api/v1/event-counts", query_string=query).json
    assert (answer["from"], answer["to"]) == (expected, "2026-03-02T00:01:00Z")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("-90s", 90), ("-10m", 600), ("-24h", 86_400), ("-7d", 604_800), ("-2w", 1_209_600)],
)
def test_relative_times_count_back_from_now(client: FlaskClient, given: str, seconds: int) -> None:
    now = datetime.now(UTC).timestamp()
    answer = client.get("/api/v1/event-counts", query_string={"from": given}).json
    start, stop = (datetime.fromisoformat(answer[name]).timestamp() for name in ("from", "to"))
    assert -60 <= start - (now - seconds) <= 30
    assert 0 <= stop - now <= 90


def test_the_last_minutes_are_counted(
    make_client: Callable[..., FlaskClient], fill_store: Callable[..., None], empty_url: str
) -> None:
    now = int(datetime.now(UTC).timestamp())
    fill_store(empty_url, now - 5, now - 240, now - 3600, now - 90_000)
    client = make_client(empty_url)
    for minutes, total in ((1, 1), (10, 2), (120, 3), (10_000, 4)):
        answer = client.get(f"/v1/agg_event_counts?offset_minutes={minutes}").json
        assert answer == {"offset_minutes": minutes, "total": total, "counts": {"PushEvent": total}}
    assert client.get("/v1/agg_event_counts").json["total"] == 2
    assert client.get("/api/v1/repositories/top").json["events"] == 3
    assert client.get("/api/v1/status").json["freshness_seconds"] < 60


def test_paths_that_are_not_there_are_problems_too(client: FlaskClient) -> None:
    for path in ("/api/v1/nothing", "/nothing", "/api/v1/repositories/only-owner",
                 "/api/v1/repositories/a/b%00c", "/static/nothing.js"):  # fmt: skip
        response = client.get(path)
        assert response.status_code == 404
        assert response.content_type == "application/problem+json"
        assert response.json["status"] == 404


def test_another_method_is_refused_and_the_right_ones_are_told(client: FlaskClient) -> None:
    response = client.post("/api/v1/status")
    assert response.status_code == 405
    assert response.json["status"] == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    "path", ["/api/v1/status", "/docs", "/openapi.json", "/livez", "/readyz", "/nothing",
             "/api/v1/event-counts?from=x", "/static/js/docs.js"],
)  # fmt: skip
def test_every_response_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("img-src") == "'self' data:"
    assert set(policy.values()) == {"'self'", "'none'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    if not path.startswith("/static"):
        assert headers["Cache-Control"] == "no-store"


def test_static_files_are_revalidated_instead_of_sent_again(client: FlaskClient) -> None:
    first = client.get("/static/js/docs.js")
    again = client.get("/static/js/docs.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)


def test_the_documentation_page_loads_only_from_here(client: FlaskClient) -> None:
    page = client.get("/docs").text
    assert "//" not in page
    assert "<style" not in page
    assert "<script>" not in page
    assert "swagger-ui" in page


def test_requests_are_measured_by_route_method_and_status(client: FlaskClient) -> None:
    for path in ("/api/v1/repositories/a/b", "/api/v1/repositories/c/d", "/x", "/y", "/livez"):
        client.get(path)
    client.open("/livez", method="BREW")
    registry = client.application.extensions["ghstream"].metrics
    counts = {
        tuple(sample.labels[name] for name in ("route", "method", "status")): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "ghstream_http_request_duration_seconds_count"
    }
    assert counts == {
        ("/api/v1/repositories/<name:owner>/<name:repo>", "GET", "404"): 2,
        ("none", "GET", "404"): 2,
        ("/livez", "GET", "200"): 1,
        ("none", "other", "405"): 1,
    }


def test_a_notice_and_the_name_of_the_stream_are_told(
    make_client: Callable[..., FlaskClient], empty_url: str
) -> None:
    answer = make_client(empty_url, WEBAPP_NOTICE="a replay, not live").get("/api/v1/status").json
    assert (answer["notice"], answer["stream"]) == ("a replay, not live", "test-events")
    assert json.dumps(answer["coverage"]) == "[]"
