"""Protection over the wire: managed stops, requests, changes by hand; with streams and without."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.application.settings import TimingSettings
from tidegate.domain.core import events as ev
from tidegate.domain.management import BreakEven, Management, TrailingStop
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Distance, Price, Qty
from tidegate.domain.orders import ProtectiveLeg
from tidegate.domain.protection import PartialPair
from tidegate.domain.reports import OrderReport, Origin, PositionReport
from tidegate.domain.trade import CloseReason
from tidegate.ports.exchange import Done, PositionStop
from tidegate.ports.protection import Protected, ProtectRefused
from tidegate.ports.venue import WireVenuePort

from .desk_bench import BTC, QTY, WAIT_MS, DeskBench, until

__all__: list[str] = []

SLOW = TimingSettings(ask_again_ms=100, close_retry_ms=200, stop_verify_ms=10_000)
BOTH = Management(
    break_even=BreakEven(), trailing=TrailingStop(distance=Distance.of(400), after_rung=1)
)


@pytest.fixture(params=[True, False], ids=["streams", "rest"])
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DeskBench]:
    """A desk with streams, and one that knows of everything by its own readings alone."""
    with DeskBench(tmp_path, timings=SLOW, streams=request.param) as started:
        yield started


def _venue(exchange: Exchange) -> WireVenuePort:
    return exchange.accounts.first.venue


def shown(bench: DeskBench) -> PositionReport:
    return bench.server.server.call(lambda exchange: _venue(exchange).position(BTC))


def orders(bench: DeskBench) -> tuple[OrderReport, ...]:
    return bench.server.server.call(lambda exchange: _venue(exchange).open_orders(BTC))


def hold(bench: DeskBench, management: Management | None = None) -> None:
    bench.placed("held", management=management or Management())
    until(lambda: bench.books.position(BTC).qty == QTY, "the position is held")
    until(lambda: bench.books.trades[BTC].is_stop_confirmed, "its stop is confirmed")


def by_hand(bench: DeskBench, **legs: Any) -> None:
    """Change the protection at the venue, past the desk."""
    stop = PositionStop(symbol=BTC, **legs)
    done = bench.server.server.call(lambda exchange: _venue(exchange).set_position_stop(stop))
    assert isinstance(done, Done), done


def kinds(bench: DeskBench, kind: type) -> list[Any]:
    return [event for event in tuple(bench.events) if isinstance(event, kind)]


def test_break_even_and_a_trailing_stop_stand_at_the_venue_after_the_first_rung(
    bench: DeskBench,
) -> None:
    hold(bench, BOTH)
    first = bench.books.trades[BTC].rungs[0]
    entry = bench.books.trades[BTC].value_opened / bench.books.trades[BTC].qty_opened
    bench.control.price(BTC, first.price + Distance.of(10))
    until(lambda: bench.books.trades[BTC].managed.is_break_even_set, "break-even is confirmed")
    until(lambda: bench.books.trades[BTC].managed.is_trail_shown, "the trailing stop is confirmed")
    at = shown(bench)
    assert at.stop_loss is not None
    assert at.stop_loss > entry
    assert at.stop_loss == bench.books.trades[BTC].stop_wanted
    assert at.trailing_distance == Distance.of(400)
    assert kinds(bench, ev.ProtectionFailed) == []
    assert kinds(bench, ev.StopChangedByHand) == []
    before = at.stop_loss
    bench.restart()
    until(lambda: bench.books.trades[BTC].is_stop_confirmed, "the restarted desk knows the stop")
    assert (shown(bench).stop_loss, shown(bench).trailing_distance) == (before, Distance.of(400))
    bench.control.price(BTC, first.price - Distance.of(395))
    until(lambda: bench.is_flat, "the trailing stop closed what was left")
    closed = kinds(bench, ev.TradeClosed)[-1].trade
    assert closed.reason is CloseReason.TRAILING_STOP
    assert closed.net.sign > 0
    assert orders(bench) == ()
    bench.agree()


def test_an_operators_requests_are_done_when_the_venue_shows_them(bench: DeskBench) -> None:
    hold(bench)
    desk, wanted = bench.desk.protection, bench.books.trades[BTC].stop_wanted
    assert wanted is not None
    tighter = wanted + Distance.of(100)
    for outcome in (
        desk.set_stop(BTC, tighter, timeout_ms=WAIT_MS),
        desk.set_take_profit(BTC, Price.of(90_000), timeout_ms=WAIT_MS),
        desk.set_trailing(BTC, Distance.of(500), activation=Price.of(89_000), timeout_ms=WAIT_MS),
    ):
        assert isinstance(outcome, Protected), outcome
        assert not outcome.was_already
    at = shown(bench)
    assert (at.stop_loss, at.take_profit) == (tighter, Price.of(90_000))
    assert at.trailing_distance == Distance.of(500)
    again = desk.set_stop(BTC, tighter, timeout_ms=WAIT_MS)
    assert isinstance(again, Protected)
    assert again.was_already
    bench.desk.set_trading_state(TradingState.HALTED, "an operator says so")
    assert isinstance(desk.set_stop(BTC, wanted, timeout_ms=WAIT_MS), ProtectRefused)
    assert shown(bench).stop_loss == tighter
    bench.desk.set_trading_state(TradingState.ACTIVE, "an operator says so")
    assert isinstance(desk.clear_take_profit(BTC, timeout_ms=WAIT_MS), Protected)
    assert isinstance(desk.clear_trailing(BTC, timeout_ms=WAIT_MS), Protected)
    at = shown(bench)
    assert (at.take_profit, at.trailing_distance) == (None, None)
    assert kinds(bench, ev.StopLost) == []
    bench.close()
    bench.agree()


def test_a_partial_pair_stands_beside_the_stop_of_the_whole(bench: DeskBench) -> None:
    hold(bench)
    wanted = bench.books.trades[BTC].stop_wanted
    assert wanted is not None
    part = PartialPair(
        qty=Qty.of("0.002"),
        stop_loss=ProtectiveLeg(price=wanted + Distance.of(300)),
        take_profit=ProtectiveLeg(price=Price.of(90_000)),
    )
    outcome = bench.desk.protection.add_partial(BTC, part, timeout_ms=WAIT_MS)
    assert isinstance(outcome, Protected), outcome
    legs = [(o.trigger.price, o.qty) for o in orders(bench) if o.trigger is not None]
    assert (wanted + Distance.of(300), Qty.of("0.002")) in legs
    assert shown(bench).stop_loss == wanted
    bench.control.settle()
    assert kinds(bench, ev.StopLost) == []
    assert kinds(bench, ev.StopChangedByHand) == []
    bench.close()
    until(lambda: orders(bench) == (), "its legs ended with the position")
    bench.agree()


def test_what_somebody_changes_at_the_venue_is_adopted_or_reverted(bench: DeskBench) -> None:
    hold(bench)
    wanted = bench.books.trades[BTC].stop_wanted
    assert wanted is not None
    by_hand(bench, stop_loss=wanted - Distance.of(500))
    until(lambda: bool(kinds(bench, ev.StopChangedByHand)), "the looser stop is seen")
    until(lambda: shown(bench).stop_loss == wanted, "and is moved back")
    until(lambda: bench.books.trades[BTC].is_stop_confirmed, "the desk knows that it is back")
    tighter = wanted + Distance.of(500)
    by_hand(bench, stop_loss=tighter)
    until(lambda: bench.books.trades[BTC].stop_wanted == tighter, "the tighter stop is adopted")
    decided = [event.decision for event in kinds(bench, ev.StopChangedByHand)]
    assert decided == [ev.HandDecision.REVERTED, ev.HandDecision.ADOPTED]
    assert shown(bench).stop_loss == tighter
    until(lambda: not bench.books.findings, "both findings are settled")
    stops = [order for order in orders(bench) if order.origin is Origin.STOP_LOSS]
    assert len(stops) == 1
    bench.close()
    bench.agree()
