from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest
from ghstream_runtime.settings import SettingsError
from ghstream_source.kafka import client_options
from ghstream_source.settings import from_env


def test_without_any_variable_the_public_feed_goes_to_a_local_kafka() -> None:
    settings = from_env({})
    assert settings.source_type == "events"
    assert [feed.name for feed in settings.scope] == ["public"]
    assert settings.topic == "github-events"
    assert settings.speed == math.inf
    assert client_options(settings.kafka) == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "PLAINTEXT",
    }


def test_words_are_split_at_spaces_and_commas() -> None:
    settings = from_env(
        {
            "GHSTREAM_SOURCE_SCOPE": "org:kubernetes, repo:apache/spark user:torvalds public",
            "GHSTREAM_SOURCE_TOKENS": "one two,three",
            "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": "a:9092,b:9093",
        }
    )
    names = [feed.name for feed in settings.scope]
    assert names == ["org:kubernetes", "repo:apache/spark", "user:torvalds", "public"]
    assert settings.tokens == ("one", "two", "three")
    assert settings.kafka.bootstrap_servers == ("a:9092", "b:9093")


def test_a_file_with_blanks_in_its_name_stands_in_quotes() -> None:
    files = "'/my folder/a.json.gz' /b/*.gz \"/c d.gz\""
    assert from_env({"GHSTREAM_SOURCE_FILES": files}).files == (
        "/my folder/a.json.gz",
        "/b/*.gz",
        "/c d.gz",
    )


def test_sasl_and_tls_become_options_of_the_client() -> None:
    settings = from_env(
        {
            "GHSTREAM_KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
            "GHSTREAM_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
            "GHSTREAM_KAFKA_SASL_USERNAME": "source",
            "GHSTREAM_KAFKA_SASL_PASSWORD": "hidden",
            "GHSTREAM_KAFKA_SSL_CAFILE": "/etc/kafka/ca.crt",
        }
    )
    assert client_options(settings.kafka) == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "source",
        "sasl_plain_password": "hidden",
        "ssl_cafile": "/etc/kafka/ca.crt",
    }


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = from_env(
        {"GHSTREAM_SOURCE_TOKENS": "ghp_hidden", "GHSTREAM_KAFKA_SASL_PASSWORD": "hidden"}
    )
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOURCE_TYPE", "rss"),
        ("SOURCE_SCOPE", "org:kubernetes team:x"),
        ("SOURCE_SCOPE", "repo:spark"),
        ("SOURCE_API_URL", "api.github.com"),
        ("SOURCE_FILES", "2015-01-01-5..2015-01-01-0"),
        ("SOURCE_FILES", "2015-01-01-24"),
        ("SOURCE_FILES", "'/my folder/hour.json.gz"),
        ("SOURCE_SPEED", "0"),
        ("SOURCE_SPEED", "fast"),
        ("SOURCE_REBASE", "maybe"),
        ("SOURCE_ON_END", "loop"),
        ("SOURCE_DEDUPLICATION_WINDOW", "-1"),
        ("SOURCE_DEDUPLICATION_WINDOW", "1e300"),
        ("SOURCE_HTTP_PORT", "70000"),
        ("TOPIC_PARTITIONS", "0"),
        ("TOPIC_REPLICATION", "two"),
        ("KAFKA_BOOTSTRAP_SERVERS", "localhost"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"GHSTREAM_{name}") as refused:
        from_env({f"GHSTREAM_{name}": value})
    assert repr(value) in str(refused.value)


def test_all_problems_come_in_one_error_with_exit_code_2() -> None:
    wrong = {
        "GHSTREAM_SOURCE_TYPE": "archive",
        "GHSTREAM_SOURCE_SPEED": "-1",
        "GHSTREAM_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "GHSTREAM_KAFKA_SASL_USERNAME": "source",
    }
    done = subprocess.run(
        [sys.executable, "-m", "ghstream_source"],
        env={**os.environ, **wrong},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    for name in ("SOURCE_SPEED", "SOURCE_FILES", "KAFKA_SASL_PASSWORD"):
        assert f"GHSTREAM_{name}" in done.stderr
    assert "Traceback" not in done.stderr
