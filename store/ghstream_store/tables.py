"""The serving tables as SQLAlchemy sees them: one per metric, and the ledger of what was merged."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

from ghstream_store.metrics import METRICS, Kind, Metric

metadata = MetaData()

# Ordered by code point in both databases, whatever the language of the server.
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.TEXT: _TEXT,
    Kind.INTEGER: BigInteger(),
    Kind.BOOLEAN: Boolean(),
    Kind.TIME: BigInteger(),
}


def _table(metric: Metric) -> Table:
    # Without a rowid, SQLite keeps the rows in the primary key itself: one tree to write, not two.
    return Table(
        metric.name,
        metadata,
        *(
            Column(key.name, _TYPES[key.kind], primary_key=True, autoincrement=False)
            for key in metric.key_columns
        ),
        *(Column(measure.name, _TYPES[measure.kind]) for measure in metric.measures),
        sqlite_with_rowid=False,
    )


TABLES: dict[str, Table] = {metric.name: _table(metric) for metric in METRICS}

LEDGER = Table(
    "ledger",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("checkpoint", Text, nullable=False),
    Column("query_id", Text),
    Column("batch_id", BigInteger),
    Column("offsets", Text, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("newest_event_at", BigInteger),
    Column("newest_ingested_at", Float),
    Column("merged_at", Float),
)
"""What each stream has merged. `stream` is the topic; `checkpoint` names the folder of the Spark
checkpoint that goes with these figures; `offsets` is JSON, {topic: {partition: next offset}};
`newest_*` and `merged_at` are seconds since 1970-01-01 UTC."""
