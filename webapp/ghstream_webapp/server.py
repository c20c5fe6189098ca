"""gunicorn, configured in code."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from prometheus_client import start_http_server

from ghstream_webapp import create_app
from ghstream_webapp.live import Feed
from ghstream_webapp.services import EXTENSION, Services
from ghstream_webapp.settings import Settings

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn's heartbeat file, made with mkstemp


class Server(BaseApplication):  # type: ignore[misc]
    """One worker process with threads: streams hold one each, and metrics have one home."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        host = self._settings.host
        if ":" in host:
            host = f"[{host}]"
        options: dict[str, Any] = {
            "bind": f"{host}:{self._settings.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": self._settings.threads,
            "proc_name": "ghstream-webapp",
            "loglevel": self._settings.log_level.lower(),
            "graceful_timeout": 10,
            # It would be a socket in the home folder, which may be read-only.
            "control_socket_disable": True,
            "worker_tmp_dir": str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else None,
            "post_worker_init": _start_beside,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in the worker."""
        return create_app(self._settings)


def _start_beside(worker: Any) -> None:
    """Serve the metrics, and end open streams when the worker is told to stop."""
    services: Services = worker.wsgi.extensions[EXTENSION]
    settings = services.settings
    start_http_server(settings.metrics_port, settings.metrics_host, services.metrics)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        _close_first(services.feed, number)


def _close_first(feed: Feed, number: signal.Signals) -> None:
    # gunicorn waits for open responses, and a stream would not end by itself.
    inherited = signal.getsignal(number)

    def stop(number: int, frame: FrameType | None) -> None:
        feed.close()
        if callable(inherited):
            inherited(number, frame)

    signal.signal(number, stop)
