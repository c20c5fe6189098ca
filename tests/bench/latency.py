"""Seconds from publishing an event to seeing it counted in the REST API."""

from __future__ import annotations

import json
import statistics
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from ghstream_local.broker import free_port
from kafka import KafkaAdminClient, KafkaProducer

from tests.bench.processes import Process
from tests.bench.throughput import spark_environment

if TYPE_CHECKING:
    from tests.bench.__main__ import Bench

TOPIC = "bench-latency"
PER_SECOND = 500
BURST = 25
SECONDS = 30
WARM_UP_SECONDS = 20


@dataclass(frozen=True)
class Delay:
    """One round's percentiles, in seconds."""

    p50: float
    p99: float


def measure(bench: Bench) -> tuple[list[Delay], dict[str, dict[str, float]]]:
    """Publish at a steady rate and watch the API; return each round's delays, and peak memory."""
    admin = KafkaAdminClient(bootstrap_servers=bench.kafka)
    admin.create_topics({TOPIC: {"num_partitions": 2, "replication_factor": 1}})
    admin.close()
    url, port = f"sqlite:///{bench.folder}/latency.db", free_port()
    environment = spark_environment(bench, url, "latency") | {
        "GHSTREAM_TOPIC": TOPIC,
        "GHSTREAM_WEBAPP_PORT": str(port),
        "GHSTREAM_WEBAPP_METRICS_PORT": str(free_port()),
    }
    spark = Process.python(
        "-m", "ghstream_spark", environment=environment, log=bench.folder / "latency-spark.log"
    )
    webapp = Process.python(
        "-m", "ghstream_webapp", environment=environment, log=bench.folder / "latency-webapp.log"
    )
    status = f"http://127.0.0.1:{port}/api/v1/status"
    try:
        wait_for_api(status)
        round_of(bench, status, seconds=WARM_UP_SECONDS)
        delays = [round_of(bench, status, seconds=SECONDS) for _ in range(bench.rounds)]
    finally:
        webapp.stop()
        spark.stop()
    return delays, {"spark": spark.peaks, "webapp": webapp.peaks}


def round_of(bench: Bench, status: str, seconds: int) -> Delay:
    """Publish for that long and return the delays of all events."""
    before = requests.get(status, timeout=10).json()["events"]
    total = seconds * PER_SECOND
    published: list[float] = []
    seen: list[tuple[int, float]] = []
    publisher = threading.Thread(target=publish, args=(bench.kafka, total, published))
    publisher.start()
    deadline = time.monotonic() + seconds + 120
    while not seen or seen[-1][0] < total:
        count = requests.get(status, timeout=10).json()["events"] - before
        seen.append((count, time.monotonic()))
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count} of {total} events came through")
        time.sleep(0.05)
    publisher.join()
    delays = sorted(delays_of(published, seen))
    return Delay(statistics.median(delays), delays[int(len(delays) * 0.99)])


def delays_of(published: list[float], seen: list[tuple[int, float]]) -> list[float]:
    """Return for the nth event published the time until n events were seen."""
    delays, at = [], 0
    for number, sent in enumerate(published, start=1):
        while seen[at][0] < number:
            at += 1
        delays.append(seen[at][1] - sent)
    return delays


def publish(kafka: str, total: int, published: list[float]) -> None:
    """Publish events that are made up but for their shape, in even bursts."""
    producer = KafkaProducer(bootstrap_servers=kafka, linger_ms=0)
    started = time.monotonic()
    for number in range(total):
        if number % BURST == 0:
            producer.flush()
            time.sleep(max(0.0, started + number / PER_SECOND - time.monotonic()))
        name = f"owner-{number % 97}/repo-{number % 1009}"
        event = {
            "id": uuid.uuid4().hex,
            "type": "PushEvent",
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "actor": f"user-{number % 499}",
            "repo": name,
            "repo_id": number % 1009,
        }
        published.append(time.monotonic())
        producer.send(TOPIC, json.dumps(event).encode(), key=name.encode())
    producer.close()


def wait_for_api(status: str) -> None:
    """Return once the API answers that the store is there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if requests.get(status, timeout=2).json().get("ready"):
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise TimeoutError("the API did not become ready")
