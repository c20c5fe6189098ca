"""Every figure of the REST API beside what DuckDB computes from the raw events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from expected import load

Get = Callable[..., dict[str, Any]]
EVER = {"from": "2010-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"}
LIMIT = 500


def compare(get: Get, files: Sequence[Path]) -> None:
    """Assert that the API's answers over all time are the figures of the files."""
    with load(files) as db:
        _event_counts(get, db)
        _rankings(get, db)
        _repositories(get, db)
        _organizations(get, db)
        _lifecycles(get, db)
        _resolution_times(get, db)


def _event_counts(get: Get, db: duckdb.DuckDBPyConnection) -> None:
    (first, last) = db.sql("SELECT min(minute), max(minute) + 60 FROM event").fetchall()[0]
    answer = get(
        "/api/v1/event-counts", **{"from": _text(last - 86_400), "to": _text(last)}, step="minute"
    )
    per_minute = {
        (series["type"], _seconds(point["at"])): point["events"]
        for series in answer["series"]
        for point in series["points"]
    }
    expected = db.sql(
        f"SELECT type, minute, count(*) FROM event WHERE minute >= {last - 86_400} GROUP BY ALL"
    )
    assert per_minute == {(kind, minute): n for kind, minute, n in expected.fetchall()}
    days = get("/api/v1/event-counts", **{"from": _text(first), "to": _text(last)}, step="day")
    totals = db.sql("SELECT type, count(*) FROM event GROUP BY ALL").fetchall()
    assert {series["type"]: series["total"] for series in days["series"]} == dict(totals)


def _rankings(get: Get, db: duckdb.DuckDBPyConnection) -> None:
    for path, name in (
        ("repositories", "repo"),
        ("contributors", "actor"),
        ("organizations", "org"),
    ):
        for bots, where in (("all", "true"), ("only", "is_bot"), ("none", "NOT is_bot")):
            answer = get(f"/api/v1/{path}/top", **EVER, limit=LIMIT, bots=bots)
            items = [(item[name], item["events"], item["bot_events"]) for item in answer["items"]]
            chosen = f"FROM event WHERE {name} IS NOT NULL AND {where}"
            expected = db.sql(
                f"SELECT {name}, count(*) AS n, count(*) FILTER (is_bot) {chosen} "
                f"GROUP BY {name} ORDER BY n DESC, {name} LIMIT {LIMIT}"
            ).fetchall()
            assert items == expected
            total = db.sql(f"SELECT count(DISTINCT {name}), count(*) {chosen}").fetchall()[0]
            assert (answer["total"], answer["events"]) == total


def _repositories(get: Get, db: duckdb.DuckDBPyConnection) -> None:
    busiest = db.sql("""
        SELECT repo, count(*) FROM event WHERE repo IS NOT NULL GROUP BY repo
        ORDER BY count(*) FILTER (type = 'PullRequestEvent') DESC, repo LIMIT 15""").fetchall()
    for repo, events in busiest:
        answer = get(f"/api/v1/repositories/{repo}", **EVER)
        by_type = "SELECT type, count(*) FROM event WHERE repo = ? GROUP BY type"
        assert answer["events"] == events
        assert answer["by_type"] == dict(db.execute(by_type, [repo]).fetchall())
        opened, first, last = db.execute(
            "SELECT count(*), min(t), max(t) FROM event "
            "WHERE type = 'PullRequestEvent' AND action = 'opened' AND repo = ?",
            [repo],
        ).fetchall()[0]
        average = (last - first) / (opened - 1) if opened > 1 else None
        interval = get(f"/api/v1/pull-request-intervals/{repo}", **EVER)
        assert (interval["opened"], interval["average_seconds"]) == (opened, average)
        assert get(f"/v1/avg_pr_interval/{repo}")["avg_seconds"] == average


def _organizations(get: Get, db: duckdb.DuckDBPyConnection) -> None:
    largest = db.sql("""
        SELECT org, count(DISTINCT actor) FROM event WHERE org IS NOT NULL GROUP BY org
        ORDER BY count(DISTINCT actor) DESC, org LIMIT 10""").fetchall()
    for org, users in largest:
        answer = get(f"/api/v1/organizations/{org}/active-users", **EVER)
        assert answer["active_users"] == users
        hours = db.execute(
            "SELECT hour, count(DISTINCT actor), count(*) FROM event WHERE org = ? GROUP BY hour",
            [org],
        ).fetchall()
        assert {_seconds(h["at"]): (h["active_users"], h["events"]) for h in answer["hours"]} == {
            hour: (active, events) for hour, active, events in hours
        }


def _lifecycles(get: Get, db: duckdb.DuckDBPyConnection) -> None:
    answer = get("/api/v1/lifecycle-counts", **EVER)
    found = db.sql(
        "SELECT subject, transition, count(*) FROM event WHERE transition IS NOT NULL GROUP BY ALL"
    ).fetchall()
    counts = {(subject, transition): number for subject, transition, number in found}
    for subject, key in (("issue", "issues"), ("pull_request", "pull_requests")):
        closed = "closed" if subject == "issue" else "closed_unmerged"
        names = {"opened": "opened", "reopened": "reopened", closed: "closed"}
        names |= {"merged": "merged"} if subject == "pull_request" else {}
        for name, transition in names.items():
            assert answer[key][name] == counts.get((subject, transition), 0)


def _resolution_times(get: Get, db: duckdb.DuckDBPyConnection) -> None:
    answer = get("/api/v1/resolution-times", **EVER)
    for key, subject, end, where in (
        ("issues", "issue", "closed", "closed IS NOT NULL AND coalesce(reopened <= closed, true)"),
        ("pull_requests", "pull_request", "merged", "merged IS NOT NULL"),
    ):
        resolved, measured, median, p90, average = db.sql(f"""
            SELECT count(*), count({end} - opened), quantile_cont({end} - opened, 0.5),
                quantile_cont({end} - opened, 0.9), avg({end} - opened)
            FROM life WHERE subject = '{subject}' AND {where}""").fetchall()[0]
        found = answer[key]
        assert (found[end], found["measured"]) == (resolved, measured)
        for name, value in (("median", median), ("p90", p90), ("average", average)):
            assert found[f"{name}_seconds"] == (
                None if value is None else pytest.approx(value, rel=1e-9)
            )


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
