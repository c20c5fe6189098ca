"""Run the source: `python -m ghstream_source`, set up by GHSTREAM_* environment variables.

Exit codes: 0 done or asked to stop, 2 wrong settings, 3 another instance took over.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module

from ghstream_runtime import probes
from ghstream_runtime.settings import SettingsError

from ghstream_source.delivery import Fenced, Publisher, Stopped
from ghstream_source.publisher import KafkaPublisher
from ghstream_source.settings import Settings, from_env

log = logging.getLogger("ghstream_source")

EXIT_SETTINGS = 2
EXIT_FENCED = 3


def main(environ: Mapping[str, str]) -> int:
    """Run until done or stopped; return the exit code."""
    try:
        settings = from_env(environ)
    except SettingsError as error:
        print(f"Wrong settings:\n{error}", file=sys.stderr)  # noqa: T201 - before logging is set up
        return EXIT_SETTINGS
    _log_to_stdout(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    publisher = KafkaPublisher(settings, stop)
    try:
        probes.serve(settings.http_host, settings.http_port, lambda: publisher.ready)
    except OSError as error:
        address = f"{settings.http_host}:{settings.http_port}"
        log.error("GHSTREAM_SOURCE_HTTP_PORT: cannot listen on %s: %s", address, error)  # noqa: TRY400
        return EXIT_SETTINGS
    try:
        publisher.open()
        gc.freeze()  # what is loaded stays: collections need not look at it again
        _source(settings)(settings, publisher, stop)
    except Stopped:
        pass
    except Fenced as error:
        log.error("%s; this one ends", error)  # noqa: TRY400 - no fault of the program
        return EXIT_FENCED
    finally:
        publisher.close()
    log.info("Stopped" if stop.is_set() else "Done")
    return 0


def _source(settings: Settings) -> Callable[[Settings, Publisher, threading.Event], None]:
    """Return what reads the upstream: each type of source is a module of that name."""
    module = import_module(f"ghstream_source.{settings.source_type}")
    run: Callable[[Settings, Publisher, threading.Event], None] = module.run
    return run


def _log_to_stdout(level: str) -> None:
    logging.basicConfig(
        stream=sys.stdout,
        level=level,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
    )
    # The publisher says once what matters about Kafka; the client repeats itself, and its debug log
    # shows passwords.
    logging.getLogger("kafka").setLevel(logging.INFO if level == "DEBUG" else logging.CRITICAL)
    logging.getLogger("urllib3").setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main(os.environ))
