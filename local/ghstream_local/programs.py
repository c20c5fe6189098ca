"""The programs of one machine: their command lines, environments and order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ghstream_runtime.settings import SettingsError
from ghstream_source.archive_files import expand
from ghstream_source.settings import from_env

from ghstream_local.broker import Broker
from ghstream_local.folder import MARK
from ghstream_local.settings import ENVIRONMENT, Settings
from ghstream_local.supervisor import Program

CAPTURE = Path(__file__).parent / "capture" / "2015-01-01-0.head1500.json.gz"
LOOPBACK = "127.0.0.1"
PORTS = ("kafka", "kafka-controller", "source", "spark", "webapp-metrics")

Environment = Mapping[str, str]
Environments = Mapping[str, Environment]


def environments(settings: Settings, ports: Mapping[str, int], spark_jars: Path) -> Environments:
    """Return what the source, Spark and the web application are started with."""
    data = settings.data
    defaults = {
        "GHSTREAM_STORE_URL": f"sqlite:///{data}/store.db",
        "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{ports['kafka']}",
        "GHSTREAM_SOURCE_HTTP_PORT": str(ports["source"]),
        "GHSTREAM_SPARK_HTTP_PORT": str(ports["spark"]),
        "GHSTREAM_SPARK_TRIGGER": "1 second",
        "GHSTREAM_WEBAPP_METRICS_PORT": str(ports["webapp-metrics"]),
        "SPARK_LOCAL_IP": LOOPBACK,
        "PYTHONUNBUFFERED": "1",
    }
    decided = {
        MARK: str(data),
        "GHSTREAM_SOURCE_ON_END": "wait",
        "GHSTREAM_SPARK_JARS": str(spark_jars),
        "GHSTREAM_SPARK_CHECKPOINT": str(data / "checkpoint"),
        "GHSTREAM_WEBAPP_HOST": settings.host,
        "GHSTREAM_WEBAPP_PORT": str(settings.port),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_DIRS": str(data / "tmp"),
    }
    source = defaults | dict(settings.environment) | decided
    others = {name: value for name, value in source.items() if name != ENVIRONMENT["GITHUB_TOKEN"]}
    return {"source": source, "spark": others, "webapp": others}


def with_capture(environments: Environments, obstacle: str) -> Environments:
    """Return the environments with the bundled capture in place of GitHub, and a notice."""
    archive = {
        "GHSTREAM_SOURCE_TYPE": "archive",
        "GHSTREAM_SOURCE_FILES": shlex.quote(str(CAPTURE)),
        "GHSTREAM_SOURCE_REBASE": "true",
        "GHSTREAM_SOURCE_SPEED": "1",
        "GHSTREAM_SOURCE_FORCE": "true",
    }
    shown = {"GHSTREAM_WEBAPP_NOTICE": notice(obstacle)}
    return {
        **environments,
        "source": {**environments["source"], **archive},
        "webapp": {**environments["webapp"], **shown},
    }


def notice(obstacle: str) -> str:
    """Return what the log and the page say while the capture is shown."""
    return (
        f"GitHub could not be reached ({obstacle}). What you see is a recorded capture of"
        " 2015-01-01, with its times moved to now."
    )


def problems(source: Environment) -> list[str]:
    """Return what is wrong in the make variables' values, a sentence each.

    What reads a value also checks it. Variables of Spark and the web application alone are left to
    these: they end with exit code 2 and say why, but to load them here takes seconds.
    """
    found = [*_source_problems(source), *_store_problems(source)]
    names = {variable: name for name, variable in ENVIRONMENT.items()}
    return [re.sub(r"GHSTREAM_\w+", lambda m: names.get(m[0], m[0]), line) for line in found]


def _source_problems(source: Environment) -> list[str]:
    try:
        settings = from_env(source)
        files = expand(settings.files, settings.archive_url)
    except SettingsError as error:
        return str(error).splitlines()
    missing = [file for file in files if "://" not in file and not Path(file).is_file()]
    return [f"GHSTREAM_SOURCE_FILES: there is no {file}" for file in missing]


def _store_problems(environment: Environment) -> list[str]:
    url = environment["GHSTREAM_STORE_URL"]
    if url.startswith("sqlite:////"):
        return []
    from ghstream_store.database import store_url  # noqa: PLC0415 - SQLAlchemy loads slowly

    try:
        store_url(url)
    except ValueError as error:
        return [f"GHSTREAM_STORE_URL: {error}"]
    return []


def programs(environments: Environments, broker: Broker | None) -> list[Program]:
    """Return the programs in the order of their start: what others need comes first."""
    modules = [
        Program(
            name,
            _mortal([sys.executable, "-m", f"ghstream_{name}"]),
            environments[name],
            stop_timeout,
        )
        for name, stop_timeout in (("webapp", 12.0), ("spark", 20.0), ("source", 10.0))
    ]
    if broker is None:
        return modules
    return [Program("kafka", _mortal(broker.command()), environments["spark"], 20.0), *modules]


def _mortal(command: Sequence[str]) -> list[str]:
    """Return the command with the wish to be told to stop when this process is killed."""
    return [*_parent_death_signal(), *command]


@cache
def _parent_death_signal() -> list[str]:
    prefix = ["setpriv", "--pdeathsig", "TERM"]
    try:
        supported = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode
    except FileNotFoundError:
        # Not Linux: the next run ends what is left.
        return []
    return prefix if supported == 0 else []
