"""One upstream event becomes the event envelope: a single typed pass over the JSON.

Both shapes of payloads are read: those before October 2025 and the trimmed ones since (GitHub
changelog of 2025-08-08, "Upcoming changes to GitHub Events API payloads"). What a shape does not
tell stays absent, never zero; so does an empty name, and "/", the repository of an event that has
none. Records that fit neither shape are tried as those of `ghstream_source.timeline`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from ghstream_source.timeline import modernised

T = TypeVar("T")
# What is published must fit what Spark reads: these are the limits of its records too.
Name = Annotated[str, Meta(max_length=256)]
Key = Annotated[Name, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Ref = Annotated[str, Meta(max_length=4096)]
Time = Annotated[datetime, Meta(tz=True)]
FIRST_YEAR, LAST_YEAR = 1970, 2499
Identity = tuple[str, str, datetime]
BOT_SUFFIX = "[bot]"
NO_REPOSITORY = "/"
NOTHING = msgspec.Raw(b"null")


class Event(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """The envelope, schema ghstream.event.v1. Times are UTC; absent fields are not encoded."""

    id: str
    type: str
    created_at: datetime
    ingested_at: str
    actor: str | None = None
    actor_id: int | None = None
    is_bot: bool | None = None
    repo: str | None = None
    repo_id: int | None = None
    org: str | None = None
    action: str | None = None
    number: int | None = None
    ref: str | None = None
    pushed_commits: int | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    merged: bool | None = None
    language: str | None = None


class Malformed(Exception):
    """A record that is no event. The message reads "class: detail"."""


def identity(event: Event) -> Identity:
    """Return what makes an event the same event.

    The id alone does not: GitHub reset its event ids in October 2025.
    """
    return (event.id, event.type, event.created_at)


def rfc3339(time: datetime) -> str:
    """Return a UTC time with milliseconds, as `ingested_at` is written."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"


def decode(raw: bytes | msgspec.Raw, ingested_at: str) -> Event:
    """Read one event as the Events API or GH Archive writes it.

    `ingested_at` is an RFC 3339 UTC time with milliseconds. Raises Malformed.
    """
    return _envelope(_parsed(_decoder, raw), ingested_at)


def read_identity(raw: bytes | msgspec.Raw) -> Identity:
    """Read only the identity of an event. Raises Malformed."""
    upstream = _parsed(_identity_decoder, raw)
    return (upstream.id, upstream.type, _created_at(upstream))


def _created_at(upstream: _Identified) -> datetime:
    time = _utc(upstream.created_at)
    if time is None:
        years = f"{FIRST_YEAR} to {LAST_YEAR}"
        raise Malformed(f"not an event: created_at {upstream.created_at} is not in {years}")
    return time


def _utc(time: datetime | None) -> datetime | None:
    """Return a time in UTC; None if it is outside of the years that can be shifted and shown."""
    if time is None or not FIRST_YEAR <= time.year <= LAST_YEAR:
        return None
    # GitHub always writes Z: the common case costs a comparison.
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def _parsed(decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        fault = _malformed(error)
        older = modernised(bytes(raw))
    if older is not None:
        with suppress(msgspec.MsgspecError):
            return decoder.decode(older)
    raise fault


def _malformed(error: Exception) -> Malformed:
    if isinstance(error, msgspec.ValidationError):
        return Malformed(f"not an event: {error}")
    if isinstance(error, RecursionError):
        return Malformed("not an event: nested too deeply")
    return Malformed(f"not JSON: {error}")


class _Actor(msgspec.Struct, gc=False):
    id: Count | None = None
    login: Name | None = None
    type: Name | None = None


class _Repository(msgspec.Struct, gc=False):
    id: Count | None = None
    name: Name | None = None
    language: Name | None = None


class _Organization(msgspec.Struct, gc=False):
    login: Name | None = None


class _Branch(msgspec.Struct, gc=False):
    repo: _Repository | None = None


class _Subject(msgspec.Struct, gc=False):
    """An issue or a pull request; the trimmed shape of a pull request has only the number."""

    number: Count | None = None
    created_at: Time | None = None
    closed_at: Time | None = None
    merged_at: Time | None = None
    merged: bool | None = None
    base: _Branch | None = None


class _Payload(msgspec.Struct, gc=False):
    action: Name | None = None
    number: Count | None = None
    ref: Ref | None = None
    size: Count | None = None
    commits: msgspec.Raw = NOTHING
    issue: _Subject | None = None
    pull_request: _Subject | None = None
    forkee: _Repository | None = None


class _Identified(msgspec.Struct, gc=False):
    id: Key
    type: Key
    created_at: Time


class _Upstream(_Identified, gc=False):
    actor: _Actor | None = None
    repo: _Repository | None = None
    org: _Organization | None = None
    payload: _Payload | None = None


_decoder = msgspec.json.Decoder(_Upstream)
_identity_decoder = msgspec.json.Decoder(_Identified)
_commits = msgspec.json.Decoder(list[msgspec.Raw] | None)


def _envelope(upstream: _Upstream, ingested_at: str) -> Event:
    event = Event(
        id=upstream.id,
        type=upstream.type,
        created_at=_created_at(upstream),
        ingested_at=ingested_at,
    )
    if (actor := upstream.actor) is not None:
        event.actor = actor.login or None
        event.actor_id = actor.id
        event.is_bot = actor.type == "Bot" or (actor.login or "").endswith(BOT_SUFFIX)
    if (repo := upstream.repo) is not None:
        event.repo = repo.name if repo.name not in ("", NO_REPOSITORY) else None
        event.repo_id = repo.id
    if upstream.org is not None:
        event.org = upstream.org.login or None
    if upstream.payload is not None:
        _read_payload(event, upstream.payload)
    return event


def _read_payload(event: Event, payload: _Payload) -> None:
    event.action = payload.action or None
    event.number = payload.number
    event.ref = payload.ref or None
    if event.type == "PushEvent":
        event.pushed_commits = payload.size
        if payload.size is None and (commits := _parsed(_commits, payload.commits)) is not None:
            event.pushed_commits = len(commits)
    issue, pull_request = payload.issue, payload.pull_request
    if issue is not None:
        event.number = event.number or issue.number
        if event.type == "IssuesEvent":
            event.opened_at = _utc(issue.created_at)
            # The issue is a snapshot of when it was read: only the action tells what happened.
            if payload.action == "closed":
                event.closed_at = _utc(issue.closed_at)
    if pull_request is not None:
        event.number = event.number or pull_request.number
        if event.type == "PullRequestEvent":
            _read_pull_request(event, pull_request)
        if pull_request.base is not None and pull_request.base.repo is not None:
            event.language = pull_request.base.repo.language
    elif payload.forkee is not None:
        event.language = payload.forkee.language


def _read_pull_request(event: Event, pull_request: _Subject) -> None:
    event.opened_at = _utc(pull_request.created_at)
    if event.action in ("closed", "merged"):
        # In the trimmed shape "closed" means closed unmerged, and "merged" is an action.
        event.merged = event.action == "merged" or pull_request.merged is True
        merged_at = pull_request.merged_at if event.merged else None
        event.closed_at = _utc(merged_at or pull_request.closed_at)
