"""Panic: flat and verified, whatever the venue does meanwhile, and halted until it is reset."""

import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.application.engine import Engine
from tidegate.application.recovery import load_view, recover
from tidegate.application.runner import InlineRunner
from tidegate.domain.core import events as ev
from tidegate.domain.mode import TradingState
from tidegate.domain.money import ZERO_QTY, Price, Qty
from tidegate.domain.orders import Role, Side
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.trade import CloseReason
from tidegate.ports.desk import Placed, Refused

from tests.application.bench import BTC, Bench, make_bench, signal

from .scenes import (
    config,
    held,
    limit,
    only,
    opened,
    our_orders,
    placed,
    rungs,
    since,
    stop_legs,
)


def is_running(bench: Bench) -> bool:
    return bench.runner.state.books.is_panic_running


def test_panic_leaves_nothing_open_and_says_so() -> None:
    bench = opened()
    assert bench.desk.panic("drill") == ()
    assert held(bench) == ZERO_QTY
    assert bench.venue.open_orders() == ()
    status = bench.desk.status()
    assert (status.trading_state, status.panic_cause) == (TradingState.HALTED, "drill")
    (done,) = only(bench, ev.TradeClosed)
    assert done.trade.reason is CloseReason.PANIC


def test_panic_takes_foreign_orders_and_positions_too() -> None:
    bench = make_bench(config=config())
    script = bench.venue.script
    script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.020"))
    script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.005"), price=Price.of("50000"))
    bench.runner.drain()
    assert bench.desk.panic("drill") == ()
    assert held(bench) == ZERO_QTY
    assert bench.venue.open_orders() == ()


def test_a_resting_entry_is_cancelled_first() -> None:
    bench = make_bench(config=config())
    placed(bench, entry=limit("64500"))
    assert bench.desk.panic("drill") == ()
    assert bench.venue.open_orders() == ()


def test_a_refused_close_keeps_the_stop_and_is_tried_again() -> None:
    bench = opened()
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.PLACE)
    bench.desk.panic("drill")
    assert held(bench) == Qty.of("0.010")
    assert stop_legs(bench)
    assert is_running(bench)
    bench.pass_time(999)
    assert held(bench) == Qty.of("0.010")
    bench.pass_time(1)
    assert held(bench) == ZERO_QTY
    assert not is_running(bench)
    assert bench.venue.open_orders() == ()


def test_what_cannot_be_closed_is_reported_after_the_bound_and_stays_protected() -> None:
    bench = opened(bench=make_bench(config=config(panic_inventories_max=3)))
    for _ in range(10):
        bench.venue.script.reject_next(RejectReason.TRADING_HALTED, request=RequestKind.PLACE)
    bench.desk.panic("drill")
    for _ in range(5):
        bench.pass_time(1_000)
    (ended,) = only(bench, ev.PanicEnded)
    assert ended.remaining == ("BTCUSDT 0.010",)
    assert stop_legs(bench)
    assert bench.desk.status().trading_state is TradingState.HALTED


def test_an_operator_can_close_what_panic_could_not() -> None:
    bench = opened(bench=make_bench(config=config(panic_inventories_max=1)))
    for _ in range(2):
        bench.venue.script.reject_next(RejectReason.TRADING_HALTED, request=RequestKind.PLACE)
    bench.desk.panic("drill")
    bench.pass_time(1_000)
    assert not is_running(bench)
    assert held(bench) == Qty.of("0.010")
    bench.desk.close_position(BTC)
    bench.pass_time(1_000)
    assert held(bench) == ZERO_QTY


def test_panic_does_not_end_while_an_entry_may_still_arrive() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000))
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    bench.desk.execute(signal())
    bench.desk.panic("drill")
    bench.pass_time(1_000)
    assert is_running(bench)
    bench.venue.script.arrive()
    bench.runner.drain()
    bench.pass_time(1_000)
    assert held(bench) == ZERO_QTY
    assert not is_running(bench)
    assert bench.venue.open_orders() == ()


def test_a_fill_after_panic_is_closed_at_once() -> None:
    bench = make_bench(config=config(not_found_final_ms=2_000))
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    bench.desk.execute(signal())
    bench.desk.panic("drill")
    for _ in range(4):
        bench.pass_time(1_000)
    assert not is_running(bench)
    bench.venue.script.arrive()
    bench.runner.drain()
    assert held(bench) == ZERO_QTY
    assert bench.venue.open_orders() == ()


def test_a_lost_panic_close_is_found_out_and_sent_again() -> None:
    bench = opened(bench=make_bench(config=config(not_found_final_ms=2_000)))
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.PLACE)
    bench.desk.panic("drill")
    for _ in range(5):
        bench.pass_time(1_000)
    assert held(bench) == ZERO_QTY
    assert not is_running(bench)


def test_panic_works_while_the_stream_is_down() -> None:
    bench = opened()
    bench.venue.script.disconnect()
    bench.desk.panic("drill")
    for _ in range(3):
        bench.pass_time(1_000)
    assert bench.venue.position(BTC).qty == ZERO_QTY
    assert bench.venue.open_orders() == ()
    assert not is_running(bench)


def test_a_failed_inventory_is_taken_again() -> None:
    bench = opened()
    bench.venue.script.fail_queries(1)
    bench.desk.panic("drill")
    assert is_running(bench)
    bench.pass_time(1_000)
    assert held(bench) == ZERO_QTY
    assert not is_running(bench)


def test_a_second_panic_is_harmless() -> None:
    bench = opened()
    bench.desk.panic("first")
    assert bench.desk.panic("second") == ()
    assert held(bench) == ZERO_QTY
    assert bench.desk.status().trading_state is TradingState.HALTED


def test_nothing_is_entered_and_no_rung_placed_in_panic() -> None:
    bench = opened()
    bench.desk.panic("drill")
    outcome = bench.desk.execute(signal("s2"))
    assert isinstance(outcome, Refused)
    assert Rule.PANIC in {breach.rule for breach in outcome.breaches}
    assert rungs(bench) == []
    assert our_orders(bench) == []


def test_a_restart_stays_halted_and_finishes_a_running_panic() -> None:
    bench = opened()
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.PLACE)
    bench.desk.panic("drill")
    assert is_running(bench)
    old = bench.runner.engine
    engine = Engine(config=old.config, clock=old.clock, state_port=bench.state_port)
    assert engine.state.books.effective_state is TradingState.HALTED
    runner = InlineRunner(engine, bench.venue)
    bench.venue.connect(runner.sink)
    load_view(runner, frozenset({BTC}))
    recover(runner, frozenset({BTC}))
    assert bench.venue.position(BTC).qty == ZERO_QTY
    assert not runner.state.books.is_panic_running
    assert runner.state.books.effective_state is TradingState.HALTED


@pytest.mark.parametrize("word", ["", "reset", "RESET ", "yes"])
def test_reset_needs_the_literal_confirmation(word: str) -> None:
    bench = opened()
    bench.desk.panic("drill")
    start = len(bench.events())
    with pytest.raises(ValueError, match="RESET"):
        bench.desk.reset_panic(confirmation=word)
    assert since(bench, start) == []
    assert bench.desk.status().trading_state is TradingState.HALTED


def test_after_a_reset_a_second_panic_uses_ids_of_its_own() -> None:
    bench = opened()
    bench.desk.panic("first")
    bench.desk.reset_panic(confirmation="RESET")
    assert len(only(bench, ev.PanicReset)) == 1
    assert isinstance(bench.desk.execute(signal("s2")), Placed)
    assert bench.desk.panic("second") == ()
    assert held(bench) == ZERO_QTY
    ids = [
        event.order.client_id
        for event in only(bench, ev.OrderIntended)
        if event.order.purpose.role is Role.PANIC
    ]
    assert len(ids) == len(set(ids)) == 2


def test_resetting_a_desk_without_panic_changes_nothing() -> None:
    bench = opened()
    start = len(bench.events())
    bench.desk.reset_panic(confirmation="RESET")
    assert since(bench, start) == []
