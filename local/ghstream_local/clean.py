"""`make clean`: deletes what `make run` has kept in its data folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import closing

from ghstream_local.folder import Folder, FolderError
from ghstream_local.settings import read


def main(environ: Mapping[str, str]) -> int:
    """Return the exit code: 2 if the folder is in use."""
    settings, _ = read(environ)
    if not settings.data.exists():
        return 0
    try:
        folder = Folder(settings.data)
    except FolderError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    with closing(folder):
        folder.end_leftovers()
        folder.clear()
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
