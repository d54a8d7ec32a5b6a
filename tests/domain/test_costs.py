"""Costs of a trade. Every golden figure is worked by hand beside it."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.costs import (
    Costs,
    Liquidity,
    break_even_price,
    gross_reward_to_risk,
    net_reward_to_risk,
    worst_entry,
    worst_loss_per_unit,
)
from tidegate.domain.instrument import FeeRates
from tidegate.domain.levels import Rung
from tidegate.domain.money import ONE, ZERO_MONEY, Money, Price, Qty, Rate, half_up
from tidegate.domain.orders import Side
from tidegate.domain.position import FLAT, Position, apply_fill

from .samples import FEES, FREE, PLAIN_COSTS

SIDES = st.sampled_from(Side)


def fractions(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=Decimal(low), max_value=Decimal(high), places=6)


def rungs(*levels: tuple[str, str]) -> tuple[Rung, ...]:
    return tuple(
        Rung(number=number, price=Price.of(price), qty=Qty.of(qty), reward_to_risk=ONE)
        for number, (price, qty) in enumerate(levels, 1)
    )


@pytest.mark.parametrize(
    ("side", "stop", "liquidity", "loss"),
    [
        # Exit 98 x 0.999 = 97.902: price 2.098; fees 0.055 + 97.902 x 0.00055 = 0.1088461.
        (Side.BUY, "98", Liquidity.TAKER, "2.2068461"),
        # Exit 102 x 1.001 = 102.102: price 2.102; fees 0.055 + 102.102 x 0.00055 = 0.1111561.
        (Side.SELL, "102", Liquidity.TAKER, "2.2131561"),
        # As the first, with the entry's fee at 100 x 0.0002 = 0.02.
        (Side.BUY, "98", Liquidity.MAKER, "2.1718461"),
    ],
)
def test_the_worst_loss_counts_the_slipped_stop_and_both_fees(
    side: Side, stop: str, liquidity: Liquidity, loss: str
) -> None:
    assert worst_loss_per_unit(
        side=side,
        entry=Price.of(100),
        stop=Price.of(stop),
        costs=PLAIN_COSTS,
        entry_liquidity=liquidity,
    ) == Money.of(loss)


def test_a_makers_rebate_is_not_counted_against_the_worst_loss() -> None:
    rebate = Costs(
        fees=FeeRates(taker=Rate.of("0"), maker=Rate.of("-0.0001")),
        entry_slippage=Rate.of(0),
        stop_slippage=Rate.of(0),
    )
    loss = worst_loss_per_unit(
        side=Side.BUY,
        entry=Price.of(100),
        stop=Price.of(98),
        costs=rebate,
        entry_liquidity=Liquidity.MAKER,
    )
    assert loss == Money.of(2)


def test_the_worst_entry_is_against_the_trader() -> None:
    # 64000 x 0.0005 = 32.
    assert worst_entry(Price.of(64000), Side.BUY, PLAIN_COSTS) == Price.of(64032)
    assert worst_entry(Price.of(64000), Side.SELL, PLAIN_COSTS) == Price.of(63968)
    assert worst_entry(Price.of(64000), Side.SELL, FREE) == Price.of(64000)


@pytest.mark.parametrize(
    ("qty", "cost", "realised", "fees", "funding", "price"),
    [
        # Taker 0.001. Long 1: (99.8 + 0.06 + 0.04) / (1 - 0.001) = 99.9 / 0.999.
        ("1", "99.8", "0", "0.06", "0.04", "100"),
        # Short 1: (-100.2 + 0.08 + 0.02) / (-1 - 0.001) = -100.1 / -1.001.
        ("-1", "-100.2", "0", "0.08", "0.02", "100"),
        # Long 2 after a profit of 10 on what was sold: (209.8 - 10) / 1.998.
        ("2", "209.8", "10", "0", "0", "100"),
        # Funding received (-0.1) lowers the price of a long: (100 - 0.1) / 0.999.
        ("1", "100", "0", "0", "-0.1", "100"),
    ],
)
def test_break_even_recovers_fees_funding_and_the_closing_fee(
    qty: str, cost: str, realised: str, fees: str, funding: str, price: str
) -> None:
    assert break_even_price(
        position=Position(qty=Qty.of(qty), cost=Money.of(cost)),
        realised=Money.of(realised),
        fees_paid=Money.of(fees),
        funding_paid=Money.of(funding),
        taker=Rate.of("0.001"),
    ) == Price.of(price)


@given(
    SIDES,
    fractions("0.001", "1000"),
    fractions("0.01", "100000"),
    fractions("-50", "50"),
    fractions("0", "0.01"),
)
@settings(deadline=None, max_examples=100)
def test_closing_at_break_even_nets_zero_and_agrees_with_the_venue(
    side: Side, qty: Decimal, entry: Decimal, other: Decimal, taker: Decimal
) -> None:
    position = apply_fill(FLAT, side=side, qty=Qty(qty), price=Price(entry)).position
    fee = Price(entry) * Qty(qty) * Rate(taker)
    price = break_even_price(
        position=position,
        realised=ZERO_MONEY,
        fees_paid=fee,
        funding_paid=Money(other),
        taker=Rate(taker),
    )
    q, p, t = Fraction(position.qty.value), Fraction(price.value), Fraction(taker)
    net = q * p - q * Fraction(entry) - Fraction(fee.value) - Fraction(other) - abs(q) * p * t
    assert abs(net) < Fraction(1, 10**40)
    # The venue: (entry x qty - realisedPnl) / (qty - |qty| x taker), fees inside realisedPnl.
    venue = (q * Fraction(entry) + Fraction(fee.value) + Fraction(other)) / (q - abs(q) * t)
    assert abs(p - venue) < Fraction(1, 10**40)


def test_a_flat_position_has_no_break_even() -> None:
    with pytest.raises(ValueError, match="flat"):
        break_even_price(
            position=FLAT,
            realised=ZERO_MONEY,
            fees_paid=ZERO_MONEY,
            funding_paid=ZERO_MONEY,
            taker=Rate.of("0.00055"),
        )


def test_a_closed_trade_nets_what_the_venue_paid() -> None:
    # 55.563 - 55.9375 - 0.00055 x (55.563 + 55.9375) = -0.3745 - 0.061325275, and the venue
    # shows closedPnl -0.43582528.
    opened = apply_fill(FLAT, side=Side.BUY, qty=Qty.of(1), price=Price.of("55.9375"))
    closed = apply_fill(opened.position, side=Side.SELL, qty=Qty.of(1), price=Price.of("55.563"))
    turnover = Price.of("55.9375") * Qty.of(1) + Price.of("55.563") * Qty.of(1)
    net = closed.realised - turnover * FEES.taker
    assert net == Money.of("-0.435825275")
    assert str(half_up(net.value, 8)) == "-0.43582528"


def test_reward_to_risk_is_given_before_and_after_costs() -> None:
    # Gross: (2 x 0.5 + 4 x 0.5) / 2 = 1.5. Net: gain 3, entry fee 0.055, exits at the maker rate
    # 0.0002 x (51 + 52) = 0.0206, over the worst loss of 2.2068461.
    targets = rungs(("102", "0.5"), ("104", "0.5"))
    entry, stop, qty = Price.of(100), Price.of(98), Qty.of(1)
    gross = gross_reward_to_risk(side=Side.BUY, entry=entry, stop=stop, rungs=targets, qty=qty)
    assert gross == Rate.of("1.5")
    net = net_reward_to_risk(
        side=Side.BUY, entry=entry, stop=stop, rungs=targets, qty=qty, costs=PLAIN_COSTS
    )
    assert net == Money.of("2.9244") / Money.of("2.2068461")


def test_what_no_rung_closes_earns_nothing_and_still_pays_its_entry() -> None:
    # Short 2 at 100, stop 102, half of it to 96: gain 4; fees 0.11 and 0.0192; loss 2 x 2.2131561.
    targets = rungs(("96", "1"))
    entry, stop, qty = Price.of(100), Price.of(102), Qty.of(2)
    gross = gross_reward_to_risk(side=Side.SELL, entry=entry, stop=stop, rungs=targets, qty=qty)
    assert gross == ONE
    net = net_reward_to_risk(
        side=Side.SELL, entry=entry, stop=stop, rungs=targets, qty=qty, costs=PLAIN_COSTS
    )
    assert net == Money.of("3.8708") / Money.of("4.4263122")


@pytest.mark.parametrize(
    ("stop", "targets"),
    [("98", ()), ("100", rungs(("102", "1"))), ("101", rungs(("102", "1")))],
)
def test_no_ratio_without_targets_or_with_a_stop_that_risks_nothing(
    stop: str, targets: tuple[Rung, ...]
) -> None:
    entry, qty = Price.of(100), Qty.of(1)
    at = Price.of(stop)
    assert gross_reward_to_risk(side=Side.BUY, entry=entry, stop=at, rungs=targets, qty=qty) is None
    assert (
        net_reward_to_risk(
            side=Side.BUY, entry=entry, stop=at, rungs=targets, qty=qty, costs=PLAIN_COSTS
        )
        is None
    )


@given(SIDES, fractions("0.001", "0.2"), fractions("0.1", "4"), fractions("0.001", "100"))
@settings(deadline=None, max_examples=60)
def test_costs_never_improve_the_ratio(
    side: Side, distance: Decimal, reward: Decimal, qty: Decimal
) -> None:
    entry = Price.of(1000)
    risk = entry * Rate(distance)
    stop = entry - risk.times(side.sign)
    target = entry + (risk * Rate(reward)).times(side.sign)
    targets = rungs((str(target), str(qty)))
    gross = gross_reward_to_risk(side=side, entry=entry, stop=stop, rungs=targets, qty=Qty(qty))
    free, net = (
        net_reward_to_risk(
            side=side, entry=entry, stop=stop, rungs=targets, qty=Qty(qty), costs=costs
        )
        for costs in (FREE, PLAIN_COSTS)
    )
    assert gross is not None
    assert net is not None
    assert free == gross
    assert net < gross


@pytest.mark.parametrize(
    ("name", "taker", "maker", "entry", "stop"),
    [
        ("taker fee", "-0.1", "0", "0", "0"),
        ("taker fee", "1", "0", "0", "0"),
        ("maker fee", "0", "1", "0", "0"),
        ("maker fee", "0", "-1", "0", "0"),
        ("entry slippage", "0", "0", "-0.001", "0"),
        ("entry slippage", "0", "0", "1", "0"),
        ("stop slippage", "0", "0", "0", "-0.001"),
        ("stop slippage", "0", "0", "0", "1"),
    ],
)
def test_costs_that_cannot_be_are_refused_by_name(
    name: str, taker: str, maker: str, entry: str, stop: str
) -> None:
    with pytest.raises(ValueError, match=f"{name}.*accepted"):
        Costs(
            fees=FeeRates(taker=Rate.of(taker), maker=Rate.of(maker)),
            entry_slippage=Rate.of(entry),
            stop_slippage=Rate.of(stop),
        )
