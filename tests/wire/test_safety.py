"""What must hold of a live desk whatever happens, seen at the venue over the wire."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.settings import TimingSettings
from tidegate.domain.core.events import PanicEnded, StopMissing, TradeClosed
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Price
from tidegate.domain.orders import OrderKind, OrderRequest
from tidegate.domain.reports import OrderReport, Origin, PositionReport
from tidegate.domain.signal import Entry
from tidegate.domain.trade import CloseReason
from tidegate.ports.desk import Refused
from tidegate.ports.exchange import Done, PositionStop
from tidegate.ports.venue import WireVenuePort

from .desk_bench import BTC, QTY, WAIT_MS, DeskBench, stays, until

__all__: list[str] = []

STOP = "/v5/position/trading-stop"
CREATE = "/v5/order/create"
HANGS_MS = 6_000
"""How long the adapter waits for an answer that never comes."""

QUICK = TimingSettings(ask_again_ms=100, close_retry_ms=200, stop_verify_ms=400)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DeskBench]:
    """A desk that closes what shows no stop within 0.4 s."""
    with DeskBench(tmp_path, timings=QUICK) as started:
        yield started


def _venue(exchange: Exchange) -> WireVenuePort:
    return exchange.accounts.first.venue


def _at_venue(bench: DeskBench) -> PositionReport:
    return bench.server.server.call(lambda exchange: _venue(exchange).position(BTC))


def _orders(bench: DeskBench) -> tuple[OrderReport, ...]:
    return bench.server.server.call(lambda exchange: _venue(exchange).open_orders(BTC))


def _held(bench: DeskBench) -> None:
    bench.placed("held")
    until(lambda: bench.books.position(BTC).qty == QTY, "the position is held")
    until(lambda: bench.books.trades[BTC].is_stop_confirmed, "its stop is confirmed")
    until(lambda: len(_ours(bench)) == 2, "both targets rest at the venue")


def _ours(bench: DeskBench) -> list[OrderReport]:
    known = set(bench.books.orders)
    return [order for order in _orders(bench) if order.client_id in known]


def _by_hand(bench: DeskBench, **order: str | bool) -> str:
    """Send an order as the venue's own app would; return its id."""
    reply = bench.server.client().post(
        CREATE, category="linear", symbol=BTC, positionIdx=0, **order
    )
    assert reply.code == 0, reply.text
    return str(reply.result["orderId"])


def _foreign(bench: DeskBench) -> str:
    return _by_hand(
        bench, side="Buy", orderType="Limit", qty="0.01", price="60000", orderLinkId="by-hand"
    )


def _is_open(bench: DeskBench, venue_id: str) -> bool:
    return any(order.venue_id == venue_id for order in _orders(bench))


def _ignore_attached_stops(exchange: Exchange) -> None:
    """Let the venue take entries and forget the stop inside: what no acknowledgement shows."""
    venue: Any = _venue(exchange)
    take: Callable[..., object] = venue.submit

    def submit(order: OrderRequest, **more: Any) -> object:
        return take(attrs.evolve(order, stop_loss=None), **more)

    venue.submit = submit


def test_a_stop_that_never_appears_leads_to_a_closed_position(bench: DeskBench) -> None:
    bench.server.server.call(_ignore_attached_stops)
    bench.control.refuse_next(10001, "StopLoss is not taken", STOP, count=1_000)
    bench.open("bare", timeout_ms=3_000)
    until(lambda: bench.happened(TradeClosed) == 1, "closed soon after the deadline", seconds=5)
    assert bench.happened(StopMissing) == 1
    closed = [event.trade for event in bench.events if isinstance(event, TradeClosed)]
    assert [trade.reason for trade in closed] == [CloseReason.UNPROTECTED]
    assert _at_venue(bench).qty.sign == 0
    until(lambda: _orders(bench) == (), "nothing of the trade is left at the venue")
    bench.control.clear_faults()
    bench.agree()


def test_panic_ends_flat_with_streams_down_and_a_call_that_hangs(tmp_path: Path) -> None:
    """What is held is closed while the call still hangs; flat is proven once its end is known."""
    with DeskBench(tmp_path, timings=QUICK, order_timeout_ms=HANGS_MS) as bench:
        _held(bench)
        foreign = _foreign(bench)
        for kind in (StreamKind.PRIVATE, StreamKind.PUBLIC):
            bench.control.disconnect(kind)
        until(lambda: bench.engine.state.view.stream_down_since_ms is not None, "the desk knows")
        bench.control.lose_next_request(CREATE, hangs=True)
        hanging = threading.Thread(target=bench.open, args=("hangs",), kwargs={"timeout_ms": 500})
        hanging.start()
        until(lambda: bench.control.faults_waiting() == 0, "the entry hangs at the venue")
        ended: list[tuple[str, ...]] = []
        panic = threading.Thread(
            target=lambda: ended.append(bench.desk.panic("a call hangs", timeout_ms=WAIT_MS))
        )
        panic.start()
        until(lambda: _at_venue(bench).qty.sign == 0, "closed at the venue", seconds=5)
        assert bench.engine.state.view.in_flight, "the call hangs no longer: nothing was shown"
        for thread in (panic, hanging):
            thread.join(WAIT_MS / 1_000)
        assert ended == [()]
        assert _at_venue(bench).qty.sign == 0
        assert _orders(bench) == ()
        assert not _is_open(bench, foreign)
        assert bench.desk.status().trading_state is TradingState.HALTED
        for kind in (StreamKind.PRIVATE, StreamKind.PUBLIC):
            bench.control.reconnect(kind)
        bench.agree()


def test_a_close_that_is_refused_in_panic_keeps_the_stop_and_is_told(bench: DeskBench) -> None:
    _held(bench)
    wanted = bench.books.trades[BTC].stop_wanted
    bench.control.refuse_next(110017, "current position is zero", CREATE, count=10_000)
    left = bench.desk.panic("cannot close", timeout_ms=1_500)
    assert any(text.startswith(BTC) for text in left), left
    assert _at_venue(bench).qty == QTY
    assert _at_venue(bench).stop_loss == wanted
    assert [order.origin for order in _orders(bench)].count(Origin.STOP_LOSS) == 1
    bench.control.clear_faults()
    until(lambda: bench.happened(PanicEnded) == 1, "panic goes on until it is flat")
    assert _at_venue(bench).qty.sign == 0
    assert _orders(bench) == ()
    bench.agree()


def test_a_second_panic_is_harmless(bench: DeskBench) -> None:
    _held(bench)
    assert bench.desk.panic("first", timeout_ms=WAIT_MS) == ()
    sent = bench.sent_ids()
    assert bench.desk.panic("second", timeout_ms=WAIT_MS) == ()
    assert bench.sent_ids() == sent, "the second one had nothing to send"
    assert _at_venue(bench).qty.sign == 0
    assert isinstance(bench.open("after", timeout_ms=2_000), Refused)
    bench.agree()


def test_a_restart_after_panic_stays_halted(bench: DeskBench) -> None:
    _held(bench)
    assert bench.desk.panic("for good", timeout_ms=WAIT_MS) == ()
    bench.restart()
    assert bench.desk.status().trading_state is TradingState.HALTED
    assert bench.desk.status().panic_cause == "for good"
    assert isinstance(bench.open("after", timeout_ms=2_000), Refused)
    bench.desk.reset_panic(confirmation="RESET")
    bench.desk.set_trading_state(TradingState.ACTIVE, "an operator looked")
    bench.wait_up()
    bench.placed("again")
    bench.close()


def test_halted_an_operator_still_reduces_and_nobody_opens(bench: DeskBench) -> None:
    _held(bench)
    bench.desk.set_trading_state(TradingState.HALTED, "an operator says so")
    assert isinstance(bench.open("more", timeout_ms=2_000), Refused)
    assert _at_venue(bench).qty == QTY
    assert _at_venue(bench).stop_loss == bench.books.trades[BTC].stop_wanted
    bench.close()
    assert _at_venue(bench).qty.sign == 0
    bench.agree()


def test_reducing_neither_opens_from_flat_nor_flips(bench: DeskBench) -> None:
    bench.desk.set_trading_state(TradingState.REDUCING, "an operator says so")
    assert isinstance(bench.open("from flat", timeout_ms=2_000), Refused)
    bench.desk.set_trading_state(TradingState.ACTIVE, "an operator says so")
    _held(bench)
    bench.desk.set_trading_state(TradingState.REDUCING, "an operator says so")
    assert isinstance(bench.open("more", timeout_ms=2_000), Refused)
    _by_hand(
        bench, side="Sell", orderType="Market", qty="0.01", reduceOnly=True, orderLinkId="part"
    )
    until(lambda: bench.books.position(BTC).qty < QTY, "a part was sold by hand")
    bench.close()
    stays(lambda: _at_venue(bench).qty.sign == 0, "flat, and not short")
    bench.agree()


def test_a_close_by_hand_takes_our_orders_along_and_no_other(bench: DeskBench) -> None:
    _held(bench)
    foreign = _foreign(bench)
    # The venue itself ends reduce-only orders of a flat symbol, and no entry that still rests.
    bench.placed("more", entry=Entry(kind=OrderKind.LIMIT, price=Price.of(64500)))
    until(lambda: len(_ours(bench)) == 3, "the addition rests at the venue")
    _by_hand(bench, side="Sell", orderType="Market", qty="0", reduceOnly=True, closeOnTrigger=True)
    until(lambda: bench.is_flat, "the desk knows that it is flat")
    until(lambda: len(_orders(bench)) == 1, "only the foreign order is left")
    assert _is_open(bench, foreign)
    bench.agree()


def test_a_foreign_order_survives_all_but_panic(bench: DeskBench) -> None:
    foreign = _foreign(bench)
    _held(bench)
    bench.desk.set_trading_state(TradingState.HALTED, "an operator says so")
    bench.desk.set_trading_state(TradingState.ACTIVE, "an operator says so")
    bench.close()
    bench.restart()
    bench.wait_up()
    bench.placed("again")
    bench.close()
    assert _is_open(bench, foreign)
    assert bench.desk.panic("takes everything", timeout_ms=WAIT_MS) == ()
    assert not _is_open(bench, foreign)


def test_a_stop_moved_by_hand_is_seen(bench: DeskBench) -> None:
    """REST and stream show what somebody did in the app; the position does not stay without."""
    _held(bench)
    wanted = bench.books.trades[BTC].stop_wanted
    assert wanted is not None

    def clear(exchange: Exchange) -> object:
        return _venue(exchange).set_position_stop(
            PositionStop(symbol=BTC, stop_loss=type(wanted).of(0))
        )

    assert isinstance(bench.server.server.call(clear), Done)
    until(lambda: _at_venue(bench).stop_loss == wanted, "the stop is back")
    bench.close()
    bench.agree()
