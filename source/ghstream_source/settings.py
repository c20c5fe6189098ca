"""The source's settings: GHSTREAM_* environment variables, checked once at start."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ghstream_source.archive_files import hours
from ghstream_source.feeds import Feed, parse_scope

T = TypeVar("T")

# Kafka allows 249 characters, and "-dead-letter" is the longest suffix.
TOPIC = re.compile(r"[\w.-]{1,230}", re.ASCII)
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """Every problem of the environment at once, one a line."""


@dataclass(frozen=True, kw_only=True)
class Kafka:
    """How to reach Kafka."""

    bootstrap_servers: tuple[str, ...]
    security_protocol: str
    sasl_mechanism: str | None
    sasl_username: str | None
    sasl_password: str | None = field(repr=False)
    ssl_cafile: str | None

    def client_options(self) -> dict[str, Any]:
        """Return the keyword arguments that every kafka-python client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap_servers),
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL_"):
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        if self.security_protocol.endswith("SSL") and self.ssl_cafile:
            options["ssl_cafile"] = self.ssl_cafile
        return options


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one source process does. `speed` is a factor of real time, infinite for "max"."""

    kafka: Kafka
    topic: str
    partitions: int
    replication: int
    source_type: str
    scope: tuple[Feed, ...]
    tokens: tuple[str, ...] = field(repr=False)
    api_url: str
    deduplication_window: float
    files: tuple[str, ...]
    archive_url: str
    speed: float
    rebase: bool
    force: bool
    on_end: str
    raw: bool
    http_host: str
    http_port: int
    log_level: str

    @property
    def raw_topic(self) -> str:
        """The topic of the untouched upstream JSON."""
        return f"{self.topic}-raw"

    @property
    def dead_letter_topic(self) -> str:
        """The topic of records that do not fit."""
        return f"{self.topic}-dead-letter"

    @property
    def coverage_topic(self) -> str:
        """The topic of what each poll saw."""
        return f"{self.topic}-coverage"

    @property
    def state_topic(self) -> str:
        """The source's own compacted topic: where a restart goes on."""
        return f"{self.topic}-state"


def from_env(environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError that names every variable at fault."""
    read = _Reader(environ)
    settings = Settings(
        kafka=_kafka(read),
        topic=read("TOPIC", "github-events", _matching(TOPIC, "letters, digits, '.', '_' or '-'")),
        partitions=read("TOPIC_PARTITIONS", "2", _whole(1, 10_000)),
        replication=read("TOPIC_REPLICATION", "1", _whole(1, 100)),
        source_type=read("SOURCE_TYPE", "events", _one_of("events", "archive")),
        scope=read("SOURCE_SCOPE", "public", parse_scope),
        tokens=read("SOURCE_TOKENS", "", _words),
        api_url=read("SOURCE_API_URL", "https://api.github.com", _url),
        deduplication_window=read("SOURCE_DEDUPLICATION_WINDOW", "3600", _positive),
        files=read("SOURCE_FILES", "", _files),
        archive_url=read("SOURCE_ARCHIVE_URL", "https://data.gharchive.org", _url),
        speed=read("SOURCE_SPEED", "max", _speed),
        rebase=read("SOURCE_REBASE", "false", _flag),
        force=read("SOURCE_FORCE", "false", _flag),
        on_end=read("SOURCE_ON_END", "wait", _one_of("wait", "exit")),
        raw=read("SOURCE_RAW", "false", _flag),
        http_host=read("SOURCE_HTTP_HOST", "127.0.0.1", _text),
        http_port=read("SOURCE_HTTP_PORT", "9101", _whole(0, 65535)),
        log_level=read("LOG_LEVEL", "INFO", _one_of(*LOG_LEVELS)),
    )
    if settings.source_type == "archive" and not settings.files:
        read.problems.append(
            "GHSTREAM_SOURCE_FILES is empty: name the archives to replay,"
            " for example 2015-01-01-0..2015-01-01-5"
        )
    if read.problems:
        raise SettingsError("\n".join(read.problems))
    return settings


class _Reader:
    """Reads variables one by one and gathers what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def __call__(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        # An empty variable is an unset one: compose files and charts cannot leave variables out.
        value = self._environ.get(f"GHSTREAM_{name}", "").strip() or default
        try:
            return parse(value)
        except ValueError as error:
            shown = "" if name.endswith(("TOKENS", "PASSWORD")) else f" {value!r}"
            self.problems.append(f"GHSTREAM_{name}{shown}: {error}")
            return parse(default)


def _kafka(read: _Reader) -> Kafka:
    kafka = Kafka(
        bootstrap_servers=read("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092", _addresses),
        security_protocol=read("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", _one_of(*PROTOCOLS)),
        sasl_mechanism=read("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", _one_of(*MECHANISMS)),
        sasl_username=read("KAFKA_SASL_USERNAME", "", _text) or None,
        sasl_password=read("KAFKA_SASL_PASSWORD", "", _text) or None,
        ssl_cafile=read("KAFKA_SSL_CAFILE", "", _text) or None,
    )
    if kafka.security_protocol.startswith("SASL_"):
        read.problems += [
            f"GHSTREAM_KAFKA_SASL_{name} is empty: {kafka.security_protocol} takes it"
            for name, value in (
                ("USERNAME", kafka.sasl_username),
                ("PASSWORD", kafka.sasl_password),
            )
            if value is None
        ]
    return kafka


def _text(value: str) -> str:
    return value


def _words(value: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[\s,]+", value) if word)


def _files(value: str) -> tuple[str, ...]:
    # As a shell reads words: a name with blanks stands in quotes.
    names = tuple(shlex.split(value))
    for name in names:
        hours(name)
    return names


def _addresses(value: str) -> tuple[str, ...]:
    addresses = _words(value)
    if not addresses or any(not re.fullmatch(r".+:\d{1,5}", address) for address in addresses):
        raise ValueError("write host:port, several with commas between")
    return addresses


def _url(value: str) -> str:
    if not re.match(r"https?://[^/]", value):
        raise ValueError("write a URL that begins with http:// or https://")
    return value.rstrip("/")


def _flag(value: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in known:
        raise ValueError("write true or false")
    return known[value.lower()]


def _positive(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1e9:
        raise ValueError("write a number above 0, a billion at most")
    return number


def _speed(value: str) -> float:
    return math.inf if value.lower() == "max" else _positive(value)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"\d{1,9}", value) or not low <= int(value) <= high:
            raise ValueError(f"write a whole number from {low} to {high}")
        return int(value)

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        raise ValueError(f"write one of {', '.join(choices)}")

    return parse


def _matching(pattern: re.Pattern[str], shape: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"write {shape}")
        return value

    return parse
