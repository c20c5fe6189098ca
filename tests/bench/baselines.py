"""Two designs that people write today, computing the same metrics into the same store.

`python -m tests.bench.baselines consumer|queries` reads raw events from Kafka until it has seen
as many as it was told, and prints a line `<events> <seconds since the epoch>` after each commit.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa
from ghstream_spark.aggregate import schema
from ghstream_store.batch import Batch
from ghstream_store.database import migrate, open_store
from ghstream_store.merge import merge
from ghstream_store.metrics import METRICS, Dataset, Metric
from kafka import KafkaConsumer
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy import Engine

Key = tuple[Any, ...]
Aggregate = tuple[list[Column], list[Column], Column | None]
EVENTS = [metric for metric in METRICS if metric.dataset is Dataset.EVENTS]


def main() -> None:
    """Run one of the two."""
    store = open_store(os.environ["GHSTREAM_STORE_URL"])
    migrate(store)
    kafka, topic = os.environ["GHSTREAM_KAFKA_BOOTSTRAP_SERVERS"], os.environ["GHSTREAM_TOPIC"]
    {"consumer": consumer, "queries": queries}[sys.argv[1]](store, kafka, topic, int(sys.argv[2]))


def consumer(store: Engine, kafka: str, topic: str, events: int) -> None:
    """Count with a loop over kafka-python, `json` and counters, 10,000 events a commit."""
    records = KafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    committed = 0
    tables: dict[str, dict[Key, list[Any]]] = {metric.name: {} for metric in EVENTS}
    for seen, record in enumerate(records, start=1):
        count(tables, json.loads(record.value))
        if seen - committed == 10_000 or seen == events:
            write(store, "consumer", seen, tables)
            committed = seen
            tables = {metric.name: {} for metric in EVENTS}
            print(seen, time.time(), flush=True)
        if seen == events:
            return


def count(tables: dict[str, dict[Key, list[Any]]], event: dict[str, Any]) -> None:
    """Add one raw event of the old shape to every metric."""
    kind, payload = event["type"], event["payload"]
    at = int(datetime.fromisoformat(event["created_at"]).timestamp())
    minute, hour = at // 60 * 60, at // 3600 * 3600
    actor, repo = event["actor"]["login"], event["repo"]["name"]
    is_bot = actor.endswith("[bot]")
    add(tables["event_counts"], (minute, kind, is_bot))
    add(tables["repository_activity"], (hour, repo, kind, is_bot))
    add(tables["contributor_activity"], (hour, actor, kind, is_bot))
    if "org" in event:
        add(tables["organization_activity"], (hour, event["org"]["login"], kind, is_bot))
        add(tables["organization_membership"], (hour, event["org"]["login"], actor, is_bot))
    if kind in ("PullRequestEvent", "IssuesEvent"):
        add_item(tables, event, at, payload.get("pull_request") or payload["issue"])


def add_item(
    tables: dict[str, dict[Key, list[Any]]], event: dict[str, Any], at: int, item: dict[str, Any]
) -> None:
    """Add an issue's or pull request's event to the metrics of their lives."""
    action, repo = event["payload"]["action"], event["repo"]["name"]
    subject = "pull_request" if event["type"] == "PullRequestEvent" else "issue"
    if action not in ("opened", "reopened", "closed"):
        return
    if subject == "pull_request" and action == "opened":
        row = tables["pull_request_openings"].setdefault((at // 60 * 60, repo), [0, at, at])
        row[:] = [row[0] + 1, min(row[1], at), max(row[2], at)]
    transition = "merged" if action == "closed" and item.get("merged") else action
    is_bot = event["actor"]["login"].endswith("[bot]")
    add(tables["transitions"], (at // 3600 * 3600, repo, subject, transition, is_bot))
    opened = int(datetime.fromisoformat(item["created_at"]).timestamp())
    key = (event["repo"]["id"], subject, item["number"])
    life = tables["lifecycles"].setdefault(key, [at, repo, opened, None, None, None])
    life[0] = max(life[0], at)
    place = {"reopened": 3, "closed": 4, "merged": 5}.get(transition)
    if place:
        life[place] = at


def add(table: dict[Key, list[Any]], key: Key) -> None:
    """Count one event under a key."""
    table.setdefault(key, [0])[0] += 1


def write(
    store: Engine, stream: str, batch_id: int, tables: dict[str, dict[Key, list[Any]]]
) -> None:
    """Merge counters into the store, with the store's own fast merge."""
    rows = {}
    for metric in EVENTS:
        if found := tables.get(metric.name):
            columns = list(zip(*((*key, *values) for key, values in found.items()), strict=True))
            rows[metric.name] = pa.table([list(c) for c in columns], schema=schema(metric))
    merge(store, Batch(stream, stream, batch_id, rows, {}, 0, 0, None, None))


RAW = """id string, type string, created_at timestamp, actor struct<login: string>,
    repo struct<id: long, name: string>, org struct<login: string>,
    payload struct<action: string,
        pull_request: struct<number: long, created_at: timestamp, merged: boolean,
            merged_at: timestamp, closed_at: timestamp>,
        issue: struct<number: long, created_at: timestamp, closed_at: timestamp>>"""


def queries(store: Engine, kafka: str, topic: str, events: int) -> None:
    """Count with Spark: `from_json` on raw events, and a streaming query for each metric."""
    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.extraClassPath", f"{os.environ['GHSTREAM_SPARK_JARS']}/*")
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    progress: Counter[str] = Counter()
    running = []
    for metric in EVENTS:
        raw = (
            spark.readStream.format("kafka")
            .options(**{"kafka.bootstrap.servers": kafka, "subscribe": topic})
            .options(startingOffsets="earliest", maxOffsetsPerTrigger=40_000)
            .load()
        )
        event = raw.select(F.from_json(F.col("value").cast("string"), RAW).alias("e")).select("e.*")
        task = partial(merge_metric, store, progress, metric)
        writer = event.writeStream.queryName(metric.name).foreachBatch(task)
        folder = f"{os.environ['GHSTREAM_SPARK_CHECKPOINT']}/{metric.name}"
        running.append(writer.option("checkpointLocation", folder).start())
    while min(progress[metric.name] for metric in EVENTS) * 40_000 < events:
        time.sleep(0.05)
    for query in running:
        query.stop()


def merge_metric(
    store: Engine, progress: Counter[str], metric: Metric, frame: DataFrame, batch_id: int
) -> None:
    """Aggregate one metric of a micro-batch and merge it."""
    keys, measures, where = definitions()[metric.name]
    filtered = frame.where(where) if where is not None else frame
    rows = filtered.groupBy(*keys).agg(*measures).toArrow()
    table = rows.rename_columns(schema(metric).names).cast(schema(metric))
    merge(
        store, Batch(metric.name, metric.name, batch_id, {metric.name: table}, {}, 0, 0, None, None)
    )
    progress[metric.name] += 1
    print(min(progress[m.name] for m in EVENTS) * 40_000, time.time(), flush=True)


def bucket(unit: str) -> Column:
    """The start of an event's minute or hour, in seconds since 1970."""
    return F.unix_timestamp(F.date_trunc(unit, "created_at"))


def definitions() -> dict[str, Aggregate]:
    """Return per metric its keys, measures and filter as Spark expressions."""
    actor, kind, org = F.col("actor.login"), F.col("type"), F.col("org.login")
    repo, action, at = F.col("repo.name"), F.col("payload.action"), F.unix_timestamp("created_at")
    is_bot, every = actor.endswith("[bot]"), F.count("*")
    hour, in_org = bucket("hour"), org.isNotNull()
    return {
        "event_counts": ([bucket("minute"), kind, is_bot], [every], None),
        "repository_activity": ([hour, repo, kind, is_bot], [every], None),
        "contributor_activity": ([hour, actor, kind, is_bot], [every], None),
        "organization_activity": ([hour, org, kind, is_bot], [every], in_org),
        "organization_membership": ([hour, org, actor, is_bot], [every], in_org),
        "pull_request_openings": (
            [bucket("minute"), repo],
            [every, F.min(at), F.max(at)],
            (kind == "PullRequestEvent") & (action == "opened"),
        ),
        **item_definitions(),
    }


def item_definitions() -> dict[str, Aggregate]:
    """Return the metrics of the lives of issues and pull requests."""
    pull_request, issue = F.col("payload.pull_request"), F.col("payload.issue")
    kind, action, repo = F.col("type"), F.col("payload.action"), F.col("repo.name")
    at = F.unix_timestamp("created_at")
    subject = F.when(kind == "PullRequestEvent", "pull_request").otherwise("issue")
    is_merge = (action == "closed") & F.coalesce(pull_request["merged"], F.lit(col=False))
    change = F.when(is_merge, "merged").otherwise(action)
    opened = F.unix_timestamp(F.coalesce(pull_request["created_at"], issue["created_at"]))
    where = kind.isin("PullRequestEvent", "IssuesEvent")
    where &= action.isin("opened", "reopened", "closed")
    life = [F.max(at), F.max_by(repo, at), F.min(opened)]
    life += [F.max(F.when(change == name, at)) for name in ("reopened", "closed")]
    life += [F.min(F.when(change == "merged", at))]
    number = F.coalesce(pull_request["number"], issue["number"])
    is_bot = F.col("actor.login").endswith("[bot]")
    return {
        "transitions": ([bucket("hour"), repo, subject, change, is_bot], [F.count("*")], where),
        "lifecycles": ([F.col("repo.id"), subject, number], life, where),
    }


if __name__ == "__main__":
    main()
