"""One budget of requests over all feeds and tokens.

GitHub counts requests per token, or per address without one, over windows of an hour
(https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). What is left of a
window is spread over the time to its reset, so that 60 anonymous requests last the hour.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# GitHub: after a secondary limit that names no time, wait a minute at least, then ever longer.
FIRST_PAUSE = 60.0
# The window of the primary limit: no pause needs to be longer.
LONGEST_PAUSE = 3600.0
SHORTEST_PAUSE = 1.0


@dataclass(frozen=True)
class Rate:
    """What an answer told of the limit: requests per window, those left, and its reset (epoch)."""

    limit: int
    remaining: int
    reset: float


@dataclass(eq=False)
class Allowance:
    """What one token may do. A token of None is an anonymous client."""

    token: str | None
    rate: Rate | None = None
    paused_until: float = 0.0
    used_at: float = -math.inf
    refusals: int = 0

    def remaining(self, now: float) -> float:
        """Return the requests left; infinite as long as GitHub has not told."""
        return math.inf if self.rate is None or self.rate.reset <= now else self.rate.remaining

    def free_at(self, now: float) -> float:
        """Return when this token may be used."""
        if self.rate is not None and self.remaining(now) <= 0:
            return max(self.paused_until, self.rate.reset)
        return self.paused_until

    def per_second(self, now: float) -> float:
        """Return the pace at which what is left lasts until the reset."""
        if self.paused_until > now:
            return 0.0
        if self.rate is None or self.rate.reset <= now:
            return math.inf
        return self.rate.remaining / (self.rate.reset - now)


class Budget:
    """Decides which token makes the next request, and when the next poll may start."""

    def __init__(self, tokens: Sequence[str], jitter: Callable[[], float] = random.random) -> None:
        self.allowances = [Allowance(token) for token in tokens] or [Allowance(None)]
        self._jitter = jitter
        self._paced_until = 0.0

    def pick(self, now: float) -> Allowance | None:
        """Return the token with most requests left, least recently used first; None if all wait."""
        free = [each for each in self.allowances if each.free_at(now) <= now]
        if not free:
            return None
        chosen = max(free, key=lambda each: (each.remaining(now), -each.used_at))
        chosen.used_at = now
        return chosen

    def ready_at(self, now: float) -> float:
        """Return when the next poll may start, by limits and by pace."""
        return max(self._paced_until, min(each.free_at(now) for each in self.allowances))

    def observe(self, allowance: Allowance, rate: Rate | None, now: float, *, free: bool) -> None:
        """Take note of an answer that was no refusal. `free`: it did not count (a 304)."""
        allowance.refusals = 0
        allowance.rate = rate or allowance.rate
        pace = sum(each.per_second(now) for each in self.allowances)
        if not free and 0 < pace < math.inf:
            reset = max(each.rate.reset for each in self.allowances if each.rate)
            self._paced_until = min(max(self._paced_until, now) + 1 / pace, reset)

    def pause(
        self, allowance: Allowance, rate: Rate | None, now: float, until: float | None
    ) -> float:
        """Keep a token that GitHub refused from being used; return until when.

        Without a time from GitHub the pause doubles from one refusal to the next.
        """
        allowance.rate = rate or allowance.rate
        if until is None:
            until = now + backoff(allowance.refusals, FIRST_PAUSE, LONGEST_PAUSE, self._jitter)
        allowance.refusals += 1
        allowance.paused_until = min(max(until, now + SHORTEST_PAUSE), now + LONGEST_PAUSE)
        return allowance.paused_until

    def total(self, now: float) -> Rate | None:
        """Return all tokens' limits as one, with the earliest reset; None if none is known."""
        rates = [each.rate for each in self.allowances if each.rate and each.rate.reset > now]
        if not rates:
            return None
        return Rate(
            limit=sum(rate.limit for rate in rates),
            remaining=sum(rate.remaining for rate in rates),
            reset=min(rate.reset for rate in rates),
        )


def backoff(failures: int, first: float, longest: float, jitter: Callable[[], float]) -> float:
    """Return the seconds to wait after `failures` earlier ones: exponential, never below `first`.

    `jitter` returns a number from 0 to 1; it lengthens the wait by up to a half, so that many
    clients do not come back at once.
    """
    return min(longest, first * 2.0 ** min(failures, 30) * (1 + jitter() / 2))
