"""Sizing: each method by hand, every refusal, and the budget that is never passed."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tidegate.domain.costs import Costs, Liquidity
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.money import ZERO_MONEY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.signal import (
    ExactQty,
    KellyFraction,
    MarginAtLeverage,
    Notional,
    RiskFraction,
    SizingMethod,
    VolatilityTarget,
)
from tidegate.domain.sizing import (
    Binding,
    Sizing,
    SizingFault,
    SizingInput,
    SizingRefusal,
    reduce_to,
    size,
)

from .samples import BTCUSDT, COARSE, PLAIN_COSTS, TINY

GIVEN = SizingInput(
    equity=Money.of(10000),
    entry=Price.of(64032),
    stop=Price.of(62720),
    side=Side.BUY,
    leverage=Rate.of(10),
    costs=PLAIN_COSTS,
    instrument=BTCUSDT,
    liquidity=Liquidity.TAKER,
    notional_viable_min=ZERO_MONEY,
    is_market=True,
)
"""Long at 64000 slipped by 0.05 %, stop 62720 slipped by 0.1 % to 62657.28.

Worst loss of one coin: 64032 - 62657.28 = 1374.72, fees 64032 x 0.00055 = 35.2176 and
62657.28 x 0.00055 = 34.461504: 1444.399104 together.
"""


def kelly(win_rate: str, payoff: str, scale: str, cap: str) -> KellyFraction:
    return KellyFraction(Rate.of(win_rate), Rate.of(payoff), Rate.of(scale), Rate.of(cap))


def sized(method: SizingMethod, given_: SizingInput) -> Sizing:
    sizing = size(method, given_)
    assert isinstance(sizing, Sizing), sizing
    return sizing


def refused(method: SizingMethod, given_: SizingInput) -> SizingRefusal:
    refusal = size(method, given_)
    assert isinstance(refusal, SizingRefusal), refusal
    return refusal


@pytest.mark.parametrize(
    ("method", "qty", "binding"),
    [
        # 1000 / 64032 = 0.0156...
        (Notional(Money.of(1000)), "0.015", Binding.QTY_STEP),
        # 640.32 / 64032 = 0.010 exactly.
        (Notional(Money.of("640.32")), "0.010", Binding.BUDGET),
        # A margin of 100 at leverage 10 is a value of 1000.
        (MarginAtLeverage(Money.of(100)), "0.015", Binding.QTY_STEP),
        # 1 % of 10000 = 100; 100 / 1444.399104 = 0.0692...
        (RiskFraction(Rate.of("0.01")), "0.069", Binding.QTY_STEP),
        # 144.4399104 buys exactly a tenth of a coin's worst loss.
        (RiskFraction(Rate.of("0.01444399104")), "0.100", Binding.BUDGET),
        # 100 / ATR 800 = 0.125.
        (VolatilityTarget(Rate.of("0.01"), Distance.of(800)), "0.125", Binding.BUDGET),
        (VolatilityTarget(Rate.of("0.01"), Distance.of(799)), "0.125", Binding.QTY_STEP),
        # Kelly 0.6 - 0.4 / 2 = 0.4, half of it 0.2, capped at 0.01: as the risk fraction.
        (kelly("0.6", "2", "0.5", "0.01"), "0.069", Binding.KELLY_CAP),
        # Kelly 0.55 - 0.45 / 1 = 0.1, a twentieth of it 0.005: 50 / 1444.399104 = 0.0346...
        (kelly("0.55", "1", "0.05", "0.02"), "0.034", Binding.QTY_STEP),
        # Always winning is a rate like any other: Kelly 1 - 0 / 2 = 1, a hundredth of it 0.01.
        (kelly("1", "2", "0.01", "1"), "0.069", Binding.QTY_STEP),
        # The wish equals the cap: the cap does not bind.
        (kelly("0.55", "1", "0.1", "0.01"), "0.069", Binding.QTY_STEP),
        (ExactQty(Qty.of("0.0109")), "0.010", Binding.QTY_STEP),
        (ExactQty(Qty.of("0.010")), "0.010", Binding.BUDGET),
    ],
)
def test_each_method_gives_the_size_worked_by_hand(
    method: SizingMethod, qty: str, binding: Binding
) -> None:
    sizing = sized(method, GIVEN)
    assert sizing == Sizing(
        qty=Qty.of(qty),
        worst_loss=Money.of("1444.399104") * Rate.of(qty),
        notional=Money.of(64032) * Rate.of(qty),
        binding=binding,
    )


def test_a_short_is_sized_by_its_own_worst_loss() -> None:
    # Entry 63968, stop 65280 slipped to 65345.28: 1377.28; fees 35.1824 + 35.939904; 1448.402304.
    short = attrs.evolve(GIVEN, side=Side.SELL, entry=Price.of(63968), stop=Price.of(65280))
    sizing = sized(RiskFraction(Rate.of("0.01")), short)
    assert sizing.qty == Qty.of("0.069")
    assert sizing.worst_loss == Money.of("99.939758976")


def test_a_maker_entry_costs_less_and_may_be_larger() -> None:
    # The entry's fee falls from 35.2176 to 12.8064: 1421.987904; 100 / 1421.987904 = 0.0703...
    maker = attrs.evolve(GIVEN, liquidity=Liquidity.MAKER)
    assert sized(RiskFraction(Rate.of("0.01")), maker).qty == Qty.of("0.070")


def test_without_a_stop_the_worst_loss_is_not_known() -> None:
    sizing = sized(Notional(Money.of(1000)), attrs.evolve(GIVEN, stop=None))
    assert sizing.worst_loss is None


@pytest.mark.parametrize(
    ("method", "changes", "reason", "observed"),
    [
        (RiskFraction(Rate.of("0.01")), {"stop": None}, SizingFault.STOP_MISSING, "RiskFraction"),
        (kelly("0.6", "2", "1", "1"), {"stop": None}, SizingFault.STOP_MISSING, "KellyFraction"),
        (
            RiskFraction(Rate.of("0.01")),
            {"stop": Price.of(64032)},
            SizingFault.STOP_ON_WRONG_SIDE,
            "stop 64032",
        ),
        (
            Notional(Money.of(1000)),
            {"stop": Price.of(64033)},
            SizingFault.STOP_ON_WRONG_SIDE,
            "stop 64033",
        ),
        (
            Notional(Money.of(1000)),
            {"side": Side.SELL},
            SizingFault.STOP_ON_WRONG_SIDE,
            "stop 62720",
        ),
        (RiskFraction(Rate.of(0)), {}, SizingFault.BUDGET_NOT_POSITIVE, "10000"),
        (RiskFraction(Rate.of("-0.01")), {}, SizingFault.BUDGET_NOT_POSITIVE, "-0.01"),
        (
            RiskFraction(Rate.of("0.01")),
            {"equity": Money.of(-5)},
            SizingFault.BUDGET_NOT_POSITIVE,
            "-5",
        ),
        (Notional(Money.of(-10)), {}, SizingFault.BUDGET_NOT_POSITIVE, "-10"),
        (ExactQty(Qty.of(-1)), {}, SizingFault.BUDGET_NOT_POSITIVE, "-1"),
        (
            VolatilityTarget(Rate.of("0.01"), Distance.of(0)),
            {},
            SizingFault.METHOD_INVALID,
            "ATR 0",
        ),
        (kelly("1.1", "2", "1", "1"), {}, SizingFault.METHOD_INVALID, "win rate 1.1"),
        (kelly("-0.1", "2", "1", "1"), {}, SizingFault.METHOD_INVALID, "win rate -0.1"),
        (kelly("0.6", "0", "1", "1"), {}, SizingFault.METHOD_INVALID, "payoff 0"),
        (kelly("0.6", "2", "0", "1"), {}, SizingFault.METHOD_INVALID, "scale 0"),
        (kelly("0.6", "2", "1", "-1"), {}, SizingFault.METHOD_INVALID, "cap -1"),
        # 0.4 - 0.6 / 1 = -0.2 and 0.5 - 0.5 / 1 = 0: nothing to bet on.
        (kelly("0.4", "1", "1", "1"), {}, SizingFault.KELLY_WITHOUT_EDGE, "Kelly share -0.2"),
        (kelly("0.5", "1", "1", "1"), {}, SizingFault.KELLY_WITHOUT_EDGE, "Kelly share 0"),
        (ExactQty(Qty.of("0.0009")), {}, SizingFault.BELOW_QTY_MIN, "0.000 BTC"),
        (
            ExactQty(Qty.of("0.001")),
            {"notional_viable_min": Money.of(100)},
            SizingFault.BELOW_VIABLE,
            "64.032 USDT",
        ),
        (ExactQty(Qty.of("500.001")), {}, SizingFault.ABOVE_VENUE_MAX, "500.001 BTC"),
        (
            ExactQty(Qty.of("1190.001")),
            {"is_market": False},
            SizingFault.ABOVE_VENUE_MAX,
            "1190.001 BTC",
        ),
    ],
)
def test_what_cannot_be_sized_is_refused_with_the_evidence(
    method: SizingMethod, changes: dict[str, Any], reason: SizingFault, observed: str
) -> None:
    refusal = refused(method, attrs.evolve(GIVEN, **changes))
    assert refusal.reason is reason
    assert observed in refusal.observed
    assert refusal.limit


@pytest.mark.parametrize(
    ("spec", "entry", "viable", "smallest", "reason_below"),
    [
        # One step of 0.001 is worth 64.032: above both minimums.
        (BTCUSDT, "64032", "10", "0.001", SizingFault.BELOW_QTY_MIN),
        # 100 / 64.032 = 1.56 steps.
        (BTCUSDT, "64032", "100", "0.002", SizingFault.BELOW_VIABLE),
        # 128.064 is exactly two steps.
        (BTCUSDT, "64032", "128.064", "0.002", SizingFault.BELOW_VIABLE),
        # Three steps of 10 are the venue's minimum quantity.
        (COARSE, "100", "10", "30", SizingFault.BELOW_QTY_MIN),
        # 5 USDT at 0.00001 are 500000 coins.
        (TINY, "0.00001", "0", "500000", SizingFault.BELOW_NOTIONAL_MIN),
        # 7 USDT at 0.000013 are 538461.5 coins: the next hundred.
        (TINY, "0.000013", "7", "538500", SizingFault.BELOW_VIABLE),
    ],
)
def test_a_refusal_names_the_smallest_size_that_passes(
    spec: Instrument, entry: str, viable: str, smallest: str, reason_below: SizingFault
) -> None:
    given_ = attrs.evolve(
        GIVEN,
        instrument=spec,
        entry=Price.of(entry),
        stop=None,
        notional_viable_min=Money.of(viable),
    )
    passing = Qty.of(smallest)
    refusal = refused(ExactQty(passing - given_.instrument.qty_step * Rate.of("0.5")), given_)
    assert refusal.smallest == passing
    assert refusal.reason is reason_below
    assert sized(ExactQty(passing), given_).qty == passing


def test_minimums_are_judged_at_the_price_that_the_venue_uses() -> None:
    # 0.001 at the decision price is worth 64.00, though it may fill at 64.032.
    given_ = attrs.evolve(GIVEN, reference=Price.of(64000), notional_viable_min=Money.of("64.01"))
    refusal = refused(ExactQty(Qty.of("0.001")), given_)
    assert refusal.reason is SizingFault.BELOW_VIABLE
    assert refusal.smallest == Qty.of("0.002")


def test_above_the_maximum_the_largest_that_passes_is_named() -> None:
    market = refused(Notional(Money.of(10**9)), GIVEN)
    assert market.largest == Qty.of(500)
    assert "market" in market.limit
    limit = refused(Notional(Money.of(10**9)), attrs.evolve(GIVEN, is_market=False))
    assert limit.largest == Qty.of(1190)
    assert sized(ExactQty(Qty.of(500)), GIVEN).qty == Qty.of(500)


def test_a_reduction_reports_what_was_asked() -> None:
    sizing = reduce_to(
        Qty.of("0.0309"), asked=Qty.of("0.069"), binding=Binding.RISK_LIMIT, given=GIVEN
    )
    assert sizing == Sizing(
        qty=Qty.of("0.030"),
        worst_loss=Money.of("43.33197312"),
        notional=Money.of("1920.96"),
        binding=Binding.RISK_LIMIT,
        reduced_from=Qty.of("0.069"),
    )


def test_a_reduction_below_the_minimum_is_refused() -> None:
    for qty in ("0", "0.0009"):
        refusal = reduce_to(
            Qty.of(qty), asked=Qty.of("0.069"), binding=Binding.RISK_LIMIT, given=GIVEN
        )
        assert isinstance(refusal, SizingRefusal)
        assert refusal.reason is SizingFault.BELOW_QTY_MIN


@pytest.mark.parametrize("qty", ["0.069", "0.070", "-0.001"])
def test_a_reduction_reduces(qty: str) -> None:
    with pytest.raises(ValueError, match="reduced to"):
        reduce_to(Qty.of(qty), asked=Qty.of("0.069"), binding=Binding.RISK_LIMIT, given=GIVEN)


@pytest.mark.parametrize("price", ["0", "-1"])
def test_a_price_that_is_not_above_zero_is_refused(price: str) -> None:
    with pytest.raises(ValueError, match="entry price"):
        attrs.evolve(GIVEN, entry=Price.of(price))


def places(low: str, high: str, digits: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=Decimal(low), max_value=Decimal(high), places=digits)


@given(
    side=st.sampled_from(Side),
    entry=places("0.5", "200000", 7),
    distance=places("0.0005", "0.05", 7),
    equity=places("10", "10000000", 8),
    fraction=places("0.0001", "0.05", 7),
    taker=places("0", "0.001", 6),
    slippage=places("0", "0.01", 6),
    liquidity=st.sampled_from(Liquidity),
)
@settings(deadline=None, max_examples=100)
def test_the_worst_loss_never_passes_the_budget_and_one_step_more_would(
    side: Side,
    entry: Decimal,
    distance: Decimal,
    equity: Decimal,
    fraction: Decimal,
    taker: Decimal,
    slippage: Decimal,
    liquidity: Liquidity,
) -> None:
    at = Price(entry)
    stop = at - (at * Rate(distance)).times(side.sign)
    costs = Costs(
        fees=FeeRates(taker=Rate(taker), maker=Rate.of("0.0002")),
        entry_slippage=Rate(slippage),
        stop_slippage=Rate(slippage),
    )
    sizing = size(
        RiskFraction(Rate(fraction)),
        attrs.evolve(
            GIVEN,
            equity=Money(equity),
            entry=at,
            stop=stop,
            side=side,
            costs=costs,
            liquidity=liquidity,
        ),
    )
    assume(isinstance(sizing, Sizing))
    assert isinstance(sizing, Sizing)
    rate_in = Fraction(taker) if liquidity is Liquidity.TAKER else Fraction("0.0002")
    exit_at = Fraction(stop.value) * (1 - side.sign * Fraction(slippage))
    of_one = (
        side.sign * (Fraction(entry) - exit_at)
        + Fraction(entry) * rate_in
        + exit_at * Fraction(taker)
    )
    budget = Fraction(equity) * Fraction(fraction)
    qty, step = Fraction(sizing.qty.value), Fraction(BTCUSDT.qty_step.value)
    assert (qty / step).denominator == 1
    assert sizing.worst_loss is not None
    assert Fraction(sizing.worst_loss.value) == of_one * qty <= budget
    assert of_one * (qty + step) > budget


@given(
    amount=places("0.01", "1000000", 6),
    price=places("0.5", "200000", 7),
    leverage=places("1", "100", 2),
)
@settings(deadline=None, max_examples=60)
def test_a_value_or_margin_is_never_exceeded(
    amount: Decimal, price: Decimal, leverage: Decimal
) -> None:
    given_ = attrs.evolve(GIVEN, entry=Price(price), stop=None, leverage=Rate(leverage))
    for method, value in (
        (Notional(Money(amount)), Fraction(amount)),
        (MarginAtLeverage(Money(amount)), Fraction(amount) * Fraction(leverage)),
    ):
        sizing = size(method, given_)
        if isinstance(sizing, Sizing):
            step = Fraction(BTCUSDT.qty_step.value)
            assert Fraction(sizing.notional.value) <= value
            assert Fraction(sizing.notional.value) + step * Fraction(price) > value
