"""Runs an image as a pod of restricted Pod Security would: by runc, on a read-only root.

It may write to /tmp alone. It shares the host's network: the tests start what it needs on loopback.
"""

from __future__ import annotations

import json
import signal
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.command import run
from tests.cluster.images.build import inspect


@dataclass(frozen=True)
class Process:
    """A running container; runc passes on the signals it gets."""

    name: str
    runc: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        """Standard output and error so far."""
        return self.log.read_text(errors="replace")

    @property
    def has_ended(self) -> bool:
        """Tell whether it runs no more."""
        return self.runc.poll() is not None

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Return the exit code of what a signal ended; it has two minutes to do so."""
        self.runc.send_signal(by)
        return self.wait()

    def wait(self) -> int:
        """Return the exit code of what ends within two minutes."""
        return self.runc.wait(timeout=120)

    def remove(self) -> None:
        """End it at once, if it runs."""
        if not self.has_ended:
            run("runc", "delete", "--force", self.name)
            self.runc.wait()


@dataclass(frozen=True)
class Container:
    """An unpacked image: its root file system, its configuration, and where bundles are kept."""

    root: Path
    config: Mapping[str, Any]
    folder: Path
    processes: list[Process] = field(default_factory=list)

    def start(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        entrypoint: Sequence[str] | None = None,
        user: str = "",
        writable: Mapping[str, Path] | None = None,
    ) -> Process:
        """Start it. `writable` maps paths within to folders of the host."""
        command = list(self.config.get("Entrypoint") or []) if entrypoint is None else entrypoint
        environment = [
            *self.config["Env"],
            *(f"{name}={value}" for name, value in (environ or {}).items()),
        ]
        uid, gid = (user or self.config["User"]).split(":")
        name = f"ghstream-{uuid.uuid4().hex[:12]}"
        bundle = self.folder / name
        bundle.mkdir()
        process = {
            "user": {"uid": int(uid), "gid": int(gid)},
            "args": [*command, *(arguments or self.config.get("Cmd") or [])],
            "env": environment,
            "cwd": self.config.get("WorkingDir") or "/",
            "noNewPrivileges": True,
        }
        specification = {
            "ociVersion": "1.0.2",
            "root": {"path": str(self.root), "readonly": True},
            "process": process,
            "mounts": [*_MOUNTS, *(_bind(*pair) for pair in (writable or {}).items())],
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "mount")]},
        }
        (bundle / "config.json").write_text(json.dumps(specification))
        log = bundle / "log"
        with log.open("wb") as output:
            command = ["runc", "run", "--bundle", str(bundle), name]
            runc = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self.processes.append(Process(name, runc, log))
        return self.processes[-1]


@contextmanager
def unpack(image: str, folder: Path) -> Iterator[Container]:
    """Mount the image's layers while the context lasts; bundles are kept in `folder`."""
    name = run("buildah", "from", "--pull-never", image).strip()
    try:
        root = Path(run("buildah", "mount", name).strip())
        container = Container(root, inspect(image)["OCIv1"]["config"], folder)
        try:
            yield container
        finally:
            for process in container.processes:
                process.remove()
    finally:
        run("buildah", "rm", name)


def _bind(path: str, source: Path, mode: str = "rw") -> dict[str, Any]:
    return {"destination": path, "source": str(source), "type": "bind", "options": ["rbind", mode]}


def _memory(path: str, mode: str) -> dict[str, Any]:
    options = ["nosuid", f"mode={mode}"]
    return {"destination": path, "source": "tmpfs", "type": "tmpfs", "options": options}


_MOUNTS = [
    {"destination": "/proc", "source": "proc", "type": "proc"},
    _memory("/dev", "755"),
    _memory("/dev/shm", "1777"),
    _memory("/tmp", "1777"),
    # A kubelet writes its own.
    *(_bind(file, Path(file), "ro") for file in ("/etc/hosts", "/etc/resolv.conf")),
]
