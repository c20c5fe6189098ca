"""The programs of a Kubernetes node, built from pinned Go modules and kept for the next time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

MODULES = Path(__file__).with_name("go")
CACHE = Path(os.environ.get("GHSTREAM_CLUSTER_CACHE", ".cache/cluster")).absolute()
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
    packages = _packages(module)
    paths = {name: folder / name for name in packages}
    for name, package in packages.items():
        if paths[name].exists():
            continue
        print(f"building {name} ({package})", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{name}.unfinished"
        flags = ["-trimpath", "-ldflags", f"-s -w {_stamp(module)}", "-o", str(unfinished)]
        subprocess.run(
            ["go", "build", *flags, package],
            cwd=module,
            env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"},
            check=True,
        )
        unfinished.rename(paths[name])
    return paths


def _packages(module: Path) -> dict[str, str]:
    tools = _module_file(module)["Tool"] or []
    last = {tool["Path"]: tool["Path"].removesuffix("/v3").rpartition("/")[2] for tool in tools}
    return {NAMES.get(name, name): package for package, name in last.items()}


def _stamp(module: Path) -> str:
    """Return linker flags that tell Kubernetes its version: else it takes itself for v0.0.0."""
    required = {r["Path"]: r["Version"] for r in _module_file(module).get("Require") or []}
    version = required.get("k8s.io/kubernetes")
    if version is None:
        return ""
    major, minor, _ = version.removeprefix("v").split(".")
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(f"-X k8s.io/component-base/version.{k}={v}" for k, v in values.items())


def _module_file(module: Path) -> dict[str, list[dict[str, str]] | None]:
    text = subprocess.run(
        ["go", "mod", "edit", "-json"], cwd=module, capture_output=True, check=True
    ).stdout
    parsed: dict[str, list[dict[str, str]] | None] = json.loads(text)
    return parsed
