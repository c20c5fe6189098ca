"""Counts after any kill equal the file's: the real process, a real broker, read_committed."""

from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from ghstream_local import jars
from ghstream_local.broker import Broker, free_port, wait_until_ready

SAMPLE = Path(__file__).parents[1] / "data" / "gharchive" / "2015-01-01-0.head3000.json.gz"
Identity = tuple[str, str, str]
Committed = Callable[..., list[Any]]
StartSource = Callable[..., subprocess.Popen[str]]


def identity(value: bytes) -> Identity:
    event = json.loads(value)
    return event["id"], event["type"], event["created_at"]


def counted(records: list[Any]) -> Counter[Identity]:
    return Counter(identity(record.value) for record in records)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """42,000 events with ids of their own: the sample fourteen times over."""
    path = tmp_path_factory.mktemp("archive") / "many.json.gz"
    lines = gzip.decompress(SAMPLE.read_bytes()).splitlines(keepends=True)
    with gzip.open(path, "wb", compresslevel=1) as file:
        for copy in range(14):
            file.writelines(b'{"id":"%d-' % copy + line[len(b'{"id":"') :] for line in lines)
    return path


@pytest.fixture(scope="module")
def each_once(archive: Path) -> Counter[Identity]:
    with gzip.open(archive) as lines:
        return Counter({identity(line): 1 for line in lines})


def wait_for(log: IO[str] | None, text: str) -> None:
    assert log is not None
    for line in log:
        if text in line:
            return
    pytest.fail(f"the source ended without saying {text!r}")


def test_killed_at_any_moment_the_source_publishes_each_event_once(
    archive: Path,
    each_once: Counter[Identity],
    topic: str,
    committed: Committed,
    start_source: StartSource,
) -> None:
    chance = random.Random(20150101)
    for _ in range(5):
        source = start_source(SOURCE_FILES=str(archive))
        wait_for(source.stdout, "replaying from line")
        time.sleep(chance.uniform(0.0, 0.3))
        source.kill()
        assert source.wait() == -signal.SIGKILL, "the archive is too short for this test"
    source = start_source(SOURCE_FILES=str(archive))
    assert source.wait(timeout=60) == 0
    assert counted(committed(topic)) == each_once


def test_asked_to_stop_the_source_ends_with_0_and_goes_on_where_it_was(
    archive: Path,
    each_once: Counter[Identity],
    topic: str,
    committed: Committed,
    start_source: StartSource,
) -> None:
    source = start_source(SOURCE_FILES=str(archive))
    wait_for(source.stdout, "replaying from line 1")
    time.sleep(0.2)
    source.send_signal(signal.SIGTERM)
    assert source.wait(timeout=30) == 0
    before = counted(committed(topic))
    assert 0 < before.total() < each_once.total()
    source = start_source(SOURCE_FILES=str(archive))
    wait_for(source.stdout, f"replaying from line {before.total() + 1}")
    assert source.wait(timeout=60) == 0
    assert counted(committed(topic)) == each_once


def test_a_second_instance_fences_the_first(
    archive: Path,
    each_once: Counter[Identity],
    topic: str,
    committed: Committed,
    start_source: StartSource,
) -> None:
    # Four events a second: the first has work for long.
    first = start_source(SOURCE_FILES=str(SAMPLE), SOURCE_SPEED="1")
    wait_for(first.stdout, "replaying from line 1")
    second = start_source(SOURCE_FILES=str(archive))
    assert second.wait(timeout=60) == 0
    said = first.communicate(timeout=30)[0]
    assert first.returncode == 3
    assert "another instance" in said
    found = counted(committed(topic))
    assert each_once <= found
    assert set(found.values()) == {1}


class OwnBroker:
    """A broker that this test may kill."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._broker = Broker(jars.fetch()["kafka"], folder, free_port(), free_port())
        self.address = self._broker.address
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._broker.prepare()
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(self._broker.command(), stdout=log, stderr=log)
        wait_until_ready(self.address, timeout=60)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[OwnBroker]:
    broker = OwnBroker(tmp_path / "own-kafka")
    broker.start()
    yield broker
    broker.kill()


def test_a_broker_killed_in_mid_stream_costs_no_event_and_doubles_none(
    *,
    archive: Path,
    each_once: Counter[Identity],
    topic: str,
    committed: Committed,
    start_source: StartSource,
    own_broker: OwnBroker,
) -> None:
    source = start_source(SOURCE_FILES=str(archive), KAFKA_BOOTSTRAP_SERVERS=own_broker.address)
    wait_for(source.stdout, "replaying from line 1")
    time.sleep(0.3)
    own_broker.kill()
    wait_for(source.stdout, "Kafka does not take what is published")
    own_broker.start()
    said = source.communicate(timeout=90)[0]
    assert source.returncode == 0, said
    assert "Kafka takes what is published again" in said
    assert counted(committed(topic, own_broker.address)) == each_once
