"""Java archives: resolved once from Maven Central with the Ivy inside pyspark, locked by checksum.

`locks/jars.txt` has one line a jar: the set it belongs to (`kafka` the broker, `spark` the
connector), its SHA-256 and its Maven coordinates. `fetch` brings exactly those files;
`python -m ghstream_local.jars lock` writes the list anew from versions.env.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ghstream_local.versions import ROOT, versions

LOCK = ROOT / "locks" / "jars.txt"
CACHE = ROOT / ".cache" / "jars"


class JarError(RuntimeError):
    """A jar could not be fetched, or is not the one that the lock names."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str = ""

    @property
    def file_name(self) -> str:
        """The name the file has on disk."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def coordinates(self) -> str:
        """Maven's group:artifact:version."""
        return f"{self.group}:{self.artifact}:{self.version}"


def roots() -> dict[str, tuple[list[Jar], bool]]:
    """Return for each set what it is resolved from, and whether Ivy follows dependencies."""
    v = versions()
    scala = v["SCALA_VERSION"]
    kafka = [
        Jar("org.apache.kafka", f"kafka_{scala}", v["KAFKA_VERSION"]),
        # Apache's tarball adds the logging backend; the Maven artifact leaves it out.
        Jar("org.apache.logging.log4j", "log4j-slf4j2-impl", v["LOG4J_VERSION"]),
    ]
    provider = f"spark-token-provider-kafka-0-10_{scala}"
    spark = [
        Jar("org.apache.spark", f"spark-sql-kafka-0-10_{scala}", v["PYSPARK_VERSION"]),
        Jar("org.apache.spark", provider, v["SPARK_TOKEN_PROVIDER_VERSION"]),
        Jar("org.apache.kafka", "kafka-clients", v["SPARK_KAFKA_CLIENTS_VERSION"]),
        Jar("org.apache.commons", "commons-pool2", v["SPARK_COMMONS_POOL_VERSION"]),
    ]
    return {"kafka": (kafka, True), "spark": (spark, False)}


def read_lock(file: Path = LOCK) -> dict[str, list[Jar]]:
    """Return the locked jars of each set."""
    sets: dict[str, list[Jar]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        name, sha256, coordinates = line.split()
        group, artifact, version = coordinates.split(":")
        sets.setdefault(name, []).append(Jar(group, artifact, version, sha256))
    return sets


def fetch(cache: Path = CACHE, lock_file: Path = LOCK) -> dict[str, Path]:
    """Bring every jar that the lock names and return the folder of each set.

    Raises JarError if one cannot be had or its checksum is another. Files that are already
    there with the right checksum are kept, so a second call needs no network.
    """
    folders = {}
    for name, jars in read_lock(lock_file).items():
        folder = cache / name
        folder.mkdir(parents=True, exist_ok=True)
        missing = [jar for jar in jars if not _matches(folder / jar.file_name, jar.sha256)]
        if missing:
            print(f"fetching {len(missing)} jars ({name})", flush=True)  # noqa: T201
            _retrieve(missing, folder, transitive=False)
        for jar in missing:
            if not _matches(folder / jar.file_name, jar.sha256):
                raise JarError(
                    f"{jar.coordinates}: the downloaded file is not the one {lock_file} names; "
                    f"delete {folder} and try again, or run 'make lock' after a version change"
                )
        for stray in set(folder.glob("*.jar")) - {folder / jar.file_name for jar in jars}:
            stray.unlink()
        folders[name] = folder
    return folders


def lock() -> None:
    """Resolve the sets from versions.env and write locks/jars.txt."""
    lines = []
    for name, (jars, transitive) in roots().items():
        with tempfile.TemporaryDirectory() as folder:
            _retrieve(jars, Path(folder), transitive=transitive, by_group=True)
            for file in sorted(Path(folder).glob("*.jar")):
                group, artifact, version = file.stem.split("--")
                lines.append(f"{name} {_sha256(file)} {group}:{artifact}:{version}")
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")


def pyspark_home() -> Path:
    """Return the installed pyspark's folder, which holds Ivy and Spark's jars."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise JarError("pyspark is not installed in this environment; run 'make install'")
    return Path(spec.origin).parent


def _retrieve(
    jars: Sequence[Jar], folder: Path, *, transitive: bool, by_group: bool = False
) -> None:
    spark_jars = pyspark_home() / "jars"
    ivy = [str(next(spark_jars.glob(f"{name}-[0-9]*.jar"))) for name in ("ivy", "commons-cli")]
    pattern = "[organisation]--[artifact]--[revision]" if by_group else "[artifact]-[revision]"
    with tempfile.TemporaryDirectory() as work:
        module = Path(work) / "ivy.xml"
        module.write_text(_ivy_module(jars, transitive=transitive), encoding="utf-8")
        command = ["java", "-cp", os.pathsep.join(ivy), "org.apache.ivy.Main", "-m2compatible"]
        command += [
            "-error",
            "-cache",
            f"{work}/cache",
            "-ivy",
            str(module),
            "-types",
            "jar",
            "bundle",
        ]
        if settings := os.environ.get("GHSTREAM_IVY_SETTINGS"):
            command += ["-settings", settings]
        command += ["-retrieve", f"{folder}/{pattern}.[ext]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or "UNRESOLVED" in done.stdout + done.stderr:
            raise JarError(
                f"Ivy could not fetch {', '.join(j.coordinates for j in jars)} from Maven Central; "
                "check the network, or name a mirror with GHSTREAM_IVY_SETTINGS=<ivysettings.xml>\n"
                + (done.stdout + done.stderr)[-2000:]
            )


def _ivy_module(jars: Iterable[Jar], *, transitive: bool) -> str:
    rows = "".join(
        f'<dependency org="{jar.group}" name="{jar.artifact}" rev="{jar.version}" '
        f'force="true" conf="default->{"default" if transitive else "master"}"/>'
        for jar in jars
    )
    return (
        '<ivy-module version="2.0"><info organisation="io.githubstream" module="jars"/>'
        f'<configurations><conf name="default"/></configurations><dependencies>{rows}'
        "</dependencies></ivy-module>"
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _matches(file: Path, sha256: str) -> bool:
    return file.is_file() and _sha256(file) == sha256


if __name__ == "__main__":
    if shutil.which("java") is None:
        sys.exit("java is missing: install a Java runtime of version 17 or later")
    lock() if sys.argv[1:] == ["lock"] else fetch()
