"""Mergeable aggregates: what part of a batch adds to each metric, and how parts combine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from ghstream_store.metrics import METRICS, Dataset, Grain, Kind, Merge, Metric

_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.TIME: pa.int64(),
}
# Arrow's "last" is the last value that is not null, in the order of the rows.
_PARTIAL = {Merge.SUM: "sum", Merge.MIN: "min", Merge.MAX: "max", Merge.LATEST: "last"}
_COMBINE = {**_PARTIAL, Merge.COUNT: "sum"}


def partial(frame: pa.Table, dataset: Dataset) -> dict[str, pa.Table]:
    """Return per metric of the dataset its rows for these records, one row per key.

    `frame` has the columns that `ghstream_spark.frames` derives. A record that lacks one of a
    metric's keys is not in that metric.
    """
    return {
        metric.name: _aggregate(frame, metric) for metric in METRICS if metric.dataset is dataset
    }


def combine(parts: Iterable[Mapping[str, pa.Table]]) -> dict[str, pa.Table]:
    """Return per metric the rows of all parts as one table, again one row per key."""
    tables = [dict(part) for part in parts]
    combined = {}
    for metric in METRICS:
        found = [part[metric.name] for part in tables if metric.name in part]
        if found:
            combined[metric.name] = _combine(found, metric)
    return combined


def _aggregate(frame: pa.Table, metric: Metric) -> pa.Table:
    keys = [key.name for key in metric.keys]
    rows = frame.filter(frame[metric.where]) if metric.where else frame
    rows = rows.select(list(dict.fromkeys(["time", *keys, *_inputs(metric)])))
    if any(rows[key].null_count for key in keys):
        rows = rows.filter(_all_valid(rows, keys))
    if metric.grain is not Grain.LIFETIME:
        rows = rows.append_column("bucket", _bucket(rows["time"], metric.grain))
    return _group(rows, metric, {m.name: (m.of, _PARTIAL.get(m.merge)) for m in metric.measures})


def _combine(parts: list[pa.Table], metric: Metric) -> pa.Table:
    if len(parts) == 1:
        return parts[0]
    return _group(
        pa.concat_tables(parts),
        metric,
        {m.name: (m.name, _COMBINE[m.merge]) for m in metric.measures},
    )


def _group(
    rows: pa.Table, metric: Metric, measures: Mapping[str, tuple[str, str | None]]
) -> pa.Table:
    """Group by the metric's keys; `measures` gives each one's input column and Arrow function."""
    if any(function == "last" for _, function in measures.values()):
        rows = rows.sort_by("updated_at" if "updated_at" in rows.column_names else "time")
    keys = [key.name for key in metric.key_columns]
    grouped = rows.group_by(keys, use_threads=False).aggregate(
        [
            ([], "count_all") if function is None else (of, function)
            for of, function in measures.values()
        ]
    )
    outputs = [
        "count_all" if function is None else f"{of}_{function}"
        for of, function in measures.values()
    ]
    return grouped.select([*keys, *outputs]).rename_columns([*keys, *measures]).cast(schema(metric))


def schema(metric: Metric) -> pa.Schema:
    """Return the Arrow schema of a metric's rows: its keys, then its measures."""
    columns = [(key.name, key.kind) for key in metric.key_columns]
    columns += [(measure.name, measure.kind) for measure in metric.measures]
    return pa.schema([(name, _TYPES[kind]) for name, kind in columns])


def _inputs(metric: Metric) -> list[str]:
    return [measure.of for measure in metric.measures if measure.of]


def _all_valid(rows: pa.Table, columns: list[str]) -> pa.ChunkedArray:
    return reduce(pc.and_, (pc.is_valid(rows[column]) for column in columns))


def _bucket(time: pa.ChunkedArray, grain: Grain) -> pa.ChunkedArray:
    # Arrow divides towards zero; floor keeps times before 1970 in the right bucket.
    steps = pc.cast(pc.floor(pc.divide(pc.cast(time, pa.float64()), grain.value)), pa.int64())
    return pc.multiply(steps, grain.value)
