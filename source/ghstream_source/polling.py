"""What a poll means: pure functions over what a feed showed, before and now."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ghstream_source.delivery import Record, Rejected
from ghstream_source.envelope import Malformed, decode
from ghstream_source.github import PAGE_SIZE, PAGES
from ghstream_source.seen import FeedState, digest, digest_bytes, split

# A page more than a feed shows: deleted events let older ones slide back into it.
REMEMBERED = (PAGES + 1) * PAGE_SIZE
# Seconds. The longest wait that a quiet feed comes to, and the least, whatever the server allows.
LONGEST_INTERVAL = 300.0
SHORTEST_INTERVAL = 0.1


@dataclass(frozen=True)
class Sighting:
    """One element of a page. One that is no event is known by its bytes and has no time."""

    digest: bytes
    created_at: datetime | None
    record: Record | Rejected


@dataclass(frozen=True)
class Findings:
    """What a poll tells: what is new to the stream, and how it joins the feed's poll before.

    `fresh` is in the order of events, oldest first. `overlap` is the share of the sightings that
    the feed showed before; None at its first poll. `gap` is the span of which nothing was seen.
    """

    fresh: Sequence[Sighting]
    overlap: float | None
    gap: tuple[datetime, datetime] | None


def read(elements: Iterable[bytes], origin: str, ingested_at: str, *, raw: bool) -> list[Sighting]:
    """Decode the elements of a page."""
    return [_sighting(element, origin, ingested_at, raw=raw) for element in elements]


def _sighting(element: bytes, origin: str, ingested_at: str, *, raw: bool) -> Sighting:
    try:
        event = decode(element, ingested_at)
    except Malformed as fault:
        return Sighting(digest_bytes(element), None, Rejected(element, str(fault), origin))
    record = Record(event, origin, element if raw else None)
    return Sighting(digest(event), event.created_at, record)


def reaches_further(page: Sequence[Sighting], state: FeedState | None) -> bool:
    """Tell whether the page after this one may hold events that the feed did not show before."""
    return bool(page) and (state is None or page[-1].digest not in _visible(state))


def join(pages: Sequence[Sequence[Sighting]]) -> list[Sighting]:
    """Return what the pages of one poll show, newest first, each once.

    A feed moves on between two requests, so pages overlap. What is newer than all of the first
    page is left to the next poll: between the two something may be hidden.
    """
    newest = _newest(pages[0]) if pages else None
    joined: dict[bytes, Sighting] = {}
    for page in pages:
        for sighting in page:
            if newest is None or sighting.created_at is None or sighting.created_at <= newest:
                joined.setdefault(sighting.digest, sighting)
    return list(joined.values())


def find(
    sightings: Sequence[Sighting],
    state: FeedState | None,
    published: Container[bytes],
    *,
    full: bool,
) -> Findings:
    """Compare a poll with what the feed showed before and with what is published.

    `full`: the poll took every page that a feed can have, so that without an overlap there may
    have been more.
    """
    fresh = [each for each in reversed(sightings) if each.digest not in published]
    if state is None:
        return Findings(fresh, None, None)
    visible = _visible(state)
    shown = sum(each.digest in visible for each in sightings)
    overlap = shown / len(sightings) if sightings else 1.0
    gap = _gap(sightings, state) if full and not shown else None
    return Findings(fresh, overlap, gap)


def next_state(
    sightings: Sequence[Sighting],
    state: FeedState | None,
    etag: str | None,
    poll_interval: float,
    now: float,
) -> FeedState:
    """Return the feed's state after a complete poll at `now`."""
    before = split(state.visible) if state is not None else []
    visible = dict.fromkeys([*(each.digest for each in sightings), *before])
    newest = _newest(sightings)
    if newest is None and state is not None:
        newest = state.newest
    return FeedState(
        etag=etag,
        poll_interval=poll_interval,
        polled_at=datetime.fromtimestamp(now, UTC),
        newest=newest,
        visible=b"".join(list(visible)[:REMEMBERED]),
    )


def first_due(state: FeedState | None, now: float) -> float:
    """Return when a feed may be polled after a start: X-Poll-Interval outlives a restart."""
    if state is None:
        return now
    return min(state.polled_at.timestamp(), now) + state.poll_interval


def next_interval(interval: float, overlap: float | None, poll_interval: float) -> float:
    """Return the seconds to the next poll of a feed, never below GitHub's `poll_interval`.

    A feed that showed nothing new is left alone half as long again; one that did is looked at
    earlier, the more so the less its polls overlap.
    """
    factor = 1.5 if overlap == 1 else min(overlap, 0.75) if overlap is not None else 1.0
    adapted = max(interval, SHORTEST_INTERVAL) * factor
    return max(poll_interval, SHORTEST_INTERVAL, min(adapted, LONGEST_INTERVAL))


def _visible(state: FeedState) -> frozenset[bytes]:
    return frozenset(split(state.visible))


def _newest(sightings: Iterable[Sighting]) -> datetime | None:
    return max((each.created_at for each in sightings if each.created_at), default=None)


def _gap(sightings: Sequence[Sighting], state: FeedState) -> tuple[datetime, datetime] | None:
    oldest = min((each.created_at for each in sightings if each.created_at), default=None)
    if oldest is None or state.newest is None:
        return None
    # Feeds are not strictly sorted: a gap has no negative length.
    return state.newest, max(state.newest, oldest)
