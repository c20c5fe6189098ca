"""Envelopes made from raw GitHub events with plain JSON, apart from the source's own code."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

ARCHIVE = Path(__file__).parents[1] / "data" / "gharchive" / "2015-01-01-0.head3000.json.gz"


def envelope(raw: dict[str, Any]) -> bytes:
    """The envelope of one event in the shape of 2015."""
    payload = raw["payload"]
    made = {
        "id": raw["id"], "type": raw["type"], "created_at": raw["created_at"],
        "ingested_at": "2026-11-22T00:00:00.123Z", "actor": raw["actor"]["login"],
        "actor_id": raw["actor"]["id"], "is_bot": raw["actor"]["login"].endswith("[bot]"),
        "repo": raw["repo"]["name"], "repo_id": raw["repo"]["id"],
        "org": raw.get("org", {}).get("login"), "action": payload.get("action"),
    }  # fmt: skip
    if raw["type"] in ("IssuesEvent", "PullRequestEvent"):
        item = payload.get("pull_request") or payload["issue"]
        made |= {"number": item["number"], "opened_at": item["created_at"]}
        if payload["action"] == "closed":
            made |= {"closed_at": item.get("merged_at") or item["closed_at"]}
        if raw["type"] == "PullRequestEvent":
            made |= {"merged": payload["action"] == "closed" and item["merged"]}
    return json.dumps({name: value for name, value in made.items() if value is not None}).encode()


@pytest.fixture(scope="session")
def archive() -> Path:
    return ARCHIVE


@pytest.fixture(scope="session")
def envelopes() -> list[bytes]:
    """3,000 events of 2015-01-01, 0:00 to 0:27 UTC."""
    with gzip.open(ARCHIVE) as lines:
        return [envelope(json.loads(line)) for line in lines]
