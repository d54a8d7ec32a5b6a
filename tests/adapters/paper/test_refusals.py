"""What the venue refuses, with the code of Bybit V5, and that a refusal changes nothing."""

from collections.abc import Callable

import attrs
import pytest
from tidegate.adapters.paper import checks
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, OrderRequest, Reduction, Side, Symbol, VenueOrderId
from tidegate.domain.orders import TriggerDirection as Direction
from tidegate.domain.reports import CancelReason, RejectReason
from tidegate.ports.exchange import Accepted, QueryFailed, Rejected, TimeRange

from tests.adapters.paper.bench import ALWAYS, SYMBOL, WIDE, Bench
from tests.domain.samples import BTCUSDT

BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("make", "code", "reason"),
    [
        (lambda b: b.order(BUY, "0.0015"), 10001, RejectReason.OFF_GRID),
        (lambda b: b.order(BUY, "1", at="20000.05"), 10001, RejectReason.OFF_GRID),
        (lambda b: b.order(BUY, "500.001"), 10001, RejectReason.QTY_OUT_OF_RANGE),
        (lambda b: b.order(BUY, "1190.001", at="9"), 10001, RejectReason.QTY_OUT_OF_RANGE),
        (lambda b: b.order(BUY, "0.001", at="4000"), 110094, RejectReason.NOTIONAL_TOO_SMALL),
        # mark 20000, X 1 %: buys up to 20200, sells from 19800
        (lambda b: b.order(BUY, "1", at="20200.1"), 110003, RejectReason.PRICE_OUT_OF_RANGE),
        (lambda b: b.order(SELL, "1", at="19799.9"), 110003, RejectReason.PRICE_OUT_OF_RANGE),
        (lambda b: b.order(SELL, "1", at="2000000"), 110003, RejectReason.PRICE_OUT_OF_RANGE),
        (
            lambda b: b.order(BUY, "1", trigger="20000"),
            110092,
            RejectReason.TRIGGER_ON_WRONG_SIDE,
        ),
        (
            lambda b: b.order(BUY, "1", trigger="20001", direction=Direction.FALLS_TO),
            110093,
            RejectReason.TRIGGER_ON_WRONG_SIDE,
        ),
        (lambda b: b.order(BUY, "1", stop="20000"), 10001, RejectReason.STOP_ON_WRONG_SIDE),
        (lambda b: b.order(BUY, "1", target="19000"), 10001, RejectReason.STOP_ON_WRONG_SIDE),
        (
            lambda b: b.order(BUY, "1", at="19000", stop="19500"),
            10001,
            RejectReason.STOP_ON_WRONG_SIDE,
        ),
        (lambda b: b.order(SELL, "1", stop="19000"), 10001, RejectReason.STOP_ON_WRONG_SIDE),
        (lambda b: b.order(SELL, "1", reduce_only=True), 110017, RejectReason.NOTHING_TO_REDUCE),
        (lambda b: b.order(BUY, "60"), 110007, RejectReason.INSUFFICIENT_MARGIN),
        (
            lambda b: b.order(BUY, "1", symbol=Symbol("XUSDT")),
            10001,
            RejectReason.INVALID_PARAMETER,
        ),
        (lambda b: b.order(BUY, "1", slippage_max="0.2"), 110108, RejectReason.INVALID_PARAMETER),
        (lambda b: b.order(BUY, "1", slippage_max="0"), 110108, RejectReason.INVALID_PARAMETER),
    ],
)
def test_a_refused_order_has_the_venues_code_and_changes_nothing(
    make: Callable[[Bench], OrderRequest], code: int, reason: RejectReason
) -> None:
    bench = Bench(instruments=[BTCUSDT])
    bench.price("20000")
    bench.messages.clear()
    before = bench.account(), bench.position()
    order = make(bench)
    answer = bench.refused(order)
    assert (answer.code, answer.reason) == (code, reason)
    assert answer.message
    assert (bench.account(), bench.position()) == before
    assert bench.venue.open_orders() == ()
    assert bench.venue.find_order(order.symbol, order.client_id) is None
    assert bench.messages == []


def test_a_refused_order_leaves_its_client_id_free() -> None:
    bench = Bench()
    bench.price("20000")
    bench.refused(bench.order(BUY, "0.0001", client_id="again"))
    assert bench.send(bench.order(BUY, "1", client_id="again")).status is Status.FILLED


def test_a_client_id_is_taken_for_ever() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1", client_id="once"))
    bench.send(bench.order(BUY, "1", at="19000", client_id="open"))
    for client_id in ("once", "open"):
        answer = bench.refused(bench.order(BUY, "1", client_id=client_id))
        assert (answer.code, answer.reason) == (110072, RejectReason.DUPLICATE_CLIENT_ID)
    assert bench.position().qty == Qty.of("1")


def test_ten_conditional_orders_are_the_most() -> None:
    bench = Bench()
    bench.price("20000")
    for _ in range(10):
        bench.send(bench.order(BUY, "0.001", trigger="21000"))
    assert bench.refused(bench.order(BUY, "0.001", trigger="21000")).code == 110009
    assert bench.send(bench.order(BUY, "0.001", at="19000")).status is Status.NEW


def test_five_hundred_active_orders_are_the_most(
    monkeypatch: pytest.MonkeyPatch, *, whole: bool
) -> None:
    assert checks.ACTIVE_ORDERS_MAX == 500
    most = 500 if whole else 50
    monkeypatch.setattr(checks, "ACTIVE_ORDERS_MAX", most)
    bench = Bench()
    bench.price("20000")
    for _ in range(most):
        bench.send(bench.order(SELL, "0.001", at="25000"))
    answer = bench.refused(bench.order(SELL, "0.001", at="25000"))
    assert (answer.code, answer.reason) == (110020, RejectReason.TOO_MANY_ORDERS)


@pytest.mark.parametrize(
    ("status", "code"),
    [(InstrumentStatus.CLOSED, 110074), (InstrumentStatus.REDUCE_ONLY, 30228)],
)
def test_a_symbol_that_is_not_trading_takes_no_entry(status: InstrumentStatus, code: int) -> None:
    bench = Bench(instruments=[attrs.evolve(WIDE, status=status)])
    bench.price("20000")
    answer = bench.refused(bench.order(BUY, "1"))
    assert (answer.code, answer.reason) == (code, RejectReason.TRADING_HALTED)


def test_a_market_order_without_a_price_inside_its_bound_is_refused() -> None:
    bench = Bench(instruments=[BTCUSDT])
    bench.feed(bench.quote("20000", "20010"))
    bench.feed(bench.mark("19000"))
    # bound 19000 x 1.01 = 19190, best ask 20010
    assert bench.refused(bench.order(BUY, "1")).code == 110118


def test_before_any_market_data_orders_are_refused_and_prices_unknown() -> None:
    bench = Bench()
    assert bench.refused(bench.order(BUY, "1")).code == 110118
    with pytest.raises(QueryFailed, match="no price yet"):
        bench.venue.ticker(SYMBOL)
    with pytest.raises(QueryFailed, match="XUSDT is not traded here; BTCUSDT is"):
        bench.venue.instrument(Symbol("XUSDT"))
    assert bench.account().wallet == bench.wallet


def test_a_reduce_only_order_is_trimmed_to_the_position() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1"))
    order = bench.order(SELL, "5", reduce_only=True)
    outcome = bench.venue.place(Reduction(order))
    assert isinstance(outcome, Accepted)
    done = bench.record(order)
    assert (done.status, done.qty, done.qty_filled) == (Status.FILLED, Qty.of("1"), Qty.of("1"))
    assert bench.position().qty == Qty.of("0")


def test_cancel_tells_an_unknown_order_from_a_finished_one() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1")
    bench.send(order)
    finished = bench.venue.cancel(SYMBOL, order.client_id)
    unknown = bench.venue.cancel(SYMBOL, VenueOrderId("nobody"))
    assert isinstance(finished, Rejected)
    assert isinstance(unknown, Rejected)
    assert (finished.code, finished.reason) == (110001, RejectReason.ORDER_FINISHED)
    assert (unknown.code, unknown.reason) == (110001, RejectReason.ORDER_NOT_FOUND)


def test_a_cancelled_order_never_fills() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", at="19000")
    bench.send(order)
    outcome = bench.venue.cancel(SYMBOL, bench.record(order).venue_id)
    assert isinstance(outcome, Accepted)
    done = bench.record(order)
    assert (done.status, done.cancel_reason) == (Status.CANCELLED, CancelReason.BY_USER)
    bench.price("18000")
    assert bench.executions() == ()


def test_amend_changes_what_was_asked_and_nothing_else() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", at="19000")
    before = bench.send(order)
    assert isinstance(bench.venue.amend(SYMBOL, order.client_id, price=Price.of("19100")), Accepted)
    after = bench.record(order)
    assert attrs.evolve(before, price=Price.of("19100")) == after
    bench.venue.amend(SYMBOL, order.client_id, qty=Qty.of("2"))
    assert attrs.evolve(after, qty=Qty.of("2")) == bench.record(order)


def test_an_amended_price_that_crosses_takes_at_once() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", at="19000")
    bench.send(order)
    bench.venue.amend(SYMBOL, order.client_id, price=Price.of("20100"))
    assert bench.fills() == [("buy", "1", "20000")]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 10001),
        ({"qty": Qty.of("1")}, 10001),
        ({"qty": Qty.of("0.4")}, 110064),
        ({"qty": Qty.of("100")}, 110007),
        ({"price": Price.of("19000.05")}, 10001),
        ({"price": Price.of("31000")}, 110003),
        ({"trigger_price": Price.of("19000")}, 10001),
    ],
)
def test_a_refused_amend_changes_nothing(changes: dict[str, Price | Qty], code: int) -> None:
    bench = Bench()
    bench.price("20000", volume="0.4")
    order = bench.order(BUY, "1", at="20000", client_id="it")
    before = bench.send(order)
    bench.messages.clear()
    amend: Callable[..., object] = bench.venue.amend
    answer = amend(SYMBOL, ClientId("it"), **changes)
    assert isinstance(answer, Rejected)
    assert answer.code == code
    assert bench.record(order) == before
    assert bench.messages == []


def test_history_covers_the_range_inclusive_and_ascending() -> None:
    bench = Bench()
    times = []
    for _ in range(3):
        bench.price("20000")
        bench.send(bench.order(BUY, "0.1"))
        times.append(bench.venue.now_ms())
    found = bench.venue.executions(SYMBOL, TimeRange(start_ms=times[0], end_ms=times[1]))
    assert [row.time_ms for row in found.rows] == times[:2]
    assert found.is_complete
    assert [o.updated_ms for o in bench.venue.order_history(None, ALWAYS).rows] == times
    assert bench.venue.order_history(Symbol("XUSDT"), ALWAYS).rows == ()


def test_open_orders_are_listed_oldest_first() -> None:
    bench = Bench()
    bench.price("20000")
    orders = [bench.order(BUY, "0.1", at=price) for price in ("19000", "19500", "18000")]
    for order in orders:
        bench.send(order)
    assert [o.client_id for o in bench.venue.open_orders()] == [o.client_id for o in orders]


def test_a_rest_below_the_least_quantity_is_closed_at_market() -> None:
    spec = attrs.evolve(WIDE, qty_min=Qty.of("0.005"))
    bench = Bench(instruments=(spec,))
    bench.feed(bench.quote("20000", "20000.1", "0.003"))
    assert bench.send(bench.order(BUY, "0.006")).status is Status.CANCELLED
    bench.feed(bench.quote("20000", "20000.1", "10"))
    assert bench.position().qty == Qty.of("0.003")
    assert bench.refused(bench.order(SELL, "0.003")).reason is RejectReason.QTY_OUT_OF_RANGE
    rests = bench.order(SELL, "0.003", at="20010", reduce_only=True)
    assert bench.refused(rests).reason is RejectReason.QTY_OUT_OF_RANGE
    assert bench.send(bench.order(SELL, "0.003", reduce_only=True)).status is Status.FILLED
    assert bench.position().qty == Qty.of("0")
