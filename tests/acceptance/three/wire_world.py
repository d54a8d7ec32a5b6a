"""Bybit's protocol over loopback: the real adapter, real sockets, a journal on disk."""

import enum
import threading
from pathlib import Path

import attrs
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.adapters.v5server.faults import Target
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import MarginMode, OrderReport, PositionReport
from tidegate.ports.exchange import Done, PositionStop
from tidegate.ports.venue import WireVenuePort

from tests.wire.desk_bench import DeskBench

from .world import BTC, LIMITS, START, World

__all__ = ["Condition", "WireWorld"]

FLAP_S = 0.4
LATE_MS = 250
PATIENT = attrs.evolve(LIMITS, stream_grace_ms=120_000)
"""Streams may be down for the whole script: only the rule about them may stop an entry."""


class Condition(enum.Enum):
    """How the streams are while a script runs."""

    UP = "up"
    OFF = "never opened: everything over REST"
    DOWN = "down from the beginning"
    STALE = "up, and they tell nothing of the account"
    FLAPPING = "reset again and again"
    LATE = "behind what REST tells, with older news after newer"


def _venue(exchange: Exchange) -> WireVenuePort:
    return exchange.accounts.first.venue


def _isolate(exchange: Exchange) -> None:
    done = _venue(exchange).set_margin_mode(MarginMode.ISOLATED)
    assert isinstance(done, Done), done


class WireWorld(World):
    """A desk on the Bybit adapter, with a judge in the middle that reads the wire."""

    name = "bybit"

    def __init__(self, folder: Path, condition: Condition = Condition.UP) -> None:
        super().__init__()
        self._condition = condition
        self.reads_all_the_time = condition in {Condition.DOWN, Condition.FLAPPING, Condition.OFF}
        self.bench = DeskBench(
            folder,
            limits=PATIENT,
            start=Price.of(START),
            streams=condition is not Condition.OFF,
            reconnect_delay_ms_min=50,
            reconnect_delay_ms_max=200,
        )
        self.bench.prepare = lambda: self.bench.server.server.call(_isolate)
        self.bench.__enter__()
        self._take_desk()
        self.events = self.bench.events
        self._is_over = threading.Event()
        self._flapper = threading.Thread(target=self._flap, daemon=True)
        self._begin()

    def _take_desk(self) -> None:
        self.application, self.port = self.bench.application, self.bench.venue

    def begin(self) -> None:
        """See :meth:`World.begin`."""
        self.bench.restart()
        self._take_desk()

    def _begin(self) -> None:
        control = self.bench.control
        match self._condition:
            case Condition.DOWN:
                self.disconnect()
            case Condition.STALE:
                control.hold_pushes()
            case Condition.FLAPPING:
                self._flapper.start()
            case Condition.LATE:
                control.set_push_delay(LATE_MS)
                control.set_push_delay(LATE_MS, "order")
            case Condition.UP | Condition.OFF:
                pass

    def _flap(self) -> None:
        while not self._is_over.wait(FLAP_S):
            for kind in (StreamKind.PRIVATE, StreamKind.PUBLIC):
                self.bench.control.abort_streams(kind)

    def price(self, last: str) -> None:
        """See :meth:`World.price`; without a stream the price is asked for."""
        self.move(Price.of(last))
        self.application._runner.sink(self.port.ticker(BTC))
        super().price(last)

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

    def lose_next_answer(self) -> None:
        """See :meth:`World.lose_next_answer`."""
        self.bench.control.lose_next_answer("/v5/order/create")

    def restart_venue(self) -> None:
        """See :meth:`World.restart_venue`."""
        self.bench.control.refuse_next(10019, "The service is restarting.", Target.QUERIES)
        for kind in (StreamKind.PRIVATE, StreamKind.PUBLIC):
            self.bench.control.close_streams(kind)
        self.bench.control.restart_books(BTC)
        self.bench.wait_up()

    def orders(self) -> tuple[OrderReport, ...]:
        """See :meth:`World.orders`."""
        return self.bench.server.server.call(lambda exchange: _venue(exchange).open_orders(BTC))

    def position(self) -> PositionReport:
        """See :meth:`World.position`."""
        return self.bench.server.server.call(lambda exchange: _venue(exchange).position(BTC))

    def flush(self) -> None:
        """See :meth:`World.flush`."""
        if self._condition is not Condition.FLAPPING:
            self.bench.control.settle()

    def close(self) -> None:
        """See :meth:`World.close`."""
        self._is_over.set()
        if self._flapper.ident is not None:
            self._flapper.join()
        self.bench.__exit__()
