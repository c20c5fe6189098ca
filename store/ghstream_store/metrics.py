"""The metrics: what each serving table counts, by which keys, and how two parts of it merge.

A metric is data. Spark computes each one from the columns that `ghstream_spark.frames` derives
from a record, for one micro-batch alone; the store merges that part into the table of the same
name. Count, sum, min, max and latest merge in any order, so late and backfilled records need no
window. To add a metric, add one `Metric` here; its table is made at the next start.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class Dataset(StrEnum):
    """What kind of record a metric is computed from; each has a topic of its own."""

    EVENTS = "events"
    COVERAGE = "coverage"


class Grain(Enum):
    """Length of a metric's time bucket in seconds; LIFETIME has no buckets."""

    MINUTE = 60
    HOUR = 3600
    LIFETIME = 0


class Kind(StrEnum):
    """Type of a column. TIME is in whole seconds since 1970-01-01 UTC."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"


class Merge(StrEnum):
    """How two values of a measure become one."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    LATEST = "latest"
    """The value with the greater `updated_at`, a measure that the metric then needs."""


@dataclass(frozen=True)
class Key:
    """A column that a row is identified by. Records that lack it are not in the metric."""

    name: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class Measure:
    """A column that merges. `of` is the record's column it is computed from (COUNT: none)."""

    name: str
    merge: Merge
    of: str = ""
    kind: Kind = Kind.INTEGER


@dataclass(frozen=True)
class Metric:
    """One serving table. `where` names a boolean column that selects the records it is about."""

    name: str
    dataset: Dataset
    grain: Grain
    keys: tuple[Key, ...]
    measures: tuple[Measure, ...]
    where: str = ""

    @property
    def key_columns(self) -> tuple[Key, ...]:
        """All columns that identify a row, the time bucket first."""
        if self.grain is Grain.LIFETIME:
            return self.keys
        return (Key("bucket", Kind.TIME), *self.keys)


_TYPE = Key("type")
_IS_BOT = Key("is_bot", Kind.BOOLEAN)
_EVENTS = Measure("events", Merge.COUNT)
_UPDATED_AT = Measure("updated_at", Merge.MAX, of="time", kind=Kind.TIME)


def _time(name: str, merge: Merge, of: str) -> Measure:
    return Measure(name, merge, of, Kind.TIME)


EVENT_COUNTS = Metric(
    "event_counts", Dataset.EVENTS, Grain.MINUTE, keys=(_TYPE, _IS_BOT), measures=(_EVENTS,)
)
REPOSITORY_ACTIVITY = Metric(
    "repository_activity",
    Dataset.EVENTS,
    Grain.HOUR,
    keys=(Key("repo"), _TYPE, _IS_BOT),
    measures=(_EVENTS,),
)
CONTRIBUTOR_ACTIVITY = Metric(
    "contributor_activity",
    Dataset.EVENTS,
    Grain.HOUR,
    keys=(Key("actor"), _TYPE, _IS_BOT),
    measures=(_EVENTS,),
)
ORGANIZATION_ACTIVITY = Metric(
    "organization_activity",
    Dataset.EVENTS,
    Grain.HOUR,
    keys=(Key("org"), _TYPE, _IS_BOT),
    measures=(_EVENTS,),
)
ORGANIZATION_MEMBERSHIP = Metric(
    "organization_membership",
    Dataset.EVENTS,
    Grain.HOUR,
    keys=(Key("org"), Key("actor"), _IS_BOT),
    measures=(_EVENTS,),
)
PULL_REQUEST_OPENINGS = Metric(
    "pull_request_openings",
    Dataset.EVENTS,
    Grain.MINUTE,
    keys=(Key("repo"),),
    measures=(
        Measure("opened", Merge.COUNT),
        _time("first_opened_at", Merge.MIN, of="time"),
        _time("last_opened_at", Merge.MAX, of="time"),
    ),
    where="opens_pull_request",
)
TRANSITIONS = Metric(
    "transitions",
    Dataset.EVENTS,
    Grain.HOUR,
    keys=(Key("repo"), Key("subject"), Key("transition"), _IS_BOT),
    measures=(_EVENTS,),
)
LIFECYCLES = Metric(
    "lifecycles",
    Dataset.EVENTS,
    Grain.LIFETIME,
    keys=(Key("repo_id", Kind.INTEGER), Key("subject"), Key("number", Kind.INTEGER)),
    measures=(
        _UPDATED_AT,
        Measure("repo", Merge.LATEST, of="repo", kind=Kind.TEXT),
        _time("opened_at", Merge.MIN, of="opened_time"),
        _time("reopened_at", Merge.MAX, of="reopened_time"),
        _time("closed_at", Merge.MAX, of="closed_time"),
        _time("merged_at", Merge.MIN, of="merged_time"),
    ),
    where="is_transition",
)
FEED_COVERAGE = Metric(
    "feed_coverage",
    Dataset.COVERAGE,
    Grain.HOUR,
    keys=(Key("feed"),),
    measures=(
        Measure("polls", Merge.COUNT),
        Measure("new_events", Merge.SUM, of="new_events"),
        Measure("gaps", Merge.SUM, of="gaps"),
        Measure("gap_seconds", Merge.SUM, of="gap_seconds"),
    ),
)
FEED_STATUS = Metric(
    "feed_status",
    Dataset.COVERAGE,
    Grain.LIFETIME,
    keys=(Key("feed"),),
    measures=(
        _UPDATED_AT,
        Measure("requests_left", Merge.LATEST, of="requests_left"),
        Measure("requests_limit", Merge.LATEST, of="requests_limit"),
        Measure("resets_at", Merge.LATEST, of="resets_time", kind=Kind.TIME),
        _time("last_gap_from", Merge.MAX, of="gap_from_time"),
        _time("last_gap_to", Merge.MAX, of="gap_to_time"),
    ),
)

METRICS: tuple[Metric, ...] = (
    EVENT_COUNTS,
    REPOSITORY_ACTIVITY,
    CONTRIBUTOR_ACTIVITY,
    ORGANIZATION_ACTIVITY,
    ORGANIZATION_MEMBERSHIP,
    PULL_REQUEST_OPENINGS,
    TRANSITIONS,
    LIFECYCLES,
    FEED_COVERAGE,
    FEED_STATUS,
)
