"""The application's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from ghstream_runtime.settings import Component, Kafka, Port, prefixed, read, whole
from ghstream_store.metrics import Grain
from ghstream_store.settings import StoreUrl
from pydantic import Field

AVAILABLE_NOW = "availableNow"

_INTERVAL = r"\d+ (millisecond|second|minute|hour)s?"
Count = Annotated[int, whole(1, 1_000_000_000)]
Days = Annotated[int, whole(0, 100_000)]


class Settings(Component, alias_generator=prefixed("SPARK_")):
    """What one application computes, and with how much."""

    kafka: Kafka
    store_url: StoreUrl
    checkpoint: str = Field(description="the folder or URL of the checkpoint")
    trigger: str = Field(
        "1 second",
        pattern=f"^({AVAILABLE_NOW}|{_INTERVAL})$",
        description=f"an interval such as '1 second', or {AVAILABLE_NOW}",
    )
    max_offsets_per_trigger: Count = 200_000
    deduplicate: str | None = Field(
        None, pattern=f"^{_INTERVAL}$", description="an interval such as '1 hour'"
    )
    shuffle_partitions: Count = 2
    driver_memory: str = Field(
        "768m", pattern=r"^\d+[mg]$", description="a number of MiB or GiB, such as 768m or 2g"
    )
    jars: str = ""
    http_host: str = "127.0.0.1"
    http_port: Port = 9102
    retention_minute: Days = Field(0, alias="GHSTREAM_RETENTION_MINUTE")
    retention_hour: Days = Field(0, alias="GHSTREAM_RETENTION_HOUR")

    @property
    def keep_days(self) -> dict[Grain, int]:
        """Days that each grain's buckets are kept; 0 is for ever."""
        return {Grain.MINUTE: self.retention_minute, Grain.HOUR: self.retention_hour}


def from_env(environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError that names every variable at fault."""
    return read(Settings, environ)
