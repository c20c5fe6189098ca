"""The Spark session: what is set for a small machine, and what spark-submit has set already."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from ghstream_spark.settings import Settings

_LOGGING = Path(__file__).with_name("log4j2.properties")
# A young generation that holds what a large batch has in flight: else much of it is copied twice.
_HEAP = "-XX:+UseSerialGC -XX:NewSize=256m"
# spark-submit started Python, or the image's entrypoint did with what spark-submit is to be given.
_SUBMITTED = {"PYSPARK_GATEWAY_PORT", "PYSPARK_SUBMIT_ARGS"}
_ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"


def open_session(settings: Settings) -> SparkSession:
    """Return the session. Started by spark-submit it keeps that one's master and memory."""
    options = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": settings.shuffle_partitions,
        "spark.sql.streaming.stateStore.providerClass": _ROCKSDB,
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        # One Arrow batch per partition: what a partition aggregates at once.
        "spark.sql.execution.arrow.maxRecordsPerBatch": settings.max_offsets_per_trigger,
        # The greatest integer switches off a sum over all columns after every single row.
        "spark.sql.execution.arrow.maxBytesPerBatch": 2**31 - 1,
        "spark.sql.streaming.minBatchesToRetain": 10,
        "spark.ui.showConsoleProgress": "false",
    }
    if not _SUBMITTED & os.environ.keys():
        options |= _on_one_machine(settings)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName(f"ghstream-{settings.topic}")
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _on_one_machine(settings: Settings) -> dict[str, str | int]:
    options: dict[str, str | int] = {
        "spark.master": "local[*]",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraJavaOptions": f"{_HEAP} -Dlog4j2.configurationFile={_LOGGING}",
        "spark.ui.enabled": "false",
    }
    if settings.jars:
        options["spark.driver.extraClassPath"] = f"{settings.jars}/*"
    return options
