"""Both questions for the largest size say the same, and what they say is approved."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.application.risk_manager import Allowed, RiskManager
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import ONE, ZERO_QTY, ZERO_RATE, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import (
    Entry,
    ExactQty,
    RiskFraction,
    RungSpec,
    Signal,
    SizingMethod,
    StopAtPrice,
)
from tidegate.ports.desk import Placed, Refused

from tests.application.bench import Bench, make_bench, signal
from tests.domain.samples import BTCUSDT

STEP = BTCUSDT.qty_step
CROSS = MemoryOptions(margin_mode=MarginMode.CROSS)
ASKED: dict[str, SizingMethod] = {
    "above the market's maximum": ExactQty(Qty.of(600)),
    "planned, above the risk limit": ExactQty(Qty.of(5)),
    "below the minimum": ExactQty(Qty.of("0.0005")),
    "allowed": ExactQty(Qty.of("0.01")),
    "left to the desk": RiskFraction(Rate.of("0.01")),
    "none": RiskFraction(ZERO_RATE),
}
WIDE: dict[str, Any] = {
    "risk_per_trade_max": ONE,
    "exposure_max": Rate.of(100),
    "concentration_max": Rate.of(100),
    "position_notional_max": Money.of(1_000_000),
    "leverage_max": Rate.of(100),
}
FAR = (RungSpec(ONE, Rate.of("0.50")), RungSpec(Rate.of(20), Rate.of("0.04")))
"""Below 0.025 coins the far rung has less than a step, and with it the reward goes."""


def desk(spec: Instrument = BTCUSDT, options: MemoryOptions | None = None, **limits: Any) -> Bench:
    return make_bench(instruments=(spec,), options=options, limits=RiskLimits(**limits))


def both(bench: Bench, wish: Signal) -> tuple[Qty, Qty | None]:
    """Return the largest size by its own question, and by the check where that refuses."""
    manager = RiskManager(bench.runner)
    largest, checked = manager.largest_position(wish), manager.check(wish)
    return largest, largest if isinstance(checked, Allowed) else checked.largest


def passes(bench: Bench, wish: Signal, qty: Qty) -> bool:
    exactly = attrs.evolve(wish, sizing=ExactQty(qty))
    return isinstance(RiskManager(bench.runner).check(exactly), Allowed)


@pytest.mark.parametrize("sizing", ASKED.values(), ids=ASKED)
def test_whatever_size_is_asked_the_largest_is_the_one_that_would_be_approved(
    sizing: SizingMethod,
) -> None:
    """2 % of 10,000 is 200; one coin loses 1,167.432675 at worst: 0.1713..., down to 0.171."""
    assert both(desk(), signal(sizing=sizing)) == (Qty.of("0.171"), Qty.of("0.171"))


@pytest.mark.parametrize("sizing", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("maintained", ["0.005", "0.098", "0.15", "0.5"])
def test_in_cross_margin_it_is_the_largest_by_its_own_tier_and_liquidation(
    sizing: SizingMethod, maintained: str
) -> None:
    """At 500 coins no plan can be made: the account would be liquidated before the stop."""
    rate = Rate.of(maintained)
    bench = desk(options=CROSS, maintenance_margin_rate_max=rate, **WIDE)
    wish = signal(sizing=sizing, stop=StopAtPrice(Price.of(64_900)), leverage="100")
    largest, named = both(bench, wish)
    assert named == largest > ZERO_QTY
    assert passes(bench, wish, largest)
    assert not passes(bench, wish, largest + STEP)


@pytest.mark.parametrize("sizing", ASKED.values(), ids=ASKED)
def test_a_size_is_judged_with_the_ladder_that_it_leaves(sizing: SizingMethod) -> None:
    """1,700 at 65,032.5 are 0.026 coins; below 0.025 the reward is too small."""
    limits: dict[str, Any] = {"reward_to_risk_net_min": ONE}
    wish = signal(sizing=sizing, ladder=FAR)
    largest, _ = both(desk(position_notional_max=Money.of(1_700), **limits), wish)
    assert largest == Qty.of("0.026")
    few = desk(position_notional_max=Money.of(1_600), **limits)
    # One step has no ladder left, and of that no reward is asked.
    assert both(few, wish)[0] == STEP
    assert passes(few, wish, STEP)
    assert not passes(few, wish, STEP + STEP)


@pytest.mark.parametrize("sizing", ASKED.values(), ids=ASKED)
def test_the_smallest_size_is_worth_its_minimum_at_the_worst_fill_too(
    sizing: SizingMethod,
) -> None:
    """0.001 coins are worth 65 at the price, and a little less where a sale may slip to."""
    wish = signal(sizing=sizing, side=Side.SELL, stop=StopAtPrice(Price.of(66_000)))
    bench = desk(notional_viable_min=Money.of(65))
    largest, named = both(bench, wish)
    assert named == largest
    assert largest > Qty.of("0.1")


@pytest.mark.parametrize("asked", ["600", "0.0005"])
def test_where_no_size_would_be_approved_it_is_zero_with_the_reason(asked: str) -> None:
    bench = desk(position_notional_max=Money.of(60))
    wish = signal(sizing=ExactQty(Qty.of(asked)))
    assert both(bench, wish) == (ZERO_QTY, ZERO_QTY)
    refused = RiskManager(bench.runner).check(wish)
    assert isinstance(refused, Refused)
    assert refused.fault is not None
    assert [breach.rule for breach in refused.breaches] == [Rule.POSITION_SIZE]


def test_during_a_panic_it_is_zero_and_the_panic_is_named() -> None:
    bench = desk()
    bench.desk.panic("drill")
    wish = signal(sizing=ASKED["above the market's maximum"])
    assert both(bench, wish) == (ZERO_QTY, ZERO_QTY)
    refused = RiskManager(bench.runner).check(wish)
    assert isinstance(refused, Refused)
    assert Rule.PANIC in {breach.rule for breach in refused.breaches}


def test_what_refuses_the_smallest_size_is_said_beside_the_fault_of_the_size() -> None:
    wish = signal(
        sizing=ASKED["above the market's maximum"], ladder=(RungSpec(ONE, Rate.of("1.1")),)
    )
    refused = RiskManager(desk().runner).check(wish)
    assert isinstance(refused, Refused)
    assert refused.fault is not None
    assert refused.fault.startswith("600.000 BTC; limit: at most 500.000 BTC")
    assert "the smallest size is refused as well: " in refused.fault
    assert "1.1 in all" in refused.fault
    assert refused.largest == ZERO_QTY


def test_a_price_that_the_venue_does_not_take_is_the_reason_of_every_size() -> None:
    entry = Entry(kind=OrderKind.LIMIT, price=Price.of(2_000_000))
    wish = signal(
        sizing=ExactQty(Qty.of(2_000)), entry=entry, stop=StopAtPrice(Price.of(1_990_000))
    )
    limits: dict[str, Any] = {"price_deviation_max": Rate.of(100), **WIDE}
    bench = desk(**limits)
    assert both(bench, wish) == (ZERO_QTY, ZERO_QTY)
    refused = RiskManager(bench.runner).check(wish)
    assert isinstance(refused, Refused)
    assert refused.fault is not None
    assert "limit: at most 1190.000 BTC in one limit order" in refused.fault
    assert "price range price 2000000.00" in refused.fault


def test_an_addition_is_asked_with_the_ladder_of_the_position_that_it_joins() -> None:
    bench = desk(reward_to_risk_net_min=Rate.of("0.1"))
    first = signal("s1", ladder=(RungSpec(Rate.of(2), ONE),))
    assert isinstance(bench.desk.execute(first), Placed)
    poor = signal("s2", ladder=(RungSpec(Rate.of("0.2"), ONE),))
    largest = RiskManager(bench.runner).largest_position(poor)
    assert largest > ZERO_QTY
    assert passes(bench, poor, largest)
