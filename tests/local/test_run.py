"""`make run` itself, with every real program, when GitHub cannot be reached."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from pathlib import Path

import pytest
from ghstream_local.broker import free_port

NOTICE = "GitHub could not be reached"
UNREACHABLE = "http://127.0.0.1:9"  # the discard port, where nothing listens
PROGRAMS = ("kafka", "spark", "source", "webapp")
REPLAYING = re.compile(r"replaying from line (\d+)")


@pytest.fixture
def run(start, tmp_path):
    """Starts `make run` on a data folder with a blank in its name and a port of this test."""
    data, port = tmp_path / "the data", free_port()

    def start_run():
        return start(
            *("-m", "ghstream_local.run"),
            DATA=str(data),
            PORT=str(port),
            GHSTREAM_SOURCE_API_URL=UNREACHABLE,
        )

    start_run.data, start_run.port = data, port
    return start_run


def first_line_replayed(log) -> int:
    match = REPLAYING.search(log.wait_for("replaying from line"))
    assert match
    return int(match[1])


def ports(data: Path) -> dict[str, int]:
    return json.loads((data / "ports.json").read_text())


@pytest.mark.timeout(400)
def test_it_shows_the_capture_survives_kills_and_goes_on_where_it_stopped(
    run, processes_of, eventually
):
    first = run()
    assert UNREACHABLE in first.wait_for(NOTICE)
    url = f"http://127.0.0.1:{run.port}"
    assert url in first.wait_for("GitHubStream is at")
    with urllib.request.urlopen(f"{url}/api/v1/status", timeout=30) as answer:
        assert NOTICE in json.load(answer)["notice"]
    assert first_line_replayed(first) == 1

    # A second one on the same folder is refused, and the first goes on.
    second = run()
    assert second.end() == 2
    assert f"'make run' uses it already (process {first.process.pid})" in "\n".join(second.lines)

    # Killed, it takes everything with it, and the next one starts on the same ports.
    chosen = ports(run.data)
    assert len(processes_of(run.data)) >= len(PROGRAMS)
    os.kill(first.process.pid, signal.SIGKILL)
    eventually(lambda: processes_of(run.data) == [], 90)
    third = run()
    third.wait_for("GitHubStream is at")
    assert first_line_replayed(third) > 1
    assert ports(run.data) == chosen

    # Ctrl-C in a terminal stops all of it, the broker last.
    third.interrupt_group()
    assert third.end() == 0
    assert processes_of(run.data) == []
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=5)


def test_what_a_killed_run_could_not_take_with_it_ends_at_the_next_start(
    run, start, processes_of, eventually
):
    left = start(
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('here'); time.sleep(600)",
        GHSTREAM_LOCAL_DATA=str(run.data),
        PYTHONUNBUFFERED="1",
    )
    left.wait_for("here")
    assert [process.pid for process in processes_of(run.data)] == [left.process.pid]
    log = run()
    eventually(lambda: left.process.poll() == -signal.SIGKILL)
    log.wait_for(NOTICE)
    log.process.terminate()
    assert log.end() == 0
