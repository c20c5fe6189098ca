"""The live source: polls the feeds of a scope, and publishes each event once.

One poll is one delivery: its events, its coverage and the feed's new state are one transaction.
While a delivery is being published nothing is polled, so no more than one poll is ever held.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge, Histogram

from ghstream_source.budget import Budget, Rate, backoff
from ghstream_source.delivery import Coverage, Delivery, Publisher, Record, Rejected
from ghstream_source.feeds import Feed
from ghstream_source.github import (
    PAGES,
    POLL_INTERVAL,
    Failed,
    GitHub,
    NotModified,
    Outcome,
    Page,
    Refused,
)
from ghstream_source.polling import (
    LONGEST_INTERVAL,
    SHORTEST_INTERVAL,
    Findings,
    Sighting,
    find,
    join,
    next_interval,
    next_state,
    reaches_further,
    read,
)
from ghstream_source.seen import FeedState, Seen, rfc3339
from ghstream_source.settings import Settings

FIRST_RETRY = 5.0

POLLS = Counter("ghstream_source_polls", "Polls of feeds", ["feed_kind", "outcome"])
POLL_SECONDS = Histogram("ghstream_source_poll_seconds", "Time to fetch a poll", ["feed_kind"])
NEXT_POLL = Gauge("ghstream_source_next_poll_seconds", "Time between polls", ["feed_kind"])
OVERLAP = Gauge(
    "ghstream_source_poll_overlap_ratio", "Share of a poll that was seen before", ["feed_kind"]
)
GAPS = Counter("ghstream_source_gaps", "Polls that do not join the one before", ["feed_kind"])
GAP_SECONDS = Counter("ghstream_source_gap_seconds", "Time that gaps span", ["feed_kind"])
REQUESTS_LEFT = Gauge("ghstream_source_rate_limit_remaining", "Requests left, of all tokens")
REQUESTS_LIMIT = Gauge("ghstream_source_rate_limit", "Requests per hour, of all tokens")
REMEMBERED = Gauge("ghstream_source_remembered_identities", "Identities known as published")

log = logging.getLogger(__name__)


@dataclass
class Polled:
    """One feed in the loop: when it is due (epoch), and what led to that (seconds)."""

    feed: Feed
    due: float = 0.0
    interval: float = 0.0
    failures: int = 0
    poll_interval: float = POLL_INTERVAL


@dataclass
class Fetched:
    """The pages that one poll got; `ended_by` is the answer, other than a page, that ended it."""

    etag: str | None = None
    poll_interval: float = POLL_INTERVAL
    pages: list[list[Sighting]] = field(default_factory=list)
    ended_by: NotModified | Refused | Failed | None = None


def run(
    settings: Settings,
    publisher: Publisher,
    stop: threading.Event,
    *,
    now: Callable[[], float] = time.time,
    wait: Callable[[float], object] | None = None,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Poll until `stop` is set. `wait` sleeps for seconds, at most until `stop` is set.

    Goes on from what the publisher's positions say. Raises what `publisher.publish` raises, and
    nothing that GitHub answers.
    """
    sleep = wait or stop.wait
    source = EventsSource(settings, publisher, now, jitter)
    try:
        while not stop.is_set():
            if (pause := source.idle_seconds()) > 0:
                sleep(pause)
            else:
                source.poll_next()
    finally:
        source.close()


class EventsSource:
    """Polls one feed after the other, whichever is due first."""

    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        now: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._publisher = publisher
        self._now = now
        self._jitter = jitter
        self._raw = settings.raw
        self._github = GitHub(settings.api_url, now=now)
        self._budget = Budget(settings.tokens, jitter)
        self._polled = [Polled(feed) for feed in settings.feeds]
        names = [feed.name for feed in settings.feeds]
        self._seen = Seen(names, settings.deduplication_window, now())
        self._seen.apply(publisher.positions())

    def close(self) -> None:
        """Close the connections to GitHub."""
        self._github.close()

    def idle_seconds(self) -> float:
        """Return how long nothing may be polled, by the feeds and by the budget."""
        now = self._now()
        return max(min(each.due for each in self._polled), self._budget.ready_at(now)) - now

    def poll_next(self) -> None:
        """Poll the feed that is due first, publish what it showed, and plan its next poll."""
        polled = min(self._polled, key=lambda each: each.due)
        kind = polled.feed.kind
        started = self._now()
        state = self._seen.state(polled.feed.name)
        with POLL_SECONDS.labels(kind).time():
            fetched = self._fetch(polled.feed, state)
        if fetched.pages or isinstance(fetched.ended_by, NotModified):
            polled.poll_interval = fetched.poll_interval
            overlap = self._publish(polled.feed, fetched, state, started)
        match fetched.ended_by:
            case None:
                self._plan(polled, started, overlap)
            case NotModified():
                self._seen.polled(polled.feed.name, started)
                self._plan(polled, started, 1.0)
            case Refused() | Failed() as fault:
                self._plan_retry(polled, started, fault, bool(fetched.pages))
        outcome = type(fetched.ended_by or Page).__name__
