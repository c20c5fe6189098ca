"""Planning: what a poll means, given what the feed showed before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ghstream_source.delivery import Record
from ghstream_source.envelope import Event
from ghstream_source.polling import (
    Sighting,
    find,
    first_due,
    join,
    next_interval,
    next_state,
    reaches_further,
)
from ghstream_source.seen import digest, split

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def sighting(second: int) -> Sighting:
    """The event that happened in that second."""
    created_at = BEGIN + timedelta(seconds=second)
    event = Event(id=str(second), type="PushEvent", created_at=created_at, ingested_at="")
    return Sighting(digest(event), created_at, Record(event, "public"))


def page(newest: int, oldest: int) -> list[Sighting]:
    """What shows the events of these seconds, newest first, both included."""
    return [sighting(second) for second in range(newest, oldest - 1, -1)]


def seconds(sightings) -> list[int]:
    return [int(each.record.event.id) for each in sightings]


def state(newest: int, oldest: int):
    return next_state(page(newest, oldest), None, '"etag"', 60, BEGIN.timestamp())


def test_pages_that_overlap_because_the_feed_moved_are_joined():
    assert seconds(join([page(100, 51), page(60, 11)])) == list(range(100, 10, -1))


def test_what_is_newer_than_the_first_page_is_left_to_the_next_poll():
    # 80 events happened between the two requests: those of 101 to 130 are on no page.
    assert seconds(join([page(100, 51), page(180, 131), page(90, 41)])) == list(range(100, 40, -1))


def test_no_pages_join_to_nothing():
    assert join([]) == []
    assert join([[]]) == []


def test_the_next_page_is_wanted_only_while_the_oldest_event_is_unseen():
    assert reaches_further(page(200, 101), None)
    assert reaches_further(page(200, 101), state(100, 1))
    assert not reaches_further(page(200, 101), state(101, 1))
    assert not reaches_further([], None)


def test_new_is_what_is_not_published_oldest_first():
    published = {sighting(second).digest for second in (3, 5)}
    findings = find(page(6, 1), None, published, full=False)
    assert seconds(findings.fresh) == [1, 2, 4, 6]
    assert findings.overlap is None
    assert findings.gap is None


def test_the_overlap_counts_what_this_feed_showed_not_what_others_published():
    everything = {each.digest for each in page(100, 1)}
    findings = find(page(100, 1), state(25, 1), everything, full=False)
    assert findings.overlap == 0.25
    assert not findings.fresh


def test_full_pages_without_overlap_are_a_gap():
    findings = find(page(500, 201), state(150, 1), set(), full=True)
    assert findings.gap == (BEGIN + timedelta(seconds=150), BEGIN + timedelta(seconds=201))
    assert findings.overlap == 0


@pytest.mark.parametrize(
    ("sightings", "before", "full"),
    [
        (page(500, 150), state(150, 1), True),  # one event joins them
        (page(500, 201), None, True),  # a first poll
        (page(500, 490), state(150, 1), False),  # that is all the feed shows
        ([], state(150, 1), True),
        (page(500, 201), next_state([], None, None, 60, 0), True),  # it showed nothing before
    ],
)
def test_everything_else_is_no_gap(sightings, before, full):
    assert find(sightings, before, set(), full=full).gap is None


def test_a_state_remembers_more_than_a_feed_shows_newest_first():
    before = next_state(page(300, 1), None, "a", 60, 0)
    after = next_state(page(350, 251), before, "b", 60, 60)
    assert split(after.visible) == [each.digest for each in page(350, 1)]
    assert after.newest == BEGIN + timedelta(seconds=350)
    assert after.etag == "b"
    for second in range(350, 2000, 50):
        after = next_state(page(second + 50, second - 49), after, "c", 60, 0)
    assert len(split(after.visible)) == 400


def test_a_feed_that_shows_nothing_keeps_its_newest():
    assert next_state([], state(10, 1), None, 60, 0).newest == BEGIN + timedelta(seconds=10)


def test_a_quiet_feed_is_polled_less_and_less_often_up_to_five_minutes():
    interval, intervals = 60.0, []
    for _ in range(6):
        interval = next_interval(interval, 1.0, 60)
        intervals.append(interval)
    assert intervals == [90, 135, 202.5, 300, 300, 300]


def test_the_less_polls_overlap_the_sooner_is_the_next():
    waits = [next_interval(300, overlap, 10) for overlap in (0.99, 0.6, 0.3, 0.1, 0.0)]
    assert waits == [225, 180, 90, 30, 10]


def test_githubs_poll_interval_is_the_least_whatever_the_overlap():
    assert next_interval(60, 0.0, 60) == 60
    assert next_interval(60, 1.0, 900) == 900
    assert next_interval(0, None, 0) == 0.1


def test_a_restart_waits_for_what_is_left_of_the_poll_interval():
    polled_at = BEGIN.timestamp()
    before = next_state(page(10, 1), None, None, 90, polled_at)
    assert first_due(before, polled_at + 30) == polled_at + 90
    assert first_due(before, polled_at + 500) < polled_at + 500
    assert first_due(None, polled_at) == polled_at
    # A clock that was set back does not hold the feed up for longer.
    assert first_due(before, polled_at - 9000) == polled_at - 9000 + 90
