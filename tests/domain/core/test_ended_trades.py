"""Levels of ended trades, and levels that a trade once had, do not come back by themselves."""

from typing import Any

import pytest
from tidegate.adapters.memory.options import RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.step import step
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side
from tidegate.domain.protection import ManualChanges
from tidegate.domain.reports import RejectReason
from tidegate.domain.signal import Entry, StopAtPrice
from tidegate.ports.account import PositionStop
from tidegate.ports.desk import Placed
from tidegate.ports.outcomes import Done

from tests.application.bench import BTC, Bench, make_bench, signal

from .protection_scenes import EVEN, by_hand, managed, policy, shown_stop
from .scenes import config, only, scripted, trade
from .test_protecting import QUIET, T0, fill

ADOPTED, REVERTED = ev.HandDecision.ADOPTED, ev.HandDecision.REVERTED
REVERT = policy(manual_changes=ManualChanges.REVERT)
SETTLED_MS = 5_001
"""A millisecond more than an entry's stop may take to be seen."""


def after_another(settings: CoreConfig | None = None, **levels: Any) -> Bench:
    """Return a desk that holds 0.010 after a trade of the levels named had come and gone."""
    bench = make_bench(config=settings or config())
    assert isinstance(bench.desk.execute(signal("s1", **levels)), Placed)
    bench.desk.close_position(BTC)
    bench.runner.drain()
    assert bench.venue.position(BTC).qty == Qty.of(0)
    assert isinstance(bench.desk.execute(signal("s2")), Placed)
    bench.runner.drain()
    return bench


def test_a_stop_by_hand_where_an_ended_trade_had_its_own_is_somebodys_doing() -> None:
    bench = after_another(stop=StopAtPrice(Price.of("64500")))
    by_hand(bench, stop_loss=Price.of("64500"))
    bench.pass_time(2_000)
    (event,) = only(bench, ev.StopChangedByHand)
    assert (event.before, event.after) == (Price.of("64000"), Price.of("64500"))
    assert event.decision is ADOPTED
    assert shown_stop(bench) == trade(bench).stop_wanted == Price.of("64500")


@pytest.mark.parametrize(("settings", "kept"), [(config(), "70000"), (REVERT, None)])
def test_a_take_profit_by_hand_where_an_ended_trade_had_its_own_is_somebodys_doing(
    settings: CoreConfig, kept: str | None
) -> None:
    bench = after_another(settings, entry=Entry(take_profit=Price.of("70000")))
    by_hand(bench, take_profit=Price.of("70000"))
    bench.pass_time(2_000)
    (event,) = only(bench, ev.TargetChangedByHand)
    assert (event.before, event.after) == (None, Price.of("70000"))
    wanted = None if kept is None else Price.of(kept)
    assert bench.venue.position(BTC).take_profit == trade(bench).managed.take_profit == wanted


def test_the_stop_of_an_ended_trade_is_none_of_the_next_ones_within_the_same_millisecond() -> None:
    bench = scripted()
    (was, wide) = (StopAtPrice(Price.of(price)) for price in ("64500", "64000"))
    first = bench.desk.execute(signal("s1", stop=was))
    assert isinstance(first, Placed), first
    second = bench.desk.execute(signal("s2", stop=wide))
    assert isinstance(second, Placed), second
    state = bench.runner.state
    closing = fill(None, "0.010", "65000", Side.SELL)
    for execution in (
        fill(first.client_id, "0.010", "65000"),
        closing,
        fill(second.client_id, "0.004", "65000"),
    ):
        state = step(state, execution, QUIET, T0).state
    trade = state.books.trades[BTC]
    ended = state.books.order(first.client_id)
    assert ended is not None
    assert (ended.intended_ms, ended.trade_key != trade.key) == (trade.opened_ms, True)
    assert trade.stop_wanted == Price.of("64000")


# Levels that the same trade had before


def moved_on(settings: CoreConfig) -> Bench:
    """Return a position whose stop went from the entry's 64,000 to break-even a while ago."""
    bench = managed(EVEN, settings=settings)
    bench.pass_time(SETTLED_MS)
    bench.move("66000")
    assert trade(bench).managed.is_break_even_set
    assert shown_stop(bench) == trade(bench).stop_wanted != Price.of("64000")
    return bench


@pytest.mark.parametrize(
    ("choice", "decision"),
    [
        (ManualChanges.SAFER, REVERTED),
        (ManualChanges.REVERT, REVERTED),
        (ManualChanges.ADOPT, ADOPTED),
    ],
)
def test_a_stop_put_back_by_hand_to_where_the_entry_had_it_is_somebodys_doing(
    choice: ManualChanges, decision: ev.HandDecision
) -> None:
    bench = moved_on(policy(manual_changes=choice))
    even = trade(bench).stop_wanted
    by_hand(bench, stop_loss=Price.of("64000"))
    bench.pass_time(2_000)
    (event,) = only(bench, ev.StopChangedByHand)
    assert (event.before, event.after, event.decision) == (even, Price.of("64000"), decision)
    wanted = Price.of("64000") if decision is ADOPTED else even
    assert shown_stop(bench) == trade(bench).stop_wanted == wanted


def test_a_stop_shown_soon_after_the_last_fill_came_with_it() -> None:
    bench = moved_on(policy(manual_changes=ManualChanges.ADOPT))
    more = bench.desk.execute(signal("s2"))
    assert isinstance(more, Placed), more
    even = trade(bench).stop_wanted
    by_hand(bench, stop_loss=Price.of("64000"))  # as the venue does it with the fill
    bench.pass_time(2_000)
    assert only(bench, ev.StopChangedByHand) == []
    assert shown_stop(bench) == trade(bench).stop_wanted == even


@pytest.mark.parametrize(("settings", "kept"), [(config(), "70000"), (REVERT, "71000")])
def test_a_take_profit_put_back_by_hand_to_the_entrys_is_somebodys_doing(
    settings: CoreConfig, kept: str
) -> None:
    bench = make_bench(config=settings)
    first = signal("s1", entry=Entry(take_profit=Price.of("70000")))
    assert isinstance(bench.desk.execute(first), Placed)
    bench.pass_time(SETTLED_MS)
    bench.desk.protection.set_take_profit(BTC, Price.of("71000"))
    assert bench.venue.position(BTC).take_profit == Price.of("71000")
    by_hand(bench, take_profit=Price.of("70000"))
    bench.pass_time(2_000)
    (event,) = only(bench, ev.TargetChangedByHand)
    assert (event.before, event.after) == (Price.of("71000"), Price.of("70000"))
    assert bench.venue.position(BTC).take_profit == Price.of(kept)


def test_a_take_profit_that_is_not_taken_back_at_once_is_asked_for_again() -> None:
    bench = make_bench(config=REVERT)
    first = signal("s1", entry=Entry(take_profit=Price.of("70000")))
    assert isinstance(bench.desk.execute(first), Placed)
    bench.pass_time(SETTLED_MS)
    bench.desk.protection.set_take_profit(BTC, Price.of("71000"))
    by_somebody = PositionStop(symbol=BTC, take_profit=Price.of("70000"))
    assert isinstance(bench.venue.set_position_stop(by_somebody), Done)
    bench.venue.script.reject_next(
        RejectReason.INVALID_PARAMETER, request=RequestKind.POSITION_STOP
    )
    bench.runner.drain()
    assert bench.venue.position(BTC).take_profit == Price.of("70000")
    bench.pass_time(2_000)
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.001"))
    bench.runner.drain()
    assert bench.venue.position(BTC).take_profit == Price.of("71000")
    assert len(only(bench, ev.TargetChangedByHand)) == 1
