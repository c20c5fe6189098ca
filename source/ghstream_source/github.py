"""A client of GitHub's Events API that answers with data, whatever goes wrong.

Protocol: https://docs.github.com/rest/activity/events for pages, ETag and X-Poll-Interval,
https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api for the limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from importlib.metadata import version

import msgspec
import requests
from urllib3.exceptions import HTTPError

from ghstream_source.budget import Rate

PAGE_SIZE = 100
# A feed shows 300 events at most.
PAGES = 3
POLL_INTERVAL = 60.0
LARGEST_BODY = 32 * 1024 * 1024
HEADERS = {
    "Accept": "application/vnd.github+json",
    "User-Agent": f"github-stream/{version('ghstream-source')}",
    "X-GitHub-Api-Version": "2022-11-28",
}
REASONS = {
    401: "GitHub refused the token; set GHSTREAM_SOURCE_TOKENS to valid ones",
    404: "no such feed, or a private one; check GHSTREAM_SOURCE_SCOPE",
}


@dataclass(frozen=True)
class Page:
    """Up to 100 events as they came, newest first."""

    events: Sequence[bytes]
    etag: str | None
    poll_interval: float
    has_next: bool


@dataclass(frozen=True)
class NotModified:
    """Nothing changed since the ETag; the request did not count."""

    poll_interval: float


@dataclass(frozen=True)
class Refused:
    """The token must rest: too many requests, or it is not valid.

    `until` is the local epoch to wait for, None if GitHub did not say.
    """

    until: float | None
    reason: str


@dataclass(frozen=True)
class Failed:
    """No usable answer."""

    reason: str


Outcome = Page | NotModified | Refused | Failed


@dataclass(frozen=True)
class Answer:
    """What came of one request, and what its headers told of the limit."""

    outcome: Outcome
    rate: Rate | None = None


class GitHub:
    """Asks for one page at a time. `timeout` bounds a whole answer, in seconds."""

    def __init__(
        self, api_url: str, *, timeout: float = 10.0, now: Callable[[], float] = time.time
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._timeout = timeout
        self._now = now
        self._session = requests.Session()
        self._session.headers.update(HEADERS)

    def page(self, path: str, number: int, etag: str | None, token: str | None) -> Answer:
        """Ask for page `number` of the feed at `path`, counted from 1."""
        headers = {"If-None-Match": etag} if etag else {}
        try:
            with self._session.get(
                f"{self._api_url}{path}",
                params={"per_page": PAGE_SIZE, "page": number},
                headers=headers,
                auth=_Bearer(token),
                timeout=self._timeout,
                stream=True,
            ) as response:
                return read_answer(response, self._body(response), self._now())
        except (requests.RequestException, HTTPError, OSError) as error:
            return Answer(Failed(f"{type(error).__name__}: {error}"))
        except ValueError:
            # Its message would show the token.
            return Answer(Failed("a token has characters that no header can; check the tokens"))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _body(self, response: requests.Response) -> bytes:
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        # Not iter_content: it waits for whole chunks, however slowly their bytes come.
        while chunk := response.raw.read1(65536, decode_content=True):
            body += chunk
            if time.monotonic() > deadline:
                raise requests.Timeout(f"the answer took longer than {self._timeout:g} s")
            if len(body) > LARGEST_BODY:
                raise requests.RequestException(f"the answer is longer than {LARGEST_BODY} bytes")
        return bytes(body)


class _Bearer(requests.auth.AuthBase):
    """Given explicitly, so that requests does not take credentials from a .netrc instead."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def read_answer(response: requests.Response, body: bytes, now: float) -> Answer:
    """Tell what an answer means. `now` is the local epoch; GitHub's own clock may differ."""
    # Times in the headers are GitHub's; only their distance from its own now counts.
    skew = now - (_epoch(response.headers.get("Date")) or now)
    rate = _rate(response, skew)
    poll_interval = _number(response, "X-Poll-Interval", POLL_INTERVAL)
    if response.status_code == 200:
        return Answer(_page(response, body, poll_interval), rate)
    if response.status_code == 304:
        return Answer(NotModified(poll_interval), rate)
    reason = f"{response.status_code}: {_message(response, body)}"
    if _is_refusal(response, reason):
        return Answer(Refused(_retry_at(response, rate, now, skew), reason), rate)
    return Answer(Failed(reason), rate)


def _page(response: requests.Response, body: bytes, poll_interval: float) -> Page | Failed:
    try:
        events = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        kind = response.headers.get("Content-Type", "no content type")
        start = body[:40].decode("utf-8", "replace")
        return Failed(f"200, but no list of events: {error}; {kind}, begins with {start!r}")
    return Page(
        events=[bytes(event) for event in events],
        etag=response.headers.get("ETag"),
        poll_interval=poll_interval,
        has_next="next" in response.links,
    )


def _is_refusal(response: requests.Response, reason: str) -> bool:
    if response.status_code in (401, 429):
        return True
    told = "Retry-After" in response.headers or response.headers.get("X-RateLimit-Remaining") == "0"
    return response.status_code == 403 and (told or "rate limit" in reason.lower())


def _retry_at(
    response: requests.Response, rate: Rate | None, now: float, skew: float
) -> float | None:
    after = response.headers.get("Retry-After")
    if after is not None:
        if after.isdecimal():
            return now + int(after)
        if (date := _epoch(after)) is not None:
            return date + skew
    return rate.reset if rate is not None and rate.remaining == 0 else None


def _rate(response: requests.Response, skew: float) -> Rate | None:
    try:
        return Rate(
            limit=int(response.headers["X-RateLimit-Limit"]),
            remaining=int(response.headers["X-RateLimit-Remaining"]),
            reset=int(response.headers["X-RateLimit-Reset"]) + skew,
        )
    except (KeyError, ValueError):
        return None


def _number(response: requests.Response, header: str, default: float) -> float:
    value = response.headers.get(header, "")
    return float(value) if value.isdecimal() else default


def _epoch(date: str | None) -> float | None:
    try:
        time_told = parsedate_to_datetime(date) if date else None
    except ValueError:
        return None
    if time_told is None:
        return None
    return (time_told if time_told.tzinfo else time_told.replace(tzinfo=UTC)).timestamp()


def _message(response: requests.Response, body: bytes) -> str:
    """Return the message of an error, on one line: GitHub's own, ours, or HTTP's."""
    try:
        own = msgspec.json.decode(body, type=_Error).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        own = response.reason or ""
    hint = REASONS.get(response.status_code)
    return " ".join(" ".join(part for part in (own, hint and f"({hint})") if part).split())[:300]


class _Error(msgspec.Struct):
    message: str = ""
