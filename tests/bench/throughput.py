"""Events per second: of the source, of the whole from topic to store, and of the other designs."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from ghstream_store.database import is_ready, open_store
from ghstream_store.ledger import read_entry
from kafka import KafkaAdminClient, KafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.corpus import repeat
from tests.bench.processes import Process

if TYPE_CHECKING:
    from tests.bench.__main__ import Bench

TOPIC = "bench"
RAW = "bench-baseline"
SOURCE_PORT = 19101
EVENTS = "ghstream_source_events"
# Spark's code is compiled as it runs: the first batches of 200,000 are up to twice as slow.
WARM_UP = 800_000
BASELINE_EVENTS = 160_000


@dataclass(frozen=True)
class Rate:
    """One round. Memory is in MiB, by name of process."""

    per_second: float
    per_core: float
    peaks: dict[str, float]


def source(bench: Bench, number: int) -> Rate:
    """Replay the archive into a topic of its own; the first round's is read by the others."""
    process = Process.python(
        "-m",
        "ghstream_source",
        environment={
            "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": bench.kafka,
            "GHSTREAM_TOPIC": TOPIC if number == 0 else f"{TOPIC}-{number}",
            "GHSTREAM_SOURCE_TYPE": "archive",
            "GHSTREAM_SOURCE_FILES": str(bench.archive),
            "GHSTREAM_SOURCE_SPEED": "max",
            "GHSTREAM_SOURCE_ON_END": "exit",
            "GHSTREAM_SOURCE_HTTP_PORT": str(SOURCE_PORT),
        },
        log=bench.folder / "source.log",
    )
    samples = watch_source(process, f"http://127.0.0.1:{SOURCE_PORT}/metrics")
    process.wait(timeout=600)
    (began, first, used), (ended, last, used_in_all) = samples[0], samples[-1]
    events = last - first
    return Rate(events / (ended - began), events / (used_in_all - used), process.peaks)


def watch_source(process: Process, url: str) -> list[tuple[float, float, float]]:
    """Return (time, events so far, processor seconds so far) as the source tells; start apart."""
    samples = []
    while process.popen.poll() is None:
        time.sleep(0.2)
        with suppress(requests.ConnectionError):
            text = requests.get(url, timeout=5).text
            values = {
                f.name: sum(s.value for s in f.samples if s.name.endswith("_total"))
                for f in text_string_to_metric_families(text)
            }
            samples.append((time.monotonic(), values[EVENTS], values["process_cpu_seconds"]))
    return [sample for sample in samples if sample[1]]


def publish_raw(bench: Bench) -> None:
    """Put the same raw events on a topic for the designs that parse them downstream."""
    admin = KafkaAdminClient(bootstrap_servers=bench.kafka)
    admin.create_topics({RAW: {"num_partitions": 2, "replication_factor": 1}})
    admin.close()
    producer = KafkaProducer(
        bootstrap_servers=bench.kafka,
        compression_type="lz4",
        linger_ms=50,
        batch_size=1 << 19,
        max_request_size=1 << 22,
    )
    for line in repeat(bench.archive, BASELINE_EVENTS):
        producer.send(RAW, line)
    producer.close()


def application(bench: Bench, number: int) -> Rate:
    """Read the whole topic into a new store; the first batches warm up and do not count."""
    url = f"sqlite:///{bench.folder}/ours-{number}.db"
    process = Process.python(
        "-m",
        "ghstream_spark",
        environment=spark_environment(bench, url, f"ours-{number}")
        | {
            "GHSTREAM_TOPIC": TOPIC,
            "GHSTREAM_SPARK_TRIGGER": "availableNow",
        },
        log=bench.folder / f"ours-{number}.log",
    )
    commits = watch_ledger(process, url, bench.events)
    process.wait(timeout=120)
    return rate(commits, process)


def baseline(bench: Bench, kind: str, number: int) -> Rate:
    """Run one of `tests.bench.baselines` on the raw events."""
    log = bench.folder / f"{kind}-{number}.log"
    url = f"sqlite:///{bench.folder}/{kind}-{number}.db"
    process = Process.python(
        "-m",
        "tests.bench.baselines",
        kind,
        str(BASELINE_EVENTS),
        environment=spark_environment(bench, url, f"{kind}-{number}") | {"GHSTREAM_TOPIC": RAW},
        log=log,
    )
    process.wait(timeout=900)
    lines = [line.split() for line in log.read_text().splitlines()]
    commits = {int(s[0]): float(s[1]) for s in lines if len(s) == 2 and s[0].isdigit()}
    return rate(sorted(commits.items()), process)


def spark_environment(bench: Bench, url: str, name: str) -> dict[str, str]:
    """Return what the application and the designs beside it are started with."""
    return {
        "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": bench.kafka,
        "GHSTREAM_STORE_URL": url,
        "GHSTREAM_SPARK_CHECKPOINT": str(bench.folder / f"checkpoint-{name}"),
        "GHSTREAM_SPARK_JARS": str(bench.spark_jars),
        "GHSTREAM_SPARK_HTTP_PORT": "19102",
    }


def watch_ledger(process: Process, url: str, events: int) -> list[tuple[int, float]]:
    """Return (events so far, time of the commit) for each batch that the store shows."""
    store = open_store(url)
    commits: dict[int, float] = {}
    ready = False
    while process.popen.poll() is None and max(commits, default=0) < events:
        # The ledger holds the time: looking more often would only slow down what is measured.
        time.sleep(0.25)
        ready = ready or is_ready(store)
        if not ready:
            continue
        with store.connect() as connection:
            entry = read_entry(connection, TOPIC)
        if entry and entry.merged_at:
            commits[entry.events] = entry.merged_at
    store.dispose()
    return sorted(commits.items())


def rate(commits: list[tuple[int, float]], process: Process) -> Rate:
    """Return events per second from the last commit of the warm-up to the last of all."""
    warm = [commit for commit in commits if commit[0] >= min(WARM_UP, commits[-1][0] // 4)]
    (first, began), (last, ended) = warm[0], warm[-1]
    return Rate((last - first) / (ended - began), 0.0, process.peaks)
