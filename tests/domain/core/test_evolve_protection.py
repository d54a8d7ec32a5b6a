"""What events about a position's protection change in the books, and that they change no more."""

from typing import Any

import attrs
import pytest
from tidegate.domain.account_settings import (
    AccountSetting,
    AutoMarginSetting,
    CollateralSetting,
    LeverageSetting,
    MarginModeSetting,
    MarginSetting,
)
from tidegate.domain.core import events as ev
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.managed import Managed, Pending, StopChoice, Trail
from tidegate.domain.core.state import Books
from tidegate.domain.day import DayBoundary
from tidegate.domain.money import ZERO_DISTANCE, Distance, Money, Price, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.protection import ProtectionChange, ProtectionSource
from tidegate.domain.reports import MarginMode

from tests.application.bench import BTC

from .scenes import opened

OTHER = Symbol("ETHUSDT")
ADOPTED, REVERTED = ev.HandDecision.ADOPTED, ev.HandDecision.REVERTED
TRAIL = Trail(distance=Distance.of("300"), activation=Price.of("66000"))
STOP = ProtectionChange(stop_loss=Price.of("64500"))


def fold(books: Books, event: ev.Event) -> Books:
    return evolve(books, event, DayBoundary())


def long(managed: Managed | None = None, **changes: Any) -> Books:
    """Return the books that hold 0.010 from 65,000 with its stop at 64,000."""
    books = opened().runner.state.books
    trade = attrs.evolve(books.trades[BTC], managed=managed or Managed(), **changes)
    return attrs.evolve(books, trades={BTC: trade})


def with_trade(books: Books, **changes: Any) -> Books:
    return attrs.evolve(books, trades={BTC: attrs.evolve(books.trades[BTC], **changes)})


def with_managed(books: Books, **changes: Any) -> Books:
    return with_trade(books, managed=attrs.evolve(books.trades[BTC].managed, **changes))


def under_way(
    books: Books,
    change: ProtectionChange = STOP,
    *,
    source: ProtectionSource = ProtectionSource.OPERATOR,
    trade_key: str | None = None,
) -> tuple[Books, Pending]:
    """Return the books while the change ``k1`` of the trade, or of ``trade_key``, is out."""
    intended = ev.ProtectionIntended(
        symbol=BTC,
        key="k1",
        trade_key=trade_key or books.trades[BTC].key,
        source=source,
        change=change,
        was_shown=False,
        settle_by_ms=50,
        time_ms=5,
    )
    sent = fold(books, intended)
    pending = Pending(intended=intended, settle_by_ms=50)
    assert sent == attrs.evolve(books, protecting={BTC: pending})
    return sent, pending


def confirmed(key: str = "k1") -> ev.ProtectionConfirmed:
    return ev.ProtectionConfirmed(symbol=BTC, key=key, was_already=False, time_ms=70)


# A change under way


def test_a_change_whose_answer_is_unknown_is_waited_for_longer() -> None:
    books, pending = under_way(long())
    unknown = ev.ProtectionUnknown(symbol=BTC, key="k1", cause="timeout", settle_by_ms=900)
    waited = attrs.evolve(pending, settle_by_ms=900)
    assert fold(books, unknown) == attrs.evolve(books, protecting={BTC: waited})


@pytest.mark.parametrize(
    "event",
    [
        ev.ProtectionTaken(symbol=BTC, key="k0", was_already=False),
        ev.ProtectionUnknown(symbol=BTC, key="k0", cause="timeout", settle_by_ms=900),
        ev.ProtectionFailed(symbol=BTC, key="k0", reason=None, message="no", time_ms=70),
        confirmed("k0"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_is_told_of_another_request_settles_nothing(event: ev.Event) -> None:
    books, _ = under_way(long())
    assert fold(books, event) == books
    assert fold(long(), event) == long()


def test_a_confirmed_stop_is_the_trades_own_and_ends_the_wait_after_refusals() -> None:
    held = long(Managed(refusals=3, refused_ms=40), stop_in_flight=Price.of("64500"))
    books, _ = under_way(held, source=ProtectionSource.REVERT)
    assert fold(books, confirmed()) == with_trade(
        held,
        stop_wanted=Price.of("64500"),
        stop_confirmed=Price.of("64500"),
        stop_in_flight=None,
        managed=Managed(stop_choice=StopChoice(price=Price.of("64500"), time_ms=70)),
    )


def test_a_confirmed_removal_of_the_stop_leaves_none_to_wait_for() -> None:
    held = long()
    books, _ = under_way(held, ProtectionChange(stop_loss=Price.of(0)))
    assert fold(books, confirmed()) == with_trade(
        held,
        stop_wanted=None,
        stop_confirmed=None,
        managed=Managed(stop_choice=StopChoice(price=None, time_ms=70)),
    )


@pytest.mark.parametrize(("due_ms", "kept_ms"), [(None, 70), (31, 31)])
def test_a_confirmed_trailing_stop_is_due_since_it_was_first(
    due_ms: int | None, kept_ms: int
) -> None:
    held = long(Managed(trailing_due_ms=due_ms))
    change = ProtectionChange(
        trailing_distance=Distance.of("300"), trailing_activation=Price.of("66000")
    )
    books, _ = under_way(held, change)
    assert fold(books, confirmed()) == with_managed(
        held, trail=TRAIL, is_trail_shown=True, trailing_due_ms=kept_ms
    )


def test_a_trailing_stop_that_was_cleared_is_not_shown() -> None:
    held = long(Managed(trail=TRAIL, is_trail_shown=True, trailing_due_ms=31))
    books, _ = under_way(held, ProtectionChange(trailing_distance=ZERO_DISTANCE))
    assert fold(books, confirmed()) == with_managed(held, trail=None, is_trail_shown=False)


@pytest.mark.parametrize(
    "event",
    [
        confirmed(),
        ev.ProtectionFailed(symbol=BTC, key="k1", reason=None, message="no", time_ms=70),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_change_of_an_earlier_trade_is_none_of_the_present_one(event: ev.Event) -> None:
    held = long()
    books, _ = under_way(held, source=ProtectionSource.REVERT, trade_key="an earlier trade")
    assert fold(books, event) == held


# The trailing stop that falls due


def test_a_trailing_stop_that_falls_due_is_still_to_be_shown() -> None:
    held = long(Managed(is_trail_shown=True))
    due = ev.TrailingDue(
        symbol=BTC,
        trade_key=held.trades[BTC].key,
        distance=Distance.of("300"),
        activation=Price.of("66000"),
        time_ms=33,
    )
    assert fold(held, due) == with_managed(
        held, trailing_due_ms=33, trail=TRAIL, is_trail_shown=False
    )


# What somebody changes at the venue


def test_an_adopted_stop_is_the_trades_own_as_the_venue_shows_it() -> None:
    held = long(stop_in_flight=Price.of("64100"))
    moved = ev.StopChangedByHand(
        symbol=BTC,
        trade_key=held.trades[BTC].key,
        before=Price.of("64000"),
        after=Price.of("64500"),
        decision=ADOPTED,
        why="it is tighter",
        time_ms=71,
    )
    assert fold(held, moved) == with_trade(
        held,
        stop_wanted=Price.of("64500"),
        stop_confirmed=Price.of("64500"),
        stop_in_flight=None,
        managed=Managed(stop_choice=StopChoice(price=Price.of("64500"), time_ms=71)),
    )
    assert fold(held, attrs.evolve(moved, decision=REVERTED)) == held


def trailed(books: Books, after: Distance | None, decision: ev.HandDecision) -> Books:
    event = ev.TrailingChangedByHand(
        symbol=BTC,
        trade_key=books.trades[BTC].key,
        before=None,
        after=after,
        decision=decision,
        why="test",
        time_ms=72,
    )
    return fold(books, event)


def test_a_reverted_trailing_stop_is_to_be_shown_again() -> None:
    held = long(Managed(trail=TRAIL, is_trail_shown=True, trailing_due_ms=31))
    after = trailed(held, Distance.of("500"), REVERTED)
    assert after == with_managed(held, is_trail_shown=False)


@pytest.mark.parametrize(
    ("known", "due_ms", "adopted", "kept_ms"),
    [
        (None, None, Trail(distance=Distance.of("200"), activation=None), 72),
        (TRAIL, 31, attrs.evolve(TRAIL, distance=Distance.of("200")), 31),
    ],
    ids=["none-before", "another-before"],
)
def test_an_adopted_trailing_stop_keeps_where_it_begins_and_since_when(
    known: Trail | None, due_ms: int | None, adopted: Trail, kept_ms: int
) -> None:
    held = long(Managed(trail=known, trailing_due_ms=due_ms))
    assert trailed(held, Distance.of("200"), ADOPTED) == with_managed(
        held, trail=adopted, is_trail_shown=True, trailing_due_ms=kept_ms
    )


def test_an_adopted_removal_of_the_trailing_stop_leaves_none() -> None:
    held = long(Managed(trail=TRAIL, is_trail_shown=True, trailing_due_ms=31))
    assert trailed(held, None, ADOPTED) == with_managed(held, trail=None, is_trail_shown=False)


# An operator's leverage


@pytest.mark.parametrize(
    ("setting", "leverage"),
    [
        (LeverageSetting(symbol=BTC, leverage=Rate.of(3)), Rate.of(3)),
        (LeverageSetting(symbol=OTHER, leverage=Rate.of(3)), None),
        (MarginSetting(symbol=BTC, amount=Money.of(5)), None),
        (AutoMarginSetting(symbol=BTC, is_on=True), None),
        (MarginModeSetting(mode=MarginMode.CROSS), None),
        (CollateralSetting(coin="BTC", is_on=True), None),
    ],
    ids=str,
)
def test_only_a_leverage_of_its_symbol_is_the_trades_own(
    setting: AccountSetting, leverage: Rate | None
) -> None:
    held = long()
    done = ev.SettingDone(key="s", setting=setting, was_already=False, time_ms=9)
    assert fold(held, done) == with_managed(held, leverage=leverage)
