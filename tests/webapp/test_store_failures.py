"""The application while its store is not there yet, is away, or is damaged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

MakeClient = Callable[..., FlaskClient]
FillStore = Callable[..., None]
DATA = [
    "event-counts", "repositories/top", "contributors/top", "organizations/top",
    "resolution-times", "lifecycle-counts",
]  # fmt: skip


def test_before_the_first_batch_answers_are_empty_and_status_says_so(
    make_client: MakeClient, store_url: str
) -> None:
    client = make_client(store_url)
    status = client.get("/api/v1/status").json
    assert (status["ready"], status["events"], status["freshness_seconds"]) == (False, 0, None)
    for path in DATA:
        response = client.get(f"/api/v1/{path}")
        assert response.status_code == 200
        assert not any(response.json.get(part) for part in ("series", "items", "repositories"))
    assert client.get("/livez").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.content_type) == (503, "application/problem+json")


def test_the_first_batch_is_seen_without_a_restart(
    make_client: MakeClient, fill_store: FillStore, store_url: str
) -> None:
    client = make_client(store_url)
    assert client.get("/readyz").status_code == 503
    fill_store(store_url, 1_772_323_200)
    assert client.get("/readyz").status_code == 200
    answer = client.get("/api/v1/status").json
    assert (answer["ready"], answer["events"]) == (True, 1)


@pytest.mark.parametrize("path", [*(f"/api/v1/{path}" for path in DATA), "/api/v1/status",
                                  "/api/v1/repositories/a/b", "/v1/agg_event_counts", "/readyz"])  # fmt: skip # noqa: E501
def test_an_unreachable_store_is_a_503_and_one_line_in_the_log(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    client = make_client("postgresql://nobody:secret@127.0.0.1:1/nothing")
    with caplog.at_level(logging.WARNING):
        response = client.get(path)
    assert (response.status_code, response.content_type) == (503, "application/problem+json")
    assert int(response.headers["Retry-After"]) > 0
    [record] = caplog.records
    assert "refused" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert "secret" not in record.getMessage() + response.text
    assert record.exc_info is None
    assert client.get("/livez").status_code == 200


def test_a_store_that_was_away_is_used_again_when_it_is_back(
    make_client: MakeClient, fill_store: FillStore, store_url: str, tmp_path: Path
) -> None:
    fill_store(store_url, 1_772_323_200)
    client = make_client(store_url)
    assert client.get("/api/v1/status").json["events"] == 1
    if store_url.startswith("sqlite"):
        path = tmp_path / "store.db"
        client.application.extensions["ghstream"].reader.close()
        aside = path.rename(tmp_path / "aside.db")
        path.write_bytes(b"garbage " * 1000)
        assert client.get("/api/v1/status").status_code == 503
        aside.rename(path)
    else:
        server, name = store_url.rsplit("/", 1)
        admin = create_engine(
            f"{server}/postgres".replace("postgresql", "postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
        )
        with admin.connect() as connection:
            connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
            kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            connection.execute(text(kill), {"name": name})
            assert client.get("/api/v1/status").status_code == 503
            connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
        admin.dispose()
    assert client.get("/api/v1/status").json["events"] == 1


def test_a_locked_store_is_a_503(
    make_client: MakeClient, fill_store: FillStore, store_url: str
) -> None:
    fill_store(store_url, 1_772_323_200)
    client = make_client(store_url)
    engine = create_engine(store_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        if store_url.startswith("sqlite"):
            client.application.extensions["ghstream"].reader.close()
            connection.execute(text("PRAGMA locking_mode=EXCLUSIVE"))
            connection.execute(text("BEGIN EXCLUSIVE"))
        else:
            connection.execute(text("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE"))
        assert client.get("/api/v1/status").status_code == 503
    engine.dispose()
    assert client.get("/api/v1/status").json["events"] == 1
