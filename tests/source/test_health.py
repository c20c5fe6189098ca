"""The running process as probes and Prometheus see it."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import requests
from ghstream_local.broker import free_port
from prometheus_client.parser import text_string_to_metric_families

SAMPLE = Path(__file__).parents[1] / "data" / "gharchive" / "2024-01-01-15.first50.json.gz"
StartSource = Callable[..., subprocess.Popen[str]]


def status(url: str) -> int:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.ConnectionError:
        return 0


def until(url: str, expected: int) -> None:
    deadline = time.monotonic() + 60
    while status(url) != expected:
        assert time.monotonic() < deadline, f"{url} does not answer {expected}"
        time.sleep(0.1)


def test_it_is_ready_once_kafka_is_and_counts_what_it_publishes(
    start_source: StartSource, tmp_path: Path
) -> None:
    lines = gzip.decompress(SAMPLE.read_bytes()).splitlines()
    archive = tmp_path / "hour.jsonl"
    archive.write_bytes(b"\n".join([*lines, b"garbage", lines[0]]))
    port = free_port()
    source = start_source(
        SOURCE_FILES=str(archive), SOURCE_HTTP_PORT=str(port), SOURCE_ON_END="wait"
    )
    url = f"http://127.0.0.1:{port}"
    until(f"{url}/readyz", 200)
    assert status(f"{url}/livez") == 200
    assert status(f"{url}/else") == 404

    def samples() -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(requests.get(f"{url}/metrics", timeout=5).text)
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    deadline = time.monotonic() + 60
    while ("ghstream_source_archives_total", "finished") not in samples():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    found = samples()
    for kind, count in Counter(json.loads(line)["type"] for line in lines).items():
        assert found["ghstream_source_events_total", kind] == count
    assert found["ghstream_source_rejected_total", "not JSON"] == 1
    assert found["ghstream_source_duplicates_total",] == 1
    assert found["ghstream_source_archive_lines_total",] == 52
    assert found["ghstream_source_kafka_up",] == 1
    source.send_signal(signal.SIGTERM)
    assert source.wait(timeout=30) == 0


def test_it_is_alive_but_not_ready_while_kafka_is_away(start_source: StartSource) -> None:
    port = free_port()
    source = start_source(
        SOURCE_FILES=str(SAMPLE),
        SOURCE_HTTP_PORT=str(port),
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}",
    )
    until(f"http://127.0.0.1:{port}/livez", 200)
    assert status(f"http://127.0.0.1:{port}/readyz") == 503
    source.send_signal(signal.SIGTERM)
    assert source.wait(timeout=30) == 0


def test_a_port_that_is_taken_is_named_with_exit_code_2(start_source: StartSource) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        source = start_source(SOURCE_FILES=str(SAMPLE), SOURCE_HTTP_PORT=str(port))
        said = source.communicate(timeout=30)[0]
    assert source.returncode == 2
    assert f"GHSTREAM_SOURCE_HTTP_PORT: cannot listen on 127.0.0.1:{port}" in said


def test_secrets_are_not_in_the_log(start_source: StartSource) -> None:
    source = start_source(
        SOURCE_TYPE="events",
        SOURCE_TOKENS="ghp_hidden",
        SOURCE_API_URL=f"http://127.0.0.1:{free_port()}",
        LOG_LEVEL="DEBUG",
        KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT",
        KAFKA_SASL_MECHANISM="PLAIN",
        KAFKA_SASL_USERNAME="source",
        KAFKA_SASL_PASSWORD="very-hidden",
    )
    assert source.stdout is not None
    said = ""
    while "Kafka does not take what is published" not in said:
        line = source.stdout.readline()
        assert line, "it ended early"
        said += line
    source.send_signal(signal.SIGTERM)
    said += source.communicate(timeout=60)[0]
    assert source.returncode == 0
    assert "hidden" not in said
