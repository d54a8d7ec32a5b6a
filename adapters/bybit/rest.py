"""The venue's REST interface as typed calls: changes return a reply, queries answer or raise.

Requests that protect, entries, and queries have a session each, with connections of their own: a
query that hangs cannot delay a cancel, and an entry cannot use up what a close needs.
"""

import enum
import ssl
from collections.abc import Callable, Mapping
from typing import assert_never, cast

import attrs
from tidegate.ports.exchange import QueryFailed

from .clock import ServerClock
from .codes import meaning_for_query
from .credentials import Credentials
from .hosts import Hosts
from .limits import Priority, RateLimiter
from .replies import Answered, BadStatus, NoAnswer, NotSent, Refused, Reply
from .sender import Sender, SenderConfig
from .session import PybitSession

__all__ = ["Call", "Lane", "RestClient", "RestConfig", "why_not"]


class Lane(enum.Enum):
    """Which session a request uses."""

    SAFETY = "cancels, closes, stops"
    ORDERS = "entries and settings"
    READS = "queries"


class Call(enum.Enum):
    """The requests that are made; the value is pybit's method."""

    PLACE = "place_order"
    AMEND = "amend_order"
    CANCEL = "cancel_order"
    PLACE_BATCH = "place_batch_order"
    AMEND_BATCH = "amend_batch_order"
    CANCEL_BATCH = "cancel_batch_order"
    CANCEL_ALL = "cancel_all_orders"
    TRADING_STOP = "set_trading_stop"
    SET_LEVERAGE = "set_leverage"
    SWITCH_POSITION_MODE = "switch_position_mode"
    SET_MARGIN_MODE = "set_margin_mode"
    ADD_MARGIN = "add_or_reduce_margin"
    SET_AUTO_ADD_MARGIN = "set_auto_add_margin"
    SET_COLLATERAL = "set_collateral_coin"
    SET_LIMIT_PRICE_ACTION = "set_limit_price_action"
    SET_DISCONNECT_CANCEL = "set_dcp"
    TIME = "get_server_time"
    INSTRUMENTS = "get_instruments_info"
    RISK_LIMITS = "get_risk_limit"
    TICKERS = "get_tickers"
    ORDER_BOOK = "get_orderbook"
    RECENT_TRADES = "get_public_trade_history"
    KLINES = "get_kline"
    MARK_KLINES = "get_mark_price_kline"
    INDEX_KLINES = "get_index_price_kline"
    FUNDING_HISTORY = "get_funding_rate_history"
    OPEN_ORDERS = "get_open_orders"
    ORDER_HISTORY = "get_order_history"
    EXECUTIONS = "get_executions"
    POSITIONS = "get_positions"
    CLOSED_PNL = "get_closed_pnl"
    WALLET = "get_wallet_balance"
    ACCOUNT_INFO = "get_account_info"
    COLLATERAL = "get_collateral_info"
    BORROWINGS = "get_borrow_history"
    FEE_RATES = "get_fee_rates"
    TRANSACTION_LOG = "get_transaction_log"
    USER_SETTINGS = "get_user_setting_config"
    DISCONNECT_CANCEL = "query_dcp_info"
    API_KEY = "get_api_key_information"


def _above_zero(_: object, attribute: "attrs.Attribute[int]", value: int) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} is {value}; accepted: a whole number above zero")


@attrs.frozen(kw_only=True)
class RestConfig:
    """How REST is used. ``recv_window_ms`` is how late a request may arrive and still count.

    ``orders`` bounds requests that change something, ``queries`` those that ask.
    """

    recv_window_ms: int = attrs.field(default=5_000, validator=_above_zero)
    orders: SenderConfig = attrs.field(factory=SenderConfig)
    queries: SenderConfig = attrs.field(
        factory=lambda: SenderConfig(answer_wait_ms=10_000, rate_wait_ms=10_000)
    )


class RestClient:
    """REST of one account. Any thread may call. Without credentials only market data is there."""

    def __init__(
        self,
        *,
        hosts: Hosts,
        credentials: Credentials | None,
        clock: ServerClock,
        config: RestConfig | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        config = RestConfig() if config is None else config
        self.blotted = _as_it_is if credentials is None else credentials.blotted
        self.clock = clock
        self.limiter = RateLimiter()

        def session(url: str | None, priority: Priority, bounds: SenderConfig) -> PybitSession:
            url = hosts.rest_url if url is None else url
            sender = Sender(
                url,
                clock=clock,
                limiter=self.limiter,
                priority=priority,
                config=bounds,
                tls=tls,
                blotted=self.blotted,
            )
            return PybitSession(
                url,
                sender=sender,
                credentials=credentials,
                recv_window_ms=config.recv_window_ms,
            )

        self._sessions = {
            Lane.SAFETY: session(hosts.safety_url, Priority.SAFETY, config.orders),
            Lane.ORDERS: session(hosts.orders_url, Priority.NORMAL, config.orders),
            Lane.READS: session(None, Priority.NORMAL, config.queries),
        }

    def close(self) -> None:
        """Close every connection; a second call is harmless, later requests are not sent."""
        for session in self._sessions.values():
            session.close()

    def change(self, call: Call, body: Mapping[str, object], *, lane: Lane) -> Reply:
        """Make a request that changes something."""
        return self._method(call, lane)(**body)

    def query(
        self, call: Call, params: Mapping[str, object] | None = None, *, lane: Lane = Lane.READS
    ) -> Answered:
        """Ask something.

        Raises:
            QueryFailed: there was no usable answer; the text says which and why.

        """
        reply = self._method(call, lane)(**(params or {}))
        if isinstance(reply, Answered):
            return reply
        raise QueryFailed(f"{call.value}: {why_not(reply)}")

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, object],
        *,
        is_signed: bool,
        lane: Lane = Lane.READS,
    ) -> Reply:
        """Make any request by its path, such as one that pybit has no method for."""
        session = self._sessions[lane]
        submit = cast("Callable[..., Reply]", session._submit_request)
        return submit(method, f"{session.endpoint}{path}", dict(params), is_signed)

    def sync_clock(self) -> int:
        """Measure the venue's clock and return its offset from ours in milliseconds.

        Raises:
            QueryFailed: the venue gave no answer.

        """
        self.query(Call.TIME)
        return self.clock.offset_ms

    def _method(self, call: Call, lane: Lane) -> Callable[..., Reply]:
        return cast("Callable[..., Reply]", getattr(self._sessions[lane], call.value))


def _as_it_is(text: str) -> str:
    return text


def why_not(reply: Refused | BadStatus | NoAnswer | NotSent) -> str:
    """Return why a request was not answered with success."""
    match reply:
        case Refused(code=code, message=message):
            kind = meaning_for_query(code, message).kind
            return f"the venue answered {code} {message!r} ({kind.value})"
        case BadStatus(status=status, text=text):
            return f"HTTP status {status}: {text!r}"
        case NoAnswer(cause=cause):
            return cause
        case NotSent(cause=cause):
            return f"not sent: {cause}"
        case _:
            assert_never(reply)
