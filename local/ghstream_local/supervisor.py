"""Keeps programs running side by side: one log, restarts, and an end in order.

honcho starts each program in a session of its own, so that a Ctrl-C of the terminal reaches only
this process, and brings its output as events. honcho's own Manager ends all programs at once as
soon as one ends, so what to do about a death, and in which order to stop, is decided here.
"""

from __future__ import annotations

import os
import queue
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Thread
from typing import Any, TextIO

import psutil
from honcho.colour import get_colours
from honcho.printer import Message, Printer
from honcho.process import Process

MOST_DEATHS = 5
WITHIN = 120.0  # seconds
TICK = 0.2  # seconds
GROUP_TIMEOUT = 5.0  # seconds that a dead program's own children have to end by themselves
FINAL: Mapping[int, str] = {
    2: "its settings are wrong",
    3: "another instance took over its work",
}
"""Exit codes after which a new start would end the same way."""


@dataclass(frozen=True)
class Program:
    """A program to keep running. `stop_timeout` is in seconds, from SIGTERM to SIGKILL."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    stop_timeout: float


@dataclass
class Child:
    """A program and what became of it. Times are of the monotonic clock, in seconds."""

    program: Program
    colour: str
    start_at: float | None = 0.0
    running: bool = False
    pid: int | None = None
    kill_at: float | None = None
    deaths: list[float] = field(default_factory=list)


def back_off(deaths: Sequence[float], now: float) -> float | None:
    """Return the seconds to wait before the next start, or None if it is time to give up."""
    recent = [death for death in deaths if now - death < WITHIN]
    return None if len(recent) >= MOST_DEATHS else 2.0 ** (len(recent) - 1)


class Supervisor:
    """Runs programs until it is told to stop or one of them is beyond help."""

    def __init__(self, programs: Sequence[Program], output: TextIO = sys.stdout) -> None:
        """Take the programs in the order of their start; they are stopped from last to first."""
        self._children = {
            program.name: Child(program, colour)
            for program, colour in zip(programs, get_colours(), strict=False)
        }
        self._events: queue.Queue[Any] = queue.Queue()
        self._printer = Printer(output, width=max(map(len, (*self._children, "run"))))
        self._exit_code: int | None = None

    def say(self, text: str) -> None:
        """Write a line of our own into the log; from any thread."""
        self._events.put(Message("line", text, datetime.now(UTC).astimezone(), "run", None))

    def stop(self, exit_code: int = 0) -> None:
        """Let `run` stop everything and return `exit_code`; the first call decides."""
        if self._exit_code is None:
            self._exit_code = exit_code

    def run(self) -> int:
        """Start everything, keep it running until `stop`, and return the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup has the hang-up ignored; it stays so.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: self.stop())
        while self._exit_code is None:
            for child in self._children.values():
                if child.start_at is not None and time.monotonic() >= child.start_at:
                    self._start(child)
            self._step()
        self.say("stopping")
        for child in reversed(self._children.values()):
            if child.running:
                self._end(child)
        while not self._events.empty():
            self._step()
        return self._exit_code

    def _start(self, child: Child) -> None:
        child.start_at, child.running = None, True
        program = child.program
        process = Process(
            f"exec {shlex.join(program.command)}",
            name=program.name,
            colour=child.colour,
            env=dict(program.environment),
        )
        # The thread lives as long as the program: a parent death signal is about the thread.
        Thread(target=process.run, args=(self._events,), name=program.name, daemon=True).start()

    def _step(self) -> None:
        """Deal with the next event, if there is one soon."""
        for child in self._children.values():
            _end_orphans(child)
        with suppress(queue.Empty):
            message = self._events.get(timeout=TICK)
            if message.type == "line":
                self._print(message)
            elif message.type == "start":
                self._children[message.name].pid = message.data["pid"]
            else:
                self._ended(self._children[message.name], message.data["returncode"])

    def _ended(self, child: Child, code: int) -> None:
        child.running, child.pid, child.kill_at = False, None, None
        if self._exit_code is not None:
            return
        name, now = child.program.name, time.monotonic()
        child.deaths.append(now)
        wait = back_off(child.deaths, now)
        if code in FINAL:
            self.say(f"{name} ended with exit code {code}: {FINAL[code]} (see above)")
            self.stop(code)
        elif wait is None:
            self.say(
                f"{name} ended {_manner(code)}, the {MOST_DEATHS}th time within {WITHIN:.0f} s:"
                " giving up"
            )
            self.stop(1)
        else:
            self.say(f"{name} ended {_manner(code)}; starting it again in {wait:.0f} s")
            child.start_at = now + wait

    def _end(self, child: Child) -> None:
        """Stop one program: SIGTERM, and SIGKILL when its time is over."""
        name, time_out = child.program.name, child.program.stop_timeout
        started = time.monotonic()
        sent = None
        while child.running and time.monotonic() < started + time_out + GROUP_TIMEOUT:
            due = signal.SIGTERM if time.monotonic() < started + time_out else signal.SIGKILL
            if child.pid is not None and due is not sent:
                if due is signal.SIGKILL:
                    self.say(f"{name} has not stopped within {time_out:.0f} s: killing it")
                _signal_group(child.pid, due, whole=due is signal.SIGKILL)
                sent = due
            self._step()

    def _print(self, message: Any) -> None:
        try:
            self._printer.write(message)
        except BrokenPipeError:
            # Nobody reads the log any more, as after `make run | head`.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._printer.output.fileno())
            self.stop()


def _end_orphans(child: Child) -> None:
    """End what a program that has ended leaves in its group: it keeps the output open."""
    if child.pid is None or not _is_zombie(child.pid):
        return
    now = time.monotonic()
    child.kill_at = child.kill_at or now + GROUP_TIMEOUT
    _signal_group(child.pid, signal.SIGTERM if now < child.kill_at else signal.SIGKILL, whole=True)


def _signal_group(pid: int, number: signal.Signals, *, whole: bool) -> None:
    with suppress(ProcessLookupError, PermissionError):
        (os.killpg if whole else os.kill)(pid, number)


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _manner(code: int) -> str:
    return f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
