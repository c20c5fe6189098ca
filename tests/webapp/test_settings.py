"""Settings are checked once, at start, all together."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ghstream_runtime.settings import SettingsError
from ghstream_webapp.settings import from_env

STORE = {"GHSTREAM_STORE_URL": "sqlite:////data/store.db"}


def test_only_the_store_has_to_be_named() -> None:
    settings = from_env({**STORE, "GHSTREAM_TOPIC": " ", "OTHER": "x"})
    assert (settings.topic, settings.host, settings.port) == ("github-events", "127.0.0.1", 5000)
    assert (settings.threads, settings.max_streams, settings.notice) == (32, 16, None)


def test_every_setting_is_read() -> None:
    settings = from_env(
        {**STORE, "GHSTREAM_TOPIC": "t", "GHSTREAM_WEBAPP_HOST": "::1",
         "GHSTREAM_WEBAPP_PORT": "1", "GHSTREAM_WEBAPP_METRICS_HOST": "h",
         "GHSTREAM_WEBAPP_METRICS_PORT": "2", "GHSTREAM_WEBAPP_THREADS": "9",
         "GHSTREAM_WEBAPP_MAX_STREAMS": "3", "GHSTREAM_WEBAPP_NOTICE": " hear ",
         "GHSTREAM_LOG_LEVEL": "DEBUG"}
    )  # fmt: skip
    assert settings.model_dump() == {
        "store_url": STORE["GHSTREAM_STORE_URL"], "topic": "t", "host": "::1", "port": 1,
        "metrics_host": "h", "metrics_port": 2, "threads": 9, "max_streams": 3, "notice": "hear",
        "log_level": "DEBUG",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("STORE_URL", "mysql://x"), ("STORE_URL", "not a url"), ("STORE_URL", ""),
     ("WEBAPP_PORT", "http"), ("WEBAPP_PORT", "65536"), ("WEBAPP_THREADS", "0"),
     ("WEBAPP_THREADS", "19"), ("WEBAPP_MAX_STREAMS", "-1"), ("LOG_LEVEL", "LOUD")],
)  # fmt: skip
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"GHSTREAM_{name}"):
        from_env({**STORE, f"GHSTREAM_{name}": value})


def test_a_store_url_that_is_wrong_does_not_show_its_password() -> None:
    with pytest.raises(SettingsError) as caught:
        from_env({"GHSTREAM_STORE_URL": "mysql://me:hunter2@host/db"})
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(from_env({"GHSTREAM_STORE_URL": "postgresql://me:hunter2@h/d"}))


def test_the_program_says_all_that_is_wrong_and_exits_with_2() -> None:
    wrong = {"GHSTREAM_STORE_URL": "", "GHSTREAM_WEBAPP_PORT": "x", "GHSTREAM_LOG_LEVEL": "y"}
    done = subprocess.run(
        [sys.executable, "-m", "ghstream_webapp"],
        env=os.environ | wrong, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    heading, *problems = done.stderr.splitlines()
    assert heading == "Wrong settings:"
    assert len(problems) == 3
    assert all(name in done.stderr for name in wrong)
