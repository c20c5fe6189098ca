"""One micro-batch: each Kafka partition becomes partial aggregates, and their sum is merged.

A partition's aggregates leave the Python worker as Arrow tables, one row per metric. So a batch
is one Spark stage without a shuffle, and what reaches the driver is bounded by
`GHSTREAM_SPARK_MAX_OFFSETS_PER_TRIGGER`, however much the stream has seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from ghstream_store.batch import Batch, newest
from ghstream_store.metrics import Dataset

from ghstream_spark.aggregate import combine, partial
from ghstream_spark.frames import FRAMES
from ghstream_spark.records import RECORDS, Event, read

PART = "name string, content binary"
"""Columns of what a partition becomes: a metric's name and its rows, FACTS, or REJECTED."""

_PART = pa.schema([("name", pa.string()), ("content", pa.binary())])
_FACTS = "facts"
_REJECTED = "rejected"


class Facts(msgspec.Struct):
    """What is known of a batch besides its metrics. Times are seconds since 1970-01-01 UTC."""

    offsets: dict[str, dict[int, int]]
    events: int = 0
    newest_event_at: int | None = None
    newest_ingested_at: float | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """A record that did not fit, where it stood, and why."""

    topic: str
    partition: int
    offset: int
    value: bytes
    reason: str


@dataclass(frozen=True)
class Aggregates:
    """A micro-batch as it reaches the driver."""

    rows: Mapping[str, pa.Table]
    facts: Facts
    dead_letters: list[DeadLetter]

    def as_batch(self, stream: str, query_id: str, batch_id: int) -> Batch:
        """Return what the store merges."""
        return Batch(
            stream=stream,
            query_id=query_id,
            batch_id=batch_id,
            rows=self.rows,
            offsets=self.facts.offsets,
            events=self.facts.events,
            rejected=len(self.dead_letters),
            newest_event_at=self.facts.newest_event_at,
            newest_ingested_at=self.facts.newest_ingested_at,
        )


def aggregate_partition(
    batches: Iterable[pa.RecordBatch], datasets: Mapping[str, Dataset]
) -> Iterator[pa.RecordBatch]:
    """Turn records (topic, partition, offset, value) into rows of PART.

    `datasets` says by topic what the records are. This runs in Spark's Python workers.
    """
    records = pa.Table.from_batches(batches, _records_schema())
    facts = Facts(_next_offsets(records))
    dead_letters: list[DeadLetter] = []
    parts: dict[str, pa.Table] = {}
    for topic in facts.offsets:
        of_topic = records.filter(pc.equal(records["topic"], topic))
        dataset = datasets[topic]
        values = [value or b"" for value in of_topic["value"].to_pylist()]
        good, rejected = read(values, RECORDS[dataset])
        parts |= partial(FRAMES[dataset](good), dataset)
        if dataset is Dataset.EVENTS:
            _note_events(facts, cast("list[Event]", good))
        partitions, offsets = of_topic["partition"], of_topic["offset"]
        dead_letters += (
            DeadLetter(
                topic,
                partitions[r.index].as_py(),
                offsets[r.index].as_py(),
                values[r.index],
                r.reason,
            )
            for r in rejected
        )
    yield from _encode(parts, facts, dead_letters)


def collect(parts: pa.Table) -> Aggregates:
    """Put the rows of all partitions together, a table of PART as it comes from Spark."""
    facts = Facts({})
    dead_letters: list[DeadLetter] = []
    tables: list[dict[str, pa.Table]] = []
    for name, content in zip(*(column.to_pylist() for column in parts.columns), strict=True):
        if name == _FACTS:
            _add(facts, msgspec.msgpack.decode(content, type=Facts))
        elif name == _REJECTED:
            dead_letters += msgspec.msgpack.decode(content, type=list[DeadLetter])
        else:
            tables.append({name: pa.ipc.open_stream(content).read_all()})
    return Aggregates(combine(tables), facts, dead_letters)


def _encode(
    tables: Mapping[str, pa.Table], facts: Facts, dead_letters: list[DeadLetter]
) -> Iterator[pa.RecordBatch]:
    rows = {name: _ipc(table) for name, table in tables.items() if table.num_rows}
    rows[_FACTS] = msgspec.msgpack.encode(facts)
    if dead_letters:
        rows[_REJECTED] = msgspec.msgpack.encode(dead_letters)
    yield pa.record_batch([list(rows), list(rows.values())], schema=_PART)


def _ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _records_schema() -> pa.Schema:
    return pa.schema(
        [
            ("topic", pa.string()),
            ("partition", pa.int32()),
            ("offset", pa.int64()),
            ("value", pa.binary()),
        ]
    )


def _next_offsets(records: pa.Table) -> dict[str, dict[int, int]]:
    last = records.group_by(["topic", "partition"]).aggregate([("offset", "max")])
    offsets: dict[str, dict[int, int]] = {}
    for row in last.to_pylist():
        offsets.setdefault(row["topic"], {})[row["partition"]] = row["offset_max"] + 1
    return offsets


def _note_events(facts: Facts, events: list[Event]) -> None:
    facts.events += len(events)
    created = max((event.created_at for event in events), default=None)
    ingested = max((event.ingested_at for event in events if event.ingested_at), default=None)
    facts.newest_event_at = int(created.timestamp()) if created else None
    facts.newest_ingested_at = ingested.timestamp() if ingested else None


def _add(total: Facts, part: Facts) -> None:
    for topic, offsets in part.offsets.items():
        known = total.offsets.setdefault(topic, {})
        for partition, offset in offsets.items():
            known[partition] = max(offset, known.get(partition, 0))
    total.events += part.events
    total.newest_event_at = newest(total.newest_event_at, part.newest_event_at)
    total.newest_ingested_at = newest(total.newest_ingested_at, part.newest_ingested_at)
