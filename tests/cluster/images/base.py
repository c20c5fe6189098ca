"""The base image where no registry can be reached: Debian bookworm with Python, by debootstrap.

It stands in for the `python:…-slim-bookworm` that the Dockerfiles name. What this machine needs to
reach package registries (authorities of its own, pip's configuration) is in this image and in no
Dockerfile.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from tests.cluster.command import run

NAME = "localhost/ghstream-base:bookworm"
_PACKAGES = "ca-certificates,python3,python3-pip,python3-venv"
# As the slim images have it.
_KEEP_NO_ARCHIVES = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
_MANUALS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
_KEEP_NO_MANUALS = "".join(f"path-exclude /{folder}/*\n" for folder in _MANUALS)
_AUTHORITIES = Path("/usr/local/share/ca-certificates")
_PIP = Path("/etc/pip.conf")
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def build() -> str:
    """Return the base image's name, built unless it is there from the same recipe."""
    recipe = _recipe()
    inspect = ("inspect", "--type", "image", "--format", '{{index .OCIv1.Config.Labels "recipe"}}')
    if run("buildah", *inspect, NAME, check=False).strip() != recipe:
        with tempfile.TemporaryDirectory(prefix="ghstream-base-") as folder:
            root = Path(folder) / "root"
            _bootstrap(root)
            _commit(root, recipe)
    return NAME


def _recipe() -> str:
    files = [Path(__file__), *sorted(_AUTHORITIES.glob("*.crt")), *_PIP.parent.glob(_PIP.name)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _bootstrap(root: Path) -> None:
    variant = ("--variant=minbase", f"--include={_PACKAGES}")
    # Its default mirror, which it also leaves as the image's source of packages.
    run("debootstrap", *variant, "bookworm", str(root))
    (root / "etc/apt/apt.conf.d/clean").write_text(_KEEP_NO_ARCHIVES)
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(_KEEP_NO_MANUALS)
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    shutil.copytree(_AUTHORITIES, root / _AUTHORITIES.relative_to("/"), dirs_exist_ok=True)
    run("chroot", str(root), "update-ca-certificates")
    if _PIP.exists():
        shutil.copy(_PIP, root / "etc")
    for leftover in (*_MANUALS, "var/cache/apt", "var/lib/apt/lists", "var/cache/debconf"):
        shutil.rmtree(root / leftover)
        (root / leftover).mkdir()


def _commit(root: Path, recipe: str) -> None:
    container = run("buildah", "from", "scratch").strip()
    try:
        run("buildah", "add", "--quiet", container, str(root), "/")
        environment = ["--env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"]
        if "NODE_EXTRA_CA_CERTS" in os.environ:
            environment += ["--env", f"NODE_EXTRA_CA_CERTS={_BUNDLE}"]
        run("buildah", "config", "--label", f"recipe={recipe}", *environment, container)
        run("buildah", "commit", "--quiet", container, NAME)
    finally:
        run("buildah", "rm", container)
