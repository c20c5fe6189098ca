"""Deliveries into Kafka: the records of each topic, made once and committed once."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from kafka.partitioner.default import murmur2

from ghstream_source import metrics
from ghstream_source.delivery import Delivery
from ghstream_source.settings import Settings
from ghstream_source.transactions import WRITER, Message, Transactions

EVENT_SCHEMA = ("schema", b"ghstream.event.v1")
COVERAGE_SCHEMA = ("schema", b"ghstream.coverage.v1")
KEYS_HELD = 100_000
# Kafka takes records below 1 MB, by default. No event comes near; what it was made from may.
MAX_VALUE_BYTES = 900_000

log = logging.getLogger(__name__)


class KafkaPublisher:
    """Publishes to the topics of one stream; its name is one instance's at a time."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._transactions = Transactions(settings, stop)
        self._encode = msgspec.json.Encoder().encode
        self._hashes: dict[int, tuple[bytes, int]] = {}

    @property
    def ready(self) -> bool:
        """Whether Kafka is reachable and the positions are read. Any thread may ask."""
        return self._transactions.ready

    def open(self) -> None:
        """Wait for Kafka, make missing topics, fence older instances, read the positions.

        Raises Fenced, Stopped.
        """
        self._transactions.open()

    def positions(self) -> dict[str, bytes]:
        """Return what the state topic holds, by key, as of the last committed delivery."""
        return {key: value for key, value in self._transactions.state.items() if key != WRITER}

    def publish(self, delivery: Delivery) -> None:
        """Return when the delivery is committed. Raises Fenced, Stopped."""
        self._transactions.commit(list(self._messages(delivery)), delivery.positions)
        _count(delivery)

    def close(self) -> None:
        """Leave Kafka."""
        self._transactions.close()

    def _messages(self, delivery: Delivery) -> Iterator[Message]:
        settings, encode = self._settings, self._encode
        topic, raw_topic = settings.topic, settings.raw_topic
        headers = {
            origin: [EVENT_SCHEMA, ("origin", origin.encode())]
            for origin in {record.origin for record in delivery.events}
        }
        partitions = self._transactions.partitions(topic)
        for event, origin, raw in delivery.events:
            key, hashed = self._key(event.repo_id)
            yield Message(topic, key, encode(event), headers[origin], hashed % partitions)
            if raw is not None and settings.raw:
                if len(raw) <= MAX_VALUE_BYTES:
                    yield Message(raw_topic, key, raw, headers[origin])
                else:
                    log.warning("%s of %s is too long for %s", event.id, origin, raw_topic)
        for value, reason, origin in delivery.rejected:
            cut = f"; cut at {MAX_VALUE_BYTES} bytes" if len(value) > MAX_VALUE_BYTES else ""
            why = [("reason", f"{reason}{cut}".encode()), ("origin", origin.encode())]
            yield Message(settings.dead_letter_topic, None, value[:MAX_VALUE_BYTES], why)
        for coverage in delivery.coverage:
            feed = coverage.feed.encode()
            yield Message(settings.coverage_topic, feed, encode(coverage), [COVERAGE_SCHEMA])

    def _key(self, repo_id: int | None) -> tuple[bytes | None, int]:
        """Return the Kafka key of a repository and its hash, that of Kafka's default partitioner.

        kafka-python would compute it anew for every record, in plain Python.
        """
        if repo_id is None:
            return None, 0
        known = self._hashes.get(repo_id)
        if known is None:
            if len(self._hashes) >= KEYS_HELD:
                self._hashes.clear()
            key = str(repo_id).encode()
            known = self._hashes[repo_id] = (key, murmur2(key) & 0x7FFFFFFF)
        return known


def _count(delivery: Delivery) -> None:
    metrics.TRANSACTIONS.inc()
    for kind, count in Counter(record.event.type for record in delivery.events).items():
        metrics.EVENTS.labels(metrics.event_type(kind)).inc(count)
    for _, reason, _ in delivery.rejected:
        metrics.REJECTED.labels(reason.partition(":")[0]).inc()
    if delivery.events:
        newest = max(record.event.created_at for record in delivery.events)
        metrics.LAG.observe(max(0.0, (datetime.now(UTC) - newest).total_seconds()))
