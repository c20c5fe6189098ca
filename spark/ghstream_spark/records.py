"""The records on a stream's topics, as far as the metrics need them, and reading many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from ghstream_store.metrics import Dataset
from msgspec import Meta

# GitHub's own limits are tighter; these keep a key within what a database indexes. The source has
# the same ones, so that it refuses what would be refused here.
Text = Annotated[str, Meta(max_length=256)]
Name = Annotated[Text, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Time = Annotated[datetime, Meta(tz=True)]


class Event(msgspec.Struct, frozen=True, gc=False):
    """The event envelope, `ghstream.event.v1`. Times are RFC 3339.

    What a record lacks is None. Others may also write null, or an empty text.
    """

    id: Name
    type: Name
    created_at: Time
    ingested_at: Time | None = None
    actor: Text | None = None
    is_bot: bool | None = None
    repo: Text | None = None
    repo_id: Count | None = None
    org: Text | None = None
    action: Text | None = None
    number: Count | None = None
    opened_at: Time | None = None
    closed_at: Time | None = None
    merged: bool | None = None


class Coverage(msgspec.Struct, frozen=True, gc=False):
    """What one poll of a feed saw, `ghstream.coverage.v1`."""

    feed: Name
    polled_at: Time
    new_events: Count
    gap_from: Time | None = None
    gap_to: Time | None = None
    requests_left: Count | None = None
    requests_limit: Count | None = None
    resets_at: Time | None = None


_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError)
# PostgreSQL stores every character but this one.
_NUL = "\0"
_NUL_AS_JSON = rb"\u0000"


@dataclass(frozen=True)
class Rejected:
    """A record that does not fit: its place among the values that were read, and why."""

    index: int
    reason: str


Record = TypeVar("Record", bound=Event | Coverage)
RECORDS: dict[Dataset, type[Event] | type[Coverage]] = {
    Dataset.EVENTS: Event,
    Dataset.COVERAGE: Coverage,
}


def read(values: Sequence[bytes], kind: type[Record]) -> tuple[list[Record], list[Rejected]]:
    """Decode JSON values. Those that do not fit `kind` come back apart and stop nothing."""
    decode = msgspec.json.Decoder(kind).decode
    try:
        records = [decode(value) for value in values]
    except _FAULTS:
        return _read_each(values, kind)
    if any(_NUL_AS_JSON in value for value in values):
        return _read_each(values, kind)
    return records, []


def _read_each(values: Sequence[bytes], kind: type[Record]) -> tuple[list[Record], list[Rejected]]:
    decode = msgspec.json.Decoder(kind).decode
    records, rejected = [], []
    for index, value in enumerate(values):
        try:
            record = decode(value)
        except _FAULTS as error:
            rejected.append(Rejected(index, str(error)))
        else:
            if _NUL_AS_JSON in value and _holds_nul(record):
                rejected.append(Rejected(index, "it holds the character U+0000"))
            else:
                records.append(record)
    return records, rejected


def _holds_nul(record: msgspec.Struct) -> bool:
    return any(
        isinstance(value, str) and _NUL in value for value in msgspec.structs.astuple(record)
    )
