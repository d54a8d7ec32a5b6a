"""What the venue does by itself: lost stops, forced closes, funding, limits, a delisting."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from tidegate.adapters.v5server.control import FaultName
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.domain.core.events import Filled, FundingBooked, StopLost
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.money import Price
from tidegate.domain.orders import OrderKind
from tidegate.domain.reports import MarginMode, OrderReport, Origin, PositionReport, RejectReason
from tidegate.domain.signal import Entry
from tidegate.ports.desk import Rejected
from tidegate.ports.exchange import Done

from .desk_bench import BTC, QTY, DeskBench, until
from .fault_case import Case, try_case

__all__ = ["CASES"]


def _position(bench: DeskBench) -> PositionReport:
    return bench.server.server.call(lambda exchange: exchange.accounts.first.venue.position(BTC))


def _resting(bench: DeskBench) -> tuple[OrderReport, ...]:
    return bench.server.server.call(lambda exchange: exchange.accounts.first.venue.open_orders(BTC))


def _held(bench: DeskBench) -> None:
    bench.placed("held")
    until(lambda: bench.books.position(BTC).qty == QTY, "the position is held")
    until(lambda: bench.books.trades[BTC].is_stop_confirmed, "its stop is confirmed")
    until(lambda: len(_targets(bench)) == 2, "both targets rest at the venue")


def _targets(bench: DeskBench) -> list[OrderReport]:
    return [order for order in _resting(bench) if order.client_id is not None]


def _deactivated_stop(bench: DeskBench) -> None:
    """A stop that disappears is noticed, and the position does not stay without one."""
    _held(bench)
    wanted = bench.books.trades[BTC].stop_wanted
    assert _position(bench).stop_loss == wanted
    bench.control.inject(FaultName.DEACTIVATED_STOP, BTC)
    assert _position(bench).stop_loss is None
    until(lambda: bench.happened(StopLost) == 1, "the loss was noticed")
    until(
        lambda: _position(bench).qty.sign == 0 or _position(bench).stop_loss == wanted,
        "it is protected again, or closed",
    )
    bench.close()


def _coupled_cancel(bench: DeskBench) -> None:
    """A pair that somebody else set goes together; the desk's own stop and targets stay."""
    _held(bench)
    before = _targets(bench)
    pair = {"tpSize": "0.005", "slSize": "0.005", "takeProfit": "69000", "stopLoss": "62000"}
    set_by_hand = bench.server.client().post(
        "/v5/position/trading-stop",
        category="linear",
        symbol=BTC,
        positionIdx=0,
        tpslMode="Partial",
        **pair,
    )
    assert set_by_hand.code == 0, set_by_hand.text
    assert len(_legs(bench)) == 3, "the desk's stop, and the pair"
    bench.control.inject(FaultName.COUPLED_CANCEL, BTC)
    assert len(_legs(bench)) == 1
    bench.control.settle()
    assert _position(bench).stop_loss == bench.books.trades[BTC].stop_wanted
    assert _targets(bench) == before
    bench.agree()
    bench.close()


def _legs(bench: DeskBench) -> list[OrderReport]:
    legs = (Origin.STOP_LOSS, Origin.TAKE_PROFIT)
    return [order for order in _resting(bench) if order.origin in legs]


def _isolate(exchange: Exchange) -> None:
    done = exchange.accounts.first.venue.set_margin_mode(MarginMode.ISOLATED)
    assert isinstance(done, Done), done


def _forced(fault: FaultName, origin: Origin) -> Case:
    """A close that nobody here asked for is booked with its cause, and leaves no order behind."""

    def run(bench: DeskBench) -> None:
        bench.server.server.call(_isolate)
        _held(bench)
        bench.control.inject(fault, BTC)
        until(lambda: bench.books.position(BTC).is_flat, "the forced close was booked")
        until(lambda: not bench.books.orders, "no order is left at the desk")
        until(lambda: _resting(bench) == (), "no order is left at the venue")
        fills = [event.execution for event in bench.events if isinstance(event, Filled)]
        assert [fill.origin for fill in fills[-1:]] == [origin]
        assert _position(bench).qty.sign == 0

    return Case(run)


def _funding(bench: DeskBench) -> None:
    """0.013 x 65000.3 x 0.0001 = 0.08450039 is paid by the long, and booked once."""
    _held(bench)
    bench.control.inject(FaultName.FUNDING, BTC)
    until(lambda: bench.happened(FundingBooked) == 1, "funding was booked")
    assert bench.books.ledger is not None
    assert str(bench.books.ledger.funding) == "0.08450039"
    bench.agree()
    bench.close()


def _clamped(bench: DeskBench) -> None:
    """The venue moves a limit to its bound: what is held is what was filled, with its stop."""
    bench.control.inject(FaultName.PRICE_LIMIT_CLAMP, BTC)
    beyond = Price.of("65050")
    placed = bench.placed("clamped", entry=Entry(kind=OrderKind.LIMIT, price=beyond))
    shown = bench.venue.find_order(BTC, placed.client_id)
    assert shown is not None
    assert shown.price is not None
    assert shown.price < beyond, "the bound is 0.01 % above the mark"
    until(lambda: bench.books.position(BTC).qty == QTY, "the position is held")
    until(lambda: bench.books.trades[BTC].is_stop_confirmed, "its stop is confirmed")
    bench.agree()
    bench.close()


def _delisted(bench: DeskBench) -> None:
    """A symbol that is to go takes no entry any more; what is held can still be closed."""
    _held(bench)
    bench.control.inject(FaultName.DELISTING, BTC)
    bench.close()
    outcome = bench.open("too late")
    assert isinstance(outcome, Rejected), outcome
    assert outcome.reason is RejectReason.TRADING_HALTED
    assert bench.is_flat
    bench.control.set_status(BTC, InstrumentStatus.TRADING)


CASES: Mapping[FaultName, Case] = MappingProxyType(
    {
        FaultName.DEACTIVATED_STOP: Case(_deactivated_stop),
        FaultName.COUPLED_CANCEL: Case(_coupled_cancel),
        FaultName.LIQUIDATION: _forced(FaultName.LIQUIDATION, Origin.LIQUIDATION),
        FaultName.DELEVERAGING: _forced(FaultName.DELEVERAGING, Origin.AUTO_DELEVERAGING),
        FaultName.FUNDING: Case(_funding),
        FaultName.PRICE_LIMIT_CLAMP: Case(_clamped),
        FaultName.DELISTING: Case(_delisted),
    }
)


@pytest.mark.parametrize("fault", CASES, ids=lambda fault: fault.name)
def test_what_the_venue_does_by_itself_is_booked_and_survived(
    fault: FaultName, tmp_path: Path
) -> None:
    try_case(CASES[fault], fault, tmp_path)
