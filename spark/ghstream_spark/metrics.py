"""Counts and gauges of the application, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("ghstream_spark_events_total", "Events merged into the store")
REJECTED = Counter(
    "ghstream_spark_rejected_total", "Records that did not fit, sent to dead letters"
)
BATCHES = Counter("ghstream_spark_batches_total", "Micro-batches", ["result"])
BATCH_SECONDS = Histogram(
    "ghstream_spark_batch_duration_seconds",
    "Time from the start of a micro-batch's computation to its commit in the store",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
)
BATCH_ID = Gauge("ghstream_spark_batch_id", "Number of the last merged micro-batch")
OFFSETS_BEHIND = Gauge("ghstream_spark_offsets_behind", "Records on the topics not yet read")
NEWEST_EVENT = Gauge(
    "ghstream_spark_newest_event_timestamp_seconds", "created_at of the newest merged event"
)
