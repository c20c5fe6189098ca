"""The live source as a whole, against a GitHub that serves real events over real HTTP."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from fake_github import FAULTS, FakeGitHub, read_events
from ghstream_source import events
from ghstream_source.delivery import Delivery, Stopped
from ghstream_source.settings import Settings, from_env
from prometheus_client import REGISTRY

DATA = Path(__file__).parents[1] / "data"
OLD = DATA / "gharchive" / "2015-01-01-0.head3000.json.gz"
TRIMMED = DATA / "events_api" / "trimmed-payloads.jsonl.gz"
Identity = tuple[str, str, str]


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.time = 1_790_000_000.0

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds


class Killed(Exception):
    pass


@dataclass
class Recorder:
    """A publisher in memory. `killed_at`: that many deliveries are committed, the next is not."""

    state: dict[str, bytes] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    killed_at: int | None = None

    def positions(self) -> dict[str, bytes]:
        return dict(self.state)

    def publish(self, delivery: Delivery) -> None:
        if self.killed_at == len(self.deliveries):
            raise Killed
        self.deliveries.append(delivery)
        for key, value in delivery.positions.items():
            if value is None:
                del self.state[key]
            else:
                self.state[key] = value

    def published(self) -> Counter[Identity]:
        return Counter(
            (event.id, event.type, event.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
            for delivery in self.deliveries
            for event, _, _ in delivery.events
        )

    def coverage(self, feed: str) -> list:
        return [c for delivery in self.deliveries for c in delivery.coverage if c.feed == feed]


def identity(event: bytes) -> Identity:
    parsed = json.loads(event)
    return parsed["id"], parsed["type"], parsed["created_at"]


def each_once(lines: list[bytes]) -> Counter[Identity]:
    return Counter({identity(line): 1 for line in lines})


def settings(github: FakeGitHub, scope: str = "public", **more: str) -> Settings:
    environ = {"GHSTREAM_SOURCE_API_URL": github.url, "GHSTREAM_SOURCE_SCOPE": scope}
    return from_env(environ | {f"GHSTREAM_SOURCE_{name}": value for name, value in more.items()})


def poll(
    own: Settings, publisher: Recorder, clock: Clock, is_done: Callable[[], bool], waits: int = 5000
) -> None:
    """Run the source until `is_done`, asked whenever it waits."""
    stop = threading.Event()
    left = iter(range(waits))

    def wait(seconds: float) -> None:
        assert next(left, None) is not None, "the source did not come to an end"
        clock.wait(seconds)
        if is_done():
            stop.set()

    events.run(own, publisher, stop, now=clock.now, wait=wait, jitter=lambda: 0.5)


def poll_once(github: FakeGitHub, publisher: Recorder, clock: Clock) -> None:
    """Start the source anew and let it publish one delivery."""
    before = len(publisher.deliveries)
    poll(settings(github), publisher, clock, lambda: len(publisher.deliveries) > before)


def drained(github: FakeGitHub, publisher: Recorder, feeds: int = 1) -> Callable[[], bool]:
    """All has happened, and a few polls of each feed brought nothing more."""

    def is_done() -> bool:
        last = [c for delivery in publisher.deliveries[-4 * feeds :] for c in delivery.coverage]
        quiet = {coverage.feed for coverage in last}
        return github.over and len(quiet) == feeds and not any(c.new_events for c in last)

    return is_done


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def publisher() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
def old() -> list[bytes]:
    return read_events(OLD)


@pytest.fixture(scope="module")
def trimmed() -> list[bytes]:
    return read_events(TRIMMED)


def test_overlapping_pages_are_published_once_oldest_first(old, clock, publisher):
    with FakeGitHub(old, step=70, now=clock.now) as github:
        poll(settings(github), publisher, clock, drained(github, publisher))
    assert publisher.published() == each_once(old)
    times = [event.created_at for d in publisher.deliveries for event, _, _ in d.events]
    assert times == sorted(times)
    assert not any(c.gap_from for c in publisher.coverage("public"))


def test_only_pages_that_reach_unseen_events_are_fetched(old, clock, publisher):
    with FakeGitHub(old[:600], happened=300, step=0, now=clock.now) as github:
        for happened in (300, 350, 500):
            github.happened = happened
            poll_once(github, publisher, clock)
        pages = [request.page for request in github.requests]
    assert pages == [1, 2, 3, 1, 1, 2]


def test_every_fault_between_polls_loses_and_repeats_nothing(old, clock, publisher):
    faults = [fault for fault in FAULTS if fault != "slow"]
    # Not so many events happen between two good answers that a feed cannot show them all.
    with FakeGitHub(old, step=40, fault_every=4, faults=faults, now=clock.now) as github:
        poll(settings(github), publisher, clock, drained(github, publisher))
        statuses = {request.status for request in github.requests}
    assert statuses >= {200, 304, 401, 403, 404, 429, 500, 503, 0}
    assert publisher.published() == each_once(old)


@pytest.mark.parametrize("fault", ["error", "exhausted", "truncated", "unauthorized"])
def test_a_poll_that_breaks_off_is_made_whole_by_the_next(old, clock, publisher, fault):
    with FakeGitHub(old[:550], happened=300, step=0, now=clock.now) as github:
        poll_once(github, publisher, clock)
        github.happened = 500
        github.fail("/events", fault, page=2)
        poll_once(github, publisher, clock)
        assert publisher.published() == each_once(old[:300] + old[400:500])
        github.happened = 550
        poll_once(github, publisher, clock)
    assert publisher.published() == each_once(old[:550])
    assert not any(c.gap_from for c in publisher.coverage("public"))


def test_a_hole_that_a_broken_poll_left_for_good_is_told_as_a_gap(old, clock, publisher):
    with FakeGitHub(old[:950], happened=300, step=0, now=clock.now) as github:
        poll_once(github, publisher, clock)
        github.happened = 500
        github.fail("/events", "error", page=2)
        poll_once(github, publisher, clock)
        github.happened = 950
        poll_once(github, publisher, clock)
    assert publisher.published() == each_once(old[:300] + old[400:500] + old[650:950])
    assert [bool(c.gap_from) for c in publisher.coverage("public")] == [False, False, True]


def test_the_same_events_in_several_feeds_are_published_once(trimmed, clock, publisher):
    scope = "public repo:user-df5dc2de/repo-0c46eca7 user:user-b954c160 org:user-15ba084c"
    with FakeGitHub(trimmed, step=20, now=clock.now) as github:
        poll(settings(github, scope), publisher, clock, drained(github, publisher, 4))
    assert publisher.published() == each_once(trimmed)


def test_a_feed_that_lags_behind_another_repeats_nothing(trimmed, clock, publisher):
    repository = "user-df5dc2de/repo-0c46eca7"
    # When the one feed comes to show an event, the other has long stopped showing it.
    delays = {f"/repos/{repository}/events": 400}
    with FakeGitHub(trimmed, step=20, delays=delays, now=clock.now) as github:
        own = settings(github, f"public repo:{repository}")
        poll(own, publisher, clock, drained(github, publisher, 2))
    assert publisher.published() == each_once(trimmed)


def test_a_feed_that_fails_for_longer_than_the_window_repeats_nothing(trimmed, clock, publisher):
    path = "/repos/user-df5dc2de/repo-0c46eca7/events"
    with FakeGitHub(trimmed, step=20, poll_interval=60, now=clock.now) as github:
        github.fail(path, *["unavailable"] * 20)
        own = settings(
            github, "public repo:user-df5dc2de/repo-0c46eca7", DEDUPLICATION_WINDOW="120"
        )
        started = clock.now()
        poll(own, publisher, clock, drained(github, publisher, 2))
    assert clock.now() - started > 20 * 60
    assert publisher.published() == each_once(trimmed)


@pytest.mark.parametrize("killed_at", [0, 1, 2, 5, 11])
def test_a_restart_goes_on_where_the_last_commit_was(trimmed, clock, publisher, killed_at):
    repository = "user-df5dc2de/repo-0c46eca7"
    delays = {f"/repos/{repository}/events": 100}
    with FakeGitHub(trimmed, step=20, delays=delays, now=clock.now) as github:
        own = settings(github, f"public repo:{repository}")
        for _ in range(3):
            publisher.killed_at = len(publisher.deliveries) + killed_at
            with pytest.raises(Killed):
                poll(own, publisher, clock, lambda: False)
        publisher.killed_at = None
        poll(own, publisher, clock, drained(github, publisher, 2))
    assert publisher.published() == each_once(trimmed)


def test_a_restart_asks_with_the_etag_that_was_committed(old, clock, publisher):
    with FakeGitHub(old[:300], happened=300, now=clock.now) as github:
        poll(settings(github), publisher, clock, drained(github, publisher))
        before = len(github.requests)
        poll_once(github, publisher, clock)
        first = github.requests[before]
    assert first.etag is not None
    assert first.status == 304


def test_no_etag_of_an_uncommitted_poll_is_used(old, clock, publisher):
    publisher.killed_at = 0
    with FakeGitHub(old[:300], happened=300, now=clock.now) as github:
        with pytest.raises(Killed):
            poll(settings(github), publisher, clock, lambda: False)
        publisher.killed_at = None
        poll(settings(github), publisher, clock, drained(github, publisher))
        assert all(request.etag is None for request in github.requests[:6])
    assert publisher.published() == each_once(old[:300])


def test_a_gap_is_told_from_the_newest_before_to_the_oldest_after(old, clock, publisher):
    with FakeGitHub(old[:800], happened=300, step=0, now=clock.now) as github:
        poll_once(github, publisher, clock)
        github.happened = 800
        poll_once(github, publisher, clock)
    gaps = [c for c in publisher.coverage("public") if c.gap_from]
    assert len(gaps) == 1
    created = [json.loads(line)["created_at"] for line in old[:800]]
    assert gaps[0].gap_from == created[299].replace("Z", ".000Z")
    assert gaps[0].gap_to == created[500].replace("Z", ".000Z")
    assert publisher.published() == each_once(old[:300] + old[500:800])


def test_what_is_remembered_stays_bounded(old, clock, publisher):
    with FakeGitHub(old, step=50, poll_interval=60, now=clock.now) as github:
        own = settings(github, DEDUPLICATION_WINDOW="300")
        poll(own, publisher, clock, drained(github, publisher))
    batches = [key for key in publisher.state if key.startswith("published/")]
    assert len(publisher.deliveries) > 40
    assert len(batches) < 10


def test_the_poll_interval_is_obeyed(old, clock, publisher):
    asked: list[float] = []
    with FakeGitHub(old[:600], step=100, poll_interval=90, now=clock.now) as github:
        github.fail("/events", "error", page=2)

        def is_done() -> bool:
            firsts = sum(request.page == 1 for request in github.requests)
            asked.extend([clock.now()] * (firsts - len(asked)))
            return len(asked) > 8

        poll(settings(github), publisher, clock, is_done)
    assert all(later - earlier >= 90 for earlier, later in pairwise(asked))


def test_sixty_anonymous_requests_last_an_hour(old, clock, publisher):
    with FakeGitHub(old, step=30, poll_interval=60, rate_limit=60, now=clock.now) as github:
        begin = clock.now()
        own = settings(github, "public user:petroav user:rspt")
        in_minute: list[int] = []

        def is_done() -> bool:
            if clock.now() > begin + 60 and not in_minute:
                in_minute.append(len(github.requests))
            return clock.now() > begin + 3500

        poll(own, publisher, clock, is_done)
        statuses = Counter(request.status for request in github.requests)
        polled = {request.path for request in github.requests}
    assert in_minute[0] <= 6
    assert 30 <= statuses[200] <= 60
    assert statuses[403] == 0
    assert len(polled) == 3
    assert publisher.coverage("public")[-1].requests_limit == 60


def test_several_tokens_are_used_in_turn_and_a_refused_one_rests(old, clock, publisher):
    with FakeGitHub(old, step=30, rate_limit=5000, now=clock.now) as github:
        github.fail("/events", "unauthorized")
        own = settings(github, TOKENS="one two three")
        poll(own, publisher, clock, lambda: len(github.requests) > 30)
        used = Counter(request.token for request in github.requests)
    assert used["one"] == 1
    assert abs(used["two"] - used["three"]) <= 2


def test_a_record_that_is_no_event_is_rejected_once(old, clock, publisher):
    broken = json.dumps({"id": "7", "created_at": "2015-01-01T00:00:30Z", "repo": {"name": "a/b"}})
    lines = [*old[:299], broken.encode(), *old[299:500]]
    with FakeGitHub(lines, step=20, now=clock.now) as github:
        poll(settings(github), publisher, clock, drained(github, publisher))
    rejected = [each for delivery in publisher.deliveries for each in delivery.rejected]
    assert [each.value for each in rejected] == [broken.encode()]
    assert rejected[0].origin == "public"
    assert publisher.published() == each_once(old[:500])


def test_issues_and_pull_requests_of_the_trimmed_shape_pass_through(trimmed, clock, publisher):
    opened = next(json.loads(line) for line in trimmed if b'"IssuesEvent"' in line)
    # Synthetic: no capture of a closed issue was found. It is the opened one, later.
    closed = json.loads(json.dumps(opened)) | {"id": "1", "created_at": "2026-08-16T10:00:00Z"}
    closed["payload"]["action"] = "closed"
    closed["payload"]["issue"] |= {"state": "closed", "closed_at": "2026-08-16T09:59:59Z"}
    lines = sorted(
        [*trimmed, json.dumps(closed).encode()], key=lambda line: json.loads(line)["created_at"]
    )
    with FakeGitHub(lines, step=50, now=clock.now) as github:
        poll(settings(github), publisher, clock, drained(github, publisher))
    published = [event for delivery in publisher.deliveries for event, _, _ in delivery.events]
    issues = [event for event in published if event.type == "IssuesEvent"]
    assert [(event.action, event.number) for event in issues] == [("opened", 361), ("closed", 361)]
    assert issues[0].closed_at is None
    assert f"{issues[1].closed_at:%FT%TZ}" == "2026-08-16T09:59:59Z"
    pull_requests = Counter(e.action for e in published if e.type == "PullRequestEvent")
    assert pull_requests == {"opened": 24, "merged": 24}


def test_raw_json_is_passed_on_untouched_if_asked_for(old, clock, publisher):
    with FakeGitHub(old[:300], happened=300, now=clock.now) as github:
        poll(settings(github, RAW="true"), publisher, clock, drained(github, publisher))
    raw = [record.raw for delivery in publisher.deliveries for record in delivery.events]
    assert raw == old[:300]


def test_being_asked_to_stop_while_publishing_ends_the_run(old, clock):
    class Stopping(Recorder):
        def publish(self, delivery: Delivery) -> None:
            raise Stopped

    with FakeGitHub(old[:300], happened=300, now=clock.now) as github:
        with pytest.raises(Stopped):
            poll(settings(github), Stopping(), clock, lambda: False)
        assert [request.page for request in github.requests] == [1, 2, 3]


def test_metrics_tell_polls_gaps_overlap_and_the_limit(old, clock, publisher):
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"ghstream_source_{name}", labels) or 0

    def counted() -> list[float]:
        outcomes = ("events", "not_modified", "refused", "failed")
        polls = [value("polls_total", feed_kind="user", outcome=outcome) for outcome in outcomes]
        gaps = ("gaps_total", "gap_seconds_total")
        return polls + [value(name, feed_kind="user") for name in gaps]

    # Synthetic: one user does it all.
    lines = [
        json.dumps(json.loads(line) | {"actor": {"id": 1, "login": "all"}}).encode() for line in old
    ]
    before = counted()
    with FakeGitHub(lines, happened=300, step=0, rate_limit=5000, now=clock.now) as github:
        github.fail("/users/all/events", "error", "secondary")
        for happened, polls in ((300, 2), (800, 1), (900, 1)):
            github.happened = happened
            goal = len(publisher.deliveries) + polls
            poll(
                settings(github, "user:all"),
                publisher,
                clock,
                lambda goal=goal: len(publisher.deliveries) >= goal,
            )
    created = [datetime.fromisoformat(json.loads(line)["created_at"]) for line in old]
    gap = (created[500] - created[299]).total_seconds()
    grown = [after - was for after, was in zip(counted(), before, strict=True)]
    assert grown == [3, 1, 1, 1, 1, gap]
    assert value("poll_overlap_ratio", feed_kind="user") == 0.5
    assert value("rate_limit") == 5000
    assert 4980 < value("rate_limit_remaining") < 5000


def test_no_token_gets_into_the_log(old, clock, publisher, caplog):
    caplog.set_level(logging.DEBUG)
    faults = [fault for fault in FAULTS if fault != "slow"]
    with FakeGitHub(old[:600], step=40, fault_every=2, faults=faults, now=clock.now) as github:
        own = settings(github, TOKENS="ghp_first,ghp_second")
        poll(own, publisher, clock, lambda: len(github.requests) > 40)
        assert {request.token for request in github.requests} == {"ghp_first", "ghp_second"}
    assert "No requests by token 2" in caplog.text
    assert "ghp_" not in caplog.text
    assert "ghp_" not in repr(own)
