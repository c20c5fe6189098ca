"""The application's settings: GHSTREAM_* environment variables, checked at start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec
from ghstream_store.database import store_url
from ghstream_store.metrics import Grain
from msgspec import Meta

PREFIX = "GHSTREAM_"
AVAILABLE_NOW = "availableNow"

Positive = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Days = Annotated[int, Meta(ge=0)]
Text = Annotated[str, Meta(min_length=1)]
_INTERVAL = r"\d+ (millisecond|second|minute|hour)s?"
Trigger = Annotated[str, Meta(pattern=rf"^({AVAILABLE_NOW}|{_INTERVAL})$")]
Within = Annotated[str, Meta(pattern=rf"^({_INTERVAL})?$")]
Memory = Annotated[str, Meta(pattern=r"^\d+[mg]$")]


class SettingsError(ValueError):
    """One or more settings are wrong; the text has a line for each."""


class Settings(
    msgspec.Struct, frozen=True, kw_only=True, rename=lambda name: PREFIX + name.upper()
):
    """One field per environment variable: `topic` is GHSTREAM_TOPIC, and so on."""

    topic: Text = "github-events"
    store_url: Text
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    kafka_bootstrap_servers: Text = "127.0.0.1:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str = ""
    kafka_sasl_password: str = ""
    kafka_ssl_cafile: str = ""

    spark_checkpoint: Text
    spark_trigger: Trigger = "1 second"
    spark_max_offsets_per_trigger: Positive = 200_000
    spark_deduplicate: Within = ""
    spark_shuffle_partitions: Positive = 2
    spark_driver_memory: Memory = "768m"
    spark_jars: str = ""
    spark_http_host: Text = "127.0.0.1"
    spark_http_port: Port = 9102

    retention_minute: Days = 0
    retention_hour: Days = 0

    @property
    def coverage_topic(self) -> str:
        """Where the source tells what its polls saw."""
        return f"{self.topic}-coverage"

    @property
    def dead_letter_topic(self) -> str:
        """Where records go that do not fit."""
        return f"{self.topic}-dead-letter"

    @property
    def keep_days(self) -> dict[Grain, int]:
        """Days that each grain's buckets are kept; 0 is for ever."""
        return {Grain.MINUTE: self.retention_minute, Grain.HOUR: self.retention_hour}

    @property
    def kafka(self) -> dict[str, str]:
        """The connection as Kafka's Java client names it."""
        options = {
            "bootstrap.servers": self.kafka_bootstrap_servers,
            "security.protocol": self.kafka_security_protocol,
        }
        if self.kafka_ssl_cafile:
            options |= {
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": self.kafka_ssl_cafile,
            }
        if self.kafka_security_protocol.startswith("SASL"):
            module = "plain.PlainLoginModule"
            if self.kafka_sasl_mechanism.startswith("SCRAM"):
                module = "scram.ScramLoginModule"
            user, password = _quoted(self.kafka_sasl_username), _quoted(self.kafka_sasl_password)
            options |= {
                "sasl.mechanism": self.kafka_sasl_mechanism,
                "sasl.jaas.config": f"org.apache.kafka.common.security.{module} required "
                f"username={user} password={password};",
            }
        return options


def from_env(environ: Mapping[str, str]) -> Settings:
    """Return the settings. Raises SettingsError with a line for every variable that is wrong."""
    fields = msgspec.structs.fields(Settings)
    given = {f.encode_name: environ[f.encode_name] for f in fields if environ.get(f.encode_name)}
    problems = [problem for field in fields for problem in _problems(field, given)]
    if not problems:
        settings = msgspec.convert(given, Settings, strict=False)
        problems = list(_contradictions(settings))
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _problems(field: msgspec.structs.FieldInfo, given: Mapping[str, str]) -> Iterator[str]:
    name = field.encode_name
    if name not in given:
        if field.required:
            yield f"{name} is missing"
        return
    try:
        msgspec.convert(given[name], field.type, strict=False)
    except msgspec.ValidationError as error:
        # A password is the one value that must not be shown.
        shown = "" if "PASSWORD" in name else f" {given[name]!r}"
        yield f"{name}{shown}: {error}"


def _contradictions(settings: Settings) -> Iterator[str]:
    try:
        store_url(settings.store_url)
    except ValueError as error:
        yield f"GHSTREAM_STORE_URL: {error}"
    is_sasl = settings.kafka_security_protocol.startswith("SASL")
    if is_sasl and not (settings.kafka_sasl_username and settings.kafka_sasl_password):
        yield (
            f"GHSTREAM_KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}: set "
            "GHSTREAM_KAFKA_SASL_USERNAME and _SASL_PASSWORD too"
        )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
