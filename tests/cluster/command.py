"""Runs a program and keeps what it says for the case that it fails."""

from __future__ import annotations

import subprocess


class CommandError(RuntimeError):
    """A program failed; the text has the command and the end of what it said."""


def run(*command: str, stdin: str | None = None, check: bool = True) -> str:
    """Return the program's standard output. Raises CommandError if it fails and `check` is set."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        said = (done.stdout + done.stderr)[-4000:]
        raise CommandError(f"{' '.join(command)}: exit code {done.returncode}\n{said}")
    return done.stdout
