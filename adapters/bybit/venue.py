"""Bybit as an exchange port: USDT perpetuals of one unified account in one-way mode."""

import ssl
import threading
from collections.abc import Iterable

import attrs
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Rate
from tidegate.domain.orders import ClientId, Symbol, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    MarginMode,
    OrderReport,
    PositionReport,
    Ticker,
    UnreadableReport,
    VenueMessage,
)
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import (
    Capabilities,
    Capability,
    Done,
    History,
    Holdings,
    MessageSink,
    PositionStop,
    Rejected,
    TimeRange,
    Unknown,
)

from .account_venue import BybitAccount
from .asked import asked
from .batches import BATCH_SIZE_MAX
from .channels import OrderChannel, RestChannel, StreamChannel
from .clock import ServerClock
from .credentials import Credentials
from .history import HistoryQueries
from .hosts import Hosts
from .market import MarketQueries
from .ordering import BybitOrders
from .queries import StateQueries
from .records import RecordQueries
from .rest import RestClient, RestConfig
from .streams.hub import StreamHub
from .streams.settings import StreamConfig
from .unread import Heard
from .venue_market import MarketOfVenue

__all__ = ["BybitConfig", "BybitVenue"]

_CLOCK_LEAD_MS = 1_000
"""How far ahead of the venue's clock a request may be stamped (Bybit V5 "Authentication")."""


def _not_negative(_: object, attribute: "attrs.Attribute[int]", value: int) -> None:
    if value < 0:
        raise ValueError(f"{attribute.name} is {value}; accepted: a whole number, 0 or more")


@attrs.frozen(kw_only=True)
class BybitConfig:
    """How the venue is used. Times are milliseconds.

    ``history_lag_ms`` is how far the venue's history may lag behind what happened.
    ``stream_wait_ms`` is how long connecting waits for the streams; they go on trying after it.
    """

    rest: RestConfig = attrs.field(factory=RestConfig)
    streams: StreamConfig = attrs.field(factory=StreamConfig)
    with_streams: bool = True
    orders_over_stream: bool = False
    history_lag_ms: int = attrs.field(default=3_000, validator=_not_negative)
    stream_wait_ms: int = attrs.field(default=10_000, validator=_not_negative)

    @property
    def not_found_final_ms(self) -> int:
        """Return when "not found" is proven: receive window, clock lead, history lag."""
        return self.rest.recv_window_ms + _CLOCK_LEAD_MS + self.history_lag_ms


class BybitVenue(BybitAccount, BybitOrders, MarketOfVenue):
    """One account at Bybit. Every method may be called from any thread.

    ``clock`` is this machine's; requests are stamped in venue time, which answers reveal. Streams
    carry the account and the tickers of ``symbols``; nothing connects before it is asked to. Once
    connected, a list tells its sink of rows that it cannot read and returns the others.
    ``tls`` replaces the system's trust for REST and streams alike.
    """

    def __init__(
        self,
        *,
        hosts: Hosts,
        credentials: Credentials,
        clock: ClockPort,
        symbols: Iterable[Symbol],
        config: BybitConfig | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = hosts
        self._config = config = BybitConfig() if config is None else config
        self._symbols = tuple(symbols)
        self._clock = ServerClock(clock)
        self.rest = RestClient(
            hosts=hosts, credentials=credentials, clock=self._clock, config=config.rest, tls=tls
        )
        self._queries = StateQueries(self.rest)
        self._history = HistoryQueries(self.rest)
        self.records = RecordQueries(self.rest)
        self.market = MarketQueries(self.rest)
        self._opening = threading.Lock()
        self._sink: MessageSink = _heard_by_nobody
        self._is_open = False
        self._mode: MarginMode | None = None
        self._mode_change = threading.Lock()
        self._account_id: str | None = None
        self._hub = StreamHub(
            hosts=hosts,
            credentials=credentials,
            clock=self._clock,
            config=config.streams,
            ssl_context=tls,
            margin_mode=self._pushed_mode,
        )
        super().__init__(self.rest, self._channel(), self._queries)

    def _channel(self) -> OrderChannel:
        if not self._config.orders_over_stream or self._hosts.trade_url is None:
            return RestChannel(self.rest)
        orders = self._config.rest.orders
        return StreamChannel(
            self.rest,
            self._hub.trade_socket,
            answer_wait_ms=orders.answer_wait_ms,
            rate_wait_ms=orders.rate_wait_ms,
        )

    def __repr__(self) -> str:
        return f"BybitVenue({self._hosts.kind.value}, {self._hosts.rest_url})"

    @property
    def kind(self) -> VenueKind:
        """See :attr:`ExchangePort.kind`."""
        return self._hosts.kind

    @property
    def streams(self) -> StreamHub:
        """The streams, for market data beyond the exchange port."""
        return self._hub

    @property
    def capabilities(self) -> Capabilities:
        """Everything; demo trading has no fee-rate query, and streams may be switched off."""
        missing = set()
        if self.kind is VenueKind.BYBIT_DEMO:
            missing.add(Capability.FEE_RATES)
        if not self._config.with_streams:
            missing.add(Capability.STREAM)
        return Capabilities(
            supported=frozenset(Capability) - missing,
            batch_size_max=BATCH_SIZE_MAX,
            not_found_final_ms=self._config.not_found_final_ms,
        )

    def connect(self, sink: MessageSink) -> None:
        """See :meth:`ExchangePort.connect`; waits for the streams within the configured time.

        Streams that are not up then are told as down, and go on trying.

        Raises:
            QueryFailed: the venue's time or the account's margin mode could not be read.

        """
        self.capabilities.require(Capability.STREAM)
        self._sink = sink
        self._history.told.forget()
        with self._opening:
            if self._is_open:
                return
            self.rest.sync_clock()
            self._read_mode()
            self._hub.open(self._tell, self._symbols)
            if self._config.orders_over_stream:
                self._hub.trade_socket()
            self._is_open = True
        if not self._hub.wait_up(self._config.stream_wait_ms):
            self._hub.give_up_waiting(f"not up within {self._config.stream_wait_ms} ms")

    def _tell(self, message: VenueMessage) -> None:
        self._sink(message)

    def _heard(self) -> Heard | None:
        """Return who is told of rows that a list had to leave out; ``None``: then it fails."""
        return None if self._sink is _heard_by_nobody else self._sink

    def close(self) -> None:
        """See :meth:`ExchangePort.close`."""
        self._sink = _heard_by_nobody
        self._changes.close()
        self._hub.close()
        self.rest.close()

    def instrument(self, symbol: Symbol) -> Instrument:
        """See :meth:`ExchangePort.instrument`."""
        return asked(lambda: self._queries.instrument(symbol))

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """See :meth:`ExchangePort.fee_rates`."""
        self.capabilities.require(Capability.FEE_RATES)
        return asked(lambda: self._queries.fee_rates(symbol))

    def ticker(self, symbol: Symbol) -> Ticker:
        """See :meth:`ExchangePort.ticker`."""
        return asked(lambda: self._queries.ticker(symbol))

    def account(self) -> AccountReport:
        """See :meth:`ExchangePort.account`."""
        mode = self._read_mode()
        return asked(lambda: self._queries.account(mode))

    def account_id(self) -> str:
        """Return the user id of the API key, asked for once.

        Outcomes and errors: see :meth:`ExchangePort.account_id`.
        """
        if self._account_id is None:
            self._account_id = str(self.records.api_key().user_id)
        return self._account_id

    def _pushed_mode(self) -> MarginMode | None:
        """Return the mode that pushed balances are of, ``None`` while that is not certain."""
        return None if self._mode_change.locked() else self._mode

    def _read_mode(self) -> MarginMode:
        self._mode = mode = asked(self._queries.margin_mode)
        return mode

    def position(self, symbol: Symbol) -> PositionReport:
        """See :meth:`ExchangePort.position`."""
        return asked(lambda: self._queries.position(symbol))

    def positions(self) -> tuple[PositionReport, ...]:
        """See :meth:`ExchangePort.positions`."""
        return asked(lambda: self._queries.positions(self._heard()))

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        """See :meth:`ExchangePort.set_position_stop`."""
        return self._changes.set_position_stop(stop)

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        """See :meth:`ExchangePort.set_leverage`."""
        return self._changes.set_leverage(symbol, leverage)

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        """See :meth:`ExchangePort.open_orders`."""
        return asked(lambda: self._queries.open_orders(symbol, self._heard()))

    def holdings(self) -> Holdings:
        """See :meth:`ExchangePort.holdings`; it needs nobody who listens."""
        unreadable: list[UnreadableReport] = []
        orders = asked(lambda: self._queries.open_orders(None, unreadable.append))
        positions = asked(lambda: self._queries.positions(unreadable.append))
        return Holdings(positions=positions, orders=orders, unreadable=tuple(unreadable))

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        """See :meth:`ExchangePort.find_order`."""
        return asked(lambda: self._queries.find_order(symbol, client_id))

    def find_by_venue_id(self, symbol: Symbol, venue_id: VenueOrderId) -> OrderReport | None:
        """See :meth:`ExchangePort.find_by_venue_id`."""
        return asked(lambda: self._queries.find_by_venue_id(symbol, venue_id))

    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        """See :meth:`ExchangePort.order_history`."""
        return asked(lambda: self._history.order_history(symbol, within, self._heard()))

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        """See :meth:`ExchangePort.executions`."""
        return asked(lambda: self._history.executions(symbol, within, self._heard()))

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        """See :meth:`ExchangePort.funding_payments`."""
        return asked(lambda: self._history.funding_payments(symbol, within, self._heard()))


def _heard_by_nobody(message: VenueMessage) -> None:
    del message
