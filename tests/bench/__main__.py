"""`make bench`: what this system does per second, beside two other designs, in one run.

EVENTS, ROUNDS and FILE (a GH Archive hour) can be set; the defaults take about 20 minutes.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from ghstream_local import jars
from ghstream_local.broker import Broker, free_port, wait_until_ready

from tests.bench import corpus, latency, throughput
from tests.bench.processes import Process

SAMPLE = Path(__file__).parents[1] / "data" / "gharchive" / "2015-01-01-0.head3000.json.gz"


@dataclass(frozen=True)
class Bench:
    """What every measurement needs."""

    folder: Path
    kafka: str
    spark_jars: Path
    archive: Path
    events: int
    rounds: int


def main() -> None:
    """Run every measurement and print a line for each."""
    events, rounds = int(os.environ.get("EVENTS", "2000000")), int(os.environ.get("ROUNDS", "3"))
    original = Path(os.environ.get("FILE", SAMPLE))
    with tempfile.TemporaryDirectory(prefix="ghstream-bench-") as name:
        folder = Path(name)
        archive = folder / "repeated.json.gz"
        corpus.write(original, events, archive)
        say(f"{events:,} events from {original.name}, {os.cpu_count()} cores")
        with broker(folder) as kafka:
            bench = Bench(folder, kafka, jars.fetch()["spark"], archive, events, rounds)
            measure(bench)


def measure(bench: Bench) -> None:
    """Run the measurements in the order in which they depend on each other."""
    source = [throughput.source(bench, number) for number in range(bench.rounds)]
    show("source, archive to Kafka, per core", [r.per_core for r in source], "events/s")
    show("source, archive to Kafka, by the clock", [r.per_second for r in source], "events/s")
    show_peaks("source", source[-1].peaks)
    throughput.publish_raw(bench)
    ours = [throughput.application(bench, number) for number in range(bench.rounds)]
    show("this system, Kafka to store, 8 metrics", [r.per_second for r in ours], "events/s")
    show_peaks("spark", ours[-1].peaks)
    for kind, what in (
        ("consumer", "(a) kafka-python, json and counters"),
        ("queries", "(b) from_json, a query per metric"),
    ):
        theirs = [throughput.baseline(bench, kind, number) for number in range(bench.rounds)]
        show(what, [r.per_second for r in theirs], "events/s")
        ratio = statistics.median(r.per_second for r in ours) / statistics.median(
            r.per_second for r in theirs
        )
        say(f"  this system is {ratio:.1f} times as fast (medians)")
        show_peaks(kind, theirs[-1].peaks)
    delays, peaks = latency.measure(bench)
    show("latency p50, publish to REST, 500 events/s", [d.p50 for d in delays], "s")
    show("latency p99, publish to REST, 500 events/s", [d.p99 for d in delays], "s")
    for what, sizes in peaks.items():
        show_peaks(what, sizes)


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Run a broker; yield its address."""
    node = Broker(jars.fetch()["kafka"], folder / "kafka", free_port(), free_port())
    node.prepare()
    process = Process(node.command(), {}, folder / "kafka.log")
    try:
        wait_until_ready(node.address, timeout=60)
        yield node.address
    finally:
        process.stop()
        show_peaks("broker", process.peaks)


def show(what: str, values: Sequence[float], unit: str) -> None:
    """Print the median and the spread of the rounds."""
    low, middle, high = min(values), statistics.median(values), max(values)
    form = "{:,.0f}" if unit == "events/s" else "{:.2f}"
    low_text, text, high_text = (form.format(value) for value in (low, middle, high))
    say(f"{what:46} {text:>9} {unit}  ({low_text} to {high_text}, {len(values)} rounds)")


def show_peaks(what: str, peaks: dict[str, float]) -> None:
    """Print the greatest memory of each kind of process, resident, in MiB."""
    sizes = ", ".join(f"{name} {size:.0f} MiB" for name, size in sorted(peaks.items()))
    say(f"  peak memory, {what}: {sizes}")


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    if psutil.virtual_memory().total < 6 * 2**30:
        sys.exit("make bench needs 6 GiB of memory")
    main()
