"""What an operator asks over HTTP: /metrics, /livez, /readyz."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


def serve(host: str, port: int, ready: Callable[[], bool]) -> ThreadingHTTPServer:
    """Answer in a thread of its own; return the server. Raises OSError if it cannot listen there.

    /readyz is 200 while `ready()`, else 503; /livez is 200 as long as anything answers; /metrics is
    what prometheus_client's default registry holds.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/metrics":
                    self._answer(HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST)
                case "/livez":
                    self._answer(HTTPStatus.OK, b"ok\n")
                case "/readyz" if ready():
                    self._answer(HTTPStatus.OK, b"ok\n")
                case "/readyz":
                    self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"not ready\n")
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, b"/metrics, /livez or /readyz\n")

        def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Leave probes out of the log."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True, name="probes").start()
    return server
