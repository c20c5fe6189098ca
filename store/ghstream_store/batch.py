"""One micro-batch on its way into the store; Spark's workers need it, and no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # readers of the store come by here too, and are without Arrow
    import pyarrow as pa

Offsets = Mapping[str, Mapping[int, int]]
"""Per topic and partition, the offset of the first record that is not merged yet."""

T = TypeVar("T", int, float)


@dataclass(frozen=True)
class Batch:
    """One micro-batch, aggregated.

    `rows` holds per metric an Arrow table with the metric's key and measure columns, one row per
    key. `offsets` are the first ones that the batch does not hold; `newest_*` are seconds since
    1970-01-01 UTC, None where the batch has no such record.
    """

    stream: str
    query_id: str
    batch_id: int
    rows: Mapping[str, pa.Table]
    offsets: Offsets
    events: int
    rejected: int
    newest_event_at: int | None
    newest_ingested_at: float | None


def newest(left: T | None, right: T | None) -> T | None:
    """Return the greater of two times of which either may be unknown."""
    return max((value for value in (left, right) if value is not None), default=None)
