"""Requests that take time: acknowledged at once, in effect at the first point that is due."""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side, Symbol, TimeInForce
from tidegate.domain.reports import CancelReason, RejectReason
from tidegate.ports.exchange import Done, Rejected

from tests.adapters.paper.bench import PLAIN, Bench

BUY, SELL = Side.BUY, Side.SELL
SLOW = attrs.evolve(PLAIN, latency_ms=90_000)
"""A minute and a half: the points of these tests are a minute apart, so the second one is due."""


def test_an_order_takes_effect_at_the_first_point_that_is_due() -> None:
    bench = Bench(config=SLOW)
    bench.price("20000")
    order = bench.order(BUY, "1")
    assert bench.send(order).status is Status.ACKNOWLEDGED
    bench.price("20100")
    assert bench.status(order) is Status.ACKNOWLEDGED
    bench.price("20200")
    assert bench.fills() == [("buy", "1", "20200")]


def test_an_order_may_fill_before_its_cancel_takes_effect() -> None:
    bench = Bench(config=SLOW)
    bench.price("20000")
    order = bench.order(BUY, "1", at="19900")
    bench.send(order)
    bench.price("20000")
    bench.price("20000")
    assert bench.status(order) is Status.NEW
    bench.venue.cancel(order.symbol, order.client_id)
    bench.price("19800")
    bench.price("19800")
    assert bench.status(order) is Status.FILLED


def test_a_cancel_that_is_in_time_ends_the_order() -> None:
    bench = Bench(config=SLOW)
    bench.price("20000")
    order = bench.order(BUY, "1", at="19900")
    bench.send(order)
    bench.venue.cancel(order.symbol, order.client_id)
    bench.price("20000")
    bench.price("20000")
    bench.price("19800")
    assert bench.record(order).cancel_reason is CancelReason.BY_USER
    assert bench.executions() == ()


def test_a_cancel_all_is_at_once_and_what_is_under_way_never_arrives() -> None:
    """It is done when it returns, so that nobody who heard of it meets an order afterwards."""
    bench = Bench(config=SLOW)
    bench.price("20000")
    resting, under_way = bench.order(BUY, "1", at="19900"), bench.order(BUY, "1")
    bench.send(resting)
    bench.price("20000")
    bench.price("20000")
    bench.send(under_way)
    assert bench.status(resting) is Status.NEW
    assert bench.status(under_way) is Status.ACKNOWLEDGED
    outcome = bench.venue.cancel_all(resting.symbol)
    assert isinstance(outcome, Done)
    assert not outcome.was_already
    assert bench.venue.open_orders() == ()
    for price in ("20000", "20000", "19800"):
        bench.price(price)
    assert bench.executions() == ()
    assert bench.record(under_way).cancel_reason is CancelReason.BY_USER


def test_a_cancel_all_of_an_unknown_symbol_is_refused() -> None:
    bench = Bench(config=SLOW)
    bench.price("20000")
    order = bench.order(BUY, "1", at="19900")
    bench.send(order)
    outcome = bench.venue.cancel_all(Symbol("NOSUCHUSDT"))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.INVALID_PARAMETER
    assert len(bench.venue.open_orders()) == 1


def test_requests_take_effect_in_the_order_they_came() -> None:
    bench = Bench(config=SLOW)
    bench.price("20000")
    order = bench.order(BUY, "1", at="19900")
    bench.send(order)
    bench.venue.amend(order.symbol, order.client_id, price=Price.of("19950"), qty=Qty.of("2"))
    bench.price("20000")
    assert bench.record(order).price == Price.of("19900")
    bench.price("20000")
    assert bench.record(order).price == Price.of("19950")
    bench.price("19940")
    assert bench.fills() == [("buy", "2", "19950")]


def test_post_only_meets_the_price_at_which_it_arrives() -> None:
    bench = Bench(config=SLOW)
    bench.price("20000")
    order = bench.order(BUY, "1", at="19900", tif=TimeInForce.POST_ONLY)
    bench.send(order)
    bench.price("19000")
    bench.price("19000")
    assert bench.record(order).cancel_reason is CancelReason.POST_ONLY_WOULD_TAKE


def test_a_reduce_only_order_that_comes_too_late_is_cancelled() -> None:
    bench = Bench(config=SLOW)
    bench.price("20000")
    bench.send(bench.order(BUY, "1"))
    bench.price("20000")
    bench.price("20000")
    first, second = (bench.order(SELL, "1", reduce_only=True) for _ in range(2))
    bench.send(first)
    bench.send(second)
    bench.price("20000")
    bench.price("20000")
    assert bench.status(first) is Status.FILLED
    assert bench.record(second).cancel_reason is CancelReason.REDUCE_ONLY
    assert bench.position().qty == Qty.of("0")


def test_an_acknowledged_order_counts_against_the_margin() -> None:
    bench = Bench(config=SLOW)
    bench.price("20000")
    # 2000 + 9.9 + 11 for each coin; 49 of them fit into 100000, a fiftieth does not
    bench.send(bench.order(BUY, "49"))
    assert bench.refused(bench.order(BUY, "1")).code == 110007


def test_an_amend_that_comes_after_the_fill_changes_nothing() -> None:
    bench = Bench(config=SLOW)
    bench.price("20000")
    order = bench.order(BUY, "3", at="19900")
    bench.send(order)
    bench.price("20000")
    bench.price("20000")
    bench.venue.amend(order.symbol, order.client_id, qty=Qty.of("1"))
    bench.price("19900", volume="2")
    bench.price("20000")
    done = bench.record(order)
    assert (done.status, done.qty, done.qty_filled) == (
        Status.PARTIALLY_FILLED,
        Qty.of("3"),
        Qty.of("2"),
    )


def test_a_latency_of_milliseconds_costs_no_move_of_the_bar() -> None:
    bench = Bench(config=attrs.evolve(PLAIN, latency_ms=250))
    bench.feed(bench.bar("20000", "20000", "20000", "20000"))
    order = bench.order(BUY, "1")
    bench.send(order)
    bench.feed(bench.bar("20010", "20500", "19500", "20100"))
    assert bench.fills() == [("buy", "1", "20010")]


def test_an_order_in_flight_has_its_effect_before_the_price_moves_on() -> None:
    """It becomes due between open and high: it buys at the open, and the high can fill its exit."""
    bench = Bench(config=attrs.evolve(PLAIN, latency_ms=250))
    bench.feed(bench.bar("20000", "20000", "20000", "20000"))
    bench.send(bench.order(BUY, "1"))
    bench.feed(bench.bar("20010", "20500", "20000", "20100"))
    assert bench.position().entry_price == Price.of("20010")
