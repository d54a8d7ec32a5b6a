"""The accounts of the server: who they are, the venue behind each, and what happened in it.

One account is one user id with one key and one venue. Everything here runs on the server's loop.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import assert_never

import attrs
from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.orders import Symbol, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    StreamReport,
    Ticker,
    UnreadableReport,
    VenueMessage,
)
from tidegate.ports.exchange import TimeRange
from tidegate.ports.venue import WireOrder, WireVenuePort

from .ledger import AccountLedger
from .levels import LimitLevel
from .order_index import OrderIndex
from .rows_executions import execution_stream_row, funding_stream_row
from .rows_orders import OrderView, order_view, stream_row
from .rows_positions import PositionView, position_stream_row
from .rows_wallet import wallet_row
from .text import STATUSES

__all__ = [
    "ALL_PERMISSIONS",
    "ALWAYS",
    "HEDGE",
    "ONE_WAY",
    "Account",
    "AccountSpec",
    "Accounts",
    "Listener",
    "PrivatePush",
    "VenueFactory",
]

ALWAYS = TimeRange(start_ms=0, end_ms=2**53)
"""Every time that a venue can name."""

ONE_WAY = 0
HEDGE = 3
"""Position modes (Bybit V5, position/switch-mode). The venue behind nets: it is one-way."""

ALL_PERMISSIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ContractTrade", ("Order", "Position")),
    ("Derivatives", ("DerivativesTrade",)),
)
"""What a key for a trading core needs (Bybit V5, user/query-api): no withdrawal, no transfer."""

Row = dict[str, object]


@attrs.frozen(kw_only=True)
class PrivatePush:
    """Rows for one private topic: ``order``, ``execution``, ``position`` or ``wallet``."""

    topic: str
    rows: tuple[Row, ...]
    creation_ms: int


Listener = Callable[[PrivatePush], None]


@attrs.frozen(kw_only=True)
class AccountSpec:
    """An account as the caller wants it. ``wallet`` is its opening balance in USDT.

    ``permissions`` are those of its key; ``ips`` the addresses that the key is bound to, none for
    an unbound key. ``is_demo`` takes away what a demo account of the venue lacks.
    """

    key: str
    secret: str = attrs.field(repr=False)
    uid: int
    wallet: Money
    level: LimitLevel = LimitLevel.DEFAULT
    permissions: tuple[tuple[str, tuple[str, ...]], ...] = ALL_PERMISSIONS
    is_read_only: bool = False
    ips: tuple[str, ...] = ("127.0.0.1", "::1")
    is_demo: bool = False


VenueFactory = Callable[[AccountSpec], WireVenuePort]


@attrs.define(eq=False, kw_only=True)
class Account:
    """One account at work. Make it with :meth:`open`.

    ``position_mode`` is what position/switch-mode set, and ``modifies_price`` what
    account/set-limit-px-action did: whether a limit beyond the price limit is moved to it.
    ``tpsl_modes`` are what position/set-tpsl-mode set: the ``tpslMode`` where a request has none.
    """

    spec: AccountSpec
    venue: WireVenuePort
    ledger: AccountLedger
    position_mode: int = ONE_WAY
    modifies_price: bool = True
    tpsl_modes: dict[Symbol, str] = attrs.field(factory=dict)
    _inbox: list[VenueMessage] = attrs.field(factory=list, init=False)
    _listeners: list[Listener] = attrs.field(factory=list, init=False)
    orders: OrderIndex = attrs.field(factory=OrderIndex, init=False)

    @classmethod
    def open(cls, spec: AccountSpec, venue: WireVenuePort) -> "Account":
        """Take over a venue with all that it knows, and listen to it from now on.

        Raises:
            VenueError: the venue gave no usable answer.

        """
        happened: list[Execution | FundingPayment] = []
        happened += venue.executions(None, ALWAYS).rows
        happened += venue.funding_payments(None, ALWAYS).rows
        ledger = AccountLedger.of_history(venue.account().wallet, happened)
        account = cls(spec=spec, venue=venue, ledger=ledger)
        for report in (*venue.order_history(None, ALWAYS).rows, *venue.open_orders()):
            account.orders.note(report)
        venue.connect(account._inbox.append)
        return account

    @property
    def key(self) -> str:
        """Return the API key."""
        return self.spec.key

    @property
    def uid(self) -> int:
        """Return the user id."""
        return self.spec.uid

    @property
    def level(self) -> LimitLevel:
        """Return the tier of the rate limits."""
        return self.spec.level

    def report(self, venue_id: VenueOrderId) -> OrderReport | None:
        """Return the last record of an order, finished or not; ``None`` for an unknown id."""
        order, known = self.venue.wire_order(venue_id), self.orders.by_id(venue_id)
        if known is not None:
            return _as_shown(known.report, order)
        return None if order is None else _as_shown(order.report, order)

    def order_view(self, report: OrderReport) -> OrderView:
        """Return an order with all that its row shows."""
        order = self.venue.wire_order(report.venue_id)
        return order_view(_as_shown(report, order), order, self.ledger.order(report.venue_id))

    def of_execution(self, execution: Execution) -> tuple[OrderReport | None, bool]:
        """Return the order of an execution, and whether it protected a part of a position."""
        order = self.venue.wire_order(execution.venue_id)
        return self.report(execution.venue_id), order is not None and order.is_partial_leg

    def position_view(self, report: PositionReport) -> PositionView:
        """Return a position with all that its row shows.

        Raises:
            VenueError: the venue has stopped.

        """
        symbol = report.symbol
        return PositionView(
            report=report,
            books=self.ledger.symbol(symbol),
            instrument=self.venue.instrument(symbol),
            taker=self.venue.fee_rates(symbol).taker,
            adds_margin=self.venue.auto_add_margin(symbol),
        )

    def wallet_row(self, report: AccountReport) -> Row:
        """Return the wallet row; realised profit is that of all symbols together.

        Raises:
            VenueError: the venue has stopped.

        """
        books = self.ledger.symbols.values()
        realised = sum((book.realised_ever for book in books), ZERO_MONEY)
        return wallet_row(report, self.venue.positions(), realised=realised)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Give every push from now on to ``listener``; the function returned ends that."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def flush(self, now_ms: int) -> None:
        """Turn what the venue said since the last flush into pushes, in the venue's order.

        Every change of an order brings a position row of its symbol, changed or not (Bybit V5,
        websocket position).

        Raises:
            VenueError: the venue has stopped.

        """
        messages, self._inbox[:] = list(self._inbox), []
        if not messages:
            return
        rows = [*self._rows(messages), *self._positions_told(messages)]
        for topic, group in groupby(rows, key=lambda pair: pair[0]):
            push = PrivatePush(topic=topic, rows=tuple(row for _, row in group), creation_ms=now_ms)
            for listener in tuple(self._listeners):
                listener(push)

    def _rows(self, messages: Iterable[VenueMessage]) -> Iterator[tuple[str, Row]]:
        for message in messages:
            match message:
                case OrderReport():
                    self.orders.note(message)
                    if message.status in STATUSES:
                        yield "order", stream_row(self.order_view(message))
                case Execution():
                    booked = self.ledger.book(message)
                    yield "execution", execution_stream_row(booked, *self.of_execution(message))
                case FundingPayment():
                    yield "execution", funding_stream_row(self.ledger.pay(message))
                case PositionReport():
                    yield "position", position_stream_row(self.position_view(message))
                case AccountReport():
                    yield "wallet", self.wallet_row(message)
                case Ticker() | StreamReport() | UnreadableReport():
                    continue
                case other:
                    assert_never(other)

    def _positions_told(self, messages: Iterable[VenueMessage]) -> Iterator[tuple[str, Row]]:
        told = {m.symbol for m in messages if isinstance(m, PositionReport)}
        touched = {m.symbol for m in messages if isinstance(m, OrderReport)}
        for symbol in sorted(touched - told):
            view = self.position_view(self.venue.position(symbol))
            yield "position", position_stream_row(view)


class Accounts:
    """Every account of the server; there is at least one, and no two share a key.

    Raises:
        ValueError: there is none, or two have the same key or user id.

    """

    def __init__(self, specs: Iterable[AccountSpec], make_venue: VenueFactory) -> None:
        specs = tuple(specs)
        if not specs:
            raise ValueError("no account was given: at least one is needed")
        for name in ("key", "uid"):
            values = [getattr(spec, name) for spec in specs]
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"two accounts have the {name} {', '.join(twice)}")
        self._by_key: dict[str, Account] = {}
        for spec in specs:
            self._by_key[spec.key] = Account.open(spec, make_venue(spec))

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_key.values())

    def by_key(self, key: str) -> Account | None:
        """Return the account with an API key."""
        return self._by_key.get(key)

    @property
    def first(self) -> Account:
        """Return the first account that was given; it stands for what all have in common."""
        return next(iter(self))

    def close(self) -> None:
        """Close every venue."""
        for account in self:
            account.venue.close()


def _as_shown(report: OrderReport, order: WireOrder | None) -> OrderReport:
    """Return a record with what the venue shows as a market order's price: its bound."""
    if order is None or order.bound is None:
        return report
    return attrs.evolve(report, price=order.bound)
