"""The real broker: its data outlive it, whatever the ports are."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from ghstream_local import jars
from ghstream_local.broker import Broker, BrokerError, free_port, wait_until_ready
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic


@contextmanager
def running(broker: Broker) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(broker.command(), stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(broker.address, timeout=90)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def broker(tmp_path) -> Broker:
    broker = Broker(jars.fetch()["kafka"], tmp_path, free_port(), free_port())
    broker.prepare()
    return broker


def test_records_outlive_a_kill_and_a_change_of_ports(broker):
    partition = TopicPartition("kept", 0)
    with running(broker) as process:
        KafkaAdminClient(bootstrap_servers=broker.address).create_topics([NewTopic("kept", 1, 1)])
        producer = KafkaProducer(bootstrap_servers=broker.address, acks="all")
        producer.send("kept", b"a record").get(timeout=60)
        producer.close()
        process.kill()
    elsewhere = replace(broker, port=free_port(), controller_port=free_port())
    elsewhere.prepare()
    with running(elsewhere):
        consumer = KafkaConsumer(bootstrap_servers=elsewhere.address, auto_offset_reset="earliest")
        consumer.assign([partition])
        polled = consumer.poll(timeout_ms=60_000)
        consumer.close()
    assert [record.value for record in polled[partition]] == [b"a record"]


def test_it_listens_on_loopback_only(broker):
    lines = (broker.data / "server.properties").read_text().splitlines()
    (listeners,) = [line for line in lines if line.startswith("listeners=")]
    addresses = [listener.split("://")[1] for listener in listeners.split("=")[1].split(",")]
    assert addresses == [f"127.0.0.1:{broker.port}", f"127.0.0.1:{broker.controller_port}"]


def test_data_that_cannot_be_formatted_are_named_with_kafkas_reason(tmp_path):
    (tmp_path / "logs").write_text("a file where the folder belongs")
    broker = Broker(jars.fetch()["kafka"], tmp_path, free_port(), free_port())
    with pytest.raises(BrokerError, match=f"could not format {tmp_path}/logs: .*logs"):
        broker.prepare()


def test_a_cluster_id_that_begins_with_a_dash_is_no_option_of_kafkas(tmp_path, monkeypatch):
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=0xF8 << 120))
    broker = Broker(jars.fetch()["kafka"], tmp_path, free_port(), free_port())
    broker.prepare()
    assert "cluster.id=-AAAAA" in (tmp_path / "logs" / "meta.properties").read_text()


def test_waiting_for_a_broker_that_is_not_there_ends():
    with pytest.raises(TimeoutError, match="did not answer within 1 s"):
        wait_until_ready(f"127.0.0.1:{free_port()}", timeout=1)
