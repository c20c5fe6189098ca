"""The versions that have to agree, wherever they are written."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pyspark
import pytest
from ghstream_local.jars import Jar, origins, read_lock
from ghstream_local.versions import ROOT, versions

VERSIONS = versions()
LOCKED = {(name, jar.artifact): jar.version for name, jars in read_lock().items() for jar in jars}
SCALA = VERSIONS["SCALA_VERSION"]


def pins(lock: str) -> dict[str, str]:
    lines = (ROOT / "locks" / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lines, re.MULTILINE))


def test_the_installed_pyspark_is_the_named_one():
    assert version("pyspark") == VERSIONS["PYSPARK_VERSION"]


@pytest.mark.parametrize("lock", ["dev.txt", "spark.txt"])
def test_the_locks_pin_the_named_pyspark(lock):
    assert pins(lock)["pyspark"] == VERSIONS["PYSPARK_VERSION"]


def test_the_connector_is_built_for_that_spark_and_its_scala():
    connector = LOCKED["spark", f"spark-sql-kafka-0-10_{SCALA}"]
    assert connector == VERSIONS["PYSPARK_VERSION"]
    spark_jars = Path(pyspark.__file__).parent / "jars"
    assert list(spark_jars.glob(f"scala-library-{SCALA}.*.jar"))


def test_the_broker_is_the_named_kafka():
    assert LOCKED["kafka", f"kafka_{SCALA}"] == VERSIONS["KAFKA_VERSION"]
    assert LOCKED["kafka", "kafka-clients"] == VERSIONS["KAFKA_VERSION"]


def test_every_jar_that_is_named_is_locked():
    named: list[tuple[str, Jar]] = [
        (name, jar) for name, origin in origins().items() for jar in origin.jars
    ]
    assert [LOCKED[name, jar.artifact] for name, jar in named] == [jar.version for _, jar in named]


def test_the_python_client_of_kafka_is_the_same_in_every_lock():
    locks = [pins(lock)["kafka-python"] for lock in ("dev.txt", "source.txt")]
    assert len(set(locks)) == 1
