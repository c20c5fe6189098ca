"""Whether GitHub can be reached."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ghstream_local import github


@contextmanager
def answering(status: int, content_type: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [200, 401, 403, 404, 429])
def test_any_answer_of_the_api_counts_even_one_that_refuses(status):
    with answering(status, "application/json; charset=utf-8") as url:
        assert github.obstacle(url) is None


@pytest.mark.parametrize(
    ("status", "content_type"),
    [(503, "application/json"), (502, "text/html"), (200, "text/html"), (404, "text/html")],
)
def test_a_failure_or_the_page_of_somebody_else_does_not(status, content_type):
    with answering(status, content_type) as url:
        assert f"{url} answers {status}" in str(github.obstacle(url))


def test_a_refused_connection_is_named():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert github.obstacle(url) == f"{url}: Connection refused"


def test_silence_ends_after_the_time_out(monkeypatch):
    monkeypatch.setattr(github, "TIMEOUT", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert "does not answer within" in str(github.obstacle(url))


def test_a_name_that_does_not_resolve_is_named():
    reason = str(github.obstacle("https://api.github.invalid"))
    assert "api.github.invalid" in reason
    assert "Max retries" not in reason
