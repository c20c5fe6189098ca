"""The web application's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from ghstream_runtime.settings import Component, Port, prefixed, read, whole
from ghstream_store.settings import StoreUrl
from pydantic import Field, ValidationInfo, field_validator

# Requests that are answered while every stream is taken.
_THREADS_BESIDE_STREAMS = 4


class Settings(Component, alias_generator=prefixed("WEBAPP_")):
    """What one web process serves and where."""

    store_url: StoreUrl
    host: str = "127.0.0.1"
    port: Port = 5000
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 9103
    max_streams: Annotated[int, whole(0, 1000)] = 16
    threads: Annotated[int, whole(1, 1000)] = Field(32, validate_default=True)
    notice: str | None = None

    @field_validator("threads")
    @classmethod
    def _streams_leave_threads(cls, threads: int, info: ValidationInfo) -> int:
        streams = info.data.get("max_streams", 0)
        if threads < streams + _THREADS_BESIDE_STREAMS:
            raise ValueError(
                f"write {streams + _THREADS_BESIDE_STREAMS} or more: each of the {streams} streams"
                f" of GHSTREAM_WEBAPP_MAX_STREAMS holds a thread, and {_THREADS_BESIDE_STREAMS}"
                " more are needed"
            )
        return threads


def from_env(environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError that names every variable at fault."""
    return read(Settings, environ)
