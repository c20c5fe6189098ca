"""The live source with real HTTP on the one side and a real Kafka on the other."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_github import FAULTS, FakeGitHub, read_events
from ghstream_source import events
from ghstream_source.publisher import KafkaPublisher
from ghstream_source.settings import Settings, from_env
from kafka import KafkaConsumer, TopicPartition

EVENTS = Path(__file__).parents[1] / "data" / "events_api" / "trimmed-payloads.jsonl.gz"
REPOSITORY = "user-df5dc2de/repo-0c46eca7"


def committed(kafka: str, topic: str) -> list:
    """The records of a topic that committed transactions wrote."""
    consumer = KafkaConsumer(
        bootstrap_servers=kafka, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    partitions = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    records = []
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for batch in consumer.poll(timeout_ms=200).values():
            records += batch
    consumer.close()
    return records


def poll_until(settings: Settings, now: list[float], is_done: Callable[[], bool]) -> None:
    """Run the source as its start command does, until `is_done`. No wait takes any time."""
    stop = threading.Event()
    publisher = KafkaPublisher(settings, stop)
    deadline = time.monotonic() + 90

    def wait(seconds: float) -> None:
        now[0] += seconds
        if is_done() or time.monotonic() > deadline:
            stop.set()

    publisher.open()
    try:
        events.run(settings, publisher, stop, now=lambda: now[0], wait=wait)
    finally:
        publisher.close()
    assert time.monotonic() < deadline, "the source did not come to an end"


@pytest.fixture(scope="module")
def captured() -> list[bytes]:
    return read_events(EVENTS)


def test_two_feeds_faults_and_restarts_leave_each_event_once_in_kafka(kafka, topic, captured):
    faults = [fault for fault in FAULTS if fault != "slow"]
    now = [1_790_000_000.0]
    with FakeGitHub(captured, step=15, fault_every=5, faults=faults, now=lambda: now[0]) as github:
        settings = from_env(
            {
                "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": kafka,
                "GHSTREAM_TOPIC": topic,
                "GHSTREAM_SOURCE_API_URL": github.url,
                "GHSTREAM_SOURCE_SCOPE": f"public repo:{REPOSITORY}",
            }
        )
        for happened in (250, 500):
            poll_until(settings, now, lambda least=happened: github.happened > least)

        def is_quiet() -> bool:
            last = github.requests[-4:]
            modified = [request for request in last if request.status == 200]
            return github.over and {request.path for request in last} == paths and not modified

        paths = {"/events", f"/repos/{REPOSITORY}/events"}
        poll_until(settings, now, is_quiet)

    expected = Counter(
        (event["id"], event["type"], event["created_at"]) for event in map(json.loads, captured)
    )
    records = committed(kafka, topic)
    values = [json.loads(record.value) for record in records]
    assert Counter((v["id"], v["type"], v["created_at"]) for v in values) == expected
    assert all(
        record.key == str(value["repo_id"]).encode()
        for record, value in zip(records, values, strict=True)
    )
    assert {dict(record.headers)["origin"] for record in records} <= {
        b"public",
        f"repo:{REPOSITORY}".encode(),
    }
    coverage = [json.loads(record.value) for record in committed(kafka, f"{topic}-coverage")]
    assert sum(each["new_events"] for each in coverage) == len(captured)
    assert {each["feed"] for each in coverage} == {"public", f"repo:{REPOSITORY}"}
    assert not any("gap_from" in each for each in coverage)
