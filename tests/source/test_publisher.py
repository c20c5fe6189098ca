"""Deliveries on real topics: what is written, and that an unknown outcome is found out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from ghstream_source import transactions
from ghstream_source.delivery import Coverage, Delivery, Fenced, Record, Rejected, Stopped
from ghstream_source.envelope import decode
from ghstream_source.kafka import client_options
from ghstream_source.publisher import KafkaPublisher
from ghstream_source.settings import Settings, from_env
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaTimeoutError, ProducerFencedError

Committed = Callable[..., list[Any]]


def record(number: int, repo_id: int | None = 7) -> Record:
    raw = json.dumps(
        {
            "id": str(number),
            "type": "WatchEvent",
            "created_at": "2026-01-01T00:00:00Z",
            "repo": {"id": repo_id, "name": "a/b"},
        }
    ).encode()
    return Record(decode(raw, "2026-01-01T00:00:01.000Z"), "public", raw)


def ids(records: list[Any]) -> list[str]:
    return [json.loads(found.value)["id"] for found in records]


@pytest.fixture
def settings(source_env: dict[str, str]) -> Settings:
    return from_env(source_env | {"GHSTREAM_SOURCE_TYPE": "events"})


@pytest.fixture
def opened(settings: Settings) -> Iterator[Callable[[Settings], KafkaPublisher]]:
    publishers: list[KafkaPublisher] = []

    def open_one(own: Settings = settings) -> KafkaPublisher:
        publisher = KafkaPublisher(own, threading.Event())
        publishers.append(publisher)
        publisher.open()
        return publisher

    yield open_one
    for publisher in publishers:
        publisher.close()


def test_what_is_too_long_for_kafka_costs_no_event_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[transactions.Message] = []
    monkeypatch.setattr(transactions.Transactions, "partitions", lambda *_: 2)
    monkeypatch.setattr(
        transactions.Transactions, "commit", lambda _, messages, state: sent.extend(messages)
    )
    publisher = KafkaPublisher(from_env({"GHSTREAM_SOURCE_RAW": "true"}), threading.Event())
    long = b"x" * 2_000_000
    publisher.publish(
        Delivery([record(1)._replace(raw=long), record(2)], [Rejected(long, "not JSON", "public")])
    )
    by_topic = {topic: [m for m in sent if m.topic == topic] for topic in {m.topic for m in sent}}
    assert [json.loads(m.value or b"")["id"] for m in by_topic["github-events"]] == ["1", "2"]
    assert [m.value for m in by_topic["github-events-raw"]] == [record(2).raw]
    (letter,) = by_topic["github-events-dead-letter"]
    assert letter.value == b"x" * 900_000
    assert letter.headers[0] == ("reason", b"not JSON; cut at 900000 bytes")
    assert "1 of public is too long for github-events-raw" in caplog.text


def test_a_delivery_reaches_every_topic_with_its_headers(
    settings: Settings, opened: Callable[..., KafkaPublisher], committed: Committed
) -> None:
    publisher = opened(settings.model_copy(update={"raw": True}))
    event = record(1)
    publisher.publish(
        Delivery(
            events=[event, record(2, repo_id=None)],
            rejected=[Rejected(b"<html>", "not JSON: why", "org:x")],
            coverage=[Coverage(feed="org:x", polled_at="2026-01-01T00:00:02Z", new_events=0)],
            positions={"org:x": b"etag"},
        )
    )
    origin = ("origin", b"public")
    found = {record.key: record for record in committed(settings.topic)}
    assert json.loads(found[b"7"].value)["repo"] == "a/b"
    assert found[b"7"].headers == [("schema", b"ghstream.event.v1"), origin]
    assert json.loads(found[None].value)["id"] == "2"
    assert event.raw in [record.value for record in committed(settings.raw_topic)]
    (rejected,) = committed(settings.dead_letter_topic)
    assert rejected.value == b"<html>"
    assert rejected.headers == [("reason", b"not JSON: why"), ("origin", b"org:x")]
    (coverage,) = committed(settings.coverage_topic)
    assert (coverage.key, coverage.headers) == (b"org:x", [("schema", b"ghstream.coverage.v1")])
    assert json.loads(coverage.value) == {
        "feed": "org:x",
        "polled_at": "2026-01-01T00:00:02Z",
        "new_events": 0,
    }


def test_positions_are_read_back_and_none_deletes_one(
    opened: Callable[..., KafkaPublisher],
) -> None:
    publisher = opened()
    assert publisher.positions() == {}
    publisher.publish(Delivery(positions={"a": b"1", "b": b"1"}))
    publisher.publish(Delivery(positions={"a": b"2", "b": None}))
    assert publisher.positions() == {"a": b"2"}
    publisher.close()
    assert opened().positions() == {"a": b"2"}


def test_an_instance_that_was_replaced_is_fenced(
    settings: Settings, opened: Callable[..., KafkaPublisher], committed: Committed
) -> None:
    first = opened()
    first.publish(Delivery(events=[record(1)]))
    second = opened()
    with pytest.raises(Fenced, match=settings.topic):
        first.publish(Delivery(events=[record(2)]))
    second.publish(Delivery(events=[record(3)]))
    assert sorted(ids(committed(settings.topic))) == ["1", "3"]


@pytest.mark.parametrize(
    ("is_committed", "error"),
    [
        (True, KafkaTimeoutError("the answer is lost")),
        (False, KafkaTimeoutError("the request is lost")),
        (False, ProducerFencedError("Kafka gave up the transaction")),
    ],
)
def test_a_commit_of_unknown_outcome_is_neither_lost_nor_doubled(
    *,
    settings: Settings,
    opened: Callable[..., KafkaPublisher],
    committed: Committed,
    monkeypatch: pytest.MonkeyPatch,
    is_committed: bool,
    error: Exception,
) -> None:
    faults = [error]

    class Unlucky(KafkaProducer):  # type: ignore[misc]
        def commit_transaction(self) -> None:
            if not faults or is_committed:
                super().commit_transaction()
            if faults:
                raise faults.pop()

    publisher = opened()
    publisher.publish(Delivery(events=[record(1)]))
    publisher.close()
    monkeypatch.setattr(transactions, "KafkaProducer", Unlucky)
    publisher.publish(Delivery(events=[record(2)], positions={"a": b"2"}))
    publisher.publish(Delivery(events=[record(3)]))
    assert faults == []
    assert publisher.positions() == {"a": b"2"}
    assert sorted(ids(committed(settings.topic))) == ["1", "2", "3"]


def test_events_lie_where_any_client_of_kafka_would_put_them(
    settings: Settings, opened: Callable[..., KafkaPublisher], committed: Committed
) -> None:
    own = settings.model_copy(update={"partitions": 5})
    repositories = [7, 28635890, 123456789012, *range(1000, 1040)]
    opened(own).publish(Delivery(events=[record(n, repo_id=n) for n in repositories]))
    twin = f"{settings.topic}-twin"
    options = client_options(settings.kafka)
    admin = KafkaAdminClient(**options)
    admin.create_topics({twin: {"num_partitions": 5}}, wait_for_metadata=True)
    admin.close()
    producer = KafkaProducer(**options)
    for number in repositories:
        producer.send(twin, key=str(number).encode(), value=b"")
    producer.close()
    lies = {record.key: record.partition for record in committed(settings.topic)}
    assert len(set(lies.values())) == 5
    assert lies == {record.key: record.partition for record in committed(twin)}


def test_missing_topics_are_made_and_existing_ones_are_left_alone(
    settings: Settings, opened: Callable[..., KafkaPublisher], committed: Committed
) -> None:
    admin = KafkaAdminClient(**client_options(settings.kafka))
    admin.create_topics({settings.topic: {"num_partitions": 3}}, wait_for_metadata=True)
    publisher = opened(settings.model_copy(update={"partitions": 9}))
    publisher.publish(Delivery(events=[record(n, repo_id=n) for n in range(50)]))
    topics = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    admin.close()
    assert topics[settings.topic] == 3
    assert topics[settings.state_topic] == 1
    assert topics[settings.dead_letter_topic] == 1
    assert settings.raw_topic not in topics
    assert {record.partition for record in committed(settings.topic)} == {0, 1, 2}


def test_while_kafka_is_away_it_waits_until_it_is_asked_to_stop(settings: Settings) -> None:
    nowhere = settings.kafka.model_copy(update={"bootstrap_servers": ("127.0.0.1:1",)})
    stop = threading.Event()
    publisher = KafkaPublisher(settings.model_copy(update={"kafka": nowhere}), stop)
    outcome: list[type[Exception]] = []

    def open_it() -> None:
        try:
            publisher.open()
        except Stopped:
            outcome.append(Stopped)

    thread = threading.Thread(target=open_it)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    assert not publisher.ready
    stop.set()
    thread.join(30)
    assert outcome == [Stopped]


def test_the_state_holds_only_what_was_committed(
    settings: Settings, opened: Callable[..., KafkaPublisher]
) -> None:
    opened().publish(Delivery(positions={"a": b"committed"}))
    producer = KafkaProducer(
        **client_options(settings.kafka), transactional_id=f"ghstream-source-{settings.topic}"
    )
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(settings.state_topic, key=b"a", value=b"not committed")
    producer.flush()
    assert opened().positions() == {"a": b"committed"}
    producer.close(timeout=5)


def test_the_writer_record_counts_transactions(
    settings: Settings, opened: Callable[..., KafkaPublisher], committed: Committed
) -> None:
    publisher = opened()
    for number in range(3):
        publisher.publish(Delivery(events=[record(number)]))
    writers = [
        msgspec.json.decode(found.value)
        for found in committed(settings.state_topic)
        if found.key == b"writer"
    ]
    assert [writer["sequence"] for writer in writers] == [1, 2, 3, 4]
    assert len({writer["instance"] for writer in writers}) == 1
