"""Which funding is settled next, and which is owed."""

import logging

import pytest
from tidegate.application.live_funding import OWED_MS_MAX, FundingWatch

from .market_script import NOON_MS, funding


def test_a_settlement_is_due_at_its_time_and_once() -> None:
    coming = funding("0.0001", at_ms=NOON_MS)
    watch = FundingWatch(coming=coming)
    assert watch.due(NOON_MS - 1, is_watched=True, is_held=True) is None
    assert watch.due(NOON_MS, is_watched=True, is_held=True) == coming
    assert watch.due(NOON_MS + 1, is_watched=True, is_held=True) is None
    assert watch.owed_ms == set()


@pytest.mark.parametrize(("is_held", "owed"), [(True, {NOON_MS}), (False, set())])
def test_one_that_nobody_watched_is_owed_by_what_was_held(is_held: bool, owed: set[int]) -> None:
    watch = FundingWatch(coming=funding("0.0001", at_ms=NOON_MS))
    assert watch.due(NOON_MS, is_watched=False, is_held=is_held) is None
    assert (watch.owed_ms, watch.coming) == (owed, None)


def test_a_published_rate_is_taken_once_and_only_where_it_is_owed() -> None:
    watch = FundingWatch(owed_ms={NOON_MS})
    rates = (funding("0.0002", at_ms=NOON_MS - 1), funding("0.0003", at_ms=NOON_MS))
    assert watch.published(rates) == rates[1:]
    assert watch.published(rates) == ()


def test_one_that_is_never_published_is_given_up_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = FundingWatch(owed_ms={NOON_MS})
    watch.give_up(NOON_MS + OWED_MS_MAX)
    assert watch.owed_ms == {NOON_MS}
    with caplog.at_level(logging.WARNING):
        watch.give_up(NOON_MS + OWED_MS_MAX + 1)
    assert watch.owed_ms == set()
    assert "none is booked" in caplog.text
