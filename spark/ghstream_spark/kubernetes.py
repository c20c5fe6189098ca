"""What the Spark image runs: `driver …`, `executor`, or any other command as it is.

The contract is that of Spark on Kubernetes, as entrypoint.sh of Spark's own image keeps it
(resource-managers/kubernetes of apache/spark). One thing differs: there a JVM runs the driver and
starts Python. Here Python comes first and starts the JVM, as it does on one machine. So SIGTERM,
which Kubernetes sends to the container's first process alone, reaches the application.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_BACKEND = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
_EXECUTOR = {
    "--driver-url": "SPARK_DRIVER_URL",
    "--executor-id": "SPARK_EXECUTOR_ID",
    "--cores": "SPARK_EXECUTOR_CORES",
    "--app-id": "SPARK_APPLICATION_ID",
    "--hostname": "SPARK_EXECUTOR_POD_IP",
    "--resourceProfileId": "SPARK_RESOURCE_PROFILE_ID",
    "--podName": "SPARK_EXECUTOR_POD_NAME",
}
_MEMORY = "SPARK_EXECUTOR_MEMORY"
_BIND_ADDRESS = "SPARK_DRIVER_BIND_ADDRESS"
_JAVA_OPTION = "SPARK_JAVA_OPT_"


class ContractError(ValueError):
    """The container was not started as Spark on Kubernetes starts one; the text says what lacks."""


@dataclass(frozen=True)
class Command:
    """A program with its arguments, and the variables it gets besides those of the container."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def command(arguments: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Return what the container runs. Raises ContractError with all that is missing."""
    match arguments:
        case []:
            raise ContractError("say what to run: 'driver …', 'executor' or a command")
        case ["driver", *rest]:
            return _driver(rest, environ)
        case ["executor", *_]:
            return _executor(environ)
        case _:
            return Command(arguments)


def _driver(arguments: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Take what spark-submit takes: `--option value`…, the application, its arguments."""
    _require("driver", environ, [_BIND_ADDRESS])
    rest, options = list(arguments), []
    while rest and rest[0].startswith("--"):
        # The class is the one that would run Python.
        if rest[0] != "--class":
            options += rest[:2]
        del rest[:2]
    if not rest or not rest[0].startswith(("local:///", "/")):
        raise ContractError(
            "driver: name the application as the image has it, local:///opt/ghstream/stream.py; "
            f"the arguments were {shlex.join(arguments)}"
        )
    options += ["--conf", f"spark.driver.bindAddress={environ[_BIND_ADDRESS]}"]
    options += ["--deploy-mode", "client", "pyspark-shell"]
    return Command(
        [sys.executable, rest[0].removeprefix("local://"), *rest[1:]],
        {"PYSPARK_SUBMIT_ARGS": shlex.join(options)},
    )


def _executor(environ: Mapping[str, str]) -> Command:
    _require("executor", environ, [_MEMORY, *_EXECUTOR.values()])
    numbered = {
        int(name.removeprefix(_JAVA_OPTION)): value
        for name, value in environ.items()
        if name.startswith(_JAVA_OPTION)
    }
    memory = environ[_MEMORY]
    java = [_java(environ), *(numbered[number] for number in sorted(numbered))]
    java += [f"-Xms{memory}", f"-Xmx{memory}", "-cp", _classpath(environ), _BACKEND]
    options = [part for name, source in _EXECUTOR.items() for part in (name, environ[source])]
    return Command([*java, *options])


def _java(environ: Mapping[str, str]) -> str:
    return f"{environ['JAVA_HOME']}/bin/java" if environ.get("JAVA_HOME") else "java"


def _classpath(environ: Mapping[str, str]) -> str:
    home = environ["SPARK_HOME"]
    places = [
        environ.get("SPARK_CONF_DIR", f"{home}/conf"),
        environ.get("HADOOP_CONF_DIR"),
        environ.get("SPARK_CLASSPATH"),
        f"{home}/jars/*",
        environ.get("SPARK_EXTRA_CLASSPATH"),
        environ.get("SPARK_DIST_CLASSPATH"),
    ]
    return os.pathsep.join(place for place in places if place)


def _require(role: str, environ: Mapping[str, str], names: Sequence[str]) -> None:
    if missing := [name for name in names if not environ.get(name)]:
        raise ContractError(
            f"{role}: Spark on Kubernetes sets {', '.join(missing)}; here it is not"
        )


def main() -> None:
    """Become the program that the arguments name. Exits with 2 if they are wrong."""
    try:
        run = command(sys.argv[1:], os.environ)
    except ContractError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    os.execvpe(run.arguments[0], list(run.arguments), {**os.environ, **run.environment})  # noqa: S606


if __name__ == "__main__":
    main()
