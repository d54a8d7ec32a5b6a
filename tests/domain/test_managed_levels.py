"""Where a managed stop belongs: rows by hand, and what holds for every position."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.domain.managed_levels import (
    break_even_stop,
    is_rung_filled,
    is_tighter,
    trailing_activation,
    trailing_distance,
)
from tidegate.domain.management import BreakEven, Management, TrailingStop
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import ProtectiveLeg, Side
from tidegate.domain.protection import PartialPair, ProtectionChange

TICK = Distance.of("0.1")
LEG = ProtectiveLeg(price=Price.of(8))


def even(side: Side, **changes: Any) -> Price | None:
    """Return break-even of 0.010 from 65000 that paid its entry fee of 0.3575."""
    given: dict[str, Any] = {
        "side": side,
        "qty": Qty.of("0.010"),
        "cost": Money.of(650),
        "realised": Money.of(0),
        "fees_paid": Money.of("0.3575"),
        "funding_paid": Money.of(0),
        "taker": Rate.of("0.00055"),
        "cushion": Distance.of(0),
        "tick": TICK,
    }
    return break_even_stop(**{**given, **changes})


@pytest.mark.parametrize(
    ("side", "changes", "price"),
    [
        # 650.3575 / (0.010 x 0.99945) = 65071.539...
        (Side.BUY, {}, "65071.6"),
        # 649.6425 / (0.010 x 1.00055) = 64928.539...
        (Side.SELL, {}, "64928.5"),
        # funding of 0.2 paid: 650.5575 / 0.0099945 = 65091.550...; received: 65051.528...
        (Side.BUY, {"funding_paid": Money.of("0.2")}, "65091.6"),
        (Side.BUY, {"funding_paid": Money.of("-0.2")}, "65051.6"),
        (Side.SELL, {"funding_paid": Money.of("0.2")}, "64908.5"),
        # an earlier close lost 1: 651.3575 / 0.0099945 = 65171.594...; one that won 1 stays won
        (Side.BUY, {"realised": Money.of(-1)}, "65171.6"),
        (Side.BUY, {"realised": Money.of(1)}, "65071.6"),
        (Side.SELL, {"realised": Money.of(-1)}, "64828.5"),
        (Side.BUY, {"cushion": Distance.of("10")}, "65081.6"),
        (Side.SELL, {"cushion": Distance.of("10")}, "64918.5"),
        (Side.BUY, {"tick": Distance.of(5)}, "65075"),
        (Side.SELL, {"tick": Distance.of(5)}, "64925"),
        # exactly on the tick, without fees: no further
        (Side.BUY, {"taker": Rate.of(0), "fees_paid": Money.of(0)}, "65000"),
        (Side.SELL, {"taker": Rate.of(0), "fees_paid": Money.of(0)}, "65000"),
    ],
)
def test_break_even_worked_by_hand(side: Side, changes: dict[str, Any], price: str) -> None:
    assert even(side, **changes) == Price.of(price)


def test_where_no_price_breaks_even_there_is_no_stop() -> None:
    assert even(Side.SELL, realised=Money.of(-700)) is None
    assert even(Side.SELL, cushion=Distance.of(65_000)) is None
    assert even(Side.SELL, tick=Distance.of(100_000)) is None


@given(
    side=st.sampled_from(Side),
    qty=st.decimals("0.001", "100", places=3),
    entry=st.decimals("0.01", "90000", places=2),
    paid=st.decimals("0", "0.01", places=6),
    funding=st.decimals("-0.002", "0.002", places=6),
    realised=st.decimals("-0.01", "0.01", places=4),
    taker=st.decimals("0", "0.002", places=5),
    tick=st.sampled_from(["0.00000001", "0.01", "0.1", "0.5", "1", "5", "10"]),
)
def test_a_stop_out_at_break_even_never_loses(
    side: Side,
    qty: Any,
    entry: Any,
    paid: Any,
    funding: Any,
    realised: Any,
    taker: Any,
    tick: str,
) -> None:
    """Closing at the stop pays all costs, with what earlier closes lost; one tick less does not."""
    held, cost = Qty(qty), Price(entry) * Qty(qty)
    fees, carried = cost * Rate(paid), cost * Rate(funding)
    earlier = cost * Rate(realised)
    stop = break_even_stop(
        side=side,
        qty=held,
        cost=cost,
        realised=earlier,
        fees_paid=fees,
        funding_paid=carried,
        taker=Rate(taker),
        cushion=Distance.of(0),
        tick=Distance.of(tick),
    )
    if stop is None:
        assert side is Side.SELL
        return

    def net(price: Price) -> Money:
        profit = (price * held - cost).times(side.sign)
        lost = min(earlier, Money.of(0))
        return profit + lost - fees - carried - price * held * Rate(taker)

    tolerance = Money.of("-1e-40")
    assert net(stop) >= tolerance
    assert net(stop - Distance.of(tick).times(side.sign)) < Money.of(0)


@pytest.mark.parametrize(
    ("number", "closed", "is_filled"),
    [
        (1, {}, False),
        (1, {1: "0.002"}, False),
        (1, {1: "0.003"}, True),
        (2, {1: "0.003"}, False),
        (2, {1: "0.003", 2: "0.003"}, True),
    ],
)
def test_a_rung_has_filled_when_all_of_it_was_closed(
    number: int, closed: dict[int, str], is_filled: bool
) -> None:
    planned = {1: Qty.of("0.003"), 2: Qty.of("0.003"), 3: Qty.of("0.004")}
    have = {one: Qty.of(qty) for one, qty in closed.items()}
    assert is_rung_filled(number, order=(1, 2, 3), planned=planned, closed=have) is is_filled


def test_a_merged_rung_waits_for_the_next_beyond_it_and_the_last_for_the_one_before() -> None:
    planned = {1: Qty.of("0.003"), 3: Qty.of("0.007")}
    near = {1: Qty.of("0.003")}
    both = {**near, 3: Qty.of("0.007")}
    assert not is_rung_filled(2, order=(1, 2, 3), planned=planned, closed=near)
    assert is_rung_filled(2, order=(1, 2, 3), planned=planned, closed=both)
    last = {1: Qty.of("0.003")}
    assert is_rung_filled(3, order=(1, 2, 3), planned=last, closed=near)
    assert not is_rung_filled(3, order=(1, 2, 3), planned=last, closed={})
    assert not is_rung_filled(3, order=(1, 2, 3), planned={}, closed={})
    # nearest first, whatever the numbers: of 2, 1, 3 the one beyond 2 is 1
    out_of_order = {1: Qty.of("0.004")}
    assert is_rung_filled(2, order=(2, 1, 3), planned=out_of_order, closed={1: Qty.of("0.004")})


def test_a_rung_that_closed_its_share_and_is_planned_no_more_has_filled() -> None:
    assert is_rung_filled(1, order=(1, 2), planned={2: Qty.of(1)}, closed={1: Qty.of(1)})


def test_tighter_is_nearer_to_the_price_and_anything_is_tighter_than_nothing() -> None:
    low, high = Price.of(64_000), Price.of(64_100)
    assert is_tighter(high, low, side=Side.BUY)
    assert not is_tighter(low, high, side=Side.BUY)
    assert is_tighter(low, high, side=Side.SELL)
    for side in Side:
        assert not is_tighter(low, low, side=side)
        assert is_tighter(low, None, side=side)


@pytest.mark.parametrize(
    ("asked", "tick", "kept"),
    [("300", "0.1", "300"), ("300.19", "0.1", "300.1"), ("3", "5", "5"), ("12", "5", "10")],
)
def test_a_distance_is_never_wider_than_asked_unless_less_than_a_tick(
    asked: str, tick: str, kept: str
) -> None:
    trailing = TrailingStop(distance=Distance.of(asked))
    assert trailing_distance(trailing, Distance.of(tick)) == Distance.of(kept)


@pytest.mark.parametrize(
    ("side", "asked", "price"),
    [
        (Side.BUY, {}, None),
        (Side.BUY, {"after_rung": 1}, None),
        (Side.BUY, {"activation_price": Price.of("66000.01")}, "66000.1"),
        (Side.SELL, {"activation_price": Price.of("64000.09")}, "64000.0"),
        (Side.BUY, {"activation_reward": Rate.of("1.5")}, "66500"),
        (Side.SELL, {"activation_reward": Rate.of("1.5")}, "63500"),
        (Side.SELL, {"activation_reward": Rate.of("65")}, None),
    ],
)
def test_an_activation_is_never_earlier_than_asked(
    side: Side, asked: dict[str, Any], price: str | None
) -> None:
    trailing = TrailingStop(distance=Distance.of(300), **asked)
    found = trailing_activation(
        trailing, side=side, entry=Price.of(65_000), risk=Distance.of(1_000), tick=TICK
    )
    assert found == (None if price is None else Price.of(price))


def test_without_one_r_an_activation_in_r_means_at_once() -> None:
    trailing = TrailingStop(distance=Distance.of(300), activation_reward=Rate.of(1))
    entry = Price.of(65_000)
    assert trailing_activation(trailing, side=Side.BUY, entry=entry, risk=None, tick=TICK) is None


# What cannot be meant


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: BreakEven(after_rung=0), "after rung 0"),
        (lambda: BreakEven(cushion=Distance.of("-0.1")), "cushion -0.1"),
        (lambda: TrailingStop(distance=Distance.of(0)), "trailing distance 0"),
        (lambda: TrailingStop(distance=Distance.of(1), after_rung=0), "after rung 0"),
        (
            lambda: TrailingStop(distance=Distance.of(1), activation_reward=Rate.of(0)),
            "activation at 0 R",
        ),
        (
            lambda: TrailingStop(
                distance=Distance.of(1), activation_price=Price.of(9), after_rung=1
            ),
            "at most one of the three",
        ),
        (ProtectionChange, "change of nothing"),
        (lambda: ProtectionChange(stop_loss=Price.of(-1)), "stop-loss -1"),
        (lambda: ProtectionChange(take_profit=Price.of(-1)), "take-profit -1"),
        (lambda: ProtectionChange(trailing_distance=Distance.of(-1)), "trailing distance -1"),
        (lambda: ProtectionChange(trailing_activation=Price.of(9)), "change of nothing"),
        (
            lambda: ProtectionChange(stop_loss=Price.of(8), trailing_activation=Price.of(9)),
            "activation 9 without a trailing distance",
        ),
        (
            lambda: ProtectionChange(
                trailing_distance=Distance.of(0), trailing_activation=Price.of(9)
            ),
            "activation 9 without a trailing distance",
        ),
        (
            lambda: ProtectionChange(
                trailing_distance=Distance.of(1), trailing_activation=Price.of(0)
            ),
            "trailing activation 0",
        ),
        (lambda: PartialPair(qty=Qty.of(0), stop_loss=LEG), "partial pair of 0"),
        (lambda: PartialPair(qty=Qty.of(1)), "without legs"),
        (
            lambda: PartialPair(qty=Qty.of(1), stop_loss=LEG, take_profit_limit=Price.of(9)),
            "limit 9 of a take-profit",
        ),
        (
            lambda: PartialPair(qty=Qty.of(1), take_profit=LEG, stop_loss_limit=Price.of(9)),
            "limit 9 of a stop-loss",
        ),
        (
            lambda: ProtectionChange(
                stop_loss=Price.of(8), pair=PartialPair(qty=Qty.of(1), stop_loss=LEG)
            ),
            "change of stop-loss with partial pair",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_a_management_names_the_rungs_that_it_waits_for() -> None:
    trailing = TrailingStop(distance=Distance.of(1), after_rung=2)
    both = Management(break_even=BreakEven(after_rung=1), trailing=trailing)
    assert both.rungs == (1, 2)
    assert Management().rungs == ()
