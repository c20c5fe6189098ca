"""The writer's side: one micro-batch becomes part of the serving tables, exactly once.

The rows of all metrics and the batch's number are one transaction, so a batch that Spark replays
after a crash finds its number in the ledger and changes nothing.
"""

from __future__ import annotations

import time
from dataclasses import replace
from io import BytesIO
from typing import cast

import psycopg
import pyarrow as pa
import pyarrow.csv
from sqlalchemy import Connection, Engine, Table

from ghstream_store.batch import Batch, newest
from ghstream_store.ledger import Entry, open_entry, write_entry
from ghstream_store.metrics import METRICS, Measure, Merge, Metric
from ghstream_store.tables import TABLES

# Rows in one statement to SQLite: half the time of one by one, and below its limit of variables.
ROWS_PER_STATEMENT = 100


def merge(engine: Engine, batch: Batch) -> bool:
    """Add the batch to the serving tables; return False if it was merged before.

    Raises SQLAlchemy's or the driver's error if the store cannot be written; then nothing of the
    batch is in it.
    """
    with engine.begin() as connection:
        # SQLite's driver would open the transaction at the first write only.
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        entry = open_entry(connection, batch.stream)
        if entry.holds(batch.query_id, batch.batch_id):
            return False
        for metric in METRICS:
            rows = batch.rows.get(metric.name)
            if rows is not None and rows.num_rows:
                _merge_rows(connection, metric, rows)
        write_entry(connection, _advance(entry, batch))
    return True


def _advance(entry: Entry, batch: Batch) -> Entry:
    topics = {**entry.offsets, **batch.offsets}
    return replace(
        entry,
        query_id=batch.query_id,
        batch_id=batch.batch_id,
        offsets={
            topic: {**entry.offsets.get(topic, {}), **batch.offsets.get(topic, {})}
            for topic in topics
        },
        events=entry.events + batch.events,
        rejected=entry.rejected + batch.rejected,
        newest_event_at=newest(entry.newest_event_at, batch.newest_event_at),
        newest_ingested_at=newest(entry.newest_ingested_at, batch.newest_ingested_at),
        merged_at=time.time(),
    )


def _merge_rows(connection: Connection, metric: Metric, rows: pa.Table) -> None:
    table = TABLES[metric.name]
    rows = rows.select([column.name for column in table.columns])
    if connection.dialect.name == "postgresql":
        _copy_and_merge(connection, metric, rows)
    else:
        whole = rows.num_rows - rows.num_rows % ROWS_PER_STATEMENT
        _insert_and_merge(connection, metric, rows[:whole], ROWS_PER_STATEMENT)
        _insert_and_merge(connection, metric, rows[whole:], 1)


def _insert_and_merge(connection: Connection, metric: Metric, rows: pa.Table, at_once: int) -> None:
    """Merge rows into SQLite, `at_once` with each statement; their number is a multiple of it."""
    if not rows.num_rows:
        return
    width = rows.num_columns
    values: list[object] = [None] * (rows.num_rows * width)
    for position, column in enumerate(rows.columns):
        values[position::width] = column.to_pylist()
    marks = ", ".join([f"({', '.join('?' * width)})"] * at_once)
    # FAIL spares a journal of the statement's own: a fault undoes the transaction anyway.
    statement = f"INSERT OR FAIL INTO {metric.name} VALUES {marks} {on_conflict(metric)}"
    step = at_once * width
    connection.exec_driver_sql(
        statement, [tuple(values[at : at + step]) for at in range(0, len(values), step)]
    )


def _copy_and_merge(connection: Connection, metric: Metric, rows: pa.Table) -> None:
    table, stage = TABLES[metric.name], f"stage_{metric.name}"
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} (LIKE {table.name}) ON COMMIT DELETE ROWS"
    )
    _copy(connection, stage, table, rows)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} SELECT * FROM {stage} {on_conflict(metric)}"
    )


def _copy(connection: Connection, stage: str, table: Table, rows: pa.Table) -> None:
    text = BytesIO()
    pyarrow.csv.write_csv(rows, text, pyarrow.csv.WriteOptions(include_header=False))
    names = ", ".join(column.name for column in table.columns)
    driver = cast("psycopg.Connection", connection.connection.driver_connection)
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {stage} ({names}) FROM STDIN (FORMAT csv)".encode()) as copy,
    ):
        copy.write(text.getbuffer())


def on_conflict(metric: Metric) -> str:
    """Return the clause that merges a row into the one with the same key.

    It is the same text in SQLite and PostgreSQL. A null on one side leaves the other side's value.
    """
    keys = ", ".join(key.name for key in metric.key_columns)
    merged = ", ".join(f"{m.name} = {_merged(metric, m)}" for m in metric.measures)
    return f"ON CONFLICT ({keys}) DO UPDATE SET {merged}"


def _merged(metric: Metric, measure: Measure) -> str:
    old, new = f"{metric.name}.{measure.name}", f"excluded.{measure.name}"
    match measure.merge:
        case Merge.COUNT:
            return f"{old} + {new}"
        case Merge.SUM:
            return f"coalesce({old} + {new}, {old}, {new})"
        case Merge.MIN:
            return f"CASE WHEN {new} < {old} OR {old} IS NULL THEN {new} ELSE {old} END"
        case Merge.MAX:
            return f"CASE WHEN {new} > {old} OR {old} IS NULL THEN {new} ELSE {old} END"
        case Merge.LATEST:
            later = f"excluded.updated_at >= {metric.name}.updated_at"
            newer = f"{new} IS NOT NULL AND ({later} OR {old} IS NULL)"
            return f"CASE WHEN {newer} THEN {new} ELSE {old} END"
