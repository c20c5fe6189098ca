"""Runs the web application: `python -m ghstream_webapp`."""

from __future__ import annotations

import logging
import os
import sys

from ghstream_runtime.settings import SettingsError

from ghstream_webapp.server import Server
from ghstream_webapp.settings import from_env


def main() -> int:
    """Serve until SIGTERM or SIGINT. Returns 2 if a setting is wrong."""
    try:
        settings = from_env(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"Wrong settings:\n{error}\n")
        return 2
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    Server(settings).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
