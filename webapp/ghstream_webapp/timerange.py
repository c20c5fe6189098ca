"""Points in time as a request writes them: RFC 3339, or relative to now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RELATIVE = re.compile(r"-(\d{1,9})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
# https://www.rfc-editor.org/rfc/rfc3339#section-5.6
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
PATTERN = f"^(now|{_RELATIVE.pattern}|{_RFC3339.pattern})$"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No event is later, and what writes answers takes epoch seconds beyond 2603 for milliseconds.
END = datetime(2500, 1, 1, tzinfo=UTC)
FORMS = "write 2026-01-31T12:00:00Z, -10m, -24h, -7d or now"


def parse(text: str, now: datetime) -> datetime:
    """Return the point in time, in UTC. Raises ValueError that says what is wrong with it."""
    if text == "now":
        return now
    if relative := _RELATIVE.fullmatch(text):
        amount, unit = relative.groups()
        try:
            return _in_range(now - timedelta(**{_UNITS[unit]: int(amount)}))
        except OverflowError:
            raise ValueError("is before 1970") from None
    if absolute := _RFC3339.fullmatch(text):
        if absolute[2] is None:
            raise ValueError("names no time zone: add Z, or an offset with its + written as %2B")
        return _in_range(_absolute(text))
    raise ValueError(f"is not a point in time: {FORMS}")


def _absolute(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is no date that exists: {error}") from error


def _in_range(time: datetime) -> datetime:
    if time < EPOCH:
        raise ValueError("is before 1970")
    if time > END:
        raise ValueError("is after 2499")
    return time
