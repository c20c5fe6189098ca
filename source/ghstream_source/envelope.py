"""One upstream event becomes the event envelope: a single typed pass over the JSON.

Both shapes of payloads are read: those before October 2025 and the trimmed ones since (GitHub
changelog of 2025-08-08, "Upcoming changes to GitHub Events API payloads"). What a shape does not
tell stays absent, never zero.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec

T = TypeVar("T")
Time = Annotated[datetime, msgspec.Meta(tz=True)]
Identity = tuple[str, str, datetime]
BOT_SUFFIX = "[bot]"
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
    return (upstream.id, upstream.type, _utc(upstream.created_at))


def _utc(time: datetime) -> datetime:
    # GitHub always writes Z: the common case costs a comparison.
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def _parsed(decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Malformed(f"not an event: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"not JSON: {error}") from error
    except RecursionError as error:
        raise Malformed("not an event: nested too deeply") from error


class _Actor(msgspec.Struct, gc=False):
    id: int | None = None
    login: str | None = None
    type: str | None = None


class _Repository(msgspec.Struct, gc=False):
    id: int | None = None
    name: str | None = None
    language: str | None = None


class _Organization(msgspec.Struct, gc=False):
    login: str | None = None


class _Branch(msgspec.Struct, gc=False):
    repo: _Repository | None = None


class _Subject(msgspec.Struct, gc=False):
    """An issue or a pull request; the trimmed shape of a pull request has only the number."""

    number: int | None = None
    created_at: Time | None = None
    closed_at: Time | None = None
    merged_at: Time | None = None
    merged: bool | None = None
    base: _Branch | None = None


class _Payload(msgspec.Struct, gc=False):
    action: str | None = None
    number: int | None = None
    ref: str | None = None
    size: int | None = None
    commits: msgspec.Raw = NOTHING
    issue: _Subject | None = None
    pull_request: _Subject | None = None
    forkee: _Repository | None = None


class _Identified(msgspec.Struct, gc=False):
    id: str
    type: str
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
        created_at=_utc(upstream.created_at),
        ingested_at=ingested_at,
    )
    if (actor := upstream.actor) is not None:
        event.actor = actor.login
        event.actor_id = actor.id
        event.is_bot = actor.type == "Bot" or (actor.login or "").endswith(BOT_SUFFIX)
    if (repo := upstream.repo) is not None:
        event.repo = repo.name
        event.repo_id = repo.id
    if upstream.org is not None:
        event.org = upstream.org.login
    if upstream.payload is not None:
        _read_payload(event, upstream.payload)
    return event


def _read_payload(event: Event, payload: _Payload) -> None:
    event.action = payload.action
    event.number = payload.number
    event.ref = payload.ref
    if event.type == "PushEvent":
        event.pushed_commits = payload.size
        if payload.size is None and (commits := _parsed(_commits, payload.commits)) is not None:
            event.pushed_commits = len(commits)
    issue, pull_request = payload.issue, payload.pull_request
    if issue is not None:
        event.number = event.number or issue.number
        if event.type == "IssuesEvent":
            event.opened_at = issue.created_at
            # The issue is a snapshot of when it was read: only the action tells what happened.
            if payload.action == "closed":
                event.closed_at = issue.closed_at
    if pull_request is not None:
        event.number = event.number or pull_request.number
        if event.type == "PullRequestEvent":
            _read_pull_request(event, pull_request)
        if pull_request.base is not None and pull_request.base.repo is not None:
            event.language = pull_request.base.repo.language
    elif payload.forkee is not None:
        event.language = payload.forkee.language


def _read_pull_request(event: Event, pull_request: _Subject) -> None:
    event.opened_at = pull_request.created_at
    if event.action in ("closed", "merged"):
        # In the trimmed shape "closed" means closed unmerged, and "merged" is an action.
        event.merged = event.action == "merged" or pull_request.merged is True
        event.closed_at = pull_request.closed_at
        if event.merged and pull_request.merged_at is not None:
            event.closed_at = pull_request.merged_at
