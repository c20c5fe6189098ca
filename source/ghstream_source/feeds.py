"""The scope of a stream: which feeds of the Events API it polls."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

# Old names may end with a hyphen, and the logins of apps end with "[bot]".
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
USER = rf"{NAME}(?:\[bot\])?"
REPOSITORY = r"(?!\.{1,2}$)[A-Za-z0-9._-]+"
EXPECTED = "write public, org:<name>, repo:<owner>/<name> or user:<name>"

# Paths of https://docs.github.com/rest/activity/events
KINDS = {
    "public": ("", "/events"),
    "org": (NAME, "/orgs/{}/events"),
    "repo": (f"{NAME}/{REPOSITORY}", "/repos/{}/events"),
    "user": (USER, "/users/{}/events"),
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
    unknown = []
    parts = re.findall(r"[^\s,]+", scope)
    for part in parts:
        kind, _, name = part.partition(":")
        pattern, path = KINDS.get(kind, ("", ""))
        if path and re.fullmatch(pattern, name) and not part.endswith(":"):
            feeds.setdefault(part.lower(), Feed(part, kind, path.format(quote(name))))
        else:
            unknown.append(repr(part))
    if unknown or not parts:
        raise ValueError(f"{', '.join(unknown) or 'no feed'}: {EXPECTED}")
    return tuple(feeds.values())
