"""Processes under measurement: started, watched for memory and processor time, ended."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

MiB = 1024 * 1024


class Process:
    """A process in a group of its own, with the peak of its memory by kind of process."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as out:
            self.popen = subprocess.Popen(
                command,
                env=os.environ | dict(environment),
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        # In a group of its own, nothing else ends it with us.
        atexit.register(self._kill)
        self.log = log
        self.peaks: dict[str, float] = {}
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @classmethod
    def python(cls, *arguments: str, environment: Mapping[str, str], log: Path) -> Process:
        """Start this Python with the arguments."""
        return cls([sys.executable, *arguments], environment, log)

    def wait(self, timeout: float) -> int:
        """Wait for its end; raise if it takes longer, or ends otherwise than well."""
        code = self.popen.wait(timeout)
        self._finish()
        if code != 0:
            raise RuntimeError(f"it ended with {code}:\n{self.log.read_text()[-3000:]}")
        return code

    def stop(self) -> None:
        """Ask it to end, then make it."""
        self.popen.terminate()
        try:
            self.popen.wait(30)
        except subprocess.TimeoutExpired:
            self._kill()
        self._finish()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def _finish(self) -> None:
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._done.wait(1):
            now: dict[str, float] = {}
            try:
                root = psutil.Process(self.popen.pid)
                for process in [root, *root.children(recursive=True)]:
                    name = process.name()
                    # A fork shows its parent's memory until it becomes another program.
                    if name not in ("java", "python"):
                        continue
                    now[name] = now.get(name, 0.0) + process.memory_info().rss / MiB
            except psutil.Error:
                continue
            for name, size in now.items():
                self.peaks[name] = max(size, self.peaks.get(name, 0.0))
