"""Stops on the grid, and plans of levels that cannot stand. Figures worked by hand beside them."""

import pytest
from tidegate.domain.levels import LevelFault, LevelRefusal, Rung, check_plan, stop_price
from tidegate.domain.money import ONE, Distance, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.signal import StopAtPrice, StopAtr, StopPercent, StopRoi, StopSpec

from .samples import BTCUSDT

TEN = Rate.of(10)


@pytest.mark.parametrize(
    ("spec", "side", "entry", "tick", "stop"),
    [
        # 2 % of 64000 = 1280.
        (StopPercent(Rate.of("0.02")), Side.BUY, "64000", "0.10", "62720"),
        (StopPercent(Rate.of("0.02")), Side.SELL, "64000", "0.10", "65280"),
        # 20 % of the margin at leverage 10 is 2 % of the price.
        (StopRoi(Rate.of("0.2")), Side.BUY, "64000", "0.10", "62720"),
        (StopRoi(Rate.of("0.2")), Side.SELL, "64000", "0.10", "65280"),
        # 1.5 x 800 = 1200.
        (StopAtr(Rate.of("1.5"), Distance.of(800)), Side.BUY, "64000", "0.10", "62800"),
        (StopAtr(Rate.of("1.5"), Distance.of(800)), Side.SELL, "64000", "0.10", "65200"),
        (StopAtPrice(Price.of("63000.04")), Side.BUY, "64000", "0.10", "63000.1"),
        (StopAtPrice(Price.of("65000.07")), Side.SELL, "64000", "0.10", "65000"),
        # 64000.1 x 0.9877 = 63212.89877 and x 1.0123 = 64787.30123: toward the entry.
        (StopPercent(Rate.of("0.0123")), Side.BUY, "64000.1", "0.10", "63212.9"),
        (StopPercent(Rate.of("0.0123")), Side.SELL, "64000.1", "0.10", "64787.3"),
        # 1003 x 0.98 = 982.94 and x 1.02 = 1023.06.
        (StopPercent(Rate.of("0.02")), Side.BUY, "1003", "0.5", "983"),
        (StopPercent(Rate.of("0.02")), Side.SELL, "1003", "0.5", "1023"),
        (StopPercent(Rate.of("0.02")), Side.BUY, "1003", "5", "985"),
        (StopPercent(Rate.of("0.02")), Side.SELL, "1003", "5", "1020"),
        (StopPercent(Rate.of("0.02")), Side.BUY, "1003", "10", "990"),
        (StopPercent(Rate.of("0.02")), Side.SELL, "1003", "1.0", "1023"),
        # 0.00001234 x 0.97 = 0.0000119698.
        (StopPercent(Rate.of("0.03")), Side.BUY, "0.00001234", "0.00000001", "0.00001197"),
    ],
)
def test_a_stop_stands_where_its_spec_says_rounded_toward_the_entry(
    spec: StopSpec, side: Side, entry: str, tick: str, stop: str
) -> None:
    seen = stop_price(spec, entry=Price.of(entry), side=side, leverage=TEN, tick=Distance.of(tick))
    assert seen == Price.of(stop)


@pytest.mark.parametrize(
    ("spec", "side", "reason"),
    [
        (StopAtPrice(Price.of(64000)), Side.BUY, LevelFault.STOP_ON_WRONG_SIDE),
        (StopAtPrice(Price.of(64000)), Side.SELL, LevelFault.STOP_ON_WRONG_SIDE),
        (StopAtPrice(Price.of("64000.1")), Side.BUY, LevelFault.STOP_ON_WRONG_SIDE),
        (StopAtPrice(Price.of("63999.9")), Side.SELL, LevelFault.STOP_ON_WRONG_SIDE),
        (StopAtPrice(Price.of(-1)), Side.BUY, LevelFault.STOP_OUT_OF_RANGE),
        (StopAtPrice(Price.of(0)), Side.BUY, LevelFault.STOP_OUT_OF_RANGE),
        (StopPercent(Rate.of(0)), Side.BUY, LevelFault.STOP_DISTANCE),
        (StopPercent(Rate.of("-0.01")), Side.BUY, LevelFault.STOP_DISTANCE),
        (StopPercent(Rate.of("-0.01")), Side.SELL, LevelFault.STOP_DISTANCE),
        (StopPercent(Rate.of(1)), Side.BUY, LevelFault.STOP_OUT_OF_RANGE),
        (StopPercent(Rate.of("1.5")), Side.BUY, LevelFault.STOP_OUT_OF_RANGE),
        (StopRoi(Rate.of(-1)), Side.SELL, LevelFault.STOP_DISTANCE),
        (StopAtr(Rate.of(2), Distance.of(0)), Side.BUY, LevelFault.STOP_DISTANCE),
        # 64000 x 0.000001 = 0.064: less than a tick of 0.1, and rounded onto the entry.
        (StopPercent(Rate.of("0.000001")), Side.BUY, LevelFault.STOP_TOO_CLOSE),
        (StopPercent(Rate.of("0.000001")), Side.SELL, LevelFault.STOP_TOO_CLOSE),
    ],
)
def test_a_stop_that_cannot_stand_is_refused(
    spec: StopSpec, side: Side, reason: LevelFault
) -> None:
    refusal = stop_price(
        spec, entry=Price.of(64000), side=side, leverage=TEN, tick=Distance.of("0.10")
    )
    assert isinstance(refusal, LevelRefusal)
    assert refusal.reason is reason
    assert all((refusal.observed, refusal.limit, refusal.remedy))


def test_an_entry_between_two_ticks_leaves_no_room_for_a_stop_between_them() -> None:
    # 64000.05 would round to 64000.1, beyond the average entry of 64000.07.
    refusal = stop_price(
        StopAtPrice(Price.of("64000.05")),
        entry=Price.of("64000.07"),
        side=Side.BUY,
        leverage=TEN,
        tick=Distance.of("0.10"),
    )
    assert isinstance(refusal, LevelRefusal)
    assert refusal.reason is LevelFault.STOP_TOO_CLOSE


def test_a_stop_at_no_leverage_is_an_error() -> None:
    with pytest.raises(ValueError, match="leverage 0"):
        stop_price(
            StopRoi(ONE),
            entry=Price.of(1),
            side=Side.BUY,
            leverage=Rate.of(0),
            tick=Distance.of("0.1"),
        )


def rung(number: int, price: str, qty: str) -> Rung:
    return Rung(number=number, price=Price.of(price), qty=Qty.of(qty), reward_to_risk=ONE)


def faults(
    *,
    side: Side = Side.BUY,
    stop: str | None = "62720",
    rungs: tuple[Rung, ...] = (),
    liquidation: str | None = "58000",
) -> list[LevelFault]:
    found = check_plan(
        side=side,
        entry=Price.of(64000),
        stop=None if stop is None else Price.of(stop),
        rungs=rungs,
        qty=Qty.of("0.010"),
        liquidation=None if liquidation is None else Price.of(liquidation),
        price_min=BTCUSDT.price_min,
        price_max=BTCUSDT.price_max,
        tick=BTCUSDT.tick,
    )
    assert all(fault.observed and fault.limit and fault.remedy for fault in found)
    return [fault.reason for fault in found]


def test_a_sound_plan_has_no_fault() -> None:
    assert faults(rungs=(rung(1, "64640", "0.006"), rung(2, "65280", "0.004"))) == []
    assert faults(stop=None, liquidation=None) == []
    assert faults(stop="58000.1") == []
    assert (
        faults(side=Side.SELL, stop="65280", liquidation="70000", rungs=(rung(1, "63000", "0.01"),))
        == []
    )


@pytest.mark.parametrize(
    ("side", "stop", "liquidation", "reason"),
    [
        (Side.BUY, "64000", None, LevelFault.STOP_ON_WRONG_SIDE),
        (Side.BUY, "64000.1", None, LevelFault.STOP_ON_WRONG_SIDE),
        (Side.SELL, "63999.9", None, LevelFault.STOP_ON_WRONG_SIDE),
        (Side.BUY, "58000", "58000", LevelFault.STOP_BEYOND_LIQUIDATION),
        (Side.BUY, "57999.9", "58000", LevelFault.STOP_BEYOND_LIQUIDATION),
        (Side.SELL, "70000", "70000", LevelFault.STOP_BEYOND_LIQUIDATION),
        (Side.SELL, "70000.1", "70000", LevelFault.STOP_BEYOND_LIQUIDATION),
        (Side.BUY, "62720.05", None, LevelFault.STOP_OFF_GRID),
        (Side.BUY, "0", None, LevelFault.STOP_OUT_OF_RANGE),
        (Side.SELL, "2000000", None, LevelFault.STOP_OUT_OF_RANGE),
    ],
)
def test_a_stop_in_the_wrong_place_is_a_fault(
    side: Side, stop: str, liquidation: str | None, reason: LevelFault
) -> None:
    assert reason in faults(side=side, stop=stop, liquidation=liquidation)


@pytest.mark.parametrize(
    ("rungs", "reason"),
    [
        ((rung(1, "64000", "0.01"),), LevelFault.TARGET_ON_WRONG_SIDE),
        ((rung(1, "63999.9", "0.01"),), LevelFault.TARGET_ON_WRONG_SIDE),
        ((rung(1, "64000.05", "0.01"),), LevelFault.TARGET_TOO_CLOSE),
        ((rung(1, "64640.05", "0.01"),), LevelFault.TARGET_OFF_GRID),
        ((rung(1, "2000000", "0.01"),), LevelFault.TARGET_OUT_OF_RANGE),
        ((rung(1, "64640", "0.006"), rung(2, "65280", "0.005")), LevelFault.FRACTIONS),
        ((rung(1, "64640", "0.010"), rung(2, "65280", "0")), LevelFault.FRACTIONS),
    ],
)
def test_a_target_in_the_wrong_place_is_a_fault(
    rungs: tuple[Rung, ...], reason: LevelFault
) -> None:
    assert reason in faults(rungs=rungs)


def test_a_stop_less_than_a_tick_from_the_entry_is_a_fault() -> None:
    assert faults(stop="63999.95") == [LevelFault.STOP_TOO_CLOSE, LevelFault.STOP_OFF_GRID]


def test_every_fault_is_reported_not_only_the_first() -> None:
    bad = (rung(1, "63000", "0.006"), rung(2, "65280", "0.005"))
    assert faults(stop="57000", rungs=bad) == [
        LevelFault.STOP_BEYOND_LIQUIDATION,
        LevelFault.TARGET_ON_WRONG_SIDE,
        LevelFault.FRACTIONS,
    ]
