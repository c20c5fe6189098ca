"""What `make run` was asked for: make variables, checked once at start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT: Mapping[str, str] = {
    "SOURCE": "GHSTREAM_SOURCE_TYPE",
    "SCOPE": "GHSTREAM_SOURCE_SCOPE",
    "FILES": "GHSTREAM_SOURCE_FILES",
    "SPEED": "GHSTREAM_SOURCE_SPEED",
    "REBASE": "GHSTREAM_SOURCE_REBASE",
    "GITHUB_TOKEN": "GHSTREAM_SOURCE_TOKENS",
    "STORE": "GHSTREAM_STORE_URL",
    "KAFKA": "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS",
    "HOST": "GHSTREAM_WEBAPP_HOST",
    "PORT": "GHSTREAM_WEBAPP_PORT",
    "TOPIC": "GHSTREAM_TOPIC",
}
"""The make variables, each with the environment variable that takes it to the processes."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one `make run` does. An empty `kafka` stands for a broker of its own.

    `environment` is what every process is started with; `chosen` tells whether anybody said what
    to read.
    """

    data: Path
    kafka: str
    host: str
    port: int
    chosen: bool
    environment: Mapping[str, str]


def read(environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Return the settings and a sentence for each that is wrong (a default stands in for it).

    What only one process knows, it checks itself: see `programs.problems`.
    """
    given = {name: environ.get(name, "").strip() for name in (*ENVIRONMENT, "DATA")}
    if given["FILES"] and not given["SOURCE"]:
        given["SOURCE"] = "archive"
    problems = _contradictions(given)
    # With its times moved to now, a replay faster than its recording would run into the future.
    if given["REBASE"].lower() not in ("", "0", "false", "no") and not given["SPEED"]:
        given["SPEED"] = "1"
    port = given["PORT"] or environ.get("GHSTREAM_WEBAPP_PORT", "") or "5000"
    if not re.fullmatch(r"\d{1,5}", port) or not 1 <= int(port) <= 65535:
        problems.append(f"PORT {port!r}: write a whole number from 1 to 65535")
        port = "5000"
    passed_on = {to: given[name] for name, to in ENVIRONMENT.items() if given[name]}
    inherited = {name: value for name, value in environ.items() if name not in given}
    environment = inherited | passed_on
    settings = Settings(
        data=Path(given["DATA"] or ".data").absolute(),
        kafka=environment.get(ENVIRONMENT["KAFKA"], ""),
        host=environment.get(ENVIRONMENT["HOST"], "127.0.0.1"),
        port=int(port),
        chosen=any(environment.get(ENVIRONMENT[name]) for name in ("SOURCE", "SCOPE", "FILES")),
        environment=environment,
    )
    return settings, problems


def _contradictions(given: Mapping[str, str]) -> list[str]:
    live = (given["SOURCE"] or "events") == "events"
    other, names = ("archive", ("FILES", "SPEED", "REBASE")) if live else ("events", ("SCOPE",))
    return [f"{name} goes with SOURCE={other}" for name in names if given[name]]
