"""The live source: polls the feeds of a scope and publishes each event once.

One poll is one delivery: its events, its coverage and the feed's new state are one transaction.
While a delivery is being published nothing is polled, so no more than one poll is ever held.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ghstream_source import metrics
from ghstream_source.budget import Budget, backoff
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
    first_due,
    join,
    next_interval,
    next_state,
    reaches_further,
    read,
)
from ghstream_source.seen import FeedState, Seen, rfc3339
from ghstream_source.settings import Settings

FIRST_RETRY = 1.0
OUTCOMES = {type(None): "events", NotModified: "not_modified", Refused: "refused", Failed: "failed"}

log = logging.getLogger(__name__)


def run(
    settings: Settings,
    publisher: Publisher,
    stop: threading.Event,
    *,
    now: Callable[[], float] = time.time,
    wait: Callable[[float], object] | None = None,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Poll until `stop` is set, going on from the publisher's positions.

    `wait` sleeps for so many seconds, or until `stop` is set. Raises what `publisher.publish`
    raises; whatever GitHub answers, the polling goes on.
    """
    wait = wait or stop.wait
    source = EventsSource(settings, publisher, now, jitter)
    try:
        while not stop.is_set():
            if (pause := source.idle_seconds()) > 0:
                wait(pause)
            else:
                source.poll_next()
    finally:
        source.close()


@dataclass
class Turn:
    """When a feed is due (epoch), and what decides it (seconds)."""

    feed: Feed
    due: float = 0.0
    interval: float = 0.0
    poll_interval: float = POLL_INTERVAL
    failures: int = 0


@dataclass
class Fetched:
    """The pages of one poll, and the answer that ended it if that was not a page."""

    pages: list[list[Sighting]] = field(default_factory=list)
    etag: str | None = None
    ended_by: NotModified | Refused | Failed | None = None


class EventsSource:
    """Polls one feed at a time, whichever is due first."""

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
        names = [feed.name for feed in settings.scope]
        self._seen = Seen(names, settings.deduplication_window, now())
        self._seen.apply(publisher.positions())
        self._turns = [
            Turn(feed, due=first_due(self._seen.state(feed.name), now())) for feed in settings.scope
        ]
        log.info("Polling %s with %d tokens", ", ".join(names), len(settings.tokens))

    def close(self) -> None:
        """Close the connections to GitHub."""
        self._github.close()

    def idle_seconds(self) -> float:
        """Return how long there is nothing to poll, by the feeds' turns and by the budget."""
        now = self._now()
        due = min(turn.due for turn in self._turns)
        return max(due, self._budget.ready_at(now)) - now

    def poll_next(self) -> None:
        """Poll the feed that is due first, publish what is new, and plan its next turn."""
        turn = min(self._turns, key=lambda turn: turn.due)
        feed, started = turn.feed, self._now()
        state = self._seen.state(feed.name)
        with metrics.POLL_SECONDS.labels(feed.kind).time():
            fetched = self._fetch(turn, state)
        sightings = join(fetched.pages)
        full = len(fetched.pages) == PAGES and fetched.ended_by is None
        findings = find(sightings, state, self._seen, full=full)
        match fetched.ended_by:
            case None:
                after = next_state(sightings, state, fetched.etag, turn.poll_interval, started)
                self._publish(feed, findings, after, started)
                self._plan(turn, findings.overlap, started)
            case NotModified():
                self._seen.polled(feed.name, started)
                self._publish(feed, findings, None, started)
                self._plan(turn, findings.overlap, started)
            case fault:
                # Pages are missing, so the state stays: the next poll has to reach back to the
                # last complete one, whatever is published of this one already.
                if findings.fresh:
                    self._publish(feed, findings, None, started)
                self._plan_retry(turn, fault, started, fetched.pages)
        metrics.POLLS.labels(feed.kind, OUTCOMES[type(fetched.ended_by)]).inc()

    def _fetch(self, turn: Turn, state: FeedState | None) -> Fetched:
        fetched = Fetched()
        for number in range(1, PAGES + 1):
            etag = state.etag if state is not None and number == 1 else None
            outcome = self._request(turn.feed, number, etag)
            if not isinstance(outcome, Refused | Failed) and number == 1:
                turn.poll_interval = outcome.poll_interval
            if not isinstance(outcome, Page):
                fetched.ended_by = outcome
                break
            if number == 1:
                fetched.etag = outcome.etag
            page = read(outcome.events, turn.feed.name, rfc3339(self._now()), raw=self._raw)
            fetched.pages.append(page)
            if not (outcome.has_next and reaches_further(page, state)):
                break
        return fetched

    def _request(self, feed: Feed, number: int, etag: str | None) -> Outcome:
        allowance = self._budget.pick(self._now())
        if allowance is None:
            return Refused(None, "no requests left")
        answer = self._github.page(feed.path, number, etag, allowance.token)
        now = self._now()
        match answer.outcome:
            case Refused(until, reason):
                until = self._budget.pause(allowance, answer.rate, now, until)
                position = self._budget.allowances.index(allowance) + 1
                who = f"token {position}" if allowance.token else "the anonymous client"
                log.warning("No requests by %s for %.0f s: %s", who, until - now, reason)
            case Page():
                self._budget.observe(allowance, answer.rate, now, free=False)
            case NotModified():
                self._budget.observe(allowance, answer.rate, now, free=True)
        return answer.outcome

    def _publish(
        self, feed: Feed, findings: Findings, state: FeedState | None, polled_at: float
    ) -> None:
        records = [each.record for each in findings.fresh]
        published = [each.digest for each in findings.fresh]
        positions = self._seen.remember(feed.name, state, published, polled_at)
        self._publisher.publish(
            Delivery(
                events=[record for record in records if isinstance(record, Record)],
                rejected=[record for record in records if isinstance(record, Rejected)],
                coverage=[self._coverage(feed, findings, polled_at)],
                positions=positions,
            )
        )
        self._seen.apply(positions)
        if findings.fresh:
            log.info("%s: %d new", feed.name, len(findings.fresh))
        metrics.REMEMBERED.set(len(self._seen))
        if findings.overlap is not None:
            metrics.OVERLAP.labels(feed.kind).set(findings.overlap)
        if findings.gap is not None:
            newest_before, oldest_now = findings.gap
            metrics.GAPS.labels(feed.kind).inc()
            metrics.GAP_SECONDS.labels(feed.kind).inc((oldest_now - newest_before).total_seconds())
            log.warning("Gap in %s: nothing seen from %s to %s", feed.name, *findings.gap)

    def _coverage(self, feed: Feed, findings: Findings, polled_at: float) -> Coverage:
        coverage = Coverage(
            feed=feed.name, polled_at=rfc3339(polled_at), new_events=len(findings.fresh)
        )
        if findings.gap is not None:
            newest_before, oldest_now = findings.gap
            coverage.gap_from = rfc3339(newest_before.timestamp())
            coverage.gap_to = rfc3339(oldest_now.timestamp())
        if (rate := self._budget.total(self._now())) is not None:
            coverage.requests_left = rate.remaining
            coverage.requests_limit = rate.limit
            coverage.resets_at = rfc3339(rate.reset)
            metrics.REQUESTS_LEFT.set(rate.remaining)
            metrics.REQUESTS_LIMIT.set(rate.limit)
        return coverage

    def _plan(self, turn: Turn, overlap: float | None, started: float) -> None:
        turn.failures = 0
        turn.interval = next_interval(turn.interval, overlap, turn.poll_interval)
        turn.due = started + turn.interval
        metrics.NEXT_POLL.labels(turn.feed.kind).set(turn.interval)

    def _plan_retry(
        self, turn: Turn, fault: Refused | Failed, started: float, pages: Sequence[object]
    ) -> None:
        # After a refusal it is the token that waits; another one may go on at once.
        delay = max(turn.poll_interval, SHORTEST_INTERVAL) if pages else 0.0
        if isinstance(fault, Failed):
            pause = backoff(turn.failures, FIRST_RETRY, LONGEST_INTERVAL, self._jitter)
            delay = max(delay, pause)
            turn.failures += 1
            log.warning("%s: next poll in %.1f s: %s", turn.feed.name, delay, fault.reason)
        turn.due = started + delay
        metrics.NEXT_POLL.labels(turn.feed.kind).set(delay)
