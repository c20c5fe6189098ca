"""The source's settings."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Annotated, Literal

from ghstream_runtime.settings import Component, Kafka, prefixed, read, whole, words
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from ghstream_source.archive_files import hours
from ghstream_source.feeds import Feed, parse_scope

Lower = BeforeValidator(str.lower)
Flag = Annotated[bool, Field(description="true or false")]
Url = Annotated[
    str,
    Field(pattern="^https?://[^/]", description="a URL that begins with http:// or https://"),
    AfterValidator(lambda url: url.rstrip("/")),
]


def _factor(value: str) -> str | float:
    return math.inf if value.lower() == "max" else value


class Settings(Component, alias_generator=prefixed("SOURCE_")):
    """What one source process does. `speed` is a factor of real time, infinite for "max"."""

    kafka: Kafka
    partitions: Annotated[int, whole(1, 10_000)] = Field(2, alias="GHSTREAM_TOPIC_PARTITIONS")
    replication: Annotated[int, whole(1, 100)] = Field(1, alias="GHSTREAM_TOPIC_REPLICATION")
    source_type: Annotated[Literal["events", "archive"], Lower] = Field(
        "events", alias="GHSTREAM_SOURCE_TYPE"
    )
    scope: Annotated[tuple[Feed, ...], BeforeValidator(parse_scope)] = parse_scope("public")
    tokens: Annotated[tuple[str, ...], BeforeValidator(words)] = Field((), repr=False)
    api_url: Url = "https://api.github.com"
    deduplication_window: float = Field(
        3600, gt=0, le=1e9, description="a number of seconds above 0, a billion at most"
    )
    files: tuple[str, ...] = Field((), validate_default=True)
    archive_url: Url = "https://data.gharchive.org"
    speed: Annotated[float, BeforeValidator(_factor)] = Field(
        math.inf, gt=0, description="a number above 0, or max"
    )
    rebase: Flag = False
    force: Flag = False
    on_end: Annotated[Literal["wait", "exit"], Lower] = "wait"
    raw: Flag = False
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, whole(0, 65_535)] = 9101

    @field_validator("files", mode="before")
    @classmethod
    def _named(cls, value: str | tuple[()], info: ValidationInfo) -> tuple[str, ...]:
        # As a shell reads words: a name with blanks stands in quotes.
        files = tuple(shlex.split(value or ""))
        if info.data.get("source_type") == "archive" and not files:
            raise ValueError("name the archives to replay, for example 2015-01-01-0..2015-01-01-5")
        for file in files:
            hours(file)
        return files

    @property
    def raw_topic(self) -> str:
        """The topic of the untouched upstream JSON."""
        return f"{self.topic}-raw"

    @property
    def state_topic(self) -> str:
        """The source's own compacted topic: where a restart goes on."""
        return f"{self.topic}-state"


def from_env(environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError that names every variable at fault."""
    return read(Settings, environ)
