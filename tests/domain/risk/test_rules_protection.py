"""What forbids a change of protection: each rule alone, at its limit and beyond it."""

from typing import Any

import attrs
import pytest
from tidegate.domain.costs import Costs
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import ProtectiveLeg, Side
from tidegate.domain.protection import PartialPair, ProtectionChange
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.rules_protection import HeldPosition, judge_protection
from tidegate.domain.risk.verdict import Breach, Missing, Rule

from tests.domain.samples import BTCUSDT, FEES

COSTS = Costs(fees=FEES, entry_slippage=Rate.of(0), stop_slippage=Rate.of("0.001"))
LIMITS = RiskLimits()
FREE = RiskLimits(stop_required=False)


def held(side: Side = Side.BUY, **changes: Any) -> HeldPosition:
    """Return 0.1 from 65000, its stop 1000 away, liquidated 20000 away; equity 10000."""
    sign = side.sign
    made = HeldPosition(
        symbol=BTCUSDT.symbol,
        side=side,
        qty=Qty.of("0.1"),
        entry=Price.of(65_000),
        last=Price.of(65_000),
        stop=Price.of(65_000 - 1_000 * sign),
        trailing=None,
        liquidation=Price.of(65_000 - 20_000 * sign),
        is_reported=True,
        equity=Money.of(10_000),
        costs=COSTS,
        instrument=BTCUSDT,
        trading_state=TradingState.ACTIVE,
    )
    return attrs.evolve(made, **changes)


def stop(price: int | str) -> ProtectionChange:
    return ProtectionChange(stop_loss=Price.of(price))


def rules(change: ProtectionChange, at: HeldPosition, limits: RiskLimits = LIMITS) -> list[Rule]:
    return [one.rule for one in judge_protection(change, at, limits)]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("state", TradingState)
def test_a_tighter_stop_needs_nothing(side: Side, state: TradingState) -> None:
    bare = held(side, trading_state=state, equity=None, costs=None, is_reported=False)
    for distance in (999, 500, 1):
        assert rules(stop(65_000 - distance * side.sign), bare) == []
    assert rules(stop(65_000 - 1_000 * side.sign), bare) == []


@pytest.mark.parametrize("side", Side)
def test_a_looser_stop_may_lose_what_one_trade_may(side: Side) -> None:
    """2 % of 10,000 are 200. Of 0.1, a stop D away loses (D + slippage + both fees) x 0.1.

    Long, stop at 63,143: 1857 + 63.143 + 35.75 + 34.6939... = 1990.58... a coin, 199.06 in all.
    """
    far = {Side.BUY: ("63143", "63130"), Side.SELL: ("66850", "66870")}[side]
    assert rules(stop(far[0]), held(side)) == []
    assert rules(stop(far[1]), held(side)) == [Rule.TRADE_RISK]
    (breach,) = judge_protection(stop(far[1]), held(side), LIMITS)
    assert isinstance(breach, Breach)
    assert breach.limit == "200 USDT"
    assert far[1] in breach.observed


def test_exactly_at_the_limit_it_passes_and_a_profit_is_no_loss() -> None:
    free = Costs(
        fees=attrs.evolve(FEES, taker=Rate.of(0), maker=Rate.of(0)),
        entry_slippage=Rate.of(0),
        stop_slippage=Rate.of(0),
    )
    assert rules(stop(63_000), held(costs=free)) == []
    assert rules(stop("62999.9"), held(costs=free)) == [Rule.TRADE_RISK]
    won = held(last=Price.of(80_000), stop=Price.of(79_000), equity=Money.of(0))
    assert rules(stop(70_000), won) == []


@pytest.mark.parametrize(
    ("missing", "rule"),
    [
        ({"equity": None}, Rule.TRADE_RISK),
        ({"costs": None}, Rule.TRADE_RISK),
        ({"is_reported": False}, Rule.LIQUIDATION_DISTANCE),
    ],
)
def test_what_is_not_known_refuses_a_looser_stop(missing: dict[str, Any], rule: Rule) -> None:
    (found,) = judge_protection(stop(63_900), held(**missing), LIMITS)
    assert isinstance(found, Missing)
    assert found.rule is rule


@pytest.mark.parametrize("side", Side)
def test_a_stop_lies_before_the_liquidation(side: Side) -> None:
    near = held(side, liquidation=Price.of(65_000 - 1_200 * side.sign))
    assert rules(stop(65_000 - 1_199 * side.sign), near) == []
    assert rules(stop(65_000 - 1_200 * side.sign), near) == [Rule.LIQUIDATION_DISTANCE]
    never = held(side, liquidation=None)
    assert rules(stop(65_000 - 1_200 * side.sign), never) == []


def test_a_first_stop_is_judged_by_the_liquidation_alone() -> None:
    bare = held(stop=None, equity=Money.of(1))
    assert rules(stop(60_000), bare) == []
    assert rules(stop(45_000), bare) == [Rule.LIQUIDATION_DISTANCE]
    halted = attrs.evolve(bare, trading_state=TradingState.HALTED)
    assert rules(stop(60_000), halted) == []


@pytest.mark.parametrize("side", Side)
def test_a_stop_that_would_fire_at_once(side: Side) -> None:
    for price in (65_000, 65_000 + 100 * side.sign):
        assert rules(stop(price), held(side)) == [Rule.PROTECTIVE_STOP]


@pytest.mark.parametrize("state", [TradingState.ACTIVE, TradingState.REDUCING])
def test_taking_the_stop_away(state: TradingState) -> None:
    at = held(trading_state=state)
    assert rules(stop(0), at) == [Rule.PROTECTIVE_STOP]
    assert rules(stop(0), at, FREE) == []


def test_halted_forbids_every_loosening() -> None:
    halted = held(trading_state=TradingState.HALTED, trailing=Distance.of(300))
    assert rules(stop(63_999), halted) == [Rule.TRADING_STATE]
    assert rules(stop(0), halted, FREE) == [Rule.TRADING_STATE]
    for distance, forbidden in ((0, True), (301, True), (300, False), (299, False)):
        change = ProtectionChange(trailing_distance=Distance.of(distance))
        assert (rules(change, halted) == [Rule.TRADING_STATE]) is forbidden
    fresh = attrs.evolve(halted, trailing=None)
    assert rules(ProtectionChange(trailing_distance=Distance.of(301)), fresh) == []
    assert rules(ProtectionChange(trailing_distance=Distance.of(0)), fresh) == []
    for price in (0, 70_000):
        assert rules(ProtectionChange(take_profit=Price.of(price)), halted) == []


@pytest.mark.parametrize(
    ("price", "rule"),
    [
        (BTCUSDT.price_min.value, []),
        (BTCUSDT.price_min.value - BTCUSDT.tick.value / 2, [Rule.VENUE_LIMITS]),
    ],
)
def test_a_price_outside_the_venues_range(price: Any, rule: list[Rule]) -> None:
    bare = held(stop=None, liquidation=None)
    assert rules(ProtectionChange(stop_loss=Price(price)), bare) == rule
    short = held(Side.SELL)
    assert rules(ProtectionChange(take_profit=Price(price)), short) == rule


@pytest.mark.parametrize("side", Side)
def test_targets_and_activations_lie_ahead(side: Side) -> None:
    distance = Distance.of(300)
    for price, expected in (
        (Price.of(65_000 + side.sign), []),
        (Price.of(65_000), [Rule.VENUE_LIMITS]),
    ):
        assert rules(ProtectionChange(take_profit=price), held(side)) == expected
        trailing = ProtectionChange(trailing_distance=distance, trailing_activation=price)
        assert rules(trailing, held(side)) == expected


def test_a_distance_is_below_the_price() -> None:
    assert rules(ProtectionChange(trailing_distance=Distance.of(64_999)), held()) == []
    assert rules(ProtectionChange(trailing_distance=Distance.of(65_000)), held()) == [
        Rule.VENUE_LIMITS
    ]


@pytest.mark.parametrize(
    ("qty", "stop_at", "target", "expected"),
    [
        ("0.1", 64_000, 66_000, []),
        ("0.001", 64_000, None, []),
        ("0.1001", 64_000, None, [Rule.VENUE_LIMITS]),
        ("0.0009", 64_000, None, [Rule.VENUE_LIMITS]),
        ("0.1", 65_000, None, [Rule.PROTECTIVE_STOP]),
        ("0.1", None, 65_000, [Rule.VENUE_LIMITS]),
    ],
)
def test_a_partial_pair(
    qty: str, stop_at: int | None, target: int | None, expected: list[Rule]
) -> None:
    pair = PartialPair(
        qty=Qty.of(qty),
        stop_loss=None if stop_at is None else ProtectiveLeg(price=Price.of(stop_at)),
        take_profit=None if target is None else ProtectiveLeg(price=Price.of(target)),
    )
    halted = held(trading_state=TradingState.HALTED)
    assert rules(ProtectionChange(pair=pair), halted) == expected
