"""The fan-out of updates to streams, without a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from ghstream_store.reader import StoreUnavailableError
from ghstream_webapp.live import Feed, TooManyStreamsError, Update


class Source:
    """What the feed reads: the newest number, and how often it was asked."""

    def __init__(self) -> None:
        self.newest = 0
        self.asked = 0
        self.broken = False
        self.readers: set[int] = set()

    def read(self, after: str | None) -> Update | None:
        self.asked += 1
        self.readers.add(threading.get_ident())
        if self.broken:
            raise StoreUnavailableError("away")
        return None if after == str(self.newest) else Update(str(self.newest), "{}")


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def make_feed(source: Source) -> Iterator[Callable[[int], Feed]]:
    feeds: list[Feed] = []

    def make(max_streams: int) -> Feed:
        feeds.append(Feed(source.read, 0.01, max_streams))
        return feeds[-1]

    yield make
    for feed in feeds:
        feed.close()


def test_a_slow_stream_misses_updates_but_never_the_last(
    make_feed: Callable[[int], Feed], source: Source
) -> None:
    feed = make_feed(1)
    feed.join()
    updates = feed.updates(None, heartbeat=30, lifetime=30)
    assert next(updates) == Update("0", "{}")
    for number in range(1, 6):
        source.newest = number
        asked = source.asked
        while source.asked < asked + 2:
            time.sleep(0.001)
    assert next(updates) == Update("5", "{}")


def test_a_quiet_stream_has_a_heartbeat_and_an_end(make_feed: Callable[[int], Feed]) -> None:
    feed = make_feed(1)
    feed.join()
    heard = list(feed.updates("0", heartbeat=0.05, lifetime=0.3))
    assert set(heard) == {None}
    assert 2 <= len(heard) <= 7


def test_the_store_is_left_alone_while_nobody_listens(
    make_feed: Callable[[int], Feed], source: Source
) -> None:
    feed = make_feed(1)
    assert source.asked == 0
    feed.join()
    next(feed.updates(None, heartbeat=30, lifetime=30))
    feed.leave()
    time.sleep(0.1)
    asked = source.asked
    time.sleep(0.2)
    assert source.asked == asked


def test_one_reader_serves_all_streams(make_feed: Callable[[int], Feed], source: Source) -> None:
    feed = make_feed(50)
    for _ in range(50):
        feed.join()
        assert next(feed.updates(None, heartbeat=30, lifetime=30)) == Update("0", "{}")
    source.newest = 1
    assert next(feed.updates("0", heartbeat=30, lifetime=30)) == Update("1", "{}")
    assert len(source.readers) == 1
    with pytest.raises(TooManyStreamsError):
        feed.join()
    feed.leave()
    feed.join()


def test_a_store_that_is_away_is_read_again(
    make_feed: Callable[[int], Feed], source: Source
) -> None:
    feed = make_feed(1)
    source.broken = True
    feed.join()
    updates = feed.updates(None, heartbeat=0.05, lifetime=30)
    assert next(updates) is None
    source.broken = False
    assert Update("0", "{}") in (next(updates) for _ in range(100))


def test_closing_ends_streams_at_once_and_takes_no_new_ones(
    make_feed: Callable[[int], Feed],
) -> None:
    feed = make_feed(2)
    feed.join()
    threading.Timer(0.1, feed.close).start()
    start = time.monotonic()
    assert list(feed.updates("0", heartbeat=60, lifetime=60)) == []
    assert time.monotonic() - start < 30
    with pytest.raises(TooManyStreamsError):
        feed.join()
