"""What a refused size or level says: what was seen, what the limit is, what would be accepted.

The long of the sizing tests: entry 64032, stop 62720, equity 10000. Levels stand around 64000,
on a tick of 0.10.
"""

from typing import Any

import attrs
import pytest
from tidegate.domain.levels import (
    LevelFault,
    LevelRefusal,
    Rung,
    check_plan,
    plan_ladder,
    stop_price,
)
from tidegate.domain.money import ONE, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.signal import (
    ExactQty,
    Notional,
    RiskFraction,
    RungSpec,
    SizingMethod,
    StopPercent,
    VolatilityTarget,
)
from tidegate.domain.sizing import SizingFault, SizingRefusal, size

from .samples import BTCUSDT, TINY
from .test_sizing import GIVEN, kelly

STEP = Qty.of("0.001")


def refusal(
    reason: SizingFault, observed: str, limit: str, smallest: Qty = STEP, **more: Qty
) -> SizingRefusal:
    return SizingRefusal(reason=reason, observed=observed, limit=limit, smallest=smallest, **more)


@pytest.mark.parametrize(
    ("method", "changes", "expected"),
    [
        (
            RiskFraction(Rate.of("0.01")),
            {"stop": None},
            refusal(
                SizingFault.STOP_MISSING,
                "RiskFraction without a stop",
                "a stop, which the risk is measured to",
            ),
        ),
        (
            Notional(Money.of(1000)),
            {"stop": Price.of(64033)},
            refusal(SizingFault.STOP_ON_WRONG_SIDE, "stop 64033", "below the entry 64032"),
        ),
        (
            Notional(Money.of(1000)),
            {"side": Side.SELL},
            refusal(SizingFault.STOP_ON_WRONG_SIDE, "stop 62720", "above the entry 64032"),
        ),
        (
            Notional(Money.of(0)),
            {},
            refusal(
                SizingFault.BUDGET_NOT_POSITIVE,
                "Notional(amount=Money('0')) of equity 10000",
                "above 0",
            ),
        ),
        (
            VolatilityTarget(Rate.of("0.01"), Distance.of(0)),
            {},
            refusal(SizingFault.METHOD_INVALID, "ATR 0", "above 0"),
        ),
        (
            kelly("1.1", "2", "1", "1"),
            {},
            refusal(SizingFault.METHOD_INVALID, "win rate 1.1", "from 0 to 1"),
        ),
        (
            kelly("0.6", "0", "1", "1"),
            {},
            refusal(SizingFault.METHOD_INVALID, "payoff 0", "above 0"),
        ),
        (
            kelly("0.6", "2", "0", "1"),
            {},
            refusal(SizingFault.METHOD_INVALID, "scale 0", "above 0"),
        ),
        (
            kelly("0.6", "2", "1", "0"),
            {},
            refusal(SizingFault.METHOD_INVALID, "cap 0", "above 0"),
        ),
        # 0.4 - 0.6 / 1.
        (
            kelly("0.4", "1", "1", "1"),
            {},
            refusal(
                SizingFault.KELLY_WITHOUT_EDGE,
                "Kelly share -0.2 (win rate 0.4, payoff 1)",
                "above 0",
            ),
        ),
        # Never winning is a rate like any other: 0 - 1 / 2.
        (
            kelly("0", "2", "1", "1"),
            {},
            refusal(
                SizingFault.KELLY_WITHOUT_EDGE,
                "Kelly share -0.5 (win rate 0, payoff 2)",
                "above 0",
            ),
        ),
        (
            ExactQty(Qty.of("0.0009")),
            {},
            refusal(SizingFault.BELOW_QTY_MIN, "0.000 BTC", "at least 0.001 BTC"),
        ),
        # 499999 coins in hundreds are 499900; at 0.00001 they are worth 4.999 of the 5 needed.
        (
            ExactQty(Qty.of(499_999)),
            {"instrument": TINY, "entry": Price.of("0.00001"), "stop": None},
            refusal(
                SizingFault.BELOW_NOTIONAL_MIN,
                "4.99900 USDT",
                "at least 5 USDT",
                Qty.of(500_000),
            ),
        ),
        (
            ExactQty(STEP),
            {"notional_viable_min": Money.of(100)},
            refusal(SizingFault.BELOW_VIABLE, "64.032 USDT", "at least 100 USDT", Qty.of("0.002")),
        ),
        (
            ExactQty(Qty.of("500.001")),
            {},
            refusal(
                SizingFault.ABOVE_VENUE_MAX,
                "500.001 BTC",
                "at most 500.000 BTC in one market order",
                largest=Qty.of(500),
                asked=Qty.of("500.001"),
            ),
        ),
        (
            ExactQty(Qty.of("1190.001")),
            {"is_market": False},
            refusal(
                SizingFault.ABOVE_VENUE_MAX,
                "1190.001 BTC",
                "at most 1190.000 BTC in one limit order",
                largest=Qty.of(1190),
                asked=Qty.of("1190.001"),
            ),
        ),
    ],
)
def test_a_refused_size_says_what_was_seen_and_what_the_limit_is(
    method: SizingMethod, changes: dict[str, Any], expected: SizingRefusal
) -> None:
    assert size(method, attrs.evolve(GIVEN, **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"entry": Price.of(0)}, r"^entry price 0: must be above zero$"),
        ({"reference": Price.of(-1)}, r"^reference price -1: must be above zero$"),
    ],
)
def test_a_price_that_cannot_be_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        attrs.evolve(GIVEN, **changes)


def test_a_stop_without_a_distance_says_so() -> None:
    # 1 % of 64000 on the wrong side.
    assert stop_price(
        StopPercent(Rate.of("-0.01")),
        entry=Price.of(64000),
        side=Side.SELL,
        leverage=ONE,
        tick=Distance.of("0.10"),
    ) == LevelRefusal(
        reason=LevelFault.STOP_DISTANCE,
        observed="stop distance -640.00",
        limit="above 0",
        remedy="give a percentage, multiple and ATR above zero",
    )


@pytest.mark.parametrize("leverage", ["0", "-1"])
def test_a_leverage_that_cannot_be_is_named(leverage: str) -> None:
    with pytest.raises(ValueError, match=rf"^leverage {leverage}: must be above zero$"):
        stop_price(
            StopPercent(Rate.of("0.01")),
            entry=Price.of(64000),
            side=Side.BUY,
            leverage=Rate.of(leverage),
            tick=Distance.of("0.10"),
        )


def ladder_of(*rungs: tuple[str, str]) -> tuple[RungSpec, ...]:
    return tuple(RungSpec(Rate.of(multiple), Rate.of(share)) for multiple, share in rungs)


@pytest.mark.parametrize(
    ("ladder", "side", "stop", "expected"),
    [
        (
            ladder_of(("1", "0.5"), ("2", "0.5")),
            Side.BUY,
            None,
            LevelRefusal(
                reason=LevelFault.STOP_MISSING,
                observed="2 targets without a stop",
                limit="a stop, which defines R",
                remedy="give a stop, or no targets",
            ),
        ),
        (
            ladder_of(("1", "0.6"), ("2", "0.41")),
            Side.BUY,
            "63360",
            LevelRefusal(
                reason=LevelFault.FRACTIONS,
                observed="close fractions 0.6, 0.41: 1.01 in all",
                limit="each above 0, at most 1 in all",
                remedy="give fractions of the whole position, such as 0.5 and 0.5",
            ),
        ),
        (
            ladder_of(("1", "1")),
            Side.SELL,
            "63360",
            LevelRefusal(
                reason=LevelFault.STOP_ON_WRONG_SIDE,
                observed="stop 63360",
                limit="above the entry 64000",
                remedy="give a stop above 64000",
            ),
        ),
        # The second rung of two: 64000 + 4000 x 640.
        (
            ladder_of(("1", "0.5"), ("4000", "0.5")),
            Side.BUY,
            "63360",
            LevelRefusal(
                reason=LevelFault.TARGET_OUT_OF_RANGE,
                observed="target 2 at 2624000.00",
                limit="from 0.10 to 1999999.80",
                remedy="give a level nearer to the entry",
            ),
        ),
        (
            ladder_of(("1", "0.5"), ("0", "0.5")),
            Side.BUY,
            "63360",
            LevelRefusal(
                reason=LevelFault.TARGET_ON_WRONG_SIDE,
                observed="target 2 at 64000.00",
                limit="above the entry 64000",
                remedy="give a reward-to-risk above zero, worth at least one tick",
            ),
        ),
        # 64000 - 100 x 640 is zero, and the next multiple lies below it.
        (
            ladder_of(("101", "1")),
            Side.SELL,
            "64640",
            LevelRefusal(
                reason=LevelFault.TARGET_OUT_OF_RANGE,
                observed="target 1 at -640",
                limit="from 0.10 to 1999999.80",
                remedy="give a level nearer to the entry",
            ),
        ),
    ],
)
def test_a_refused_ladder_says_what_was_seen_and_what_would_be_accepted(
    ladder: tuple[RungSpec, ...], side: Side, stop: str | None, expected: LevelRefusal
) -> None:
    assert (
        plan_ladder(
            ladder,
            entry=Price.of(64000),
            stop=None if stop is None else Price.of(stop),
            side=side,
            qty=Qty.of("0.01"),
            instrument=BTCUSDT,
        )
        == expected
    )


def checked(stop: str | None, *rungs: tuple[str, str]) -> tuple[LevelRefusal, ...]:
    return check_plan(
        side=Side.BUY,
        entry=Price.of(64000),
        stop=None if stop is None else Price.of(stop),
        rungs=tuple(
            Rung(number=number, price=Price.of(price), qty=Qty.of(qty), reward_to_risk=ONE)
            for number, (price, qty) in enumerate(rungs, 1)
        ),
        qty=Qty.of("0.010"),
        liquidation=Price.of(58000),
        price_min=BTCUSDT.price_min,
        price_max=BTCUSDT.price_max,
        tick=BTCUSDT.tick,
    )


def test_a_checked_plan_says_every_fault_of_its_stop() -> None:
    assert checked("57999.95") == (
        LevelRefusal(
            reason=LevelFault.STOP_BEYOND_LIQUIDATION,
            observed="stop 57999.95",
            limit="above the liquidation price 58000",
            remedy="give a nearer stop or a lower leverage",
        ),
        LevelRefusal(
            reason=LevelFault.STOP_OFF_GRID,
            observed="stop 57999.95",
            limit="a multiple of the tick 0.10",
            remedy="give 57999.90 or 58000.00",
        ),
    )


def test_a_checked_plan_says_every_fault_of_its_targets() -> None:
    assert checked(None, ("63999.9", "0.006"), ("64640.05", "0.005")) == (
        LevelRefusal(
            reason=LevelFault.TARGET_ON_WRONG_SIDE,
            observed="target 1 at 63999.9",
            limit="above the entry 64000",
            remedy="give a reward-to-risk above zero, worth at least one tick",
        ),
        LevelRefusal(
            reason=LevelFault.TARGET_OFF_GRID,
            observed="target 2 at 64640.05",
            limit="a multiple of the tick 0.10",
            remedy="give 64640.00 or 64640.10",
        ),
        LevelRefusal(
            reason=LevelFault.FRACTIONS,
            observed="targets close 0.006, 0.005: 0.011 in all",
            limit="each above 0, at most the position of 0.010 in all",
            remedy="give quantities that add up to no more than the position",
        ),
    )
