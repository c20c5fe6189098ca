"""The application as a process, with real Kafka and real Spark: once, and only once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from expected import tables
from ghstream_local import jars
from ghstream_local.broker import free_port
from ghstream_store.database import is_ready, open_store
from ghstream_store.ledger import Entry, read_entry
from ghstream_store.metrics import METRICS, Dataset
from ghstream_store.tables import TABLES
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from sqlalchemy import Engine, select

START = 180.0
pytestmark = pytest.mark.timeout(600)


class Stream:
    """One topic, one store, and the application between them."""

    def __init__(self, kafka: str, topic: str, folder: Path, url: str) -> None:
        self.kafka, self.topic, self.folder = kafka, topic, folder
        self.store: Engine = open_store(url)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "spark.log"
        self.environment = os.environ | {
            "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "GHSTREAM_TOPIC": topic,
            "GHSTREAM_STORE_URL": url,
            "GHSTREAM_SPARK_CHECKPOINT": str(folder / "checkpoint"),
            "GHSTREAM_SPARK_JARS": str(jars.fetch()["spark"]),
            "GHSTREAM_SPARK_HTTP_PORT": str(free_port()),
            "GHSTREAM_SPARK_TRIGGER": "100 milliseconds",
        }
        admin = KafkaAdminClient(bootstrap_servers=kafka)
        admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}})
        admin.close()

    def publish(self, values: Sequence[bytes], topic: str = "", *, commit: bool = True) -> None:
        """Publish the values as one transaction, committed or aborted."""
        producer = KafkaProducer(
            bootstrap_servers=self.kafka, transactional_id=f"test-{random.random()}", linger_ms=20
        )
        producer.init_transactions()
        producer.begin_transaction()
        for value in values:
            producer.send(topic or self.topic, value)
        producer.commit_transaction() if commit else producer.abort_transaction()
        producer.close()

    def start(self, **settings: str) -> None:
        extra = {f"GHSTREAM_{name.upper()}": value for name, value in settings.items()}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ghstream_spark"],
                env=self.environment | extra, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """End the Python driver and its JVM at once, as a machine that loses power would."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process
        self.process.terminate()
        return self.process.wait(timeout=60)

    def entry(self) -> Entry | None:
        if not is_ready(self.store):
            return None
        with self.store.connect() as connection:
            return read_entry(connection, self.topic)

    def wait_for(self, condition: Callable[[Entry], bool]) -> Entry:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            entry = self.entry()
            if entry and condition(entry):
                return entry
            if self.process and self.process.poll() is not None:
                break
            time.sleep(0.1)
        pytest.fail(f"not reached; ledger {self.entry()}\n{self.log.read_text()[-4000:]}")

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        with self.store.connect() as connection:
            return {
                metric.name: sorted(
                    (tuple(row) for row in connection.execute(select(TABLES[metric.name]))),
                    key=repr,
                )
                for metric in METRICS
                if metric.dataset is Dataset.EVENTS
            }

    def read_back(self, topic: str) -> list[tuple[bytes, dict[str, bytes]]]:
        consumer = KafkaConsumer(bootstrap_servers=self.kafka, auto_offset_reset="earliest")
        consumer.assign([TopicPartition(topic, 0)])
        polled = consumer.poll(timeout_ms=10_000)
        consumer.close()
        return [(r.value, dict(r.headers)) for records in polled.values() for r in records]


@pytest.fixture
def stream(kafka: str, topic: str, tmp_path: Path) -> Iterator[Stream]:
    """A stream into SQLite."""
    yield from _stream(Stream(kafka, topic, tmp_path, f"sqlite:///{tmp_path}/store.db"))


@pytest.fixture
def postgres_stream(kafka: str, topic: str, tmp_path: Path, postgres_url: str) -> Iterator[Stream]:
    """A stream into PostgreSQL."""
    yield from _stream(Stream(kafka, topic, tmp_path, postgres_url))


def _stream(stream: Stream) -> Iterator[Stream]:
    yield stream
    if stream.process and stream.process.poll() is None:
        stream.kill()
    stream.store.dispose()


def test_killed_again_and_again_the_figures_are_those_of_the_archive(
    postgres_stream: Stream, envelopes: list[bytes], archive: Path
) -> None:
    stream = postgres_stream
    moments = random.Random(2015)
    for part in range(2):
        for block in range(part * 1500, part * 1500 + 1500, 250):
            stream.publish(envelopes[block : block + 250])
        stream.publish(envelopes[:100], commit=False)
        so_far = stream.entry()
        stream.start(spark_max_offsets_per_trigger="120")
        stream.wait_for(lambda e, s=so_far: e.events > (s.events if s else 0))  # type: ignore[misc]
        time.sleep(moments.uniform(0, 0.6))
        stream.kill()
    stream.start()
    stream.wait_for(lambda entry: entry.events == len(envelopes))
    assert stream.stop() == 0
    assert stream.rows() == tables([archive])


def test_garbage_goes_to_dead_letters_and_stops_nothing(
    stream: Stream, envelopes: list[bytes]
) -> None:
    garbage = [b"", b"null", b"\xff\xfe", b'{"id":1}', b'{"id":"1","type":"X","created_at":"no"}']
    stream.publish(envelopes[:50] + garbage + envelopes[50:100])
    coverage = b'{"feed":"public","polled_at":"2026-01-01T00:00:10Z","new_events":300}'
    stream.start()
    stream.wait_for(lambda entry: entry.events == 100)
    admin = KafkaAdminClient(bootstrap_servers=stream.kafka)
    admin.create_topics(
        {f"{stream.topic}-coverage": {"num_partitions": 1, "replication_factor": 1}}
    )
    admin.close()
    stream.publish([coverage, b"{}"], f"{stream.topic}-coverage")
    entry = stream.wait_for(lambda entry: entry.rejected == len(garbage) + 1)
    assert entry.events == 100
    assert stream.stop() == 0
    letters = stream.read_back(f"{stream.topic}-dead-letter")
    assert sorted(value for value, _ in letters) == sorted([*garbage, b"{}"])
    assert all(headers["reason"] and headers["origin"] for _, headers in letters)
    with stream.store.connect() as connection:
        assert connection.execute(select(TABLES["feed_coverage"])).all() == [
            (1_767_225_600, "public", 1, 300, 0, 0)
        ]


def test_neither_a_lost_checkpoint_nor_an_emptied_store_makes_a_figure_wrong(
    stream: Stream, envelopes: list[bytes], archive: Path
) -> None:
    def run() -> Entry:
        stream.start(spark_trigger="availableNow")
        assert stream.process
        assert stream.process.wait(timeout=START) == 0, stream.log.read_text()[-4000:]
        entry = stream.entry()
        assert entry
        return entry

    stream.publish(envelopes[:2000])
    assert run().events == 2000
    shutil.rmtree(stream.folder / "checkpoint")
    stream.publish(envelopes[2000:])
    assert run().events == 3000
    assert stream.rows() == tables([archive])
    stream.store.dispose()
    for file in stream.folder.glob("store.db*"):
        file.unlink()
    assert run().events == 3000
    assert stream.rows() == tables([archive])


def test_topics_that_others_write_can_be_deduplicated(
    stream: Stream, envelopes: list[bytes], archive: Path
) -> None:
    stream.publish([*envelopes, *envelopes[:500], b"garbage", b"garbage"])
    stream.start(spark_deduplicate="1 hour", spark_max_offsets_per_trigger="1000")
    stream.wait_for(lambda entry: entry.events == 3000)
    stream.publish(envelopes[500:1500])
    stream.publish([b'{"id":"last","type":"X","created_at":"2026-01-01T00:00:00Z"}'])
    entry = stream.wait_for(lambda entry: entry.events >= 3001)
    assert (entry.events, entry.rejected) == (3001, 2)


def test_wrong_settings_end_the_start_with_their_names(stream: Stream) -> None:
    stream.start(spark_trigger="often", store_url="mysql://x/y")
    assert stream.process
    assert stream.process.wait(timeout=30) == 2
    assert "GHSTREAM_SPARK_TRIGGER 'often'" in stream.log.read_text()
