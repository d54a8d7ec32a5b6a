"""What no stream told is noticed over queries, and booked once."""

import attrs
import pytest
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.application.performing import perform
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import ReadActivity
from tidegate.domain.core.inputs import ActivityRead
from tidegate.domain.core.polling import LOOK_BACK_MS_MAX, unbooked_since_ms
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Ticker
from tidegate.ports.exchange import QueryFailed

from tests.application.bench import BTC, Bench, MemoryClock, make_bench, signal

POLLING = CoreConfig(
    mode=TradingMode.PAPER, venue=VenueKind.MEMORY, poll_down_ms=2_000, poll_up_ms=60_000
)


def held(config: CoreConfig = POLLING) -> Bench:
    bench = make_bench(config=config, options=MemoryOptions())
    bench.desk.open_with_rr(signal())
    return bench


def test_a_stop_out_while_the_stream_is_down_is_booked_within_the_poll() -> None:
    bench = held()
    bench.venue.script.disconnect()
    bench.runner.drain()
    bench.venue.script.move(BTC, last=Price.of("63900"))
    assert not bench.runner.state.books.position(BTC).is_flat
    bench.pass_time(2_000)
    assert bench.runner.state.books.position(BTC).is_flat
    assert bench.kinds()[-1] != "filled"
    assert bench.kinds().count("trade_closed") == 1


def test_a_stream_that_comes_back_is_not_trusted_to_replay() -> None:
    bench = held()
    bench.venue.script.disconnect()
    bench.runner.drain()
    bench.venue.script.move(BTC, last=Price.of("63900"))
    bench.venue.script.reconnect()
    bench.runner.drain()
    assert bench.runner.state.books.position(BTC).is_flat


def test_a_fill_that_every_stream_lost_is_found_by_the_slow_poll() -> None:
    from tidegate.domain.reports import Execution, OrderReport, PositionReport

    bench = held()
    for kind in (OrderReport, Execution, PositionReport):
        bench.venue.script.drop_next(kind)
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.010"))
    bench.runner.drain()
    assert not bench.runner.state.books.position(BTC).is_flat
    bench.pass_time(60_000)
    assert bench.runner.state.books.position(BTC).is_flat


def test_polling_books_nothing_twice() -> None:
    bench = held()
    wallet = bench.desk.status().wallet
    for _ in range(5):
        bench.pass_time(60_000)
    assert bench.kinds().count("filled") == 1
    assert bench.desk.status().wallet == wallet


def test_a_flat_desk_asks_for_nothing() -> None:
    bench = make_bench(config=POLLING)
    asked = bench.runner.state.view.polled_ms
    bench.pass_time(600_000)
    assert bench.runner.state.view.polled_ms == asked


def test_the_look_back_never_reaches_behind_what_is_remembered() -> None:
    books = Books(opened_ms=5, last_execution_ms=LOOK_BACK_MS_MAX + 100)
    assert unbooked_since_ms(books) == 100
    remembered = Books(
        opened_ms=5, last_execution_ms=LOOK_BACK_MS_MAX + 100, remembered_since_ms=700
    )
    assert unbooked_since_ms(remembered) == 700


def test_forgotten_bookings_are_not_asked_for_again() -> None:
    """More bookings within the look-back than ids are kept: none may be counted twice."""
    remembered = 100
    bench = held(attrs.evolve(POLLING, executions_remembered=remembered))
    for number in range(2 * remembered + 10):
        side = Side.SELL if number % 2 == 0 else Side.BUY
        bench.venue.script.foreign_order(BTC, side=side, qty=Qty.of("0.001"))
        bench.venue.script.advance(1)
        bench.runner.drain()
    filled = bench.kinds().count("filled")
    bench.pass_time(60_000)
    assert bench.kinds().count("filled") == filled
    assert bench.runner.state.books.remembered_since_ms > 0


def test_prices_of_what_is_held_are_read_where_no_stream_brings_them() -> None:
    bench = held()
    bench.venue.script.drop_next(Ticker)
    bench.move("65100")
    assert bench.runner.state.view.tickers[BTC].last == Price.of("65000")
    bench.pass_time(60_000)
    assert bench.runner.state.view.tickers[BTC].last == Price.of("65100")
    assert bench.runner.state.view.tickers[BTC].time_ms == bench.venue.now_ms()


def test_prices_that_cannot_be_read_take_nothing_from_what_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = held()

    def fail(_: Symbol) -> Ticker:
        raise QueryFailed("no prices now")

    monkeypatch.setattr(bench.venue, "ticker", fail)
    whole = perform(ReadActivity(since_ms=0), bench.venue, MemoryClock(bench.venue))
    assert {type(item).__name__ for item in whole} >= {"HistoryRows", "PositionReport"}
    assert isinstance(whole[-1], ActivityRead)
