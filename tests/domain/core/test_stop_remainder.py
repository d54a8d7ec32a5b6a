"""A stop that ran out of volume leaves a bare rest, and beyond its price no new stop can be set."""

from tidegate.domain.core import events as ev
from tidegate.domain.money import Price, Qty
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC, make_bench, signal


def test_what_a_fired_stop_left_over_is_closed_at_once() -> None:
    bench = make_bench()
    bench.desk.open_with_rr(signal())
    price = Price.of("63990")
    bench.venue.script.move(BTC, last=price, bid=price, bid_size=Qty.of("0.004"))
    bench.runner.drain()
    started = [event for event in bench.events() if isinstance(event, ev.CloseStarted)]
    assert [event.reason for event in started] == [CloseReason.STOP]
    bench.venue.script.move(BTC, last=Price.of("63980"))
    bench.pass_time(2_000)
    assert bench.venue.positions() == ()
    assert bench.runner.state.books.position(BTC).is_flat
