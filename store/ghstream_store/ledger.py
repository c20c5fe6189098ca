"""The ledger: which micro-batch and which offsets of a stream the figures hold."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from ghstream_store.batch import Offsets
from ghstream_store.tables import LEDGER


@dataclass(frozen=True)
class Entry:
    """A stream's line of the ledger. Times are seconds since 1970-01-01 UTC."""

    stream: str
    checkpoint: str
    query_id: str | None
    batch_id: int | None
    offsets: Offsets
    events: int
    rejected: int
    newest_event_at: int | None
    newest_ingested_at: float | None
    merged_at: float | None

    def holds(self, query_id: str, batch_id: int) -> bool:
        """Tell whether that batch of that query is merged already."""
        return self.query_id == query_id and (self.batch_id or 0) >= batch_id


def open_entry(connection: Connection, stream: str) -> Entry:
    """Return the stream's entry; the first call for a stream makes it.

    A new entry names a new checkpoint. So whoever empties the store also leaves the old
    checkpoint behind, and the figures are computed anew from all that the topic still holds.
    """
    entry = read_entry(connection, stream)
    if entry is not None:
        return entry
    connection.execute(
        LEDGER.insert().values(
            stream=stream, checkpoint=uuid.uuid4().hex, offsets="{}", events=0, rejected=0
        )
    )
    return open_entry(connection, stream)


def read_entry(connection: Connection, stream: str) -> Entry | None:
    """Return the stream's entry, or None if nothing has opened it yet."""
    row = connection.execute(select(LEDGER).where(LEDGER.c.stream == stream)).mappings().first()
    if row is None:
        return None
    offsets = {
        topic: {int(partition): offset for partition, offset in partitions.items()}
        for topic, partitions in json.loads(row["offsets"]).items()
    }
    return Entry(**{**row, "offsets": offsets})


def write_entry(connection: Connection, entry: Entry) -> None:
    """Replace the stream's entry."""
    values = {**entry.__dict__, "offsets": json.dumps(entry.offsets, sort_keys=True)}
    connection.execute(update(LEDGER).where(LEDGER.c.stream == entry.stream).values(values))
