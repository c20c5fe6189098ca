"""`make run`: the whole pipeline on this machine, in the foreground, until Ctrl-C.

Exit codes: 0 stopped as asked, 1 gave up on a process, 2 wrong settings, 3 fenced by another
instance.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from threading import Thread

import psutil
import requests

from ghstream_local import github, jars
from ghstream_local.broker import Broker, BrokerError, free_port
from ghstream_local.folder import Folder, FolderError
from ghstream_local.jars import JarError
from ghstream_local.programs import (
    PORTS,
    Environments,
    environments,
    notice,
    problems,
    programs,
    with_capture,
)
from ghstream_local.settings import Settings, read
from ghstream_local.supervisor import Supervisor

EXIT_FAILURE = 1
EXIT_SETTINGS = 2
EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared with, not listened on


def main(environ: Mapping[str, str]) -> int:
    """Run until stopped; return the exit code."""
    settings, wrong = read(environ)
    try:
        folder = Folder(settings.data)
    except FolderError as error:
        return _refuse([*wrong, str(error)])
    with closing(folder):
        folder.end_leftovers()
        ports = folder.ports(PORTS)
        planned = environments(settings, ports, jars.CACHE / "spark")
        if wrong := [
            *wrong,
            *problems(planned["source"]),
            *_listening(settings.host, settings.port),
        ]:
            return _refuse(wrong)
        try:
            return _run(settings, folder, ports, planned)
        except (JarError, BrokerError) as error:
            print(error, file=sys.stderr)  # noqa: T201
            return EXIT_FAILURE
        finally:
            folder.end_leftovers()


def _run(
    settings: Settings, folder: Folder, ports: Mapping[str, int], planned: Environments
) -> int:
    broker = None
    with ThreadPoolExecutor() as beside:
        obstacle = beside.submit(_obstacle, settings)
        folders = jars.fetch()
        if not settings.kafka:
            kafka = settings.data / "kafka"
            broker = Broker(folders["kafka"], kafka, ports["kafka"], ports["kafka-controller"])
            broker.prepare()
    folder.empty_scratch()
    if reason := obstacle.result():
        planned = with_capture(planned, reason)
    supervisor = Supervisor(programs(planned, broker))
    if reason:
        supervisor.say(notice(reason))
    Thread(target=_announce, args=(supervisor, settings), daemon=True).start()
    return supervisor.run()


def _obstacle(settings: Settings) -> str | None:
    """Return why the public feed cannot be read, if nobody asked for anything else."""
    if settings.chosen:
        return None
    return github.obstacle(
        settings.environment.get("GHSTREAM_SOURCE_API_URL", "https://api.github.com")
    )


def _announce(supervisor: Supervisor, settings: Settings) -> None:
    """Say where the dashboard is, once it answers."""
    host = "127.0.0.1" if settings.host == EVERYWHERE else settings.host
    url = f"http://{host}:{settings.port}"
    while True:
        with suppress(requests.RequestException):
            if requests.get(f"{url}/livez", timeout=2).ok:
                break
        time.sleep(0.2)
    supervisor.say(f"GitHubStream is at {url} (Ctrl-C stops it)")


def _listening(host: str, port: int) -> list[str]:
    """Return why the dashboard cannot listen there, if it cannot."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except socket.gaierror as error:
        return [f"HOST {host!r}: {error.strerror}"]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return [f"PORT {port}: {_listener(port)} listens there; write PORT={free_port()}"]
        return [f"HOST {host!r}, PORT {port}: {error.strerror}"]
    return []


def _listener(port: int) -> str:
    """Return which process listens on `port`, as far as this user may know."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr:
                continue
            if connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another process"


def _refuse(problems: Sequence[str]) -> int:
    print("make run cannot start:", *problems, sep="\n  ", file=sys.stderr)  # noqa: T201
    return EXIT_SETTINGS


if __name__ == "__main__":
    try:
        sys.exit(main(os.environ))
    except KeyboardInterrupt:
        sys.exit(EXIT_FAILURE)
