"""Settings come from the environment and are checked before anything starts."""

from __future__ import annotations

import pytest
from ghstream_runtime.settings import SettingsError
from ghstream_source.kafka import client_options as source_options
from ghstream_source.settings import from_env as source_settings
from ghstream_spark.kafka import client_options
from ghstream_spark.settings import from_env
from ghstream_store.metrics import Grain

NEEDED = {
    "GHSTREAM_STORE_URL": "sqlite:////tmp/x.db",
    "GHSTREAM_SPARK_CHECKPOINT": "/tmp/checkpoint",
}


def test_what_is_not_given_has_a_default() -> None:
    settings = from_env(NEEDED)
    assert (settings.topic, settings.trigger) == ("github-events", "1 second")
    assert settings.keep_days == {Grain.MINUTE: 0, Grain.HOUR: 0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPARK_TRIGGER", "often"),
        ("SPARK_MAX_OFFSETS_PER_TRIGGER", "0"),
        ("SPARK_HTTP_PORT", "70000"),
        ("SPARK_DRIVER_MEMORY", "much"),
        ("SPARK_DEDUPLICATE", "yes"),
        ("RETENTION_MINUTE", "-1"),
        ("STORE_URL", "mysql://host/db"),
        ("STORE_URL", "sqlite://"),
        ("KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"GHSTREAM_{name}"):
        from_env(NEEDED | {f"GHSTREAM_{name}": value})


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        from_env({"GHSTREAM_SPARK_HTTP_PORT": "x"})
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == [
        "GHSTREAM_STORE_URL", "GHSTREAM_SPARK_CHECKPOINT", "GHSTREAM_SPARK_HTTP_PORT",
    ]  # fmt: skip


def test_a_password_with_quotes_reaches_kafka_whole_and_no_error_shows_it() -> None:
    sasl = NEEDED | {
        "GHSTREAM_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "GHSTREAM_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "GHSTREAM_KAFKA_SASL_USERNAME": "ann",
        "GHSTREAM_KAFKA_SASL_PASSWORD": 'a"b\\c',
    }
    options = client_options(from_env(sasl).kafka)
    assert options["sasl.jaas.config"] == (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="ann" password="a\\"b\\\\c";'
    )
    with pytest.raises(SettingsError) as caught:
        from_env(sasl | {"GHSTREAM_LOG_LEVEL": "x"})
    assert 'a"b' not in str(caught.value)


def test_source_and_spark_take_the_same_words_for_kafka() -> None:
    sasl = {
        "GHSTREAM_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "GHSTREAM_KAFKA_SASL_USERNAME": "ann",
        "GHSTREAM_KAFKA_SASL_PASSWORD": "secret",
    }
    spark = client_options(from_env(NEEDED | sasl).kafka)
    source = source_options(source_settings(sasl).kafka)
    assert spark["sasl.mechanism"] == source["sasl_mechanism"]
