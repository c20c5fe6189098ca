from __future__ import annotations

import pytest
from ghstream_source.budget import Budget, Rate, backoff

NOW = 1_790_000_000.0


def spend(budget: Budget, now: float, remaining: int, *, free: bool = False) -> None:
    allowance = budget.pick(now)
    assert allowance is not None
    budget.observe(allowance, Rate(60, remaining, NOW + 3600), now, free=free)


def test_nothing_is_held_back_before_the_limit_is_known():
    budget = Budget([])
    assert budget.pick(NOW) is not None
    assert budget.ready_at(NOW) <= NOW
    assert budget.total(NOW) is None


def test_what_is_left_is_spread_over_the_time_to_the_reset():
    budget = Budget([])
    spend(budget, NOW, 50)
    assert budget.ready_at(NOW) == pytest.approx(NOW + 3600 / 50)


def test_the_pages_of_one_poll_count_each():
    budget = Budget([])
    for remaining in (52, 51, 50):
        spend(budget, NOW, remaining)
    assert budget.ready_at(NOW) == pytest.approx(NOW + 3600 / 52 + 3600 / 51 + 3600 / 50)


def test_the_pace_never_holds_back_beyond_the_reset():
    budget = Budget([])
    for remaining in (2, 1):
        spend(budget, NOW, remaining)
    assert budget.ready_at(NOW) == NOW + 3600


def test_a_free_answer_does_not_hold_back():
    budget = Budget([])
    spend(budget, NOW, 50, free=True)
    assert budget.ready_at(NOW) <= NOW


def test_with_nothing_left_it_waits_for_the_reset():
    budget = Budget([])
    spend(budget, NOW, 0)
    assert budget.pick(NOW + 3599) is None
    assert budget.ready_at(NOW) == NOW + 3600
    assert budget.pick(NOW + 3600) is not None


def test_the_token_with_most_left_is_taken_first():
    budget = Budget(["one", "two"])
    first, second = budget.allowances
    budget.observe(first, Rate(5000, 10, NOW + 3600), NOW, free=False)
    budget.observe(second, Rate(5000, 20, NOW + 3600), NOW, free=False)
    assert budget.pick(NOW) is second
    assert budget.total(NOW) == Rate(10_000, 30, NOW + 3600)
    # Two tokens together last at their common pace.
    assert budget.ready_at(NOW) == pytest.approx(NOW + 3600 / 30)


def test_equal_tokens_take_turns():
    budget = Budget(["one", "two", "three"])
    picked = [budget.pick(NOW + second) for second in range(6)]
    assert [each.token for each in picked if each] == ["one", "two", "three"] * 2


def test_a_refused_token_rests_while_another_goes_on():
    budget = Budget(["one", "two"])
    first, second = budget.allowances
    assert budget.pause(first, None, NOW, NOW + 30) == NOW + 30
    assert budget.pick(NOW) is second
    assert budget.ready_at(NOW) <= NOW
    budget.pause(second, None, NOW, NOW + 20)
    assert budget.pick(NOW) is None
    assert budget.ready_at(NOW) == NOW + 20


def test_refusals_without_a_time_double_the_pause_up_to_an_hour_until_an_answer():
    budget = Budget([], jitter=lambda: 0.0)
    (only,) = budget.allowances
    pauses = [budget.pause(only, None, NOW, None) - NOW for _ in range(8)]
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    budget.observe(only, None, NOW, free=False)
    assert budget.pause(only, None, NOW, None) == NOW + 60


def test_a_time_that_makes_no_sense_pauses_for_a_second_to_an_hour():
    budget = Budget([])
    (only,) = budget.allowances
    assert budget.pause(only, None, NOW, NOW - 1e6) == NOW + 1
    assert budget.pause(only, None, NOW, NOW + 1e9) == NOW + 3600


def test_back_off_is_exponential_with_jitter_within_bounds():
    assert [backoff(n, 5, 300, lambda: 0.0) for n in range(8)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert backoff(1, 5, 300, lambda: 1.0) == 15
    assert backoff(10_000, 5, 300, lambda: 1.0) == 300
