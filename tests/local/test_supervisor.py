"""The supervisor with stand-ins for the real programs."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time

import psutil
import pytest
from ghstream_local.supervisor import back_off

SUPERVISE = """
import json, os, sys
from ghstream_local.supervisor import Program, Supervisor
programs = json.loads(sys.argv[1])
sys.exit(Supervisor([Program(name, [sys.executable, "-uc", code], dict(os.environ), 3.0)
                     for name, code in programs.items()]).run())
"""
WELL_BEHAVED = """
import os, signal, sys, time
def stop(*_):
    print("asked to stop")
    time.sleep(0.5)
    print("has stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("pid", os.getpid())
while True: time.sleep(60)
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pid", os.getpid())
while True: time.sleep(60)
"""
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid)
print("pid", os.getpid())
while True: time.sleep(60)
"""


def supervise(start, **programs: str):
    return start("-c", SUPERVISE, json.dumps(programs))


def number(line: str) -> int:
    match = re.search(r"(\d+)$", line)
    assert match
    return int(match[1])


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_every_line_is_prefixed_with_the_program_that_wrote_it(start):
    log = supervise(start, first=WELL_BEHAVED, second=WELL_BEHAVED)
    for name in ("first", "second"):
        assert re.match(rf"\d\d:\d\d:\d\d {name} +\| pid \d+$", log.wait_for(f"{name} "))


def test_a_killed_program_is_started_again_and_the_others_keep_running(start):
    log = supervise(start, kept=WELL_BEHAVED, killed=WELL_BEHAVED)
    kept, killed = (number(log.wait_for(f"{name} ")) for name in ("kept  ", "killed"))
    os.kill(killed, signal.SIGKILL)
    said = log.wait_for("SIGKILL")
    assert "killed ended by SIGKILL; starting it again in 1 s" in said
    again = number(log.wait_for("killed | pid", after=log.lines.index(said)))
    assert again != killed
    assert not has_ended(kept)


def test_what_a_killed_program_had_started_ends_with_it(start, eventually):
    log = supervise(start, spark=PARENT)
    child, parent = number(log.wait_for("child")), number(log.wait_for("pid"))
    os.kill(parent, signal.SIGKILL)
    log.wait_for("pid", after=len(log.lines))
    eventually(lambda: has_ended(child))


def test_programs_stop_one_after_the_other_from_last_to_first(start):
    log = supervise(start, broker=WELL_BEHAVED, reader=WELL_BEHAVED, writer=WELL_BEHAVED)
    for name in ("broker", "reader", "writer"):
        log.wait_for(f"{name} | pid")
    log.interrupt_group()
    assert log.end() == 0
    said = [line.split(" ", 1)[1] for line in log.lines if "stop" in line and "run " not in line]
    assert said == [
        f"{name} | {what}"
        for name in ("writer", "reader", "broker")
        for what in ("asked to stop", "has stopped")
    ]


def test_sigterm_stops_it_too(start):
    log = supervise(start, only=WELL_BEHAVED)
    log.wait_for("pid")
    log.process.terminate()
    assert log.end() == 0


def test_a_program_that_does_not_stop_is_killed_when_its_time_is_over(start):
    log = supervise(start, stubborn=STUBBORN)
    pid = number(log.wait_for("pid"))
    log.interrupt_group()
    began = time.monotonic()
    assert log.end() == 0
    assert time.monotonic() - began < 20
    assert any("stubborn has not stopped within 3 s: killing it" in line for line in log.lines)
    assert has_ended(pid)


@pytest.mark.parametrize(("code", "reason"), [(2, "its settings are wrong"), (3, "took over")])
def test_an_exit_code_that_a_new_start_cannot_change_stops_everything(start, code, reason):
    log = supervise(start, kept=WELL_BEHAVED, wrong=f"import sys; sys.exit({code})")
    assert log.end() == code
    assert any(f"wrong ended with exit code {code}" in line for line in log.lines)
    assert any(reason in line for line in log.lines)


def test_a_program_that_keeps_dying_stops_everything_and_is_named(start):
    log = start("-c", SUPERVISE.replace("programs = json", IMPATIENT, 1), json.dumps(HOPELESS))
    assert log.end() == 1
    assert sum("hopeless | no chance" in line for line in log.lines) == 5
    assert any("hopeless ended with exit code 1, the 5th time" in line for line in log.lines)


IMPATIENT = """
from ghstream_local import supervisor
patient = supervisor.back_off
supervisor.back_off = lambda deaths, now: None if patient(deaths, now) is None else 0.0
programs = json"""
HOPELESS = {"kept": WELL_BEHAVED, "hopeless": "import sys; print('no chance'); sys.exit(1)"}


def test_everything_stops_when_nobody_reads_the_log_any_more(start, eventually):
    chatty = "import time\nwhile True: print('line'); time.sleep(0.05)"
    log = start(
        "-c",
        "import subprocess, sys\n"
        "run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "run.stdout.readline(); run.stdout.close(); print('exit code', run.wait())",
        *(sys.executable, "-c", SUPERVISE, json.dumps({"chatty": chatty})),
    )
    log.wait_for("exit code 0")


def test_starts_are_further_and_further_apart_until_it_gives_up():
    deaths = [100.0, 101.0, 103.0, 107.0, 115.0]
    waits = [back_off(deaths[: n + 1], deaths[n]) for n in range(5)]
    assert waits == [1, 2, 4, 8, None]


def test_deaths_of_more_than_two_minutes_ago_do_not_count():
    assert back_off([0.0, 1.0, 2.0, 3.0, 200.0], 200.0) == 1
