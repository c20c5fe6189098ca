"""What the source's tests share: reading topics as a consumer does, running the real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

StartSource = Callable[..., subprocess.Popen[str]]
Committed = Callable[..., list[Any]]


@pytest.fixture
def committed(kafka: str) -> Committed:
    """Read all that is committed on a topic: `committed(topic)`, in the order of partitions."""

    def read(topic: str, address: str = kafka) -> list[Any]:
        consumer = KafkaConsumer(bootstrap_servers=address, isolation_level="read_committed")
        try:
            partitions = consumer.partitions_for_topic(topic) or set()
            tops = [TopicPartition(topic, number) for number in sorted(partitions)]
            consumer.assign(tops)
            consumer.seek_to_beginning(*tops)
            ends = consumer.end_offsets(tops)
            found: list[Any] = []
            while any(consumer.position(top) < ends[top] for top in tops):
                for records in consumer.poll(timeout_ms=200).values():
                    found += records
            return found
        finally:
            consumer.close()

    return read


@pytest.fixture
def source_env(kafka: str, topic: str) -> dict[str, str]:
    """The environment of a source that replays archives into a topic of this test alone."""
    return {
        "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": kafka,
        "GHSTREAM_TOPIC": topic,
        "GHSTREAM_SOURCE_TYPE": "archive",
        "GHSTREAM_SOURCE_ON_END": "exit",
        "GHSTREAM_SOURCE_HTTP_PORT": "0",
    }


@pytest.fixture
def start_source(source_env: dict[str, str], tmp_path: Path) -> Iterator[StartSource]:
    """Start `python -m ghstream_source` with more or other settings; nothing is left running."""
    started: list[subprocess.Popen[str]] = []

    def start(**settings: str) -> subprocess.Popen[str]:
        more = {f"GHSTREAM_{name}": value for name, value in settings.items()}
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "ghstream_source"],
            env={**os.environ, **source_env, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
