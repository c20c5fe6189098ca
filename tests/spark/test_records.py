"""Reading records: what fits, what does not, and that one never costs the other."""

from __future__ import annotations

import json

import msgspec
import pytest
from ghstream_spark.frames import events_frame
from ghstream_spark.records import Coverage, Event, read

GOOD = b'{"id":"1","type":"PushEvent","created_at":"2026-01-02T03:04:05Z","repo":"a/b"}'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated"),
        (b"null", "Expected `object`"),
        (b"[]", "Expected `object`"),
        (b"\x00\xff\xfe", "malformed"),
        (GOOD[:-1], "truncated"),
        (GOOD + b"{}", "trailing"),
        (b'{"type":"X","created_at":"2026-01-02T03:04:05Z"}', "`id`"),
        (GOOD.replace(b'"1"', b"1"), "$.id"),
        (GOOD.replace(b'"1"', b'""'), "$.id"),
        (GOOD.replace(b"a/b", b"\xff"), "utf-8"),
        (GOOD.replace(b"a/b", rb"\ud800"), "truncated"),
        (GOOD.replace(b"a/b", b"x" * 257), "$.repo"),
        (GOOD.replace(b"a/b", rb"a\u0000b"), "U+0000"),
        (GOOD.replace(b"03:04:05Z", b"03:04:05"), "timezone"),
        (GOOD.replace(b"2026-01-02", b"2026-13-02"), "$.created_at"),
        (GOOD.replace(b'"a/b"', b'"a/b","repo_id":9223372036854775808'), "$.repo_id"),
        (GOOD.replace(b'"a/b"', b'"a/b","number":-1'), "$.number"),
        (GOOD.replace(b'"a/b"', b'"a/b","number":1.5'), "$.number"),
    ],
)
def test_a_record_that_does_not_fit_is_named_and_the_others_are_read(
    value: bytes, reason: str
) -> None:
    events, rejected = read([GOOD, value, GOOD], Event)
    assert len(events) == 2
    ((fault),) = rejected
    assert fault.index == 1
    assert reason in fault.reason


def test_fields_that_nobody_knows_yet_are_passed_over() -> None:
    events, rejected = read([GOOD.replace(b'"a/b"', b'"a/b","new":{"x":[1]}')], Event)
    assert (len(events), rejected) == (1, [])


def test_a_null_or_an_empty_text_is_the_same_as_nothing() -> None:
    full = json.loads(GOOD)
    optional = [field.name for field in msgspec.structs.fields(Event) if not field.required]
    nulls = json.dumps(full | dict.fromkeys(optional)).encode()
    texts = json.dumps(full | dict.fromkeys(["actor", "repo", "org", "action"], "")).encode()
    events, rejected = read([GOOD.replace(b',"repo":"a/b"', b""), nulls, texts], Event)
    assert rejected == []
    nothing, null, empty = events_frame(events).to_pylist()
    assert nothing == null == empty
    assert nothing["is_bot"] is False


def test_a_nul_in_a_field_that_nobody_keeps_does_no_harm() -> None:
    extra = GOOD.replace(b'"a/b"', rb'"a/b","message":"a\u0000b"')
    escaped = GOOD.replace(b"a/b", rb"a\\u0000b")
    assert [len(found) for found in read([extra, escaped], Event)] == [2, 0]


def test_other_time_zones_mean_the_same_instant() -> None:
    (here, there), _ = read([GOOD, GOOD.replace(b"03:04:05Z", b"05:04:05+02:00")], Event)
    assert here.created_at == there.created_at


def test_a_poll_without_its_feed_does_not_fit() -> None:
    _, rejected = read([b'{"polled_at":"2026-01-01T00:00:10Z","new_events":1}'], Coverage)
    assert "`feed`" in rejected[0].reason
