"""Triggers: the direction inferred from the present price, the rounding, and what has been passed.

Golden values by hand, on a tick of 0.5 (BTCUSDT has had it) and of 10.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.domain.grid import is_on_grid
from tidegate.domain.money import Distance, Price, Qty
from tidegate.domain.orders import Symbol, Trigger, TriggerBy, TriggerDirection
from tidegate.domain.reports import Ticker
from tidegate.domain.triggers import (
    TriggerPassed,
    TriggerSpec,
    resolve_entry_trigger,
    resolve_exit_trigger,
    watched_price,
)

RISES, FALLS = TriggerDirection.RISES_TO, TriggerDirection.FALLS_TO
HALF, TEN = Distance.of("0.5"), Distance.of(10)
NOW = Price.of(65000)
TICKER = Ticker(
    symbol=Symbol("BTCUSDT"),
    last=Price.of(1),
    mark=Price.of(2),
    index=Price.of(3),
    bid=Price.of(4),
    ask=Price.of(5),
    bid_size=Qty.of(1),
    ask_size=Qty.of(1),
    time_ms=0,
)


def spec(price: str, direction: TriggerDirection | None = None) -> TriggerSpec:
    return TriggerSpec(price=Price.of(price), direction=direction)


@pytest.mark.parametrize(
    ("by", "price"), [(TriggerBy.LAST, 1), (TriggerBy.MARK, 2), (TriggerBy.INDEX, 3)]
)
def test_a_trigger_watches_the_price_that_it_names(by: TriggerBy, price: int) -> None:
    assert watched_price(TICKER, by) == Price.of(price)


@pytest.mark.parametrize(
    ("asked", "direction", "tick", "entry", "exit_"),
    [
        ("66000.2", RISES, HALF, "66000.5", "66000"),
        ("64000.2", FALLS, HALF, "64000", "64000.5"),
        ("66001", RISES, TEN, "66010", "66000"),
        ("64001", FALLS, TEN, "64000", "64010"),
        ("66000", RISES, TEN, "66000", "66000"),
    ],
)
def test_an_entry_never_fires_early_and_an_exit_never_late(
    asked: str, direction: TriggerDirection, tick: Distance, entry: str, exit_: str
) -> None:
    for given_direction in (None, direction):
        asked_for = TriggerSpec(price=Price.of(asked), by=TriggerBy.MARK, direction=given_direction)
        entering = resolve_entry_trigger(asked_for, now=NOW, tick=tick)
        assert entering == Trigger(price=Price.of(entry), direction=direction, by=TriggerBy.MARK)
        leaving = resolve_exit_trigger(asked_for, now=NOW, tick=tick)
        assert leaving == Trigger(price=Price.of(exit_), direction=direction, by=TriggerBy.MARK)


@pytest.mark.parametrize(
    ("asked", "direction", "side"),
    [("64999", RISES, "above"), ("65000", RISES, "above"), ("65001", FALLS, "below")],
)
@pytest.mark.parametrize("resolve", [resolve_entry_trigger, resolve_exit_trigger])
def test_a_trigger_that_has_been_passed_is_refused_with_what_would_do(
    resolve: object, asked: str, direction: TriggerDirection, side: str
) -> None:
    assert callable(resolve)
    passed = resolve(spec(asked, direction), now=NOW, tick=HALF)
    assert passed == TriggerPassed(
        observed=f"trigger {asked}.0 has been passed: the last price is 65000",
        limit=f"a trigger that the price {direction.value.replace('_', ' ')} must lie {side} 65000",
        remedy=f"give a trigger {side} 65000, the other direction, or an order without a trigger",
    )
    assert str(passed) == f"{passed.observed}; limit: {passed.limit}; {passed.remedy}"


def test_a_trigger_at_the_present_price_has_been_passed_whatever_its_direction() -> None:
    for direction in (None, RISES, FALLS):
        assert isinstance(
            resolve_entry_trigger(spec("65000", direction), now=NOW, tick=HALF), TriggerPassed
        )


def test_an_exit_that_rounds_onto_the_present_price_has_been_passed() -> None:
    assert isinstance(resolve_exit_trigger(spec("65000.2"), now=NOW, tick=HALF), TriggerPassed)
    assert not isinstance(resolve_entry_trigger(spec("65000.2"), now=NOW, tick=HALF), TriggerPassed)


TICKS = st.sampled_from(["0.00000001", "0.5", "1.0", "5", "10"])


@given(st.decimals("0.1", "200000", places=9), st.decimals("1", "200000", places=9), TICKS)
def test_what_is_sent_lies_beyond_the_present_price_and_on_the_grid(
    asked: object, now: object, tick_text: str
) -> None:
    tick, wanted, present = Distance.of(tick_text), Price.of(str(asked)), Price.of(str(now))
    trigger = resolve_entry_trigger(TriggerSpec(price=wanted), now=present, tick=tick)
    if isinstance(trigger, TriggerPassed):
        assert wanted == present
        return
    assert is_on_grid(trigger.price, tick)
    assert not trigger.fires_at(present)
    assert not trigger.fires_at(wanted) or trigger.price == wanted
