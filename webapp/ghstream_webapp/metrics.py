"""Rate, errors and duration of requests, for Prometheus on a port of its own."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Gauge, Histogram

from ghstream_webapp.live import Feed

# A client may send any method; only these become labels.
_METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


def register(app: Flask, feed: Feed) -> CollectorRegistry:
    """Measure every request of the application; return the registry that holds the figures."""
    registry = CollectorRegistry()
    durations = Histogram(
        "ghstream_http_request_duration_seconds",
        "Time until the response began.",
        ["route", "method", "status"],
        buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        registry=registry,
    )
    streams = Gauge("ghstream_http_open_streams", "Open live streams.", registry=registry)
    streams.set_function(lambda: feed.open_streams)

    def start() -> None:
        g.started = time.perf_counter()

    def observe(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in _METHODS else "other"
        seconds = time.perf_counter() - g.started
        durations.labels(route, method, response.status_code).observe(seconds)
        return response

    app.before_request(start)
    app.after_request(observe)
    return registry
