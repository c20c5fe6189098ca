"""Runs an image as a pod of restricted Pod Security would: runc, read-only, /tmp alone to write.

The container shares the host's network, so that it finds what the tests start on loopback.
"""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.images.build import inspect
from tests.cluster.images.command import run


@dataclass(frozen=True)
class Container:
    """An unpacked image: its root file system, its configuration, and where bundles are kept."""

    root: Path
    config: Mapping[str, Any]
    folder: Path

    def start(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        entrypoint: Sequence[str] | None = None,
        user: str = "",
        writable: Mapping[str, Path] | None = None,
    ) -> subprocess.Popen[str]:
        """Start it; runc passes signals on. `writable` maps paths within to folders of the host."""
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
        return subprocess.Popen(
            ["runc", "run", "--bundle", str(bundle), name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def output(self, *arguments: str, **options: Any) -> tuple[int, str]:
        """Run it to its end; return the exit code and what it said."""
        process = self.start(*arguments, **options)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said


@contextmanager
def unpack(image: str, folder: Path) -> Iterator[Container]:
    """Mount the image's layers while the context lasts; bundles are kept in `folder`."""
    name = run("buildah", "from", "--pull-never", image).strip()
    try:
        root = Path(run("buildah", "mount", name).strip())
        yield Container(root, inspect(image)["OCIv1"]["config"], folder)
    finally:
        run("buildah", "rm", name)


def _bind(path: str, source: Path) -> dict[str, Any]:
    return {"destination": path, "source": str(source), "type": "bind", "options": ["rbind", "rw"]}


def _memory(path: str, mode: str) -> dict[str, Any]:
    options = ["nosuid", f"mode={mode}"]
    return {"destination": path, "source": "tmpfs", "type": "tmpfs", "options": options}


_MOUNTS = [
    {"destination": "/proc", "source": "proc", "type": "proc"},
    _memory("/dev", "755"),
    _memory("/dev/shm", "1777"),
    _memory("/tmp", "1777"),
]
