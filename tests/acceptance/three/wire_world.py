"""Bybit's protocol over loopback: the real adapter, real sockets, a journal on disk."""

from pathlib import Path

from tidegate.adapters.v5server.exchange import Exchange
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import MarginMode, OrderReport, PositionReport
from tidegate.ports.exchange import Done, PositionStop
from tidegate.ports.venue import WireVenuePort

from tests.wire.desk_bench import DeskBench

from .world import BTC, LIMITS, START, World

__all__ = ["WireWorld"]


def _venue(exchange: Exchange) -> WireVenuePort:
    return exchange.accounts.first.venue


def _isolate(exchange: Exchange) -> None:
    done = _venue(exchange).set_margin_mode(MarginMode.ISOLATED)
    assert isinstance(done, Done), done


class WireWorld(World):
    """A desk on the Bybit adapter, with a judge in the middle that reads the wire."""

    name = "bybit"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.bench = DeskBench(folder, limits=LIMITS, start=Price.of(START))
        self.bench.prepare = lambda: self.bench.server.server.call(_isolate)
        self.bench.__enter__()
        self.application, self.port = self.bench.application, self.bench.venue
        self.events = self.bench.events

    def move(self, last: Price) -> None:
        """See :meth:`World.move`."""
        self.bench.control.price(BTC, last)

    def fund(self, rate: str) -> None:
        """See :meth:`World.fund`."""
        self.bench.control.pay_funding(BTC, Rate.of(rate))

    def liquidate(self) -> None:
        """See :meth:`World.liquidate`."""
        self.bench.control.liquidate(BTC)

    def _post(self, path: str, **body: object) -> None:
        answer = self.bench.server.client().post(
            path, category="linear", symbol=BTC, positionIdx=0, **body
        )
        assert answer.code == 0, answer.text

    def close_by_hand(self) -> None:
        """See :meth:`World.close_by_hand`."""
        side = "Sell" if self.position().qty.sign > 0 else "Buy"
        self._post(
            "/v5/order/create",
            side=side,
            orderType="Market",
            qty="0",
            reduceOnly=True,
            closeOnTrigger=True,
        )

    def foreign_limit(self, side: Side, qty: Qty, price: Price) -> None:
        """See :meth:`World.foreign_limit`."""
        self._post(
            "/v5/order/create",
            side=side.value.capitalize(),
            orderType="Limit",
            qty=str(qty),
            price=str(price),
        )

    def stop_by_hand(self, price: Price) -> None:
        """See :meth:`World.stop_by_hand`."""

        def act(exchange: Exchange) -> object:
            return _venue(exchange).set_position_stop(PositionStop(symbol=BTC, stop_loss=price))

        done = self.bench.server.server.call(act)
        assert isinstance(done, Done), done

    def disconnect(self) -> None:
        """See :meth:`World.disconnect`."""
        for kind in (StreamKind.PRIVATE, StreamKind.PUBLIC):
            self.bench.control.disconnect(kind)

    def reconnect(self) -> None:
        """See :meth:`World.reconnect`."""
        for kind in (StreamKind.PRIVATE, StreamKind.PUBLIC):
            self.bench.control.reconnect(kind)
        self.bench.wait_up()

    def orders(self) -> tuple[OrderReport, ...]:
        """See :meth:`World.orders`."""
        return self.bench.server.server.call(lambda exchange: _venue(exchange).open_orders(BTC))

    def position(self) -> PositionReport:
        """See :meth:`World.position`."""
        return self.bench.server.server.call(lambda exchange: _venue(exchange).position(BTC))

    def flush(self) -> None:
        """See :meth:`World.flush`."""
        self.bench.control.settle()

    def close(self) -> None:
        """See :meth:`World.close`."""
        self.bench.__exit__()
