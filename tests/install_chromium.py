"""Installs Chromium from Debian's packages when it is missing: the browser tests drive it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

APT = ["apt-get", "-y", "-q", "--no-install-recommends"]


def main() -> str | None:
    """Return what to do by hand, or None when Chromium is there."""
    if shutil.which("chromium"):
        return None
    if shutil.which("apt-get") is None:
        return "missing: chromium, which the browser tests drive; install it so that it is in PATH"
    if os.geteuid() != 0:
        return (
            "missing: chromium, which the browser tests drive, and only root may install it:\n"
            "  sudo apt-get install --no-install-recommends chromium\nthen make test again"
        )
    print("installing chromium, which the browser tests drive", flush=True)  # noqa: T201
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "chromium"]):
        done = subprocess.run([*APT, *arguments], env=environment, check=False)
        if done.returncode != 0:
            return f"apt-get {' '.join(arguments)} failed (see above); chromium is needed"
    return None


if __name__ == "__main__":
    sys.exit(main())
