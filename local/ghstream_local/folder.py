"""The data folder of one `make run`: who uses it, its ports, what a killed run left behind."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

import psutil

MARK = "GHSTREAM_LOCAL_DATA"
"""Environment variable that every process started for a data folder carries."""
END_TIMEOUT = 10.0  # seconds


class FolderError(Exception):
    """The data folder cannot be used. The message says why, and what to do."""


class Folder:
    """A data folder that no other run uses while this object is open."""

    def __init__(self, path: Path) -> None:
        """Make the folder if need be and lock it. Raises FolderError."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] = (path / "lock").open("a+", encoding="ascii")
        except OSError as error:
            raise FolderError(
                f"DATA={path}: cannot write there ({error.strerror}); name another folder"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.seek(0)
            raise FolderError(
                f"DATA={path}: 'make run' uses it already (process {self._lock.read().strip()});"
                " stop that one, or name another folder and port"
            ) from error
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def close(self) -> None:
        """Let others use the folder."""
        self._lock.close()

    def end_leftovers(self) -> None:
        """End the processes that an earlier run on this folder left behind."""
        left = [process for process in psutil.process_iter() if self._owns(process)]
        for end in (psutil.Process.terminate, psutil.Process.kill):
            for process in left:
                with suppress(psutil.Error):
                    end(process)
            deadline = time.monotonic() + END_TIMEOUT
            while left and time.monotonic() < deadline:
                time.sleep(0.1)
                left = [process for process in left if self._owns(process)]

    def empty_scratch(self) -> None:
        """Empty the folder of temporary files: a killed process leaves its own behind."""
        shutil.rmtree(self.path / "tmp", ignore_errors=True)
        (self.path / "tmp").mkdir()

    def clear(self) -> None:
        """Delete what runs keep here. Files of others stay, should the folder have any."""
        for name in ("kafka", "checkpoint", "tmp"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for file in (self.path / "ports.json", *self.path.glob("store.db*")):
            file.unlink(missing_ok=True)

    def ports(self, names: Iterable[str]) -> dict[str, int]:
        """Return a free loopback port for each name: the one of the last run, where still free."""
        file = self.path / "ports.json"
        last: dict[str, int] = {}
        with suppress(OSError, ValueError):
            last = json.loads(file.read_text(encoding="ascii"))
        ports = free_ports(names, last)
        file.write_text(json.dumps(ports), encoding="ascii")
        return ports

    def _owns(self, process: psutil.Process) -> bool:
        """Tell whether it was started for this folder and runs. A zombie has no environment."""
        try:
            return process.environ().get(MARK) == str(self.path)
        except (psutil.Error, OSError):
            return False


def free_ports(names: Iterable[str], wanted: Mapping[str, int]) -> dict[str, int]:
    """Return a free loopback port for each name, the wanted one if it can be had."""
    ports = {}
    with ExitStack() as held:
        for name in names:
            taken = held.enter_context(_bound(wanted.get(name, 0)))
            ports[name] = taken.getsockname()[1]
    return ports


def _bound(port: int) -> socket.socket:
    probe = socket.socket()
    # A port whose last connections have just ended can be listened on again.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        probe.bind(("127.0.0.1", 0))
    probe.listen()
    return probe
