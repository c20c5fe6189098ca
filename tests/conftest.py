"""What several rooms' tests share: one real Kafka broker for the whole session."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

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
