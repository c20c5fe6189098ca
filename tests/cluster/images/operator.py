"""The image of the spark-operator: its program beside the project's own spark-submit."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.cluster.images.build import Image, export, images
from tests.cluster.images.command import run

VERSION = "2.5.2"


def build_spark_operator(program: Path) -> Path:
    """Build the image on that of the Spark application; return its archive."""
    dockerfile = Path(__file__).with_name("spark-operator") / "Dockerfile"
    image = Image(f"docker.io/library/ghstream-spark-operator:{VERSION}", dockerfile)
    with tempfile.TemporaryDirectory() as context:
        shutil.copy(program, Path(context) / "spark-operator")
        run(
            *("buildah", "build", "--isolation", "chroot", "--layers", "--force-rm"),
            *("--build-arg", f"SPARK_IMAGE={images()['spark'].name}"),
            *("--file", str(dockerfile), "--tag", image.name, context),
        )
    return export(image)
