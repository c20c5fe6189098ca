"""Many real events from a few: an archive repeated hour after hour, with other ids and times."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path

_TIME = b'"created_at":"'
_LENGTH = len("2015-01-01T00:00:00Z")


def repeat(archive: Path, events: int) -> Iterator[bytes]:
    """Yield that many JSON lines. Each pass over `archive` lies one hour after the one before.

    The keys of a metric so grow with the number of events, as they do in hours that follow each
    other. Times within the payload are left alone.
    """
    with gzip.open(archive) as lines:
        originals = [_split(line.rstrip(b"\n")) for line in lines]
    return islice(_passes(originals), events)


Parts = tuple[bytes, datetime, bytes]


def _passes(originals: list[Parts]) -> Iterator[bytes]:
    for number in count():
        for head, time, tail in originals:
            moved = (time + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
            # GitHub's ids are ten digits in 2015; the pass goes in front.
            yield head.replace(b'{"id":"', b'{"id":"%d' % (number + 10), 1) + moved + tail


def _split(line: bytes) -> Parts:
    at = line.rindex(_TIME) + len(_TIME)
    text = line[at : at + _LENGTH].decode()
    time = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return line[:at], time, line[at + _LENGTH :]


def write(archive: Path, events: int, target: Path) -> None:
    """Write the repeated archive as a compressed file of JSON lines."""
    with gzip.open(target, "wb", compresslevel=1) as out:
        out.writelines(line + b"\n" for line in repeat(archive, events))
