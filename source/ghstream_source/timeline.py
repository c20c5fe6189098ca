"""Events of GH Archive from before 2015, written anew in the shape of the Events API.

Until spring 2012 the `issue` and the `forkee` of a payload may be bare ids. From then to the end of
2014 the archive recorded GitHub's Timeline API (https://www.gharchive.org): the actor is a name,
the repository tells its owner and organisation, times may be `2012/03/10 22:00:00 -0800`, and there
is no id. The digest of the record stands for it, so that a record that is there twice counts once.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

SLASHED = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d) ([+-]\d\d):?(\d\d)", re.ASCII)
SUBJECTS = ("issue", "pull_request", "forkee")
TIMES = ("created_at", "closed_at", "merged_at")


def modernised(raw: bytes) -> bytes | None:
    """Return the record as the Events API would write it; None if it is no JSON object."""
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    if isinstance(event.get("id"), int):
        event["id"] = str(event["id"])
    if "repository" in event or isinstance(event.get("actor"), str):
        event |= _from_timeline(event, raw)
    event["created_at"] = _time(event.get("created_at"))
    event["payload"] = _payload(_object(event.get("payload")))
    # A surrogate without its other half is no text: json reads it, nobody else does.
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")


def _from_timeline(event: dict[str, Any], raw: bytes) -> dict[str, Any]:
    repository = _object(event.get("repository"))
    owner, name = repository.get("owner"), repository.get("name")
    return {
        "id": event.get("id") or hashlib.blake2b(raw.strip(), digest_size=16).hexdigest(),
        "actor": {
            "login": event.get("actor"),
            "type": _object(event.get("actor_attributes")).get("type"),
        },
        "repo": {"id": repository.get("id"), "name": f"{owner}/{name}" if owner and name else None},
        "org": {"login": repository.get("organization")},
    }


def _payload(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload without bare ids, and with its subjects' times as RFC 3339."""
    subjects = {name: _subject(_object(payload.get(name))) for name in SUBJECTS}
    return payload | {name: subject or None for name, subject in subjects.items()}


def _subject(subject: dict[str, Any]) -> dict[str, Any]:
    return subject | {name: _time(subject[name]) for name in TIMES if name in subject}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _time(value: object) -> object:
    return SLASHED.sub(r"\1-\2-\3T\4\5:\6", value) if isinstance(value, str) else value
