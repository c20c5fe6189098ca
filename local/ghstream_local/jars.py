"""Java archives: resolved once from Maven Central with the Ivy inside pyspark, locked by checksum.

`locks/jars.txt` has one line a jar: the set it belongs to, its SHA-256 and its Maven coordinates.
`python -m ghstream_local.jars` brings the sets that one machine needs, `… jars <set> …` those that
are named, and `… jars lock` writes the list anew from versions.env. The sets: `kafka` is the broker
and `kafka-tools` its command line; `spark` (its Kafka connector), `delta`, `s3a` and `abfss` go
beside the jars that pyspark brings.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ghstream_local.versions import ROOT, versions

LOCK = ROOT / "locks" / "jars.txt"
CACHE = ROOT / ".cache" / "jars"
LOCAL = ("kafka", "spark")
_REPLACED = ("bundle", "commons-logging", "hadoop-shaded-guava")
"""What no set follows: the AWS SDK's 686 MB, of which S3A needs the few modules that are named, and
what pyspark brings under another name."""


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


@dataclass(frozen=True)
class Origin:
    """What a set is resolved from: these jars, with what they depend on unless `alone`."""

    jars: Sequence[Jar]
    alone: bool = False
    without: Sequence[str] = ()
    """Names of artifacts that are not followed."""


def origins() -> dict[str, Origin]:
    """Return for each set what it is resolved from, in the versions of versions.env."""
    v = versions()
    scala = v["SCALA_VERSION"]
    spark_minor = v["PYSPARK_VERSION"].rpartition(".")[0]
    provider = f"spark-token-provider-kafka-0-10_{scala}"
    kafka = [
        Jar("org.apache.kafka", f"kafka_{scala}", v["KAFKA_VERSION"]),
        # Apache's tarball adds the logging backend; the Maven artifact leaves it out.
        Jar("org.apache.logging.log4j", "log4j-slf4j2-impl", v["LOG4J_VERSION"]),
    ]
    tools = [Jar("org.apache.kafka", "kafka-tools", v["KAFKA_VERSION"])]
    spark = [
        Jar("org.apache.spark", f"spark-sql-kafka-0-10_{scala}", v["PYSPARK_VERSION"]),
        Jar("org.apache.spark", provider, v["SPARK_TOKEN_PROVIDER_VERSION"]),
        Jar("org.apache.kafka", "kafka-clients", v["SPARK_KAFKA_CLIENTS_VERSION"]),
        Jar("org.apache.commons", "commons-pool2", v["SPARK_COMMONS_POOL_VERSION"]),
    ]
    delta = [Jar("io.delta", f"delta-spark_{spark_minor}_{scala}", v["DELTA_VERSION"])]
    s3a = [Jar("org.apache.hadoop", "hadoop-aws", v["HADOOP_VERSION"])] + [
        Jar("software.amazon.awssdk", module, v["AWS_SDK_VERSION"])
        for module in ("s3", "s3-transfer-manager", "sts")
    ]
    abfss = [Jar("org.apache.hadoop", "hadoop-azure", v["HADOOP_VERSION"])]
    there = (*_brought_by_pyspark(), *_REPLACED)
    return {
        "kafka": Origin(kafka),
        "kafka-tools": Origin(tools, alone=True),
        "spark": Origin(spark, alone=True),
        "delta": Origin(delta, without=there),
        "s3a": Origin(s3a, without=there),
        "abfss": Origin(abfss, without=there),
    }


def read_lock(file: Path = LOCK) -> dict[str, list[Jar]]:
    """Return the locked jars of each set."""
    sets: dict[str, list[Jar]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        name, sha256, coordinates = line.split()
        group, artifact, version = coordinates.split(":")
        sets.setdefault(name, []).append(Jar(group, artifact, version, sha256))
    return sets


def fetch(
    cache: Path = CACHE, lock_file: Path = LOCK, sets: Sequence[str] = LOCAL
) -> dict[str, Path]:
    """Bring every jar that the lock names for these sets and return the folder of each set.

    Raises JarError if one cannot be had or its checksum is another. Files that are already
    there with the right checksum are kept, so a second call needs no network.
    """
    folders = {}
    locked = read_lock(lock_file)
    for name in sets:
        jars = locked[name]
        folder = cache / name
        folder.mkdir(parents=True, exist_ok=True)
        missing = [jar for jar in jars if not _matches(folder / jar.file_name, jar.sha256)]
        if missing:
            print(f"fetching {len(missing)} jars ({name})", flush=True)  # noqa: T201
            _retrieve(Origin(missing, alone=True), folder, "[artifact]-[revision]")
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
    for name, origin in origins().items():
        with tempfile.TemporaryDirectory() as folder:
            _retrieve(origin, Path(folder), "[organisation]--[artifact]--[revision]")
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


def _brought_by_pyspark() -> list[str]:
    jars = (pyspark_home() / "jars").glob("*.jar")
    return sorted({re.split(r"-\d", jar.name)[0] for jar in jars})


def _retrieve(origin: Origin, folder: Path, pattern: str) -> None:
    spark_jars = pyspark_home() / "jars"
    ivy = [str(next(spark_jars.glob(f"{name}-[0-9]*.jar"))) for name in ("ivy", "commons-cli")]
    with tempfile.TemporaryDirectory() as work:
        module = Path(work) / "ivy.xml"
        module.write_text(_ivy_module(origin), encoding="utf-8")
        command = ["java", "-cp", os.pathsep.join(ivy), "org.apache.ivy.Main", "-m2compatible"]
        command += ["-error", "-cache", f"{work}/cache", "-ivy", str(module)]
        command += ["-types", "jar", "bundle"]
        if settings := os.environ.get("GHSTREAM_IVY_SETTINGS"):
            command += ["-settings", settings]
        command += ["-retrieve", f"{folder}/{pattern}.[ext]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or "UNRESOLVED" in done.stdout + done.stderr:
            names = ", ".join(jar.coordinates for jar in origin.jars)
            raise JarError(
                f"Ivy could not fetch {names} from Maven Central; "
                "check the network, or name a mirror with GHSTREAM_IVY_SETTINGS=<ivysettings.xml>\n"
                + (done.stdout + done.stderr)[-2000:]
            )


def _ivy_module(origin: Origin) -> str:
    conf = "master" if origin.alone else "default"
    rows = [
        f'<dependency org="{jar.group}" name="{jar.artifact}" rev="{jar.version}" '
        f'force="true" conf="default->{conf}"/>'
        for jar in origin.jars
    ]
    rows += [f'<exclude org="*" module="{name}"/>' for name in origin.without]
    return (
        '<ivy-module version="2.0"><info organisation="io.githubstream" module="jars"/>'
        f'<configurations><conf name="default"/></configurations><dependencies>{"".join(rows)}'
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
    lock() if sys.argv[1:] == ["lock"] else fetch(sets=sys.argv[1:] or LOCAL)
