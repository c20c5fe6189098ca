"""Tells whether GitHub can be reached at all."""

from __future__ import annotations

import re

import requests

TIMEOUT = 5.0  # seconds


def obstacle(api_url: str) -> str | None:
    """Return why the API at `api_url` cannot be reached, or None if it answers as GitHub does.

    An answer that refuses (403, 429) comes from GitHub: the source knows how to wait.
    """
    try:
        # The one path that does not count against the rate limit (docs.github.com/rest/rate-limit).
        answer = requests.get(f"{api_url}/rate_limit", timeout=TIMEOUT)
    except requests.Timeout:
        return f"{api_url} does not answer within {TIMEOUT:.0f} s"
    except requests.ConnectionError as error:
        return f"{api_url}: {_cause(error)}"
    if answer.status_code < 500 and "json" in answer.headers.get("Content-Type", ""):
        return None
    return f"{api_url} answers {answer.status_code} {answer.reason}"


def _cause(error: BaseException) -> str:
    """Return the message of the innermost error: the outer ones repeat the request."""
    while inner := getattr(error, "reason", None) or next(
        (argument for argument in error.args if isinstance(argument, BaseException)), None
    ):
        if not isinstance(inner, BaseException):
            break
        error = inner
    # urllib3 puts the connection's address in memory before the message, the system its number.
    return re.sub(r"\[Errno -?\d+\] ", "", str(error)).rpartition(": ")[2]
