"""The streaming application: topics in, serving tables out, until told to stop."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from functools import partial

import psycopg
from ghstream_store.batch import Batch
from ghstream_store.database import migrate, open_store
from ghstream_store.ledger import open_entry
from ghstream_store.merge import merge
from ghstream_store.metrics import Dataset
from ghstream_store.retention import delete_expired
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from ghstream_spark import metrics
from ghstream_spark.batches import PART, aggregate_partition, collect
from ghstream_spark.deadletters import write_dead_letters
from ghstream_spark.kafka import KafkaAdmin, client_options, starting_offsets
from ghstream_spark.settings import Settings
from ghstream_spark.stream import read_stream, triggered

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
RETENTION_SECONDS = 3600.0


class Stopped(Exception):
    """The application was told to stop while it waited for something."""


class Application:
    """One stream's query, from start to stop. `is_ready` tells whether it runs."""

    def __init__(self, spark: SparkSession, settings: Settings, stop: threading.Event) -> None:
        self._spark = spark
        self._settings = settings
        self._stop = stop
        self._in_batch = threading.Lock()
        self._query_id: Future[str] = Future()
        self._expire_at = 0.0
        self.is_ready = False

    def run(self) -> None:
        """Run until the stop event is set or, with `availableNow`, the topics are read.

        Raises Spark's StreamingQueryException if the query fails; the next start goes on from the
        checkpoint.
        """
        store = self._open_store()
        partitions = self._wait_for_topics()
        with store.begin() as connection:
            entry = open_entry(connection, self._settings.topic)
        stream = read_stream(
            self._spark, self._settings, starting_offsets(entry.offsets, partitions)
        )
        query = (
            triggered(stream.writeStream, self._settings)
            .queryName("metrics")
            .option("checkpointLocation", f"{self._settings.checkpoint}/{entry.checkpoint}")
            .foreachBatch(partial(self._merge_batch, store))
            .start()
        )
        self._query_id.set_result(str(query.id))
        self.is_ready = True
        log.info("reading %s, figures so far hold %d events", self._settings.topic, entry.events)
        self._watch(query)
        store.dispose()

    def _watch(self, query: StreamingQuery) -> None:
        while not self._stop.is_set() and not query.awaitTermination(1):
            _note_progress(query)
        self.is_ready = False
        if self._stop.is_set():
            # A batch that is being merged may finish; one that has not begun does not.
            with self._in_batch:
                self._spark.sparkContext.setLogLevel("OFF")
            query.stop()

    def _merge_batch(self, store: Engine, frame: DataFrame, batch_id: int) -> None:
        with self._in_batch:
            if self._stop.is_set():
                raise Stopped
            started = time.monotonic()
            settings = self._settings
            datasets = {settings.topic: Dataset.EVENTS, settings.coverage_topic: Dataset.COVERAGE}
            parts = frame.mapInArrow(partial(aggregate_partition, datasets=datasets), PART)
            # As Arrow: Spark would pickle binary columns character by character.
            aggregates = collect(parts.toArrow())
            if aggregates.dead_letters:
                write_dead_letters(frame.sparkSession, settings, aggregates.dead_letters)
            batch = aggregates.as_batch(settings.topic, self._query_id.result(), batch_id)
            merged = self._merge(store, batch)
            _note_batch(batch, merged=merged, seconds=time.monotonic() - started)
            self._expire(store)

    def _merge(self, store: Engine, batch: Batch) -> bool:
        while True:
            try:
                return merge(store, batch)
            except (OperationalError, psycopg.OperationalError) as error:
                self._wait(f"the store cannot be written: {error.args[0]}")

    def _expire(self, store: Engine) -> None:
        if time.monotonic() < self._expire_at:
            return
        self._expire_at = time.monotonic() + RETENTION_SECONDS
        deleted = delete_expired(store, self._settings.keep_days, time.time())
        if deleted:
            log.info("deleted %d rows past their retention", deleted)

    def _open_store(self) -> Engine:
        store = open_store(self._settings.store_url)
        while True:
            try:
                migrate(store)
            except OperationalError as error:
                self._wait(f"the store cannot be opened: {error.args[0]}")
            else:
                return store

    def _wait_for_topics(self) -> dict[str, int]:
        """Return the partitions of the stream's topics, once the one with the events exists."""
        settings = self._settings
        servers = ", ".join(settings.kafka.bootstrap_servers)
        admin = KafkaAdmin(self._spark, client_options(settings.kafka))
        topics = {settings.topic, settings.coverage_topic, settings.dead_letter_topic}
        while True:
            try:
                partitions = admin.partitions(topics)
            except ConnectionError as error:
                self._wait(f"Kafka at {servers} cannot be read: {error}")
                continue
            if settings.topic in partitions:
                if partitions.pop(settings.dead_letter_topic, None) is None:
                    admin.create(settings.dead_letter_topic)
                admin.close()
                return partitions
            self._wait(f"topic {settings.topic} does not exist yet", logging.INFO)

    def _wait(self, reason: str, level: int = logging.WARNING) -> None:
        log.log(level, "%s; trying again", reason)
        if self._stop.wait(RETRY_SECONDS):
            raise Stopped


def _note_batch(batch: Batch, *, merged: bool, seconds: float) -> None:
    metrics.BATCHES.labels("merged" if merged else "replayed").inc()
    if not merged:
        log.info("batch %d was merged before, it changes nothing", batch.batch_id)
        return
    metrics.BATCH_SECONDS.observe(seconds)
    metrics.BATCH_ID.set(batch.batch_id)
    metrics.EVENTS.inc(batch.events)
    metrics.REJECTED.inc(batch.rejected)
    if batch.newest_event_at is not None:
        metrics.NEWEST_EVENT.set(batch.newest_event_at)
    if batch.events:
        log.info("batch %d: %d events in %.2f s", batch.batch_id, batch.events, seconds)


def _note_progress(query: StreamingQuery) -> None:
    progress = query.lastProgress
    if progress is not None:
        behind = progress["sources"][0]["metrics"].get("maxOffsetsBehindLatest")
        metrics.OFFSETS_BEHIND.set(float(behind or 0))
