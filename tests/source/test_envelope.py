"""Real events of every shape become the envelope that plain `json` says they should."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ghstream_source.envelope import Malformed, decode, identity, read_identity

DATA = Path(__file__).parents[1] / "data"
CAPTURES = [
    "gharchive/2015-01-01-0.head3000.json.gz",
    "gharchive/2021-07-21.first150.json.gz",
    "gharchive/2024-01-01-15.first50.json.gz",
    "events_api/trimmed-payloads.jsonl.gz",
]
NOW = "2026-11-21T10:00:00.123Z"


def read(capture: str) -> list[bytes]:
    return gzip.decompress((DATA / capture).read_bytes()).splitlines()


def envelope(raw: bytes) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(msgspec.json.encode(decode(raw, NOW)))
    return decoded


def expected(raw: bytes) -> dict[str, Any]:
    """What the contract says of one event, in the order of the contract."""
    event = json.loads(raw)
    kind, payload = event["type"], event.get("payload", {})
    issue, pull = payload.get("issue", {}), payload.get("pull_request", {})
    action = payload.get("action")
    login = event["actor"]["login"]
    fields = {name: event[name] for name in ("id", "type", "created_at")}
    fields |= {"ingested_at": NOW, "actor": login, "actor_id": event["actor"]["id"]}
    fields |= {"is_bot": login.endswith("[bot]"), "org": event.get("org", {}).get("login")}
    fields |= {"repo": event["repo"]["name"], "repo_id": event["repo"]["id"], "action": action}
    fields["number"] = payload.get("number") or issue.get("number") or pull.get("number")
    fields["ref"] = payload.get("ref")
    if kind == "PushEvent":
        fields["pushed_commits"] = payload.get("size")
    if kind == "IssuesEvent":
        fields["opened_at"] = issue["created_at"]
        fields["closed_at"] = issue["closed_at"] if action == "closed" else None
    if kind == "PullRequestEvent":
        fields["opened_at"] = pull.get("created_at")
        if action in ("closed", "merged"):
            merged = action == "merged" or pull.get("merged", False)
            fields["merged"] = merged
            fields["closed_at"] = pull.get("merged_at") if merged else pull.get("closed_at")
    language = payload["forkee"] if "forkee" in payload else pull.get("base", {}).get("repo", {})
    fields["language"] = (language or {}).get("language")
    return {name: value for name, value in fields.items() if value is not None}


@pytest.mark.parametrize("capture", CAPTURES)
def test_every_real_event_has_exactly_the_fields_that_its_shape_tells(capture: str) -> None:
    lines = read(capture)
    assert len(lines) >= 50
    for line in lines:
        assert envelope(line) == expected(line)


@pytest.mark.parametrize("capture", CAPTURES)
def test_the_identity_of_every_real_event_is_id_type_and_time(capture: str) -> None:
    for line in read(capture):
        event = json.loads(line)
        found = read_identity(line)
        assert found == identity(decode(line, NOW))
        assert (*found[:2], found[2].strftime("%Y-%m-%dT%H:%M:%SZ")) == (
            event["id"],
            event["type"],
            event["created_at"],
        )


def test_both_shapes_tell_merged_pull_requests_from_closed_ones() -> None:
    def outcomes(capture: str) -> Counter[tuple[str, bool | None, bool]]:
        found = (envelope(line) for line in read(capture))
        return Counter(
            (event["action"], event.get("merged"), "closed_at" in event)
            for event in found
            if event["type"] == "PullRequestEvent"
        )

    old, trimmed = outcomes(CAPTURES[0]), outcomes(CAPTURES[3])
    assert old[("closed", True, True)] > 10
    assert old[("closed", False, True)] == 10
    assert old[("opened", None, False)] > 10
    assert trimmed == {("opened", None, False): 24, ("merged", True, False): 24}


def made(kind: str, payload: dict[str, Any], **more: Any) -> bytes:
    event = {"id": "1", "type": kind, "created_at": "2026-08-15T09:11:28Z", "payload": payload}
    return json.dumps(event | more).encode()


def test_an_issue_opened_but_read_after_it_was_closed_is_not_closed() -> None:
    times = {"created_at": "2026-08-15T09:11:27Z", "closed_at": "2026-08-15T10:00:00Z"}
    opened = envelope(made("IssuesEvent", {"action": "opened", "issue": {"number": 3, **times}}))
    closed = envelope(made("IssuesEvent", {"action": "closed", "issue": {"number": 3, **times}}))
    assert opened["opened_at"] == "2026-08-15T09:11:27Z"
    assert "closed_at" not in opened
    assert closed["closed_at"] == "2026-08-15T10:00:00Z"


def test_a_trimmed_pull_request_closed_unmerged_is_not_merged() -> None:
    event = envelope(made("PullRequestEvent", {"action": "closed", "pull_request": {"number": 7}}))
    assert (event["merged"], event["number"]) == (False, 7)
    assert "closed_at" not in event


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        ({"size": 25, "commits": [{}] * 20}, 25),
        ({"commits": [{"sha": "a"}, {"sha": "b"}]}, 2),
        ({"commits": []}, 0),
        ({"push_id": 1, "ref": "refs/heads/main"}, None),
        ({"commits": None}, None),
    ],
)
def test_commits_are_counted_where_the_shape_tells(payload: dict[str, Any], count: int) -> None:
    assert envelope(made("PushEvent", payload)).get("pushed_commits") == count


@pytest.mark.parametrize(
    ("actor", "is_bot"),
    [
        ({"login": "dependabot[bot]"}, True),
        ({"login": "copilot", "type": "Bot"}, True),
        ({"login": "robot"}, False),
    ],
)
def test_bots_are_those_that_github_marks(actor: dict[str, str], is_bot: bool) -> None:
    assert envelope(made("WatchEvent", {}, actor=actor))["is_bot"] is is_bot


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not JSON"),
        (b'{"id": "1", "ty', "not JSON"),
        (b"<html>", "not JSON"),
        (b'{"id": "\xff"}', "not JSON"),
        (b"[]", "not an event"),
        (b'{"type": "PushEvent", "created_at": "2026-01-01T00:00:00Z"}', "not an event: .*`id`"),
        (b'{"id": "1", "created_at": "2026-01-01T00:00:00Z"}', "not an event: .*`type`"),
        (b'{"id": "1", "type": "PushEvent"}', "not an event: .*`created_at`"),
        (b'{"id": "1", "type": "PushEvent", "created_at": "now"}', "not an event: .*created_at"),
        (made("PushEvent", {"commits": 3}), "not an event"),
        (b'{"payload": {"commits": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "not an event"),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode(raw, NOW)


def test_times_with_an_offset_become_utc() -> None:
    raw = b'{"id": "1", "type": "PushEvent", "created_at": "2026-01-01T01:00:00+02:00"}'
    assert envelope(raw)["created_at"] == "2025-12-31T23:00:00Z"


def timeline(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    """An event as GH Archive recorded it from 2012 to 2014."""
    return {
        "created_at": "2013-01-01T10:22:31-08:00",
        "payload": payload,
        "public": True,
        "type": kind,
        "url": "https://github.com/projectblacklight/blacklight",
        "actor": "alice",
        "actor_attributes": {"login": "alice", "type": "User", "gravatar_id": ""},
        "repository": {
            "id": 355634,
            "name": "blacklight",
            "owner": "projectblacklight",
            "organization": "projectblacklight",
            "language": "Ruby",
            "created_at": "2012-12-19T14:13:15-08:00",
        },
    }


def test_an_issue_of_2011_whose_payload_holds_bare_ids_is_read() -> None:
    payload = {"action": "opened", "repo": "a/b", "actor": "x", "issue": 573134, "number": 9}
    raw = made("IssuesEvent", payload, repo={"id": 7, "name": "a/b"}, id=1127195475)
    event = envelope(raw)
    assert (event["id"], event["action"], event["number"]) == ("1127195475", "opened", 9)
    assert (event["repo"], event["repo_id"]) == ("a/b", 7)
    assert envelope(made("ForkEvent", {"forkee": 1359086}))["type"] == "ForkEvent"


def test_a_pull_request_of_the_timeline_api_is_read_with_its_times_in_utc() -> None:
    merged = {
        "number": 3,
        "created_at": "2012-12-31T20:00:00-08:00",
        "closed_at": "2013/01/01 10:22:30 -0800",
        "merged_at": "2013/01/01 10:22:30 -0800",
        "merged": True,
    }
    raw = timeline("PullRequestEvent", {"action": "closed", "pull_request": merged, "number": 3})
    event = envelope(json.dumps(raw).encode())
    assert len(event.pop("id")) == 32
    assert event == {
        "type": "PullRequestEvent",
        "created_at": "2013-01-01T18:22:31Z",
        "ingested_at": NOW,
        "actor": "alice",
        "is_bot": False,
        "repo": "projectblacklight/blacklight",
        "repo_id": 355634,
        "org": "projectblacklight",
        "action": "closed",
        "number": 3,
        "opened_at": "2013-01-01T04:00:00Z",
        "closed_at": "2013-01-01T18:22:30Z",
        "merged": True,
    }


def test_records_of_the_timeline_api_without_an_id_are_told_apart_by_all_they_hold() -> None:
    first = json.dumps(timeline("PushEvent", {"size": 1, "head": "aa"})).encode()
    second = json.dumps(timeline("PushEvent", {"size": 1, "head": "bb"})).encode()
    assert read_identity(first) == read_identity(first + b"\r") == identity(decode(first, NOW))
    assert read_identity(first) != read_identity(second)


def test_the_early_form_of_a_time_is_read() -> None:
    raw = timeline("WatchEvent", {}) | {"created_at": "2012/03/10 22:00:00 -0800", "repository": {}}
    event = envelope(json.dumps(raw).encode())
    assert event["created_at"] == "2012-03-11T06:00:00Z"
    assert "repo" not in event


def test_what_is_empty_or_null_is_absent() -> None:
    nothing = {
        "actor": {"id": 1, "login": ""},
        "org": {"login": ""},
        "repo": {"id": 2, "name": ""},
    }
    event = envelope(made("GollumEvent", {"action": "", "ref": "", "issue": None}, **nothing))
    assert sorted(event) == ["actor_id", "created_at", "id", "ingested_at", "is_bot", "repo_id",
                             "type"]  # fmt: skip
    assert "repo" not in envelope(made("FollowEvent", {}, repo={"name": "/"}))
    empty = dict.fromkeys(["actor", "org", "repo"])
    assert sorted(envelope(made("PushEvent", {}, **empty, public=None))) == [
        "created_at", "id", "ingested_at", "type",
    ]  # fmt: skip


def test_half_a_surrogate_in_a_text_costs_no_event() -> None:
    raw = made("IssuesEvent", {"action": "opened", "issue": {"number": 1, "title": "?"}})
    assert envelope(raw.replace(b"?", rb"\ud83d"))["number"] == 1


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+05:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00"]
)
def test_a_time_that_cannot_be_is_refused_as_the_events_and_left_out_as_the_issues(
    time: str,
) -> None:
    raw = made("IssuesEvent", {"action": "closed", "issue": {"number": 1, "closed_at": time}})
    assert "closed_at" not in envelope(raw)
    with pytest.raises(Malformed, match="not an event: created_at"):
        decode(raw.replace(b"2026-08-15T09:11:28Z", time.encode()), NOW)
