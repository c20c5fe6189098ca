"""`python -m ghstream_spark`: run the streaming application with the environment's settings."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from ghstream_runtime import probes
from ghstream_runtime.settings import SettingsError
from pyspark.errors import StreamingQueryException

from ghstream_spark.application import Application, Stopped
from ghstream_spark.session import open_session
from ghstream_spark.settings import from_env


def main() -> int:
    """Return the exit code: 0 when stopped or done, 1 after a failure, 2 for bad settings."""
    try:
        settings = from_env(os.environ)
    except SettingsError as error:
        print(f"Wrong settings:\n{error}", file=sys.stderr)  # noqa: T201
        return 2
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
    for library in ("py4j", "alembic"):
        logging.getLogger(library).setLevel(logging.WARNING)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    spark = open_session(settings)
    # pyspark sets a handler of its own for SIGINT when the session opens.
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    application = Application(spark, settings, stop)
    server = probes.serve(settings.http_host, settings.http_port, lambda: application.is_ready)
    try:
        application.run()
    except Stopped:
        pass
    except StreamingQueryException as error:
        if not stop.is_set():
            logging.error("the query failed: %s", error)  # noqa: TRY400
            return 1
    finally:
        server.shutdown()
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
