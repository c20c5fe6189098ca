"""The memory of what is published, against a model that forgets nothing."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from ghstream_source.seen import DIGEST_SIZE, FeedState, Seen, digest_bytes, rfc3339, split

NOW = 1_790_000_000.0


def name(number: int) -> bytes:
    return digest_bytes(str(number).encode())


def state(visible, at: float) -> FeedState:
    return FeedState(
        etag=None,
        poll_interval=60,
        polled_at=datetime.fromtimestamp(at, UTC),
        newest=None,
        visible=b"".join(map(name, visible)),
    )


class Topic:
    """A compacted topic, and the memory of the process that writes it."""

    def __init__(self, feeds, window: float, now: float) -> None:
        self.feeds, self.window = feeds, window
        self.records: dict[str, bytes] = {}
        self.seen = Seen(feeds, window, now)

    def poll(self, feed: str, visible, now: float, *, complete: bool = True) -> list[int]:
        """Return what is published of what the feed shows."""
        fresh = [number for number in visible if name(number) not in self.seen]
        after = state(visible, now) if complete else None
        positions = self.seen.remember(feed, after, map(name, fresh), now)
        for key, value in positions.items():
            if value is None:
                del self.records[key]
            else:
                self.records[key] = value
        self.seen.apply(positions)
        return fresh

    def restart(self, now: float) -> None:
        self.seen = Seen(self.feeds, self.window, now)
        self.seen.apply(self.records)


def test_what_a_feed_shows_is_remembered_as_long_as_it_shows_it():
    topic = Topic(["a", "b"], 60, NOW)
    assert topic.poll("a", [1, 2], NOW) == [1, 2]
    topic.poll("b", [2], NOW + 1)
    for minute in range(1, 100):
        topic.poll("a", [], NOW + 60 * minute)
        assert topic.poll("b", [2], NOW + 60 * minute) == []
    assert name(1) not in topic.seen
    assert name(2) in topic.seen


def test_what_was_published_is_remembered_for_the_window():
    topic = Topic(["a", "b"], 60, NOW)
    topic.poll("a", [1], NOW)
    topic.poll("a", [], NOW + 1)
    topic.poll("b", [], NOW + 1)
    topic.poll("a", [], NOW + 59)
    assert name(1) in topic.seen
    topic.poll("a", [], NOW + 70)
    topic.poll("b", [], NOW + 70)
    topic.poll("a", [], NOW + 71)
    assert name(1) not in topic.seen
    assert not any(key.startswith("published/") for key in topic.records)


def test_it_is_remembered_until_each_feed_has_been_polled_after_the_window():
    topic = Topic(["a", "b"], 60, NOW)
    topic.poll("b", [], NOW)
    topic.poll("a", [1], NOW + 1)
    topic.poll("a", [], NOW + 2)
    for minute in range(1, 120):  # b fails for two hours
        topic.poll("a", [], NOW + 60 * minute)
    assert topic.poll("b", [1], NOW + 7200) == []


def test_a_feed_that_fails_for_more_than_a_day_holds_nothing_back():
    topic = Topic(["a", "gone"], 60, NOW)
    for hour in range(72):
        topic.poll("a", [hour], NOW + 3600 * hour)
    assert len(topic.records) < 28


def test_not_modified_counts_as_a_poll():
    topic = Topic(["a", "b"], 60, NOW)
    topic.poll("a", [1], NOW)
    topic.seen.polled("b", NOW + 100)
    topic.poll("a", [], NOW + 100)
    topic.poll("a", [], NOW + 101)
    assert name(1) not in topic.seen


def test_a_poll_that_is_not_complete_is_remembered_but_leaves_the_state():
    topic = Topic(["a"], 60, NOW)
    topic.poll("a", [1], NOW)
    topic.poll("a", [2, 3], NOW + 1, complete=False)
    topic.restart(NOW + 2)
    assert split(topic.seen.state("a").visible) == [name(1)]
    assert topic.poll("a", [1, 2, 3, 4], NOW + 1000) == [4]


def test_after_a_long_time_down_nothing_is_forgotten_before_every_feed_is_polled():
    topic = Topic(["a", "b"], 60, NOW)
    topic.poll("b", [], NOW)
    topic.poll("a", [1], NOW + 1)
    topic.poll("a", [], NOW + 2)
    topic.restart(NOW + 9000)
    topic.poll("a", [], NOW + 9000)
    assert topic.poll("b", [1], NOW + 9001) == []


def test_records_of_other_kinds_on_the_state_topic_are_let_be():
    seen = Seen(["a"], 60, NOW)
    seen.apply({"archive/2015-01-01-0": b"\xff", "writer": b"{}"})
    assert len(seen) == 0


def test_times_in_keys_sort_as_they_follow():
    times = [NOW, NOW + 0.001, NOW + 0.5, NOW + 1, NOW + 1e7]
    assert sorted(map(rfc3339, times)) == list(map(rfc3339, times))
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize("seed", range(30))
def test_random_feeds_delays_failures_and_restarts_publish_each_event_once(seed):
    """An event gets into each of its feeds within half the window after it got into the first."""
    rng = random.Random(seed)
    window, shown = 600.0, rng.choice([5, 20, 60])
    feeds = [f"feed{n}" for n in range(rng.randint(1, 4))]
    # Event -> when each of its feeds begins to show it.
    shows: dict[str, list[tuple[float, int]]] = {feed: [] for feed in feeds}
    for number in range(600):
        happened = NOW + number * 10
        for feed in rng.sample(feeds, rng.randint(1, len(feeds))):
            shows[feed].append((happened + rng.choice([0, rng.uniform(0, window / 2)]), number))
    for arrivals in shows.values():
        arrivals.sort()

    topic = Topic(feeds, window, NOW)
    published: list[int] = []
    visible_ever: set[int] = set()
    broken_until = dict.fromkeys(feeds, 0.0)
    now = NOW
    while now < NOW + 600 * 10 + window:
        now += rng.uniform(1, 40)
        feed = rng.choice(feeds)
        if rng.random() < 0.01:
            broken_until[feed] = now + rng.uniform(0, 3 * window)
        if rng.random() < 0.05:
            now += rng.choice([0, 2 * window])
            topic.restart(now)
        if now < broken_until[feed]:
            continue
        visible = [number for at, number in shows[feed] if at <= now][-shown:][::-1]
        visible_ever.update(visible)
        published += topic.poll(feed, visible, now, complete=rng.random() < 0.9)
    assert sorted(published) == sorted(visible_ever)
    remembered = sum(len(value) for key, value in topic.records.items() if "published" in key)
    assert remembered <= 600 * DIGEST_SIZE
