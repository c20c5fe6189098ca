"""Which events are published already: exact over feeds, polls and restarts, and bounded.

The state topic holds two kinds of records, written in the transaction of the poll they describe:

- `feed/<feed>`: the feed's state, with the identities it shows, published by whichever feed.
- `published/<feed>/<time>`: the identities one poll published. It is deleted once every feed has
  been polled later than that by the window: then no feed still has to show them, given that an
  event takes no longer than the window to get from one feed into another.

The memory is nothing but what these records say, so a restart remembers the same.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from ghstream_source.envelope import Event, identity

DIGEST_SIZE = 16
# A feed that fails for longer no longer keeps the others' identities from being forgotten.
LONGEST_ABSENCE = 24 * 3600.0


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """What a complete poll left of a feed. `visible` joins its digests, newest event first.

    `poll_interval` is what GitHub asked for, in seconds.
    """

    etag: str | None
    poll_interval: float
    polled_at: datetime
    newest: datetime | None
    visible: bytes


def rfc3339(epoch: float) -> str:
    """Return a time as RFC 3339 UTC with milliseconds; such times sort as they follow."""
    time = datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
    return time.removesuffix("+00:00") + "Z"


def digest(event: Event) -> bytes:
    """Return what stands for the event's identity."""
    upstream_id, kind, created_at = identity(event)
    return digest_bytes(f"{upstream_id}\0{kind}\0{created_at.timestamp()}".encode())


def digest_bytes(value: bytes) -> bytes:
    """Return what stands for a record that has no identity of its own."""
    return hashlib.blake2b(value, digest_size=DIGEST_SIZE).digest()


def split(digests: bytes) -> list[bytes]:
    """Return the digests that are joined in one value."""
    return [digests[at : at + DIGEST_SIZE] for at in range(0, len(digests), DIGEST_SIZE)]


class Seen:
    """The identities that must not be published again, and each feed's state.

    `feeds` are the names of those polled now, `window` and `now` are in seconds.
    """

    def __init__(self, feeds: Iterable[str], window: float, now: float) -> None:
        self._polled = dict.fromkeys(feeds, now)
        self._window = window
        self._states: dict[str, FeedState] = {}
        self._digests: dict[str, bytes] = {}
        self._holders: Counter[bytes] = Counter()

    def __contains__(self, item: object) -> bool:
        """Tell whether a digest is remembered."""
        return item in self._holders

    def __len__(self) -> int:
        """Return how many identities are remembered."""
        return len(self._holders)

    def state(self, feed: str) -> FeedState | None:
        """Return what the last complete poll of a feed left."""
        return self._states.get(feed)

    def polled(self, feed: str, now: float) -> None:
        """Take note that all a feed shows at `now` is known."""
        self._polled[feed] = now

    def apply(self, positions: Mapping[str, bytes | None]) -> None:
        """Remember what committed records of the state topic say, at the start or after a poll."""
        for key, value in positions.items():
            kind, _, name = key.partition("/")
            if kind == "feed":
                self._hold(key, self._apply_state(name, value))
            elif kind == "published":
                self._hold(key, value or b"")

    def remember(
        self, feed: str, state: FeedState | None, published: Iterable[bytes], now: float
    ) -> dict[str, bytes | None]:
        """Return the records to commit with one poll of `feed` at `now`.

        Without a state the poll was not complete: what it published is remembered until one is.
        """
        positions: dict[str, bytes | None] = dict.fromkeys(self._outdated(now))
        if joined := b"".join(published):
            positions[f"published/{feed}/{rfc3339(now)}"] = joined
        if state is not None:
            positions[f"feed/{feed}"] = msgspec.json.encode(state)
        return positions

    def _outdated(self, now: float) -> list[str]:
        oldest_poll = max(min(self._polled.values()), now - LONGEST_ABSENCE)
        horizon = rfc3339(oldest_poll - self._window)
        return [
            key
            for key in self._digests
            if key.startswith("published/") and key.rpartition("/")[2] < horizon
        ]

    def _apply_state(self, feed: str, value: bytes | None) -> bytes:
        if value is None:
            self._states.pop(feed, None)
            return b""
        state = msgspec.json.decode(value, type=FeedState)
        self._states[feed] = state
        if feed in self._polled:
            self._polled[feed] = state.polled_at.timestamp()
        return state.visible

    def _hold(self, key: str, digests: bytes) -> None:
        for each in split(self._digests.pop(key, b"")):
            self._holders[each] -= 1
            if not self._holders[each]:
                del self._holders[each]
        if digests:
            self._digests[key] = digests
            self._holders.update(split(digests))
