"""The control of the venue: its market, its faults and its streams, from any thread.

``Control(server.call)`` works from every thread but the server's own. The same acts are served over
HTTP below ``/control/`` (see ``control_http``).
"""

import enum
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType

from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.money import Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Origin

from .control_base import ControlRefused
from .control_market import MarketControl
from .control_requests import BAD_GATEWAY, RequestControl
from .control_streams import StreamControl
from .faults import Target
from .ws_session import StreamKind

__all__ = ["FAULTS", "Control", "FaultName"]

SLOW_MS = 200
"""How late an answer is that arrives after the pushes of its fill."""

FUNDING_RATE = Rate.of("0.0001")
NARROW_BAND = Rate.of("0.0001")


class FaultName(enum.Enum):
    """Every fault that the venue can have, by name; :meth:`Control.inject` makes it happen."""

    LOST_REQUEST = "the next request never arrives"
    LOST_ACK = "the next request has its effect and no answer"
    LOST_TRADE_ACK = "the next operation of the trade stream has its effect and no answer"
    ACK_AFTER_FILL = "the next answer comes after the pushes of its fill"
    FILL_BEFORE_ACK = "the same, and executions come before the order's own record"
    DUPLICATE_FILL = "the next execution is pushed twice"
    DOUBLE_FILLED = "the next filled order is told twice"
    PARTIAL_BATCH = "the second order of the next batch is refused"
    CLOCK = "10002: the next request is outside its window"
    RATE_LIMIT = "10006: the next request is one too many"
    SERVER_ERROR = "10016: the next request fails inside the venue"
    RESTARTING = "10019: the next request meets a service that restarts"
    REFUSAL = "110007: the next request is refused"
    HTTP_403 = "the next request is blocked for its address"
    HTTP_429 = "the next request meets the system's protection"
    HTTP_502 = "the next request meets a proxy without a server"
    HTML_BODY = "the next answer is HTTP 200 with a page of HTML"
    SLOW_BODY = "the next answer is late"
    CUT_BODY = "the next answer ends in the middle"
    FAILED_QUERY = "the next query of an account fails"
    WS_CLOSE = "the private stream is closed"
    WS_ABORT = "the private stream is reset"
    WS_SILENCE = "the private stream goes dead without closing"
    WS_DOWN = "the private stream is reset and takes no connection"
    AUTH_REFUSAL = "the next authentication of a stream is refused"
    BOOK_GAP = "a book message is lost"
    BOOK_RESTART = "books are sent anew with u = 1"
    BOOK_RESET = "books are sent anew"
    STALE_POSITION = "the next position push is followed by an older one"
    LOST_PUSH = "the next order push is lost"
    HELD_PUSHES = "private pushes are held back"
    WALLET_SILENCE = "wallet pushes stop"
    DEACTIVATED_STOP = "the venue deactivates the position's stop-loss"
    COUPLED_CANCEL = "the venue deactivates a take-profit, and with it the stop of its pair"
    LIQUIDATION = "the position is liquidated"
    DELEVERAGING = "the position is closed by auto-deleveraging"
    FUNDING = "funding is settled"
    PRICE_LIMIT_CLAMP = "limit prices may be no further than 0.01 % from the mark"
    DELISTING = "the symbol is reduce-only"


class Control(MarketControl, RequestControl, StreamControl):
    """Everything that a test or an operator can do to the venue."""

    def inject(self, fault: FaultName, symbol: Symbol | None = None) -> None:
        """Make a fault happen, in its plainest form.

        ``symbol`` is for those of a market or a position; without it it is the first one traded.
        """
        FAULTS[fault](self, self._first_symbol() if symbol is None else symbol)

    def _first_symbol(self) -> Symbol:
        return self._call(lambda exchange: exchange.symbols[0])

    def settle(self, wait_ms: int = 5_000) -> None:
        """Return when everything that was pushed has left; held and lost messages do not count.

        Raises:
            ControlRefused: something still waited after ``wait_ms``.

        """
        done = threading.Event()
        self._call(lambda exchange: exchange.pushes.when_quiet(done.set))
        if not done.wait(wait_ms / 1_000):
            raise ControlRefused(f"messages still wait to be sent after {wait_ms} ms")


def _fill_before_ack(control: Control) -> None:
    control.set_topic_order(("execution",))
    control.delay_next_answer(SLOW_MS, Target.ORDERS)


_Injection = Callable[[Control, Symbol], object]

FAULTS: Mapping[FaultName, _Injection] = MappingProxyType(
    {
        FaultName.LOST_REQUEST: lambda control, _: control.lose_next_request(),
        FaultName.LOST_ACK: lambda control, _: control.lose_next_answer(),
        FaultName.LOST_TRADE_ACK: lambda control, _: control.lose_next_trade_ack(),
        FaultName.ACK_AFTER_FILL: lambda c, _: c.delay_next_answer(SLOW_MS, Target.ORDERS),
        FaultName.FILL_BEFORE_ACK: lambda control, _: _fill_before_ack(control),
        FaultName.DUPLICATE_FILL: lambda control, _: control.repeat_next_push(),
        FaultName.DOUBLE_FILLED: lambda control, _: control.double_next_filled(),
        FaultName.PARTIAL_BATCH: lambda control, _: control.refuse_batch_items(frozenset({1})),
        FaultName.CLOCK: lambda c, _: c.refuse_next(10002, "invalid request: outside its window"),
        FaultName.RATE_LIMIT: lambda control, _: control.refuse_next(10006, "Too many visits!"),
        FaultName.SERVER_ERROR: lambda control, _: control.refuse_next(10016, "Server error."),
        FaultName.RESTARTING: lambda c, _: c.refuse_next(10019, "The service is restarting."),
        FaultName.REFUSAL: lambda c, _: c.refuse_next(110007, "ab not enough for new order"),
        FaultName.HTTP_403: lambda control, _: control.answer_http_next(403, "access too frequent"),
        FaultName.HTTP_429: lambda control, _: control.answer_http_next(429, "system busy"),
        FaultName.HTTP_502: lambda control, _: control.answer_http_next(502, BAD_GATEWAY),
        FaultName.HTML_BODY: lambda control, _: control.answer_http_next(200, BAD_GATEWAY),
        FaultName.SLOW_BODY: lambda control, _: control.delay_next_answer(SLOW_MS, Target.ANY),
        FaultName.CUT_BODY: lambda control, _: control.cut_next_answer(),
        FaultName.FAILED_QUERY: lambda control, _: control.fail_next_query(),
        FaultName.WS_CLOSE: lambda control, _: control.close_streams(StreamKind.PRIVATE),
        FaultName.WS_ABORT: lambda control, _: control.abort_streams(StreamKind.PRIVATE),
        FaultName.WS_SILENCE: lambda control, _: control.silence_streams(StreamKind.PRIVATE),
        FaultName.WS_DOWN: lambda control, _: control.disconnect(),
        FaultName.AUTH_REFUSAL: lambda control, _: control.refuse_auth(),
        FaultName.BOOK_GAP: lambda control, symbol: control.skip_book_update(symbol),
        FaultName.BOOK_RESTART: lambda control, symbol: control.restart_books(symbol),
        FaultName.BOOK_RESET: lambda control, symbol: control.resend_books(symbol),
        FaultName.STALE_POSITION: lambda control, _: control.stale_next_position(),
        FaultName.LOST_PUSH: lambda control, _: control.lose_next_push("order"),
        FaultName.HELD_PUSHES: lambda control, _: control.hold_pushes(),
        FaultName.WALLET_SILENCE: lambda control, _: control.silence_topic(),
        FaultName.DEACTIVATED_STOP: lambda control, symbol: control.cancel_leg(symbol),
        FaultName.COUPLED_CANCEL: lambda c, symbol: c.cancel_leg(symbol, Origin.TAKE_PROFIT),
        FaultName.LIQUIDATION: lambda control, symbol: control.liquidate(symbol),
        FaultName.DELEVERAGING: lambda control, symbol: control.deleverage(symbol),
        FaultName.FUNDING: lambda control, symbol: control.pay_funding(symbol, FUNDING_RATE),
        FaultName.PRICE_LIMIT_CLAMP: lambda c, s: c.set_price_band(s, NARROW_BAND, NARROW_BAND),
        FaultName.DELISTING: lambda c, s: c.set_status(s, InstrumentStatus.REDUCE_ONLY),
    }
)
"""How each fault is made to happen; a test holds that there is one for every name."""
