"""The web application's settings: GHSTREAM_* environment variables, checked once at start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from ghstream_store.database import store_url
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

# Requests that are answered while every stream is taken.
_THREADS_BESIDE_STREAMS = 4
Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """Every problem of the environment at once, one a line."""


def _checked_store_url(url: str) -> str:
    store_url(url)
    return url


class Settings(BaseModel):
    """What one web process serves and where."""

    model_config = ConfigDict(frozen=True)

    store_url: Annotated[str, AfterValidator(_checked_store_url)] = Field(
        alias="GHSTREAM_STORE_URL", repr=False
    )
    stream: str = Field("github-events", alias="GHSTREAM_TOPIC")
    host: str = Field("127.0.0.1", alias="GHSTREAM_WEBAPP_HOST")
    port: Port = Field(5000, alias="GHSTREAM_WEBAPP_PORT")
    metrics_host: str = Field("127.0.0.1", alias="GHSTREAM_WEBAPP_METRICS_HOST")
    metrics_port: Port = Field(9103, alias="GHSTREAM_WEBAPP_METRICS_PORT")
    threads: int = Field(32, alias="GHSTREAM_WEBAPP_THREADS", ge=1, le=1000)
    max_streams: int = Field(16, alias="GHSTREAM_WEBAPP_MAX_STREAMS", ge=0, le=1000)
    notice: str | None = Field(None, alias="GHSTREAM_WEBAPP_NOTICE")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="GHSTREAM_LOG_LEVEL"
    )

    @model_validator(mode="after")
    def _streams_leave_threads(self) -> Settings:
        if self.threads < self.max_streams + _THREADS_BESIDE_STREAMS:
            raise ValueError(
                f"GHSTREAM_WEBAPP_THREADS is {self.threads}: each of the {self.max_streams} streams"
                f" of GHSTREAM_WEBAPP_MAX_STREAMS holds a thread and {_THREADS_BESIDE_STREAMS}"
                " more are needed"
            )
        return self


def from_env(environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError that names every variable at fault."""
    # An empty variable is an unset one: compose files and charts cannot leave variables out.
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        problems = (
            ": ".join([*map(str, one["loc"]), one["msg"].removeprefix("Value error, ")])
            for one in error.errors()
        )
        raise SettingsError("\n".join(problems)) from error
