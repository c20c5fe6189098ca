"""Records that do not fit, sent where somebody can look at them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from ghstream_spark.batches import DeadLetter
from ghstream_spark.kafka import client_options
from ghstream_spark.settings import Settings

log = logging.getLogger(__name__)

_COLUMNS = (
    "topic string, key binary, value binary, headers array<struct<key: string, value: binary>>"
)


def write_dead_letters(
    spark: SparkSession, settings: Settings, letters: Sequence[DeadLetter]
) -> None:
    """Publish each record as it came, with the reason and the place it came from in its headers.

    At least once: a batch that is replayed writes them again. A dead-letter topic that cannot be
    written is logged and stops nothing.
    """
    log.warning("%d records do not fit; the first: %s", len(letters), letters[0].reason)
    rows = [
        (
            settings.dead_letter_topic,
            None,
            letter.value,
            [
                ("reason", letter.reason.encode()),
                ("origin", f"{letter.topic}/{letter.partition}/{letter.offset}".encode()),
            ],
        )
        for letter in letters
    ]
    writer = spark.createDataFrame(rows, _COLUMNS).write.format("kafka")
    for name, value in client_options(settings.kafka).items():
        writer = writer.option(f"kafka.{name}", value)
    try:
        writer.option("includeHeaders", "true").save()
    except PySparkException as error:
        log.error("dead letters were not written: %s", str(error).splitlines()[0])  # noqa: TRY400
