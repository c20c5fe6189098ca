"""What is built from what, and how an image becomes an archive."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ghstream_local import jars
from ghstream_local.versions import ROOT, versions
from go_modules import SPARK_OPERATOR

from tests.cluster.command import run

ARCHIVES = ROOT / ".cache" / "images"
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Image:
    """An image by the name that the charts' pods resolve to."""

    name: str
    dockerfile: Path
    context: Path = ROOT
    jars: Sequence[str] = ()
    """Sets of jars that the Dockerfile copies from by their names."""
    folders: Mapping[str, Path] = field(default_factory=dict)
    """Other folders that it copies from by these names."""

    @property
    def archive(self) -> Path:
        """Where the image is written to, for `ctr -n k8s.io images import`."""
        return ARCHIVES / f"{self.name.rpartition('/')[2].replace(':', '-')}.tar"


def images() -> dict[str, Image]:
    """Return every image by the short name that the command line takes."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    ours = {
        component: Image(
            f"docker.io/library/ghstream-{component}:{version}",
            ROOT / "images" / component / "Dockerfile",
        )
        for component in ("source", "spark", "webapp", "operator")
    }
    kafka = Image(
        f"docker.io/apache/kafka:{versions()['KAFKA_VERSION']}",
        _HERE / "kafka" / "Dockerfile",
        _HERE / "kafka",
        jars=("kafka", "kafka-tools"),
    )
    postgres = Image(
        "docker.io/library/postgres:17-bookworm",
        _HERE / "postgres" / "Dockerfile",
        _HERE / "postgres",
    )
    return {**ours, "kafka": kafka, "postgres": postgres}


def spark_operator(program: Path) -> Image:
    """Return the image of the spark-operator, which is built on that of the Spark application."""
    return Image(
        f"docker.io/library/ghstream-spark-operator:{SPARK_OPERATOR.rpartition('@v')[2]}",
        _HERE / "spark-operator" / "Dockerfile",
        _HERE / "spark-operator",
        folders={"program": program.parent},
    )


def build(image: Image, base: str) -> None:
    """Build the image on the base image; layers whose input is unchanged are kept."""
    folders = {**jars.fetch(sets=image.jars), **image.folders}
    contexts = [f"--build-context={name}={folder}" for name, folder in folders.items()]
    run(
        *("buildah", "build", "--isolation", "chroot", "--layers", "--force-rm"),
        *("--build-arg", f"BASE_IMAGE={base}", "--build-arg", f"REVISION={_revision()}"),
        *(*contexts, "--file", str(image.dockerfile), "--tag", image.name, str(image.context)),
    )


def export(image: Image) -> Path:
    """Write the image's archive unless it holds that very image, and return its path."""
    digest = inspect(image.name)["FromImageDigest"]
    note = image.archive.with_suffix(".digest")
    if not (image.archive.exists() and note.exists() and note.read_text() == digest):
        image.archive.parent.mkdir(parents=True, exist_ok=True)
        image.archive.unlink(missing_ok=True)
        target = f"docker-archive:{image.archive}:{image.name}"
        run("buildah", "push", "--quiet", image.name, target)
        note.write_text(digest)
    return image.archive


def inspect(name: str) -> dict[str, Any]:
    """Return what buildah knows of an image: FromImageDigest, OCIv1 and more."""
    known: dict[str, Any] = json.loads(run("buildah", "inspect", "--type", "image", name))
    return known


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
