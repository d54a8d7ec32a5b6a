"""The Bybit adapter against the venue that speaks its protocol, over real sockets on loopback.

Not a fake: the same adapter that trades, with signing, limits, clocks and streams, and behind the
server a paper venue.
"""

import itertools
import threading
from collections.abc import Callable
from typing import ClassVar

from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.rest import RestConfig
from tidegate.adapters.bybit.sender import SenderConfig
from tidegate.adapters.bybit.streams.settings import RetryLimits, StreamConfig
from tidegate.adapters.bybit.venue import BybitConfig, BybitVenue
from tidegate.adapters.v5server.accounts import HEDGE, AccountSpec, PrivatePush
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.adapters.v5server.faults import AnswerCode, RequestFault, Stage, Target, Wire
from tidegate.adapters.v5server.levels import LimitLevel
from tidegate.adapters.v5server.server import V5Server
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.clocks import SystemClock
from tidegate.contracts.exchange_bench import Ability, Drive, ExchangeBench
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.reports import (
    OrderReport,
    RejectReason,
    StreamReport,
    StreamState,
    VenueMessage,
)
from tidegate.ports.exchange import Done, ExchangePort

from tests.adapters.v5server.bench import KEY, SECRET, Bench
from tests.domain.samples import BTCUSDT

__all__ = [
    "BybitBench",
    "BybitDrive",
    "WatchedVenue",
    "bybit",
    "bybit_demo",
    "bybit_over_stream",
    "wait_until",
]

START = Price.of("60000")
WAIT_S = 10
_MARKER = "MARKERUSDT-"
_CODES = {
    RejectReason.INSUFFICIENT_MARGIN: (110007, "ab not enough for new order"),
    RejectReason.NOT_MODIFIED: (34040, "not modified"),
    RejectReason.TRADING_HALTED: (110074, "This contract is not live"),
    RejectReason.PRICE_OUT_OF_RANGE: (110003, "Order price exceeds the allowable range."),
}
_MARKER_ROW = {
    "orderId": "marker",
    "side": "Buy",
    "orderType": "Limit",
    "orderStatus": "New",
    "timeInForce": "GTC",
    "price": "1",
    "qty": "1",
    "cumExecQty": "0",
    "createdTime": "1",
    "updatedTime": "1",
}


class WatchedVenue(BybitVenue):
    """The adapter, and a way to know that everything sent before a marker has arrived.

    A marker is an order row of a symbol that does not exist; the sink never sees it.
    """

    wait_s: ClassVar[float] = WAIT_S

    def __init__(self, *, hosts: Hosts, config: BybitConfig) -> None:
        super().__init__(
            hosts=hosts,
            credentials=Credentials(KEY, SECRET),
            clock=SystemClock(),
            symbols=[BTCUSDT.symbol],
            config=config,
        )
        self._changed = threading.Condition()
        self._markers: set[str] = set()
        self._state = StreamState.DOWN
        self.is_closed = False

    def _tell(self, message: VenueMessage) -> None:
        with self._changed:
            if isinstance(message, OrderReport) and message.symbol.startswith(_MARKER):
                self._markers.add(message.symbol)
                self._changed.notify_all()
                return
            if isinstance(message, StreamReport):
                self._state = message.state
                self._changed.notify_all()
        super()._tell(message)

    def close(self) -> None:
        self.is_closed = True
        super().close()

    def wait_marker(self, marker: str) -> None:
        with self._changed:
            arrived = self._changed.wait_for(lambda: marker in self._markers, self.wait_s)
            assert arrived, f"{marker} did not arrive; the streams are {self._state.value}"

    def wait_state(self, state: StreamState) -> None:
        with self._changed:
            arrived = self._changed.wait_for(lambda: self._state is state, self.wait_s)
            assert arrived, f"the streams are {self._state.value}, not {state.value}"


class BybitDrive(Drive):
    """Drives the venue behind the wire by its control."""

    def __init__(self, venue: WatchedVenue, control: Control, server: Bench) -> None:
        self._venue = venue
        self._control = control
        self._server = server
        self._numbers = itertools.count(1)
        self._is_down = False
        self._is_holding = False

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(Ability)

    def price(self, last: Price, *, mark: Price | None = None, size: Qty | None = None) -> None:
        self._control.price(BTCUSDT.symbol, last, mark, size)

    def now_ms(self) -> int:
        return self._control.now_ms()

    def settle(self) -> None:
        """Wait until the server has sent everything, and the adapter has heard all of it."""
        self._control.settle()
        if self._venue.is_closed or self._is_holding:
            return
        if self._is_down:
            self._venue.wait_state(StreamState.DOWN)
            return
        self._venue.wait_state(StreamState.UP)
        marker = f"{_MARKER}{next(self._numbers)}"
        self._server.server.call(lambda exchange: _push_marker(exchange, marker))
        self._venue.wait_marker(marker)

    def advance(self, ms: int) -> None:
        self._control.advance(ms)

    def reject_next(self, reason: RejectReason) -> None:
        self._control.refuse_next(*_CODES[reason])

    def reject_items(self, places: frozenset[int]) -> None:
        self._control.refuse_batch_items(places, *_CODES[RejectReason.INSUFFICIENT_MARGIN])

    def lose_next_request(self) -> None:
        self._control.lose_next_request()

    def lose_next_answer(self) -> None:
        self._control.lose_next_answer()

    def fail_next_query(self) -> None:
        self._control.answer_http_next(502, "Bad Gateway", Target.ANY)

    def disconnect(self) -> None:
        self._is_down = True
        self._control.disconnect()

    def reconnect(self) -> None:
        self._is_down = False
        self._control.reconnect()

    def hold_messages(self) -> None:
        self._is_holding = True
        self._control.hold_pushes()

    def release_messages(self) -> None:
        self._is_holding = False
        self._control.release_pushes()

    def repeat_next_execution(self) -> None:
        self._control.repeat_next_push()

    def repeat_next_filled(self) -> None:
        self._control.double_next_filled()

    def release_reversed(self) -> None:
        self._is_holding = False
        self._server.server.call(_release_reversed)

    def liquidate(self) -> None:
        self._control.liquidate(BTCUSDT.symbol)

    def switch_to_hedge_mode(self) -> None:
        self._server.server.call(_switch_to_hedge_mode)

    def pay_funding(self, rate: Rate) -> None:
        self._control.pay_funding(BTCUSDT.symbol, rate)

    def transfer(self, amount: Money) -> None:
        self._server.server.call(lambda exchange: _transfer(exchange, amount))


def _release_reversed(exchange: Exchange) -> None:
    exchange.pushes.faults(KEY)._kept.reverse()
    exchange.pushes.release(KEY)


def _transfer(exchange: Exchange, amount: Money) -> None:
    account, now_ms = exchange.accounts.first, exchange.clock.now_ms()
    account.venue.advance_to(now_ms)
    assert isinstance(account.venue.adjust_wallet(amount), Done)
    account.ledger.move(amount, time_ms=now_ms)


def _switch_to_hedge_mode(exchange: Exchange) -> None:
    exchange.accounts.first.position_mode = HEDGE


def _push_marker(exchange: Exchange, marker: str) -> None:
    row: dict[str, object] = {**_MARKER_ROW, "symbol": marker}
    push = PrivatePush(topic="order", rows=(row,), creation_ms=exchange.clock.now_ms())
    exchange.pushes.collect(KEY, push)


class BybitBench(ExchangeBench):
    """A server of its own for each case."""

    def __init__(
        self,
        *,
        kind: VenueKind = VenueKind.BYBIT_TESTNET,
        over_stream: bool = False,
        rate_wait_ms: int = 10_000,
        adapter: type[WatchedVenue] = WatchedVenue,
        level: LimitLevel = LimitLevel.PRO1,
        answer_wait_ms: int = 5_000,
    ) -> None:
        super().__init__()
        spec = AccountSpec(
            key=KEY,
            secret=SECRET,
            uid=1001,
            wallet=Money.of("20000"),
            level=level,
            is_demo=kind is VenueKind.BYBIT_DEMO,
        )
        self._server = Bench([spec], instruments=[BTCUSDT])
        self._server.server.start()
        self.control = control = Control(self._server.server.call)
        control.price(BTCUSDT.symbol, START)
        hosts = Hosts.loopback(
            rest_url=self._server.server.rest_url, ws_url=self._server.server.ws_url, kind=kind
        )
        orders = SenderConfig(rate_wait_ms=rate_wait_ms, answer_wait_ms=answer_wait_ms)
        config = _config(orders, over_stream=over_stream)
        self.venue = self._venue = adapter(hosts=hosts, config=config)
        self._drive = BybitDrive(self._venue, control, self._server)

    @property
    def port(self) -> ExchangePort:
        return self._venue

    @property
    def drive(self) -> Drive:
        return self._drive

    @property
    def instrument(self) -> Instrument:
        return BTCUSDT

    @property
    def start_price(self) -> Price:
        return START

    @property
    def server(self) -> V5Server:
        """The venue's server, to look behind its wire."""
        return self._server.server

    @property
    def rest_url(self) -> str:
        return self._server.server.rest_url

    def wait_trade_stream(self) -> bool:
        """Wait until orders can go by the stream."""
        socket = self._venue.streams.trade_socket()
        assert socket is not None
        return wait_until(lambda: socket.is_up)

    def drop_trade_stream(self) -> None:
        """Take the order stream down for good."""
        socket = self._venue.streams.trade_socket()
        assert socket is not None
        self.control.disconnect(StreamKind.TRADE)
        assert wait_until(lambda: not socket.is_up)

    def refuse_over_rest(self, path: str) -> None:
        """Refuse the next request of that path that does not come by the order stream."""
        fault = RequestFault(stage=Stage.BEFORE, action=AnswerCode(10017, "not over REST"))
        self._server.server.call(
            lambda exchange: exchange.faults.plan(fault, target=path, wires=frozenset({Wire.REST}))
        )

    def close(self) -> None:
        self._venue.close()
        self._server.server.stop()


def wait_until(is_so: Callable[[], bool]) -> bool:
    """Look again every few milliseconds; nothing tells of this state."""
    pause = threading.Event()
    for _ in range(WAIT_S * 200):
        if is_so():
            return True
        pause.wait(0.005)
    return False


def _config(orders: SenderConfig, *, over_stream: bool) -> BybitConfig:
    """Come back to the streams quickly."""
    return BybitConfig(
        rest=RestConfig(orders=orders),
        streams=StreamConfig(retry=RetryLimits(pause_ms_min=5, pause_ms_max=20)),
        orders_over_stream=over_stream,
    )


def bybit() -> ExchangeBench:
    """The adapter with orders over REST."""
    return BybitBench()


def bybit_over_stream() -> ExchangeBench:
    """The adapter with orders over the venue's stream."""
    return BybitBench(over_stream=True)


def bybit_demo() -> ExchangeBench:
    """The adapter at a demo account, which lacks the fee-rate query and the order stream."""
    return BybitBench(kind=VenueKind.BYBIT_DEMO)
