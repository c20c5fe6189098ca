"""The live feed, from a real server process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from ghstream_local.broker import free_port

FillStore = Callable[..., None]
MergeOne = Callable[[str, int, int], None]
TIME = 1_772_323_200


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    url: str
    metrics_url: str
    log: Path

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send the signal; return how many seconds the server took to end."""
        start = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=30)
        return time.monotonic() - start


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(store_url: str, **settings: object) -> Server:
        port, metrics_port = free_port(), free_port()
        env = {
            "STORE_URL": store_url, "TOPIC": "test-events", "WEBAPP_PORT": port,
            "WEBAPP_METRICS_PORT": metrics_port, **settings,
        }  # fmt: skip
        log = tmp_path / f"server-{len(servers)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "ghstream_webapp"],
                env=os.environ | {f"GHSTREAM_{name}": str(value) for name, value in env.items()},
                stdout=output, stderr=output,
            )  # fmt: skip
        server = Server(
            process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics_port}/metrics", log
        )
        servers.append(server)
        wait_for(lambda: requests.get(f"{server.url}/livez", timeout=5).ok, log)
        return server

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()


def wait_for(condition: Callable[[], object], log: Path, timeout: float = 60) -> None:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException):
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError(f"waited in vain; the server's log:\n{log.read_text()}")


def open_stream(server: Server, **headers: str) -> requests.Response:
    return requests.get(f"{server.url}/api/v1/stream", headers=headers, stream=True, timeout=60)


def messages(response: requests.Response) -> Iterator[dict[str, str]]:
    """Parse server-sent events; a comment alone is an empty message."""
    message: dict[str, str] = {}
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            name, _, value = line.partition(":")
            message |= {name: value.strip()} if name else {}
        else:
            yield message
            message = {}


def updates(response: requests.Response) -> Iterator[dict[str, Any]]:
    for message in messages(response):
        if message:
            assert message["event"] == "update"
            yield {"id": message["id"], **json.loads(message["data"])}


def test_every_stream_hears_of_every_merge(
    serve: Callable[..., Server], fill_store: FillStore, merge_one: MergeOne, store_url: str
) -> None:
    fill_store(store_url, TIME)
    server = serve(store_url)
    with open_stream(server) as one, open_stream(server) as other:
        assert one.headers["Content-Type"] == "text/event-stream"
        assert one.headers["Cache-Control"] == "no-cache"
        assert one.headers["X-Accel-Buffering"] == "no"
        hear_one, hear_other = updates(one), updates(other)
        first = next(hear_one)
        assert first.pop("id") == next(hear_other)["id"]
        status = requests.get(f"{server.url}/api/v1/status", timeout=10).json()
        volatile = {"now": None, "freshness_seconds": None}
        assert first | volatile == status | volatile
        for number in (1, 2):
            merge_one(store_url, number, TIME + number)
            for heard in (next(hear_one), next(hear_other)):
                assert (heard["batch_id"], heard["events"]) == (number, 1 + number)


def test_a_client_that_comes_back_is_told_only_what_is_new(
    serve: Callable[..., Server], fill_store: FillStore, merge_one: MergeOne, empty_url: str
) -> None:
    fill_store(empty_url, TIME)
    server = serve(empty_url)
    with open_stream(server) as stream:
        last = next(updates(stream))
    with open_stream(server, **{"Last-Event-ID": last["id"]}) as stream:
        heard = updates(stream)
        merge_one(empty_url, 1, TIME)
        assert next(heard)["batch_id"] == 1


def test_no_more_streams_than_allowed_and_places_are_given_back(
    serve: Callable[..., Server], fill_store: FillStore, merge_one: MergeOne, empty_url: str
) -> None:
    fill_store(empty_url, TIME)
    server = serve(empty_url, WEBAPP_MAX_STREAMS=2, WEBAPP_THREADS=6)
    with open_stream(server) as one, open_stream(server) as two:
        for stream in (one, two):
            next(updates(stream))
        with open_stream(server) as refused:
            assert refused.status_code == 503
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert int(refused.headers["Retry-After"]) > 0
        assert requests.get(f"{server.url}/api/v1/status", timeout=10).ok
        assert "ghstream_http_open_streams 2.0" in requests.get(server.metrics_url, timeout=10).text
    # The server notices that a client has left when it writes to it.
    numbers = iter(range(1, 1000))

    def has_place() -> bool:
        merge_one(empty_url, next(numbers), TIME)
        with open_stream(server) as stream:
            return stream.ok

    wait_for(has_place, server.log)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_open_streams_do_not_hold_up_the_end(
    serve: Callable[..., Server], fill_store: FillStore, empty_url: str, number: signal.Signals
) -> None:
    fill_store(empty_url, TIME)
    server = serve(empty_url)
    ended = threading.Event()

    def listen() -> None:
        with open_stream(server) as stream:
            heard.set()
            with contextlib.suppress(requests.RequestException):
                for _ in messages(stream):
                    pass
        ended.set()

    for _ in range(3):
        heard = threading.Event()
        threading.Thread(target=listen, daemon=True).start()
        assert heard.wait(30)
    assert server.stop(number) < 6
    assert server.process.returncode == 0
    assert ended.wait(10)
    assert "Traceback" not in server.log.read_text()


def test_the_feed_waits_for_a_store_that_is_away(
    serve: Callable[..., Server], fill_store: FillStore, empty_url: str
) -> None:
    server = serve(empty_url)
    with open_stream(server) as stream:
        heard = updates(stream)
        assert not next(heard)["ready"]
        fill_store(empty_url, TIME)
        update = next(heard)
        assert update["ready"]
        assert update["events"] == 1
