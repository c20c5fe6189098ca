"""Kafka as its Java client has it: the connection, which topics exist, and where to start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ghstream_runtime.settings import Kafka
from ghstream_store.batch import Offsets
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

_EARLIEST = -2
_PATIENCE = {"request.timeout.ms": "5000", "default.api.timeout.ms": "10000"}


def client_options(kafka: Kafka) -> dict[str, str]:
    """Return the connection as Kafka's Java client names it."""
    options = {
        "bootstrap.servers": ",".join(kafka.bootstrap_servers),
        "security.protocol": kafka.security_protocol,
    }
    if kafka.ssl_cafile:
        options |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": kafka.ssl_cafile}
    if kafka.security_protocol.startswith("SASL"):
        kind = "plain.Plain" if kafka.sasl_mechanism == "PLAIN" else "scram.Scram"
        user, password = _quoted(kafka.sasl_username), _quoted(kafka.sasl_password)
        options |= {
            "sasl.mechanism": kafka.sasl_mechanism,
            "sasl.jaas.config": f"org.apache.kafka.common.security.{kind}LoginModule required "
            f"username={user} password={password};",
        }
    return options


class KafkaAdmin:
    """Kafka's own Java admin client, which is in Spark's JVM anyway."""

    def __init__(self, spark: SparkSession, options: Mapping[str, str]) -> None:
        jvm: Any = spark._jvm
        self._jvm = jvm
        properties = jvm.java.util.Properties()
        for name, value in {**options, **_PATIENCE}.items():
            properties.setProperty(name, value)
        self._client = jvm.org.apache.kafka.clients.admin.AdminClient.create(properties)

    def partitions(self, topics: set[str]) -> dict[str, int]:
        """Return the number of partitions of those topics that exist.

        Raises ConnectionError, with Kafka's reason, while no broker answers.
        """
        try:
            known = set(self._client.listTopics().names().get())
            found = self._jvm.java.util.ArrayList()
            for topic in topics & known:
                found.add(topic)
            described = self._client.describeTopics(found).allTopicNames().get()
            return {topic: described[topic].partitions().size() for topic in topics & known}
        except Py4JJavaError as error:
            raise ConnectionError(_reason(error)) from error

    def create(self, topic: str) -> None:
        """Make a topic of one partition. Raises ConnectionError with Kafka's reason."""
        optional = self._jvm.java.util.Optional
        new = self._jvm.org.apache.kafka.clients.admin.NewTopic(
            topic, optional.empty(), optional.empty()
        )
        try:
            self._client.createTopics(self._jvm.java.util.Collections.singleton(new)).all().get()
        except Py4JJavaError as error:
            raise ConnectionError(_reason(error)) from error

    def close(self) -> None:
        """Close the client's connections."""
        self._client.close()


def starting_offsets(merged: Offsets, partitions: Mapping[str, int]) -> str:
    """Return Spark's `startingOffsets`: where the store's figures end, else the beginning."""
    if not merged:
        return "earliest"
    offsets = {
        topic: {str(p): merged.get(topic, {}).get(p, _EARLIEST) for p in range(count)}
        for topic, count in partitions.items()
    }
    return json.dumps(offsets)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _reason(error: Py4JJavaError) -> str:
    cause = error.java_exception.getCause()
    return str((cause or error.java_exception).toString())
