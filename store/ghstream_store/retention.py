"""Deletes time buckets that are older than their grain's retention."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine, delete

from ghstream_store.metrics import METRICS, Grain
from ghstream_store.tables import TABLES


def delete_expired(engine: Engine, keep_days: Mapping[Grain, int], now: float) -> int:
    """Delete the buckets that ended more than their grain's `keep_days` before `now`.

    `now` is in seconds since 1970-01-01 UTC. A grain that is not in `keep_days`, or has 0, is kept
    for ever. Returns the number of rows deleted.
    """
    deleted = 0
    with engine.begin() as connection:
        for metric in METRICS:
            days = keep_days.get(metric.grain, 0)
            if days and metric.grain is not Grain.LIFETIME:
                table = TABLES[metric.name]
                oldest = int(now) - days * 86_400 - metric.grain.value
                deleted += connection.execute(
                    delete(table).where(table.c.bucket <= oldest)
                ).rowcount
    return deleted
