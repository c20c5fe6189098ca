"""Archives of events: which files are meant, and their records, as far as they can be read.

GH Archive holds one gzipped file of JSON lines per hour, named YYYY-MM-DD-H.json.gz with an hour
that is not padded (https://www.gharchive.org). Some hours of 2011 and 2012 have several records on
a line, up to all of them; some of 2018 to 2023 have runs of NUL between two (issues 17, 53 and 190
of igrigorik/gharchive.org). What is called a line here is one record.
"""

from __future__ import annotations

import glob
import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import cast

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

HOURS = re.compile(r"(?P<first>\d{4}-\d\d-\d\d-\d{1,2})(\.\.(?P<last>\d{4}-\d\d-\d\d-\d{1,2}))?")
GZIP_MAGIC = b"\x1f\x8b"
CHUNK_BYTES = 256 * 1024
# As much as an hour of 2012 that is all one line; events of GitHub stay far below.
MAX_LINE_BYTES = 32 * 1024 * 1024
HTTP_TIMEOUT = 30.0  # seconds


class Unreadable(Exception):
    """An archive that ends before its end. The message reads "class: detail"."""


def expand(names: Sequence[str], archive_url: str) -> list[str]:
    """Return the paths and URLs that are meant, in order, each once.

    A name is a path, a glob, a URL, or what `hours` reads. A glob that matches nothing stays as it
    is, to be reported as missing.
    """
    files: dict[str, None] = {}
    for name in names:
        if named := hours(name):
            found = [f"{archive_url}/{hour}.json.gz" for hour in named]
        elif _is_url(name):
            found = [name]
        else:
            found = sorted(glob.glob(name, recursive=True), key=_natural) or [name]  # noqa: PTH207
        files |= dict.fromkeys(found)
    return list(files)


def hours(name: str) -> list[str]:
    """Return the hours of GH Archive in `2015-01-01-0` or `2015-01-01-0..2015-01-01-5`.

    The last hour is included. Empty for a name of another kind; raises ValueError for hours that
    do not exist or are the wrong way round.
    """
    match = HOURS.fullmatch(name)
    if match is None:
        return []
    first, last = _hour(match["first"]), _hour(match["last"] or match["first"])
    if last < first:
        raise ValueError(f"{name}: the last hour is before the first")
    count = int((last - first) / timedelta(hours=1)) + 1
    every = (first + timedelta(hours=number) for number in range(count))
    return [f"{hour:%Y-%m-%d}-{hour.hour}" for hour in every]


def short_name(file: str) -> str:
    """Return the file's own name, as it goes into the `origin` header."""
    return file.partition("?")[0].rstrip("/").rpartition("/")[2]


class BrokenOff(Unreadable):
    """An archive whose connection was lost on the way: it may be opened again."""


class Archive:
    """An open archive. `size` is in bytes as stored, None where it is not known."""

    def __init__(self, name: str, stream: io.RawIOBase, size: int | None) -> None:
        self.name = name
        self.size = size
        self._stream = stream

    def lines(self) -> Iterator[bytes]:
        """Yield the lines without their ends, up to where the archive can be read.

        Of a line longer than MAX_LINE_BYTES some more bytes than that are given. Raises Unreadable
        after the last whole line if the archive is damaged or ends too early.
        """
        rest = b""
        for chunk in self._chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield from _records(line)
            rest = rest[: MAX_LINE_BYTES + 1]
        *whole, last = _records(rest)
        yield from whole
        if last:
            try:
                msgspec.json.decode(last)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Unreadable("truncated: the last line has no end") from error
            yield last

    def _chunks(self) -> Iterator[bytes]:
        stream = io.BufferedReader(self._stream, CHUNK_BYTES)
        try:
            head = stream.peek(CHUNK_BYTES)
            if head.startswith(GZIP_MAGIC):
                # read1 gives what was decompressed before it meets damage.
                read: Callable[[int], bytes] = gzip.GzipFile(fileobj=stream).read1
            elif self.name.endswith(".gz") and head.strip() and not head.lstrip().startswith(b"{"):
                raise Unreadable("not gzip: it does not begin like gzip, nor like JSON")
            else:
                read = stream.read1
            while chunk := read(CHUNK_BYTES):
                yield chunk
        except EOFError as error:
            raise Unreadable("truncated: the gzip stream has no end") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise Unreadable(f"damaged: {error}") from error
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise BrokenOff(f"broken off: {error}") from error


def _records(line: bytes) -> list[bytes]:
    """Return the records on a line: one, but for the faults of some archives."""
    if b"\0" in line:
        line = line.replace(b"\0", b"")
    # A quote within a text is escaped, so few lines that are one record come this far.
    return _split(line) if b'}{"' in line else [line]


def _split(line: bytes) -> list[bytes]:
    """Return the JSON values that stand side by side; a damaged one reaches to the next."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return [line]
    value_at = json.JSONDecoder().raw_decode
    parts, begin = [], 0
    while begin < len(text):
        try:
            _, end = value_at(text, begin)
        except (ValueError, RecursionError):
            end = text.find('}{"', begin) + 1 or len(text)
        parts.append(text[begin:end].encode())
        begin = end
    return parts


@contextmanager
def opened(file: str) -> Iterator[Archive]:
    """Open a path or a URL. Raises Unreadable."""
    if _is_url(file):
        with _session() as session, _get(session, file) as response:
            length = response.headers.get("Content-Length", "")
            size = int(length) if length.isdecimal() else None
            response.raw.auto_close = False  # gzip reads once more after the end
            yield Archive(short_name(file), cast(io.RawIOBase, response.raw), size)
    else:
        with _open(Path(file)) as stream:
            yield Archive(short_name(file), stream, os.fstat(stream.fileno()).st_size)


def _open(path: Path) -> io.FileIO:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise Unreadable("missing: there is no such file") from error
    except OSError as error:
        raise Unreadable(f"not readable: {error.strerror}") from error


def _session() -> requests.Session:
    session = requests.Session()
    retries = Retry(total=4, backoff_factor=1, status_forcelist=(429, 500, 502, 503, 504))
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retries))
    return session


def _get(session: requests.Session, url: str) -> requests.Response:
    # Archives are stored compressed: "identity" keeps a server from doing it a second time.
    headers = {"Accept-Encoding": "identity"}
    try:
        response = session.get(url, stream=True, timeout=HTTP_TIMEOUT, headers=headers)
    except requests.RequestException as error:
        raise Unreadable(f"unreachable: {error}") from error
    if response.status_code != HTTPStatus.OK:
        response.close()
        raise Unreadable(f"HTTP error: {response.status_code} {response.reason}")
    return response


def _is_url(file: str) -> bool:
    return file.startswith(("http://", "https://"))


def _hour(name: str) -> datetime:
    day, _, hour = name.rpartition("-")
    return datetime.strptime(f"{day} {int(hour):02}", "%Y-%m-%d %H").replace(tzinfo=UTC)


def _natural(path: str) -> list[tuple[int, str]]:
    """Sort digits as numbers: hour 2 before hour 10."""
    return [(int(digits or 0), text) for digits, text in re.findall(r"(\d+)|(\D+)", path)]
