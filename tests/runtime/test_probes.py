"""The probes over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests
from ghstream_runtime.probes import serve
from prometheus_client import REGISTRY, Counter
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def answers() -> list[bool]:
    """Whether the process is ready, each time that it is asked."""
    return [False, True, False]


@pytest.fixture
def url(answers: list[bool]) -> Iterator[str]:
    server = serve("127.0.0.1", 0, lambda: answers.pop(0))
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_it_is_ready_while_the_process_says_so_and_alive_anyway(url: str) -> None:
    ready = [requests.get(f"{url}/readyz", timeout=5).status_code for _ in range(3)]
    assert ready == [503, 200, 503]
    assert requests.get(f"{url}/livez", timeout=5).status_code == 200


def test_what_was_counted_is_shown_to_prometheus(url: str) -> None:
    counter = Counter("probed", "Only here")
    counter.inc(3)
    try:
        answer = requests.get(f"{url}/metrics?name[]=probed_total", timeout=5)
    finally:
        REGISTRY.unregister(counter)
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    (family,) = [f for f in text_string_to_metric_families(answer.text) if f.name == "probed"]
    assert next(s.value for s in family.samples if s.name == "probed_total") == 3


def test_another_path_is_answered_with_those_that_exist(url: str) -> None:
    answer = requests.get(f"{url}/else", timeout=5)
    assert answer.status_code == 404
    for path in ("/metrics", "/livez", "/readyz"):
        assert path in answer.text


def test_a_port_that_is_taken_is_an_error_of_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve("127.0.0.1", taken.getsockname()[1], lambda: True)
