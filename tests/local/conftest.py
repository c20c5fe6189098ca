"""Processes under test that print a log, and how to wait for what they say."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Thread

import psutil
import pytest


class Logged:
    """A process in a group of its own, with every line that it has printed."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        Thread(target=self._read, daemon=True).start()

    def wait_for(self, text: str, timeout: float = 90, *, after: int = 0) -> str:
        """Return the first line that has `text`, of those from number `after` on."""
        deadline = time.monotonic() + timeout
        while True:
            for line in self.lines[after:]:
                if text in line:
                    return line
            try:
                line_or_end = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line_or_end = None
            if line_or_end is None:
                raise AssertionError(f"no {text!r} in:\n" + "\n".join(self.lines))
            self.lines.append(line_or_end)

    def end(self, timeout: float = 90) -> int:
        """Return the exit code, once the process and its output have ended."""
        while (line := self._queue.get(timeout=timeout)) is not None:
            self.lines.append(line)
        return self.process.wait(timeout)

    def interrupt_group(self) -> None:
        """Do what Ctrl-C in a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)


Start = Callable[..., Logged]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a Python program: start(*arguments, NAME=value…). It does not outlive the test."""
    started: list[Logged] = []

    def start_python(*arguments: str, **variables: str) -> Logged:
        inherited = {n: v for n, v in os.environ.items() if not n.startswith("GHSTREAM_")}
        logged = Logged([sys.executable, *arguments], inherited | variables)
        started.append(logged)
        return logged

    yield start_python
    for logged in started:
        left = psutil.Process(logged.process.pid).children(recursive=True) if alive(logged) else []
        for process in (logged.process, *left):
            process.kill()
        logged.process.wait()


def alive(logged: Logged) -> bool:
    return logged.process.poll() is None


@pytest.fixture
def processes_of() -> Callable[[Path], list[psutil.Process]]:
    """Lists the running processes that were started for a data folder, by their environment."""

    def find(data: Path) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                is_ours = f"{data}" in process.environ().get("GHSTREAM_LOCAL_DATA", "")
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    return find


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool], float], None]:
    """Waits until something holds, at most so many seconds."""

    def wait(holds: Callable[[], bool], timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while not holds():
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.1)

    return wait
