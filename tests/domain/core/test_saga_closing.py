"""Closing a position, refusals and races: what was asked for happens once, and in the end."""

import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import CloseRequest, TimePassed
from tidegate.domain.core.step import deadline_ms
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import Role, Side
from tidegate.domain.reports import (
    FundingPayment,
    OrderReport,
    RejectReason,
)
from tidegate.domain.trade import CloseReason
from tidegate.ports.desk import Closing, Nothing

from tests.application.bench import BTC, Bench, make_bench

from .scenes import (
    LADDER,
    config,
    held,
    limit,
    only,
    opened,
    orders_of,
    our_orders,
    placed,
    rungs,
    scripted,
    since,
    stop_legs,
    trade,
)

HUNDREDTH = Qty.of("0.010")


def closed(bench: Bench) -> ev.TradeClosed:
    (event,) = only(bench, ev.TradeClosed)
    return event


# Closing


def test_a_close_cancels_the_rungs_and_leaves_nothing() -> None:
    bench = opened()
    outcome = bench.desk.close_position(BTC)
    assert outcome == Closing(symbol=BTC, qty=HUNDREDTH)
    assert held(bench) == ZERO_QTY
    assert not bench.venue.open_orders()
    assert closed(bench).trade.reason is CloseReason.OPERATOR


def test_closing_what_is_flat_does_nothing() -> None:
    bench = make_bench(config=config())
    start = len(bench.events())
    assert bench.desk.close_position(BTC) == Nothing(symbol=BTC)
    assert since(bench, start) == []


def test_a_close_that_fills_in_part_is_sent_again_after_the_wait_and_not_before() -> None:
    bench = opened(ladder=())
    bench.venue.script.move(BTC, bid_size=Qty.of("0.004"))
    bench.runner.drain()
    bench.desk.close_position(BTC)
    assert held(bench) == Qty.of("0.006")
    bench.venue.script.move(BTC)
    bench.runner.drain()
    bench.pass_time(999)
    bench.runner.submit(TimePassed())
    assert held(bench) == Qty.of("0.006")
    assert stop_legs(bench), "the stop protects what is left"
    bench.pass_time(1)
    assert held(bench) == ZERO_QTY
    ids = [event.order.client_id for event in only(bench, ev.OrderIntended)]
    assert len(ids) == len(set(ids)) == 2


def test_nothing_is_due_while_a_close_is_under_way() -> None:
    bench = scripted()
    client_id = placed(bench)
    bench.venue.script.fill(client_id)
    bench.runner.drain()
    bench.desk.close_position(BTC)
    now_ms = bench.venue.now_ms()
    due_ms = deadline_ms(bench.runner.state, bench.runner.engine.config, now_ms)
    assert due_ms is not None
    assert due_ms > now_ms


def test_a_close_of_unknown_outcome_is_never_doubled() -> None:
    bench = opened(ladder=())
    bench.venue.script.time_out_next(Arrival.REACHED, request=RequestKind.PLACE)
    bench.desk.close_position(BTC)
    for _ in range(3):
        bench.pass_time(1_000)
    assert held(bench) == ZERO_QTY
    assert len(only(bench, ev.OrderIntended)) == 1


def test_a_lost_close_is_sent_again() -> None:
    bench = opened(bench=make_bench(config=config(not_found_final_ms=2_000)), ladder=())
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.PLACE)
    bench.desk.close_position(BTC)
    for _ in range(4):
        bench.pass_time(1_000)
    assert held(bench) == ZERO_QTY


def test_a_close_is_not_sent_twice_for_a_position_without_a_trade() -> None:
    bench = scripted()
    foreign = bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=HUNDREDTH)
    bench.venue.script.fill(foreign)
    bench.runner.drain()
    bench.desk.close_position(BTC)
    bench.desk.close_position(BTC)
    assert len(orders_of(bench, Role.CLOSE)) == 1
    bench.venue.script.fill(orders_of(bench, Role.CLOSE)[0].request.client_id)
    bench.runner.drain()
    assert held(bench) == ZERO_QTY


def test_each_close_of_a_position_without_a_trade_has_an_id_of_its_own() -> None:
    bench = make_bench(config=config())
    for _ in range(2):
        bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=HUNDREDTH)
        bench.runner.drain()
        bench.desk.close_position(BTC)
        assert held(bench) == ZERO_QTY
    ids = [event.order.client_id for event in only(bench, ev.OrderIntended)]
    assert len(set(ids)) == 2


# Refusals and races


def test_a_refused_rung_is_tried_again_ever_more_slowly() -> None:
    bench = make_bench(config=config())
    entry = placed(bench, entry=limit("64990"), ladder=LADDER)
    for _ in range(200):
        bench.venue.script.reject_next(RejectReason.RISK_LIMIT, request=RequestKind.PLACE)
    bench.venue.script.fill(entry)
    bench.runner.drain()
    first = len(only(bench, ev.OrderRefused))
    assert first <= 2
    for _ in range(60):
        bench.pass_time(1_000)
    assert first < len(only(bench, ev.OrderRefused)) <= 20
    assert held(bench) == HUNDREDTH
    assert trade(bench).is_stop_confirmed


def test_a_rung_refused_once_is_placed_later() -> None:
    bench = make_bench(config=config())
    entry = placed(bench, entry=limit("64990"), ladder=LADDER)
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.PLACE)
    bench.venue.script.fill(entry)
    bench.runner.drain()
    for _ in range(5):
        bench.pass_time(1_000)
    assert [qty for _, qty in rungs(bench)] == ["0.003", "0.007"]


def test_a_failed_cancel_is_repeated_until_the_order_is_gone() -> None:
    bench = opened()
    for _ in range(3):
        bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.CANCEL)
    bench.desk.close_position(BTC)
    assert held(bench) == ZERO_QTY
    for _ in range(5):
        bench.pass_time(1_000)
    assert not our_orders(bench)
    assert not bench.runner.state.books.orders


def test_a_lost_cancel_of_a_resting_entry_is_sent_again() -> None:
    bench = scripted()
    placed(bench, entry=limit("64900"))
    for _ in range(2):
        bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.CANCEL)
    bench.desk.close_position(BTC)
    assert our_orders(bench)
    for _ in range(3):
        bench.pass_time(1_000)
    assert not our_orders(bench)
    assert len(only(bench, ev.CancelIntended)) == 3


def test_a_cancel_whose_report_was_lost_is_noticed() -> None:
    bench = scripted()
    client_id = placed(bench, entry=limit("64000.5"))
    bench.venue.script.drop_next(OrderReport)
    bench.desk.close_position(BTC)
    assert bench.runner.state.books.orders
    bench.pass_time(1_000)
    assert not bench.runner.state.books.orders
    order = bench.runner.state.books.order(client_id)
    assert order is not None
    assert order.status is Status.CANCELLED


def test_a_cancel_that_loses_to_a_fill_opens_the_trade_and_protects_it() -> None:
    bench = scripted()
    client_id = placed(bench, entry=limit("64900"), ladder=LADDER)
    bench.venue.script.outrun_cancel(client_id, Price.of("64900"))
    bench.runner.submit(CloseRequest(symbol=BTC, reason=CloseReason.OPERATOR, key="k" * 16))
    assert held(bench) == HUNDREDTH
    assert trade(bench).is_stop_confirmed
    assert len(rungs(bench)) == 2


def test_a_trade_that_a_late_fill_opens_again_uses_no_client_id_twice() -> None:
    """Half of a limit fills and is closed; its cancel loses to the other half."""
    bench = scripted()
    client_id = placed(bench, entry=limit("64900"), ladder=LADDER)
    bench.venue.script.fill(client_id, Qty.of("0.005"))
    bench.runner.drain()
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.CANCEL)
    bench.desk.close_position(BTC)
    (close,) = orders_of(bench, Role.CLOSE)
    bench.venue.script.fill(close.request.client_id)
    bench.runner.drain()
    bench.venue.script.fill(client_id, Qty.of("0.005"))
    bench.runner.drain()
    assert held(bench) == Qty.of("0.005")
    assert trade(bench).is_stop_confirmed
    assert rungs(bench)
    ids = [event.order.client_id for event in only(bench, ev.OrderIntended)]
    assert len(ids) == len(set(ids))


def test_an_entry_that_only_reduces_a_foreign_position_opens_no_trade() -> None:
    bench = scripted()
    client_id = placed(bench, entry=limit("64900"))
    foreign = bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.030"))
    bench.venue.script.fill(foreign)
    bench.runner.drain()
    bench.venue.script.fill(client_id)
    bench.runner.drain()
    assert held(bench) == Qty.of("-0.020")
    assert not bench.runner.state.books.trades


def test_what_goes_beyond_flat_is_not_booked_to_the_trade() -> None:
    bench = opened(ladder=())
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.015"))
    bench.runner.drain()
    done = closed(bench).trade
    assert (done.qty, done.entry_price) == (HUNDREDTH, Price.of("65000"))
    assert held(bench) == Qty.of("-0.005")


def test_a_second_close_request_changes_nothing() -> None:
    bench = scripted()
    client_id = placed(bench)
    bench.venue.script.fill(client_id)
    bench.runner.drain()
    bench.desk.close_position(BTC)
    start = len(bench.events())
    bench.runner.submit(CloseRequest(symbol=BTC, reason=CloseReason.SIGNAL, key="again01234567890"))
    assert since(bench, start) == []


@pytest.mark.parametrize("rate", ["0.0001", "-0.0001"])
def test_funding_is_booked_once_to_ledger_and_trade(rate: str) -> None:
    bench = opened(ladder=())
    bench.venue.script.duplicate_next(FundingPayment)
    bench.venue.script.pay_funding(BTC, Rate.of(rate))
    bench.runner.drain()
    # 0.010 x 65000 x rate = 650 x rate
    paid = Money.of("650") * Rate.of(rate)
    assert trade(bench).funding == paid
    ledger = bench.runner.state.books.ledger
    assert ledger is not None
    assert ledger.funding == paid
    assert ledger.wallet == bench.venue.account().wallet
