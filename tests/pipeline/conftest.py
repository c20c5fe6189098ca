"""The whole pipeline as processes: broker, source, Spark driver, web application."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ghstream_local import jars
from ghstream_local.broker import Broker, free_port, wait_until_ready

PATIENCE = 240.0
Json = dict[str, Any]


class Pipeline:
    """Processes of one stream, each in a group of its own; any of them can be killed."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.broker = Broker(jars.fetch()["kafka"], folder / "kafka", free_port(), free_port())
        self.broker.prepare()
        self.port = free_port()
        self.environment = os.environ | {
            "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": self.broker.address,
            "GHSTREAM_STORE_URL": f"sqlite:///{folder}/store.db",
            "GHSTREAM_SPARK_CHECKPOINT": str(folder / "checkpoint"),
            "GHSTREAM_SPARK_JARS": str(jars.fetch()["spark"]),
            "GHSTREAM_SPARK_TRIGGER": "200 milliseconds",
            "GHSTREAM_SPARK_HTTP_PORT": str(free_port()),
            "GHSTREAM_SOURCE_HTTP_PORT": str(free_port()),
            "GHSTREAM_WEBAPP_PORT": str(self.port),
            "GHSTREAM_WEBAPP_METRICS_PORT": str(free_port()),
        }
        self.environment |= {f"GHSTREAM_{name}": value for name, value in settings.items()}
        python = [sys.executable, "-m"]
        self._commands = {
            "broker": self.broker.command(),
            "source": [*python, "ghstream_source"],
            "spark": [*python, "ghstream_spark"],
            "webapp": [*python, "ghstream_webapp"],
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    self._commands[name], env=self.environment,
                    stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            if name == "broker":
                wait_until_ready(self.broker.address, PATIENCE)

    def kill(self, name: str) -> None:
        """End a process and what it started with SIGKILL."""
        process = self._processes[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def get(self, path: str, **parameters: object) -> Json:
        answer = requests.get(f"http://127.0.0.1:{self.port}{path}", params=parameters, timeout=30)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def events(self) -> int:
        """The events that the API counts; 0 while it cannot be reached."""
        try:
            return int(self.get("/api/v1/status")["events"])
        except (requests.ConnectionError, requests.Timeout, AssertionError):
            return 0

    def wait_for(self, condition: Callable[[int], bool]) -> None:
        """Wait until the number of events fulfils the condition."""
        deadline = time.monotonic() + PATIENCE
        while not condition(self.events()):
            if time.monotonic() > deadline:
                logs = "\n".join(
                    f"--- {log.name}\n{log.read_text()[-1500:]}"
                    for log in self.folder.glob("*.log")
                )
                pytest.fail(f"still at {self.events()} events\n{logs}")
            time.sleep(0.2)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Callable[..., Pipeline]]:
    """Makes a pipeline with the settings given; ends it after the test."""
    made: list[Pipeline] = []

    def make(**settings: str) -> Pipeline:
        made.append(Pipeline(tmp_path, settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()
