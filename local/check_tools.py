# ruff: noqa: UP031, UP036  (an older Python has to be able to read this file and say so)
"""Says what is missing before anything is set up; runs on any Python 3."""

import importlib.util
import re
import shutil
import subprocess
import sys


def problems() -> "list[str]":
    """Return a sentence for each thing that is missing, with how to get it."""
    found = []
    if sys.version_info < (3, 11):
        found.append(
            "Python 3.11 or later is needed, this is %d.%d. On Debian 12 or later: "
            "apt-get install python3 python3-venv; or name one: make PYTHON=python3.12 ..."
            % sys.version_info[:2]
        )
    elif importlib.util.find_spec("ensurepip") is None:
        found.append("Python's venv module is missing. On Debian: apt-get install python3-venv")
    java = shutil.which("java")
    if java is None:
        found.append(
            "Java 17 or later is missing. On Debian: apt-get install openjdk-17-jre-headless"
        )
    else:
        text = subprocess.run([java, "-version"], stderr=subprocess.PIPE, check=False).stderr
        match = re.search(r'version "(\d+)', text.decode(errors="replace"))
        if match and int(match.group(1)) < 17:
            found.append(
                "Java 17 or later is needed, 'java' is version %s. On Debian: "
                "apt-get install openjdk-17-jre-headless" % match.group(1)
            )
    return found


if __name__ == "__main__":
    missing = problems()
    if missing:
        sys.exit("\n".join("missing: " + line for line in missing))
