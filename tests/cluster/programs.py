"""The programs of a Kubernetes node, built from pinned Go modules and kept for the next time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ghstream_local.versions import ROOT

from tests.cluster.command import run

MODULES = Path(__file__).with_name("go")
CACHE = ROOT / ".cache" / "cluster"
NAMES = {"server": "etcd", "operator": "spark-operator"}
"""Programs that are not called after the last part of their package's path."""


def build() -> dict[str, Path]:
    """Return the path of each program by its name; build those whose module has changed.

    Every folder of `go/` is a module whose `tool` lines name the packages. Raises
    CalledProcessError with what the compiler said on stderr.
    """
    if shutil.which("go") is None:
        raise FileNotFoundError("go is not installed: https://go.dev/dl, or apt-get install golang")
    return {
        name: path
        for module in sorted(MODULES.iterdir())
        for name, path in _build_module(module).items()
    }


def _build_module(module: Path) -> dict[str, Path]:
    content = (module / "go.mod").read_bytes() + (module / "go.sum").read_bytes()
    folder = CACHE / "programs" / f"{module.name}-{hashlib.sha256(content).hexdigest()[:12]}"
    declared = json.loads(run("go", "-C", str(module), "mod", "edit", "-json"))
    packages = _packages(declared)
    paths = {name: folder / name for name in packages}
    for name, package in packages.items():
        if paths[name].exists():
            continue
        print(f"building {name} ({package})", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{name}.unfinished"
        flags = ["-trimpath", "-ldflags", f"-s -w {_stamp(declared)}", "-o", str(unfinished)]
        subprocess.run(
            ["go", "build", *flags, package],
            cwd=module,
            env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"},
            check=True,
        )
        unfinished.rename(paths[name])
    return paths


def _packages(declared: Mapping[str, Any]) -> dict[str, str]:
    paths = [tool["Path"] for tool in declared["Tool"]]
    last = {path: path.removesuffix("/v3").rpartition("/")[2] for path in paths}
    return {NAMES.get(name, name): package for package, name in last.items()}


def _stamp(declared: Mapping[str, Any]) -> str:
    """Return linker flags that tell Kubernetes its version: else it takes itself for v0.0.0."""
    required = {r["Path"]: r["Version"] for r in declared["Require"] or []}
    version = required.get("k8s.io/kubernetes")
    if version is None:
        return ""
    major, minor, _ = version.removeprefix("v").split(".")
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(f"-X k8s.io/component-base/version.{k}={v}" for k, v in values.items())
