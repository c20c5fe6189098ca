"""What the source publishes, Spark reads: no event is lost between the two."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from ghstream_source.envelope import Malformed, decode
from ghstream_spark.records import Event, read

PULL_REQUEST: dict[str, Any] = {
    "id": "1",
    "type": "PullRequestEvent",
    "created_at": "2015-01-01T00:00:00Z",
    "actor": {"id": 1, "login": "alice"},
    "repo": {"id": 2, "name": "a/b"},
    "org": {"login": "a"},
    "payload": {
        "action": "opened",
        "number": 3,
        "ref": "main",
        "pull_request": {"created_at": "2015-01-01T00:00:00Z"},
    },
}
TIMES = ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59Z", "2015/01/01 00:00:00 -0800"]
NUMBERS = [0, -1, 2**63 - 1, 2**63, 1.5, True]
VALUES = ["", "x" * 256, "x" * 257, "é", "/", *TIMES, *NUMBERS, None, [], {}]


def places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    below = value.items() if isinstance(value, dict) else ()
    return [path, *(place for key, part in below for place in places(part, (*path, key)))]


def with_value(event: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    key, *rest = path
    return event | {key: with_value(event[key], tuple(rest), value) if rest else value}


@pytest.mark.parametrize("path", places(PULL_REQUEST)[1:], ids=".".join)
def test_any_value_in_any_place_is_refused_by_the_source_or_read_by_spark(
    path: tuple[str, ...],
) -> None:
    published = []
    for value in VALUES:
        raw = json.dumps(with_value(PULL_REQUEST, path, value)).encode()
        try:
            published.append(msgspec.json.encode(decode(raw, "2026-01-01T00:00:00.000Z")))
        except Malformed:
            continue
    events, rejected = read(published, Event)
    assert published
    assert (len(events), rejected) == (len(published), [])
