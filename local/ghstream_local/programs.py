"""The programs of one machine: their command lines, environments and order."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import ghstream_source.settings
import ghstream_webapp.settings
from ghstream_source.archive_files import expand

from ghstream_local.folder import MARK, Folder
from ghstream_local.settings import ENVIRONMENT, Settings
from ghstream_local.supervisor import Program

LOOPBACK = "127.0.0.1"
PORTS = ("kafka", "kafka-controller", "source", "spark", "webapp-metrics")

Environment = dict[str, str]


def environments(
    settings: Settings, ports: Mapping[str, int], spark_jars: Path
) -> dict[str, Environment]:
    """Return what the source, Spark and the web application are started with."""
    data = settings.data
    defaults = {
        "GHSTREAM_STORE_URL": f"sqlite:///{data}/store.db",
        "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{ports['kafka']}",
        "GHSTREAM_SOURCE_HTTP_PORT": str(ports["source"]),
        "GHSTREAM_SPARK_HTTP_PORT": str(ports["spark"]),
        "GHSTREAM_SPARK_TRIGGER": "1 second",
        "GHSTREAM_WEBAPP_METRICS_PORT": str(ports["webapp-metrics"]),
        "SPARK_LOCAL_IP": LOOPBACK,
        "PYTHONUNBUFFERED": "1",
    }
    decided = {
        MARK: str(data),
        "GHSTREAM_SOURCE_ON_END": "wait",
        "GHSTREAM_SPARK_JARS": str(spark_jars),
        "GHSTREAM_SPARK_CHECKPOINT": str(data / "checkpoint"),
        "GHSTREAM_WEBAPP_HOST": settings.host,
        "GHSTREAM_WEBAPP_PORT": str(settings.port),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_DIRS": str(data / "tmp"),
    }
    source = defaults | dict(settings.environment) | decided
    others = {name: value for name, value in source.items() if name != "GHSTREAM_SOURCE_TOKENS"}
    return {"source": source, "spark": others, "webapp": others}
