"""`python -m tests.cluster.images [component…]`: build and export all images, or those named."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence

from tests.cluster.images import base
from tests.cluster.images.build import build, export, images

_TOOLS = ("buildah", "debootstrap")


def main(names: Sequence[str]) -> int:
    """Return the exit code: 0, or 2 if a tool or a name is wrong."""
    known = images()
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        print(f"{', '.join(missing)} missing: apt-get install {' '.join(_TOOLS)}")
        return 2
    if wrong := set(names) - set(known):
        print(f"{', '.join(sorted(wrong))}: no such image; there are {', '.join(known)}")
        return 2
    started = time.monotonic()
    base_image = base.build()
    print(f"base        {time.monotonic() - started:5.0f} s", flush=True)
    for name in names or known:
        started = time.monotonic()
        build(known[name], base_image)
        archive = export(known[name])
        seconds, megabytes = time.monotonic() - started, archive.stat().st_size / 1e6
        print(f"{name:10}  {seconds:5.0f} s  {megabytes:5.0f} MB  {archive}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
