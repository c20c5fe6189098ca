"""Every figure of the API equals what DuckDB computes from the raw events."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, pairwise
from typing import Any

import pytest

Get = Callable[..., Any]
Stamp = Callable[[float], str]

HOUR = 3600
BOTS = {"all": "true", "only": "is_bot", "none": "NOT is_bot"}
# From and to, in seconds after the first event's day began.
WHOLE = (-HOUR, 100 * HOUR)
ODD = (5 * HOUR + 1234, 30 * HOUR + 77)


def rounded(start: int, span: tuple[int, int], grain: int) -> tuple[int, int]:
    low, high = start + span[0], start + span[1]
    return low - low % grain, high + (-high) % grain


def bounds(filled: Any, span: tuple[int, int], stamp: Stamp) -> dict[str, str]:
    return {"from_": stamp(filled.start + span[0]), "to": stamp(filled.start + span[1])}


@pytest.mark.parametrize("span", [WHOLE, ODD])
@pytest.mark.parametrize("bots", BOTS)
@pytest.mark.parametrize(("step", "seconds"), [("minute", 60), ("hour", 3600), ("day", 86400)])
def test_event_counts(
    filled: Any, get: Get, stamp: Stamp, span: tuple[int, int], bots: str, step: str, seconds: int
) -> None:
    answer = get("/api/v1/event-counts", **bounds(filled, span, stamp), step=step, bots=bots)
    low, high = rounded(filled.start, span, 60)
    rows = filled.ask(
        f"""SELECT type, time // {seconds} * {seconds} AS moment, count(*),
            sum(count(*)) OVER (PARTITION BY type)::BIGINT AS total
        FROM events WHERE time >= $low AND time < $high AND {BOTS[bots]}
        GROUP BY type, moment ORDER BY total DESC, type, moment""",
        low=low, high=high,
    )  # fmt: skip
    expected = [
        {
            "type": kind,
            "total": total,
            "points": [{"at": stamp(at), "events": events} for _, at, events, _ in group],
        }
        for (kind, total), group in groupby(rows, key=lambda row: (row[0], row[3]))
    ]
    assert answer == {
        "from": stamp(low),
        "to": stamp(high),
        "step_seconds": seconds,
        "total": sum(row[2] for row in rows),
        "series": expected,
    }
    assert expected


def test_event_counts_of_chosen_types(filled: Any, get: Get, stamp: Stamp) -> None:
    query = {**bounds(filled, WHOLE, stamp), "type": ["PushEvent", "IssuesEvent"]}
    series = get("/api/v1/event-counts", **query)["series"]
    rows = filled.ask(
        """SELECT type, count(*) AS n FROM events WHERE time >= $low
        AND type IN ('PushEvent', 'IssuesEvent') GROUP BY type ORDER BY n DESC""",
        low=filled.start,
    )
    assert [(line["type"], line["total"]) for line in series] == rows


@pytest.mark.parametrize(
    ("hours", "seconds"), [(5, 60), (7, 3600), (359, 3600), (361, 86_400), (90_000, 86_400)]
)
def test_the_automatic_step_keeps_a_line_readable(get: Get, hours: int, seconds: int) -> None:
    answer = get("/api/v1/event-counts", from_=f"-{hours}h")
    assert answer["step_seconds"] == seconds


@pytest.mark.parametrize("span", [WHOLE, ODD])
@pytest.mark.parametrize("bots", BOTS)
@pytest.mark.parametrize("types", [[], ["PushEvent", "PullRequestEvent"]])
@pytest.mark.parametrize(
    ("path", "key", "limit"),
    [("repositories", "repo", 500), ("repositories", "repo", 2), ("contributors", "actor", 5),
     ("organizations", "org", 3), ("organizations", "org", 500)],
)  # fmt: skip
def test_rankings(
    filled: Any, get: Get, stamp: Stamp, span: tuple[int, int], bots: str, types: list[str],
    path: str, key: str, limit: int,
) -> None:  # fmt: skip
    answer = get(
        f"/api/v1/{path}/top", **bounds(filled, span, stamp), bots=bots, type=types, limit=limit
    )
    low, high = rounded(filled.start, span, HOUR)
    in_range = f"time >= {low} AND time < {high} AND {BOTS[bots]} AND {key} IS NOT NULL"
    chosen = f"{in_range} AND (type IN $types OR len($types) = 0)"
    everybody = filled.ask(
        f"""SELECT {key}, count(*) AS events, count(*) FILTER (is_bot)
        FROM events WHERE {chosen} GROUP BY 1 ORDER BY events DESC, encode({key})""",
        types=types,
    )
    assert (answer["from"], answer["to"]) == (stamp(low), stamp(high))
    assert (answer["total"], answer["events"]) == (len(everybody), sum(r[1] for r in everybody))
    assert [
        (item["rank"], item[key], item["events"], item["bot_events"]) for item in answer["items"]
    ] == [(rank, *row) for rank, row in enumerate(everybody[:limit], 1)]
    for item in answer["items"]:
        by_type = filled.ask(
            f"SELECT type, count(*) FROM events WHERE {chosen} AND {key} = $name GROUP BY 1",
            types=types, name=item[key],
        )  # fmt: skip
        assert item["by_type"] == dict(by_type)
        if key == "actor":
            assert item["is_bot"] == item["actor"].endswith("[bot]")
        if key == "org":
            users = f"SELECT count(DISTINCT actor) FROM events WHERE {in_range} AND org = $org"
            assert filled.ask(users, org=item["org"]) == [(item["active_users"],)]


def test_names_with_as_many_events_are_in_the_order_of_their_code_points(
    filled: Any, get: Get, stamp: Stamp
) -> None:
    answer = get("/api/v1/repositories/top", **bounds(filled, (0, HOUR), stamp), type="ForkEvent")
    ranked = [(-item["events"], item["repo"].encode()) for item in answer["items"]]
    assert ranked == sorted(ranked)
    assert len({events for events, _ in ranked}) < len(ranked)


REPOSITORIES = [
    "kube/core", "kube-x/core", "Zed/ünïcode", "moved/old-name", "moved/new-name", "kube%/a_b",
    "dora/dotfiles", "zed/quiet",
]  # fmt: skip


@pytest.mark.parametrize("span", [WHOLE, ODD, (2 * HOUR, 3 * HOUR)])
@pytest.mark.parametrize("repo", REPOSITORIES)
def test_one_repository(
    filled: Any, get: Get, stamp: Stamp, span: tuple[int, int], repo: str
) -> None:
    answer = get(f"/api/v1/repositories/{repo}", **bounds(filled, span, stamp))
    low, high = rounded(filled.start, span, HOUR)
    rows = f"FROM events WHERE repo = $repo AND time >= {low} AND time < {high}"

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return list(filled.ask(sql, repo=repo))

    assert (answer["repo"], answer["from"], answer["to"]) == (repo, stamp(low), stamp(high))
    assert ask(f"SELECT count(*), count(*) FILTER (is_bot) {rows}") == [
        (answer["events"], answer["bot_events"])
    ]
    assert answer["by_type"] == dict(ask(f"SELECT type, count(*) {rows} GROUP BY 1"))
    hours = ask(
        f"SELECT time // 3600 * 3600 AS moment, count(*) {rows} GROUP BY moment ORDER BY moment"
    )
    assert answer["hours"] == [{"at": stamp(at), "events": events} for at, events in hours]
    steps = {
        (subject, transition): events
        for subject, transition, events in ask(
            f"SELECT subject, transition, count(*) {rows} AND subject IS NOT NULL GROUP BY ALL"
        )
    }
    opened = open_now(filled, "repo = $repo", repo=repo)
    assert answer["issues"] == {
        **{name: steps.get(("issue", name), 0) for name in ("opened", "reopened", "closed")},
        "open_now": opened["issue"],
    }
    assert answer["pull_requests"] == {
        "closed_unmerged": steps.get(("pull_request", "closed"), 0),
        **{n: steps.get(("pull_request", n), 0) for n in ("opened", "reopened", "merged")},
        "open_now": opened["pull_request"],
    }
    assert answer["resolution_times"] == resolutions(filled, low, high, "repo = $repo", repo=repo)
    assert answer["pull_request_interval"] == interval(filled, stamp, repo, low, high)


@pytest.mark.parametrize("span", [WHOLE, ODD])
@pytest.mark.parametrize("repo", REPOSITORIES)
def test_pull_request_intervals(
    filled: Any, get: Get, stamp: Stamp, span: tuple[int, int], repo: str
) -> None:
    answer = get(f"/api/v1/pull-request-intervals/{repo}", **bounds(filled, span, stamp))
    low, high = rounded(filled.start, span, 60)
    expected = interval(filled, stamp, repo, low, high)
    assert answer == {"repo": repo, "from": stamp(low), "to": stamp(high), **expected}


@pytest.mark.parametrize("repo", [*REPOSITORIES, "no/such"])
def test_the_average_interval_of_all_that_is_stored(
    filled: Any, get: Get, stamp: Stamp, repo: str
) -> None:
    expected = interval(filled, stamp, repo, 0, 2**62)
    assert get(f"/v1/avg_pr_interval/{repo}") == {
        "repo": repo,
        "opened": expected["opened"],
        "avg_seconds": expected["average_seconds"],
    }


def interval(filled: Any, stamp: Stamp, repo: str, low: int, high: int) -> dict[str, Any]:
    """The mean of the differences between neighbours."""
    times = [
        time
        for (time,) in filled.ask(
            """SELECT time FROM events WHERE repo = $repo AND subject = 'pull_request'
            AND transition = 'opened' AND time >= $low AND time < $high ORDER BY time""",
            repo=repo, low=low, high=high,
        )
    ]  # fmt: skip
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return {
        "opened": len(times),
        "average_seconds": pytest.approx(sum(gaps) / len(gaps)) if gaps else None,
        "first_opened_at": stamp(times[0]) if times else None,
        "last_opened_at": stamp(times[-1]) if times else None,
    }


# One row per issue or pull request: its name now, and its times.
LIVES = """SELECT subject, last(repo ORDER BY time) AS repo, min(opened_time) AS opened,
    max(CASE WHEN transition = 'reopened' THEN time END) AS reopened,
    max(CASE WHEN transition = 'closed' THEN time END) AS closed,
    min(CASE WHEN transition = 'merged' THEN time END) AS merged
    FROM events WHERE subject IS NOT NULL GROUP BY repo_id, subject, number"""


def open_now(filled: Any, where: str, **parameters: object) -> dict[str, int]:
    lives = filled.ask(f"WITH lives AS ({LIVES}) FROM lives WHERE {where}", **parameters)
    counts = {"issue": 0, "pull_request": 0}
    for subject, _, _, reopened, closed, merged in lives:
        is_open = merged is None and (closed is None or (reopened or 0) > closed)
        counts[subject] += is_open
    return counts


def resolutions(filled: Any, low: int, high: int, where: str, **names: object) -> dict[str, Any]:
    """Counts and exact percentiles, by DuckDB's quantile_cont."""
    found = {
        subject: (ended, measured, *map(approximately, durations))
        for subject, ended, measured, *durations in filled.ask(
            f"""WITH lives AS ({LIVES}), all_ended AS (
                SELECT *, CASE subject WHEN 'issue' THEN closed ELSE merged END AS ended FROM lives
                WHERE subject = 'pull_request' OR coalesce(reopened, 0) <= closed)
            SELECT subject, count(*), count(ended - opened), avg(ended - opened),
                quantile_cont(ended - opened, 0.5), quantile_cont(ended - opened, 0.9)
            FROM all_ended WHERE ended >= {low} AND ended < {high} AND {where} GROUP BY subject""",
            **names,
        )
    }
    answer = {}
    for subject, name, verb in (("issue", "issues", "closed"), ("pull_request", "pull_requests", "merged")):  # fmt: skip # noqa: E501
        ended, measured, average, median, p90 = found.get(subject, (0, 0, None, None, None))
        answer[name] = {
            verb: ended, "measured": measured, "unmeasured": ended - measured,
            "average_seconds": average, "median_seconds": median, "p90_seconds": p90,
        }  # fmt: skip
    return answer


def approximately(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("span", [WHOLE, ODD])
@pytest.mark.parametrize(
    ("query", "where"),
    [({}, "true"), ({"org": "kube"}, "starts_with(repo, 'kube/')"),
     ({"repo": "moved/new-name"}, "repo = 'moved/new-name'"),
     ({"org": "kube%"}, "starts_with(repo, 'kube%/')"),
     ({"repo": "no/such"}, "false"), ({"org": "ZED"}, "starts_with(repo, 'ZED/')")],
)  # fmt: skip
def test_resolution_times(
    filled: Any, get: Get, stamp: Stamp, span: tuple[int, int], query: dict[str, str], where: str
) -> None:
    answer = get("/api/v1/resolution-times", **bounds(filled, span, stamp), **query, limit=3)
    low, high = filled.start + span[0], filled.start + span[1]
    expected = resolutions(filled, low, high, where)
    names = [
        row[0]
        for row in filled.ask(
            f"""WITH lives AS ({LIVES}) SELECT repo FROM lives WHERE {where} AND (
                (subject = 'issue' AND closed >= {low} AND closed < {high}
                    AND coalesce(reopened, 0) <= closed)
                OR (subject = 'pull_request' AND merged >= {low} AND merged < {high}))
            GROUP BY repo ORDER BY count(*) DESC, encode(repo) LIMIT 3"""
        )
    ]
    expected["repositories"] = [
        {"repo": name, **resolutions(filled, low, high, "repo = $repo", repo=name)}
        for name in names
    ]
    assert answer == {"from": stamp(low), "to": stamp(high), **expected}


@pytest.mark.parametrize("span", [WHOLE, ODD])
@pytest.mark.parametrize("bots", BOTS)
@pytest.mark.parametrize("repo", [None, "kube/core", "moved/new-name"])
def test_lifecycle_counts(
    filled: Any, get: Get, stamp: Stamp, span: tuple[int, int], bots: str, repo: str | None
) -> None:
    query = {"repo": repo} if repo else {}
    answer = get("/api/v1/lifecycle-counts", **bounds(filled, span, stamp), bots=bots, **query)
    low, high = rounded(filled.start, span, HOUR)
    where = "repo = $repo" if repo else "true"
    rows = filled.ask(
        f"""SELECT time // 3600 * 3600, subject, transition FROM events
        WHERE subject IS NOT NULL AND time >= {low} AND time < {high} AND {BOTS[bots]} AND {where}
        ORDER BY time""",
        **query,
    )
    names = {
        "issue": {"opened": "opened", "reopened": "reopened", "closed": "closed"},
        "pull_request": {
            "opened": "opened", "reopened": "reopened", "merged": "merged",
            "closed": "closed_unmerged",
        },
    }  # fmt: skip

    def count(some: list[Any], subject: str) -> dict[str, int]:
        steps = [row[2] for row in some if row[1] == subject]
        return {name: steps.count(step) for step, name in names[subject].items()}

    opened = open_now(filled, where, **query)
    assert answer["issues"] == {**count(rows, "issue"), "open_now": opened["issue"]}
    assert answer["pull_requests"] == {
        **count(rows, "pull_request"), "open_now": opened["pull_request"]
    }  # fmt: skip
    per_hour = [(at, list(group)) for at, group in groupby(rows, key=lambda row: row[0])]
    assert answer["hours"] == [
        {"at": stamp(at), "issues": count(group, "issue"), "pull_requests": count(group, "pull_request")}  # noqa: E501
        for at, group in per_hour
    ]  # fmt: skip


@pytest.mark.parametrize("span", [WHOLE, ODD])
@pytest.mark.parametrize("bots", BOTS)
@pytest.mark.parametrize("org", ["kube", "kube-x", "kube%", "Zed", "zed"])
def test_active_users(
    filled: Any, get: Get, stamp: Stamp, span: tuple[int, int], bots: str, org: str
) -> None:
    answer = get(
        f"/api/v1/organizations/{org}/active-users",
        **bounds(filled, span, stamp), bots=bots, limit=4,
    )  # fmt: skip
    low, high = rounded(filled.start, span, HOUR)
    rows = f"FROM events WHERE org = $org AND time >= {low} AND time < {high} AND {BOTS[bots]}"
    users = filled.ask(
        f"SELECT actor, count(*) AS n {rows} GROUP BY 1 ORDER BY n DESC, encode(actor)", org=org
    )
    hours = filled.ask(
        f"""SELECT time // 3600 * 3600 AS moment, count(DISTINCT actor), count(*) {rows}
        GROUP BY moment ORDER BY moment""",
        org=org,
    )
    assert answer == {
        "org": org,
        "from": stamp(low),
        "to": stamp(high),
        "active_users": len(users),
        "users": [{"actor": actor, "events": events} for actor, events in users[:4]],
        "hours": [
            {"at": stamp(at), "active_users": active, "events": events}
            for at, active, events in hours
        ],
    }


def test_status(filled: Any, get: Get, stamp: Stamp) -> None:
    answer = get("/api/v1/status")
    [(events, newest)] = filled.ask("SELECT count(*), max(time) FROM events")
    assert answer["coverage"] == [
        {
            "feed": "org:kube", "polls": 7, "new_events": 12, "gaps": 0, "gap_seconds": 0,
            "last_polled_at": stamp(filled.start), "requests_left": None, "requests_limit": None,
            "resets_at": None,
        },
        {
            "feed": "public", "polls": 90, "new_events": 900, "gaps": 2, "gap_seconds": 45,
            "last_polled_at": stamp(filled.start + HOUR), "requests_left": 41,
            "requests_limit": 60, "resets_at": stamp(filled.start + 2 * HOUR),
        },
    ]  # fmt: skip
    assert (answer["ready"], answer["events"], answer["rejected"]) == (True, events, filled.batches)
    assert answer["newest_event_at"] == stamp(newest)
    assert answer["newest_ingested_at"] == stamp(newest + 0.5)
    assert answer["batch_id"] == filled.batches - 1
    assert answer["merged_at"] <= answer["now"]
    assert answer["freshness_seconds"] >= 0


@pytest.mark.parametrize("path", ["repositories/no/such", "repositories/Kube/core",
                                  "pull-request-intervals/no/such", "organizations/no/active-users"])  # fmt: skip # noqa: E501
def test_what_was_never_seen_is_not_found(
    filled: Any, make_client: Callable[..., Any], path: str
) -> None:
    response = make_client(filled.url).get(f"/api/v1/{path}")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert "case matters" in response.json["detail"]
