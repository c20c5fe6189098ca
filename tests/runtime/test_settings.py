"""What holds for the settings of every component."""

from __future__ import annotations

from typing import Annotated

import pytest
from ghstream_runtime.settings import (
    Component,
    Kafka,
    Port,
    SettingsError,
    prefixed,
    read,
    whole,
)
from pydantic import Field, ValidationError

SASL = {
    "GHSTREAM_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "GHSTREAM_KAFKA_SASL_USERNAME": "ann",
    "GHSTREAM_KAFKA_SASL_PASSWORD": "hidden",
}


class Settings(Component, alias_generator=prefixed("TEST_")):
    """A component like others."""

    kafka: Kafka
    port: Port = 9000
    share: Annotated[int, whole(0, 100)] = Field(1, alias="GHSTREAM_SHARE")
    token: str = Field("", repr=False, pattern="^[a-z]*$", description="small letters")
    address: str = Field("", pattern="^(http.*)?$", description="a URL")


def lines(**variables: str) -> list[str]:
    """What is said about these variables, a line for each that is wrong."""
    with pytest.raises(SettingsError) as refused:
        read(Settings, {f"GHSTREAM_{name}": value for name, value in variables.items()})
    return str(refused.value).splitlines()


def test_a_field_is_the_variable_of_its_name_with_the_models_prefix() -> None:
    settings = read(
        Settings,
        {
            "GHSTREAM_TEST_PORT": "1",
            "GHSTREAM_SHARE": "2",
            "GHSTREAM_TOPIC": "t",
            "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": "a:9092, b:9093",
            "GHSTREAM_PORT": "3",
            "PORT": "4",
        },
    )
    assert (settings.port, settings.share, settings.topic) == (1, 2, "t")
    assert settings.kafka.bootstrap_servers == ("a:9092", "b:9093")
    assert (settings.coverage_topic, settings.dead_letter_topic) == ("t-coverage", "t-dead-letter")


def test_an_empty_variable_is_an_unset_one_and_values_are_stripped() -> None:
    settings = read(Settings, {"GHSTREAM_TEST_PORT": "  ", "GHSTREAM_TOPIC": " t\n"})
    assert (settings.port, settings.topic) == (9000, "t")


def test_settings_do_not_change() -> None:
    settings = read(Settings, {})
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


@pytest.mark.parametrize("level", ["debug", "Debug", "DEBUG"])
def test_the_log_level_is_taken_in_any_case(level: str) -> None:
    assert read(Settings, {"GHSTREAM_LOG_LEVEL": level}).log_level == "DEBUG"


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("TEST_PORT", "http", "write a whole number from 1 to 65535"),
        ("TEST_PORT", "0", "write a whole number from 1 to 65535"),
        ("SHARE", "101", "write a whole number from 0 to 100"),
        ("SHARE", "1.5", "write a whole number from 0 to 100"),
        ("LOG_LEVEL", "LOUD", "write 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("TOPIC", "no spaces", "write letters, digits, '.', '_' or '-', 230 at most"),
        ("TOPIC", "ünïcode", "write letters, digits, '.', '_' or '-', 230 at most"),
        ("TOPIC", "t" * 231, "write letters, digits, '.', '_' or '-', 230 at most"),
        ("KAFKA_BOOTSTRAP_SERVERS", "a:1,b,c", "write host:port, several with commas between"),
        ("KAFKA_BOOTSTRAP_SERVERS", ",", "write host:port, several with commas between"),
        (
            "KAFKA_SECURITY_PROTOCOL",
            "TLS",
            "write 'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL'",
        ),
        ("KAFKA_SASL_MECHANISM", "GSSAPI", "write 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'"),
    ],
)
def test_a_wrong_value_is_told_once_with_what_to_write(name: str, value: str, advice: str) -> None:
    assert lines(**{name: value}) == [f"GHSTREAM_{name} {value!r}: {advice}"]


def test_all_that_is_wrong_is_told_at_once_also_what_contradicts_another_variable() -> None:
    assert lines(
        TEST_PORT="x", LOG_LEVEL="x", KAFKA_SECURITY_PROTOCOL="sasl_ssl", KAFKA_SASL_MECHANISM="x"
    ) == [
        "GHSTREAM_LOG_LEVEL 'x': write 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
        "GHSTREAM_KAFKA_SASL_MECHANISM 'x': write 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'",
        "GHSTREAM_KAFKA_SASL_USERNAME is empty:"
        " write it, since GHSTREAM_KAFKA_SECURITY_PROTOCOL is SASL_SSL",
        "GHSTREAM_KAFKA_SASL_PASSWORD is empty:"
        " write it, since GHSTREAM_KAFKA_SECURITY_PROTOCOL is SASL_SSL",
        "GHSTREAM_TEST_PORT 'x': write a whole number from 1 to 65535",
    ]


def test_errors_show_no_secrets() -> None:
    assert lines(TEST_TOKEN="Hidden", TEST_ADDRESS="ftp://me:hidden@host") == [
        "GHSTREAM_TEST_TOKEN: write small letters",
        "GHSTREAM_TEST_ADDRESS: write a URL",
    ]


def test_settings_show_no_secrets() -> None:
    secrets = {"GHSTREAM_TEST_TOKEN": "hidden", "GHSTREAM_TEST_ADDRESS": "http://me:hidden@host"}
    settings = read(Settings, SASL | secrets)
    assert settings.kafka.sasl_password == "hidden"
    for shown in (repr(settings), str(settings), f"{settings.kafka}"):
        assert "hidden" not in shown
    assert "github-events" in repr(settings)
    assert "SASL_SSL" in repr(settings)
