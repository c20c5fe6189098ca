"""The scope of a stream: which feeds of the Events API it polls."""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
REPOSITORY = r"(?!\.{1,2}$)[A-Za-z0-9._-]+"
EXPECTED = 'expected "public", "org:<name>", "repo:<owner>/<name>" or "user:<name>"'

# Paths of https://docs.github.com/rest/activity/events
KINDS = {
    "public": ("", "/events"),
    "org": (NAME, "/orgs/{}/events"),
    "repo": (f"{NAME}/{REPOSITORY}", "/repos/{}/events"),
    "user": (NAME, "/users/{}/events"),
}


@dataclass(frozen=True)
class Feed:
    """One list of events that GitHub serves. `path` is that of its address."""

    name: str
    kind: str
    path: str


def parse_scope(scope: str) -> tuple[Feed, ...]:
    """Read feeds separated by spaces or commas, such as "public org:kubernetes repo:apache/spark".

    GitHub's names know no case: a feed that is named twice is polled once. Raises ValueError that
    names every part which is no feed.
    """
    feeds: dict[str, Feed] = {}
    faults = []
    for part in re.split(r"[\s,]+", scope.strip()):
        kind, _, name = part.partition(":")
        pattern, path = KINDS.get(kind, (None, ""))
        if pattern is None or part.endswith(":") or not re.fullmatch(pattern, name):
            faults.append(repr(part))
        else:
            feeds.setdefault(part.lower(), Feed(part, kind, path.format(name)))
    if faults:
        raise ValueError(f"scope: {', '.join(faults)}: {EXPECTED}")
    return tuple(feeds.values())
