"""Metrics and probes of the application, on a port of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

EVENTS = Counter("ghstream_spark_events_total", "Events merged into the store")
REJECTED = Counter(
    "ghstream_spark_rejected_total", "Records that did not fit, sent to dead letters"
)
BATCHES = Counter("ghstream_spark_batches_total", "Micro-batches", ["result"])
BATCH_SECONDS = Histogram(
    "ghstream_spark_batch_duration_seconds",
    "Time from the start of a micro-batch's computation to its commit in the store",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
)
BATCH_ID = Gauge("ghstream_spark_batch_id", "Number of the last merged micro-batch")
OFFSETS_BEHIND = Gauge("ghstream_spark_offsets_behind", "Records on the topics not yet read")
NEWEST_EVENT = Gauge(
    "ghstream_spark_newest_event_timestamp_seconds", "created_at of the newest merged event"
)


def serve(host: str, port: int, is_ready: Callable[[], bool]) -> ThreadingHTTPServer:
    """Serve /metrics, /livez and /readyz in a thread; return the server, to be shut down."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(REGISTRY), CONTENT_TYPE_LATEST)
            elif self.path == "/livez":
                self._answer(200, b"ok\n")
            elif self.path == "/readyz":
                self._answer(200, b"ok\n") if is_ready() else self._answer(503, b"not ready\n")
            else:
                self._answer(404, b"/metrics, /livez and /readyz are here\n")

        def _answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Leave probes out of the log."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
