"""Pauses between attempts, and the bound on connections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.adapters.bybit.streams.backoff import Backoff, ConnectionBudget
from tidegate.adapters.bybit.streams.settings import ConnectionLimits, RetryLimits

LIMITS = RetryLimits(pause_ms_min=100, pause_ms_max=1_000, stable_ms=5_000)


def _pauses(backoff: Backoff, count: int) -> list[int]:
    return [backoff.next_pause_ms() for _ in range(count)]


def test_pauses_double_up_to_the_longest() -> None:
    assert _pauses(Backoff(LIMITS, lambda: 0), 6) == [100, 200, 400, 800, 1_000, 1_000]


def test_chance_takes_at_most_half_of_a_pause() -> None:
    assert _pauses(Backoff(LIMITS, lambda: 1), 6) == [50, 100, 200, 400, 500, 500]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=100))
def test_every_pause_lies_within_its_bounds(chances: list[float]) -> None:
    drawn = iter(chances)
    for number, pause_ms in enumerate(_pauses(Backoff(LIMITS, lambda: next(drawn)), len(chances))):
        whole_ms = min(100 * 2**number, 1_000)
        assert whole_ms / 2 <= pause_ms <= whole_ms


def test_only_a_stable_connection_ends_the_row() -> None:
    backoff = Backoff(LIMITS, lambda: 0)
    _pauses(backoff, 3)
    backoff.was_up_for(4_999)
    assert backoff.next_pause_ms() == 800
    backoff.was_up_for(5_000)
    assert backoff.next_pause_ms() == 100


def test_connections_are_bounded_within_the_window() -> None:
    now = [0]
    budget = ConnectionBudget(RetryLimits(connections_max=3, window_ms=1_000), lambda: now[0])
    for time_ms in (0, 100, 200):
        now[0] = time_ms
        assert budget.wait_ms() == 0
        budget.spend()
    assert budget.wait_ms() == 800
    now[0] = 999
    assert budget.wait_ms() == 1
    now[0] = 1_000
    assert budget.wait_ms() == 0
    budget.spend()
    assert budget.wait_ms() == 100


def test_limits_that_cannot_be_are_refused_with_what_is_accepted() -> None:
    with pytest.raises(ValueError, match="pause_ms_max is 5; accepted: at least pause_ms_min, 10"):
        RetryLimits(pause_ms_min=10, pause_ms_max=5)
    with pytest.raises(ValueError, match="ping_every_ms is 0; accepted: a whole number above zero"):
        ConnectionLimits(ping_every_ms=0)
