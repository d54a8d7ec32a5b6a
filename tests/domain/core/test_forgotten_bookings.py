"""A booking whose id was forgotten is not booked again, whatever brings it once more."""

from collections.abc import Callable

import attrs
import pytest
from tidegate.application.codec import decode_books, encode_books
from tidegate.application.engine import Engine
from tidegate.application.recovery import load_view, recover
from tidegate.application.runner import InlineRunner
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import StartRequest
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId
from tidegate.domain.reports import Execution, FundingPayment, OrderReport

from tests.application.bench import BTC, Bench

from .scenes import config, limit, only, placed, scripted

KEPT = 32
PRICE = Price.of("64900")


def resting() -> tuple[Bench, ClientId]:
    """Return a desk whose entry of 0.010 rests, with 0.004 of it filled and booked."""
    bench = scripted(attrs.evolve(config(), executions_remembered=KEPT))
    entry = placed(bench, entry=limit("64900"))
    bench.venue.script.fill(entry, Qty.of("0.004"), PRICE)
    bench.pass_time(10)
    assert bench.runner.state.books.position(BTC).qty == Qty.of("0.004")
    return bench, entry


def forget(bench: Bench) -> None:
    """Book so much funding that the ids of all bookings before it are forgotten."""
    for _ in range(2 * KEPT):
        bench.pass_time(100)
        bench.move("65000")
        bench.venue.script.pay_funding(BTC, Rate.of("0.0001"))
        bench.runner.drain()
    assert "execution-1" not in bench.runner.state.books.executions


def restarted(bench: Bench) -> Engine:
    old = bench.runner.engine
    engine = Engine(config=old.config, clock=old.clock, state_port=bench.state_port)
    runner = InlineRunner(engine, bench.venue)
    bench.venue.connect(runner.sink)
    mode, venue = old.config.mode, old.config.venue
    runner.submit(StartRequest(mode=mode, venue=venue, wallet=bench.venue.account().wallet))
    load_view(runner, frozenset({BTC}))
    recover(runner, frozenset({BTC}))
    runner.drain()
    return engine


def cancelled(bench: Bench, entry: ClientId) -> None:
    bench.desk.orders.cancel(entry)
    for _ in range(10):
        bench.pass_time(3_000)


def cancelled_unheard(bench: Bench, entry: ClientId) -> None:
    bench.venue.script.disconnect()
    cancelled(bench, entry)


def cancelled_without_its_report(bench: Bench, entry: ClientId) -> None:
    bench.venue.script.drop_next(OrderReport)
    cancelled(bench, entry)


def booked_ids(bench: Bench) -> list[str]:
    return [filled.execution.execution_id for filled in only(bench, ev.Filled)]


@pytest.mark.parametrize("end", [cancelled, cancelled_unheard, cancelled_without_its_report])
def test_a_fill_of_an_order_that_rested_long_is_booked_once(
    end: Callable[[Bench, ClientId], None],
) -> None:
    bench, entry = resting()
    forget(bench)
    end(bench, entry)
    assert booked_ids(bench) == ["execution-1"]
    assert bench.runner.state.books.position(BTC).qty == bench.venue.position(BTC).qty


def test_a_fill_of_an_order_that_rested_long_is_booked_once_over_a_restart() -> None:
    bench, entry = resting()
    forget(bench)
    books = restarted(bench).state.books
    assert booked_ids(bench) == ["execution-1"]
    assert books.position(BTC).qty == bench.venue.position(BTC).qty
    assert decode_books(encode_books(books)) == books
    assert books.orders[entry].executions == ("execution-1",)


def test_a_fill_that_was_missed_so_long_ago_is_booked_all_the_same() -> None:
    """Two fills of one size: the one that is booked and forgotten is told from the missed one."""
    bench, entry = resting()
    for kind in (Execution, OrderReport):
        bench.venue.script.drop_next(kind)
    bench.venue.script.fill(entry, Qty.of("0.004"), PRICE)
    bench.runner.drain()
    forget(bench)
    assert booked_ids(bench) == ["execution-1"]
    restarted(bench)
    assert booked_ids(bench) == ["execution-1", "execution-2"]


def test_what_comes_again_after_the_end_of_its_order_is_not_booked() -> None:
    bench, entry = resting()
    (first,) = (filled.execution for filled in only(bench, ev.Filled))
    cancelled(bench, entry)
    forget(bench)
    ended = bench.runner.state.books.finished[entry]
    assert (ended.status, ended.executions) == (Status.CANCELLED, ())
    version, forgotten = bench.runner.engine.version, ClientId("tg-forgotten")
    for again in (first, attrs.evolve(first, client_id=forgotten), outside(first)):
        bench.runner.submit(again)
        bench.runner.drain()
    assert bench.runner.engine.version == version
    assert bench.runner.state.books.position(BTC).qty == Qty.of("0.004")


def outside(first: Execution) -> Execution:
    return attrs.evolve(first, client_id=None)


def test_a_late_fill_of_an_order_that_booked_none_is_new() -> None:
    bench, entry = resting()
    (first,) = (filled.execution for filled in only(bench, ev.Filled))
    forget(bench)
    books = bench.runner.state.books
    lapsed = attrs.evolve(books.orders[entry], status=Status.LAPSED)
    for qty, is_known in ((Qty.of("0.004"), True), (Qty.of(0), False)):
        order = attrs.evolve(lapsed, qty_filled=qty, executions=())
        ended = attrs.evolve(books, orders={}, finished={entry: order})
        assert ended.contains(first) is is_known


def test_only_what_is_older_than_the_memory_may_be_forgotten() -> None:
    bench, _ = resting()
    (first,) = (filled.execution for filled in only(bench, ev.Filled))
    forget(bench)
    books = bench.runner.state.books
    since_ms = books.remembered_since_ms
    for time_ms, is_known in ((since_ms - 1, True), (since_ms, False)):
        other = attrs.evolve(first, execution_id="other", client_id=None, time_ms=time_ms)
        assert books.contains(other) is is_known


def test_funding_that_was_forgotten_is_not_paid_again() -> None:
    bench, _ = resting()
    forget(bench)
    payments: list[FundingPayment] = [booked.payment for booked in only(bench, ev.FundingBooked)]
    forget(bench)
    assert payments[0].payment_id not in bench.runner.state.books.executions
    version = bench.runner.engine.version
    bench.runner.submit(payments[0])
    bench.runner.drain()
    assert bench.runner.engine.version == version
