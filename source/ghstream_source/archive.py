"""Replays archives of events, each line once, at a chosen speed.

An archive is known by the digest of its first event, not by its name: the same hour uncompressed,
or a truncated copy that was replaced by the whole file, goes on at the line where it was left.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from ghstream_source import metrics
from ghstream_source.archive_files import (
    MAX_LINE_BYTES,
    Archive,
    BrokenOff,
    Unreadable,
    expand,
    opened,
)
from ghstream_source.delivery import Delivery, Publisher, Record, Rejected, Stopped
from ghstream_source.envelope import (
    Event,
    Malformed,
    decode,
    identity,
    read_identity,
    rfc3339,
)
from ghstream_source.settings import Settings

log = logging.getLogger(__name__)

BLOCK_LINES = 4000
BLOCK_BYTES = 32 * 1024 * 1024
SLICE = 0.25  # seconds: the shortest pause of a paced replay, so that transactions stay few
LONGEST_GAP = timedelta(minutes=10)  # between two archives, that a paced replay keeps
OPENINGS = 3  # of an archive whose connection is lost on the way
COMPLAINTS = 5  # lines named in the log, for each archive; all of them are counted
HEAD_LINES = 100  # looked at for the first event
REPLAY = "replay"


class Position(msgspec.Struct):
    """State record of one archive: how far it was replayed, and in which replay."""

    file: str
    size: int | None
    lines: int
    finished: bool
    replay: datetime


class Replay(msgspec.Struct):
    """State record of a replay under way: `first` and `latest` are times of its events.

    It keeps pace and shift the same for all archives of the replay, over restarts.
    """

    files: list[str]
    started: datetime
    first: datetime
    latest: datetime

    @property
    def shift(self) -> timedelta:
        """What to add so that the first event happens when the replay starts."""
        return self.started - self.first

    def join(self, time: datetime) -> None:
        """Let an archive that begins at `time` follow where the one before it ended.

        Archives may lie years apart, or in any order: nobody waits for that.
        """
        apart = time - self.latest
        if abs(apart) > LONGEST_GAP:
            self.first += apart
            self.latest = time


def run(
    settings: Settings,
    publisher: Publisher,
    stop: threading.Event,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Replay the archives in order; then wait to be stopped, or return if on_end is "exit".

    An archive that cannot be read (to its end) is named in the log; the others are read. Raises
    Stopped, and what the publisher raises.
    """
    files = expand(settings.files, settings.archive_url)
    replayer = _Replayer(settings, publisher, stop, now)
    for file, file_before in zip(files, [None, *files], strict=False):
        replayer.replay(file, file_before)
    replayer.end()
    log.info("All %d archives are dealt with", len(files))
    if settings.on_end == "wait":
        stop.wait()


class _Replayer:
    """One replay: the block of lines that is being filled, and what was seen before it."""

    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        stop: threading.Event,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._publisher = publisher
        self._stop = stop
        self._now = now
        self._replay = self._under_way()
        self._started = self._replay.started if self._replay else now().replace(microsecond=0)
        # Identities, as hashes, of the archive being replayed and of the one before it: the same
        # event is seldom further away from itself. None: not read yet.
        self._seen: set[int] = set()
        self._seen_before: set[int] | None = set()
        self._begin_block()

    def replay(self, file: str, file_before: str | None) -> None:
        """Replay one archive, as far as it can be read."""
        self._tally: Counter[str] = Counter()
        for opening in range(1, OPENINGS + 1):
            try:
                with opened(file) as archive:
                    outcome = self._read(archive, file_before)
            except BrokenOff as error:
                outcome = _complain(file, error)
                if opening < OPENINGS and not self._stop.wait(opening):
                    continue
            except Unreadable as error:
                outcome = _complain(file, error)
            metrics.ARCHIVES.labels(outcome).inc()
            break
        self._seen_before = self._seen or None
        self._seen = set()

    def end(self) -> None:
        """Forget the replay: the next one has a start and a shift of its own."""
        if self._replay is not None:
            self._publisher.publish(Delivery(positions={REPLAY: None}))

    def _under_way(self) -> Replay | None:
        record = self._publisher.positions().get(REPLAY)
        if record is None:
            return None
        replay = msgspec.json.decode(record, type=Replay)
        return replay if set(replay.files) & set(self._settings.files) else None

    def _read(self, archive: Archive, file_before: str | None) -> str:
        """Publish the lines that were not published before; return what became of the archive."""
        lines = archive.lines()
        head = _head(lines)
        self._key = "archive:" + hashlib.sha256(b"".join(head).strip()).hexdigest()
        self._position = position = self._last_position(archive)
        if position.finished and position.size == archive.size:
            log.info("%s: replayed before, %d lines", archive.name, position.lines)
            return "replayed before"
        if self._seen_before is None and file_before is not None:
            self._seen_before = _identities(file_before)
        log.info("%s: replaying from line %d", archive.name, position.lines + 1)
        done = position.lines
        self._begins = done == 0
        try:
            for number, line in enumerate(itertools.chain(head, lines), 1):
                if number <= done:
                    self._remember(line)
                    continue
                if self._stop.is_set():
                    self._flush()
                    raise Stopped
                self._take(line)
                position.lines = number
                if self._is_full():
                    self._flush()
        except Unreadable:
            self._flush()
            raise
        position.finished, position.size = True, archive.size
        self._flush()
        log.info(
            "%s: finished at line %d; %d events, %d duplicates left out, %d lines rejected",
            archive.name,
            position.lines,
            *(self._tally[what] for what in ("events", "duplicates", "rejected")),
        )
        return "finished"

    def _last_position(self, archive: Archive) -> Position:
        record = self._publisher.positions().get(self._key)
        if record is not None:
            position = msgspec.json.decode(record, type=Position)
            # Forced, what an earlier replay did does not count.
            if not self._settings.force or position.replay == self._started:
                return position
        return Position(archive.name, archive.size, 0, finished=False, replay=self._started)

    def _remember(self, line: bytes) -> None:
        with suppress(Malformed):
            self._seen.add(hash(read_identity(line)))

    def _take(self, line: bytes) -> None:
        """Add one line to the block, when its time has come."""
        self._lines += 1
        self._bytes += len(line)
        if not line or line.isspace():
            return
        if len(line) > MAX_LINE_BYTES:
            self._reject(line, f"too long: more than {MAX_LINE_BYTES} bytes")
            return
        try:
            event = decode(line, self._ingested_at)
        except Malformed as error:
            self._reject(line, str(error))
            return
        mark = hash(identity(event))
        if mark in self._seen or mark in (self._seen_before or ()):
            self._tally["duplicates"] += 1
            metrics.DUPLICATES.inc()
            return
        self._seen.add(mark)
        if self._replay is None:
            time = event.created_at
            self._replay = Replay(list(self._settings.files), self._started, time, time)
        if self._settings.speed != math.inf:
            self._keep_pace(event, self._replay)
        if self._settings.rebase:
            _shift(event, self._replay.shift)
        raw = line if self._settings.raw else None
        self._events.append(Record(event, self._position.file, raw))

    def _reject(self, line: bytes, reason: str) -> None:
        origin = self._position.file
        self._tally["rejected"] += 1
        if self._tally["rejected"] <= COMPLAINTS:
            log.warning("%s line %d: %s", origin, self._position.lines + 1, reason)
        self._rejected.append(Rejected(line, reason, origin))

    def _keep_pace(self, event: Event, replay: Replay) -> None:
        if self._begins:
            self._begins = False
            replay.join(event.created_at)
        replay.latest = max(replay.latest, event.created_at)
        due = (event.created_at - replay.first).total_seconds() / self._settings.speed
        ahead = due - (self._now() - replay.started).total_seconds()
        if ahead > 0:
            self._flush()
            if self._stop.wait(min(max(ahead, SLICE), threading.TIMEOUT_MAX)):
                raise Stopped
            self._begin_block()
            event.ingested_at = self._ingested_at

    def _begin_block(self) -> None:
        self._events: list[Record] = []
        self._rejected: list[Rejected] = []
        self._lines = self._bytes = 0
        self._ingested_at = rfc3339(self._now())

    def _is_full(self) -> bool:
        return self._lines >= BLOCK_LINES or self._bytes >= BLOCK_BYTES

    def _flush(self) -> None:
        """Publish the block with the position after it, if that says anything new."""
        self._position.replay = self._started
        position = msgspec.json.encode(self._position)
        if self._publisher.positions().get(self._key) == position:
            return
        positions: dict[str, bytes | None] = {self._key: position}
        if self._replay is not None:
            positions[REPLAY] = msgspec.json.encode(self._replay)
        self._publisher.publish(Delivery(self._events, self._rejected, positions=positions))
        self._tally["events"] += len(self._events)
        metrics.ARCHIVE_LINES.inc(self._lines)
        self._begin_block()


def _complain(file: str, error: Unreadable) -> str:
    """Name the archive in the log; return the class of the fault."""
    log.warning("%s: %s", file, error)
    return str(error).partition(":")[0]


def _head(lines: Iterator[bytes]) -> list[bytes]:
    """Return the lines up to the first event: they tell one archive from another.

    Raises Unreadable if there is no line that is not empty.
    """
    head: list[bytes] = []
    for line in lines:
        head.append(line)
        if _is_event(line) or len(head) == HEAD_LINES:
            break
    if not any(line.strip() for line in head):
        raise Unreadable("empty: it has no lines")
    return head


def _is_event(line: bytes) -> bool:
    try:
        read_identity(line)
    except Malformed:
        return False
    return True


def _identities(file: str) -> set[int]:
    """Return the hashed identities of the events in an archive, as far as it can be read."""
    found: set[int] = set()
    with suppress(Unreadable), opened(file) as archive:
        for line in archive.lines():
            with suppress(Malformed):
                found.add(hash(read_identity(line)))
    return found


def _shift(event: Event, shift: timedelta) -> None:
    event.created_at += shift
    if event.opened_at is not None:
        event.opened_at += shift
    if event.closed_at is not None:
        event.closed_at += shift
