"""How the stream is read: from which topics, from where, how much at once, with which trigger."""

from __future__ import annotations

import re

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from ghstream_spark.kafka import client_options
from ghstream_spark.settings import AVAILABLE_NOW, Settings

_CONSUMER: dict[str, str | int] = {
    "isolation.level": "read_committed",
    # A request for records that are not there yet holds up the next batch's for that long.
    "fetch.max.wait.ms": 20,
    # A batch is thousands of records: few requests, few turns of the poll loop. Longer lists of
    # records outlive the young generation.
    "max.partition.fetch.bytes": 8 * 1024 * 1024,
    "max.poll.records": 5_000,
}


def triggered(writer: DataStreamWriter, settings: Settings) -> DataStreamWriter:
    """Return the writer with the trigger that the settings name."""
    if settings.trigger == AVAILABLE_NOW:
        return writer.trigger(availableNow=True)
    return writer.trigger(processingTime=settings.trigger)


def read_stream(spark: SparkSession, settings: Settings, starting_offsets: str) -> DataFrame:
    """Return the committed records of the stream's topics: topic, partition, offset, value.

    `starting_offsets` counts only until the query has a checkpoint.
    """
    # A pattern, since the source may make the coverage topic after this query has started.
    topics = "|".join(re.escape(name) for name in (settings.topic, settings.coverage_topic))
    reader = spark.readStream.format("kafka").options(
        subscribePattern=f"^(?:{topics})$",
        startingOffsets=starting_offsets,
        maxOffsetsPerTrigger=settings.max_offsets_per_trigger,
    )
    for name, value in {**client_options(settings.kafka), **_CONSUMER}.items():
        reader = reader.option(f"kafka.{name}", value)
    records = reader.load()
    if settings.deduplicate:
        records = drop_duplicates(records, settings.deduplicate)
    return records.select("topic", "partition", "offset", "value")


def drop_duplicates(records: DataFrame, within: str) -> DataFrame:
    """Drop records whose identity was seen within that time of each other, by Kafka's clock.

    A watermark on `created_at` would drop late and backfilled events instead.
    """
    return (
        records.withColumn("identity", _identity())
        .withWatermark("timestamp", within)
        .dropDuplicatesWithinWatermark(["topic", "identity"])
    )


def _identity() -> Column:
    """GitHub reset its ids once and runs two sequences: an event is (id, type, created_at)."""
    fields = ("id", "type", "created_at", "feed", "polled_at")
    known = F.from_json(F.col("value").cast("string"), ", ".join(f"{f} string" for f in fields))
    place = F.concat_ws("/", F.col("partition"), F.col("offset"))
    return F.coalesce(F.nullif(F.concat_ws("/", *(known[f] for f in fields)), F.lit("")), place)
