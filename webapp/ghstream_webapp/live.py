"""The live feed: one thread watches the store and wakes every open stream."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ghstream_store.reader import StoreUnavailableError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Update:
    """What a stream sends: `data` is one line of JSON, `id` names the merge it tells of."""

    id: str
    data: str


class TooManyStreamsError(Exception):
    """All places for streams are taken."""


class Feed:
    """Fans the newest update out to all streams. A slow stream misses updates, never the last.

    `read` gets the id of the newest update so far and returns a newer one, or None. It is called
    every `interval` seconds while streams are open, by one thread however many they are.
    """

    def __init__(
        self, read: Callable[[str | None], Update | None], interval: float, max_streams: int
    ) -> None:
        self._read = read
        self._interval = interval
        self._max_streams = max_streams
        self._changed = threading.Condition()
        self._latest: Update | None = None
        self._poller: threading.Thread | None = None
        self._closed = False
        self.open_streams = 0

    def join(self) -> None:
        """Take a stream's place, to be given back with `leave`. Raises TooManyStreamsError."""
        with self._changed:
            if self._closed or self.open_streams >= self._max_streams:
                raise TooManyStreamsError
            self.open_streams += 1
            if self._poller is None:
                self._poller = threading.Thread(target=self._poll, name="live", daemon=True)
                self._poller.start()
            self._changed.notify_all()

    def leave(self) -> None:
        """Give a stream's place back."""
        with self._changed:
            self.open_streams -= 1

    def updates(
        self, after: str | None, heartbeat: float, lifetime: float
    ) -> Iterator[Update | None]:
        """Yield updates later than the one with the id `after`, and None after a quiet `heartbeat`.

        Ends after `lifetime` seconds, or when the feed is closed.
        """
        end = time.monotonic() + lifetime
        while (left := end - time.monotonic()) > 0 and not self._closed:
            update = self._wait(after, min(heartbeat, left))
            if update:
                after = update.id
            if not self._closed:
                yield update

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        with self._changed:
            self._changed.notify_all()

    def _wait(self, after: str | None, timeout: float) -> Update | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_new(after), timeout)
            return self._latest if self._is_new(after) else None

    def _is_new(self, after: str | None) -> bool:
        return self._latest is not None and self._latest.id != after

    def _poll(self) -> None:
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self.open_streams)
            self._publish(self._read_or_log())
            with self._changed:
                self._changed.wait_for(lambda: self._closed, self._interval)

    def _read_or_log(self) -> Update | None:
        try:
            return self._read(self._latest.id if self._latest else None)
        except StoreUnavailableError as error:
            logger.warning("the live feed waits for the store: %s", error)
            return None

    def _publish(self, update: Update | None) -> None:
        if update:
            with self._changed:
                self._latest = update
                self._changed.notify_all()
