"""The venue's state in memory, what changed since the last commit, and the messages about it."""

import hashlib
from collections.abc import Iterable

import attrs
from tidegate.domain.bookkeeping import Closing
from tidegate.domain.instrument import Instrument
from tidegate.domain.lifecycle import Status, may_become
from tidegate.domain.market import FundingRate, PublicTrade
from tidegate.domain.orders import ClientId, Symbol, TriggerBy, VenueOrderId
from tidegate.domain.records import AccountChange
from tidegate.domain.reports import Bar, CancelReason, Execution, FundingPayment, VenueMessage

from .book import Book
from .records import Head, PaperOrder, PaperPosition, PendingRequest

__all__ = ["Changes", "PaperState", "derived_id"]


def derived_id(seed: int, kind: str, number: int) -> str:
    """Return an id in the form of a UUID that depends on its arguments alone."""
    text = hashlib.sha256(f"{seed}:{kind}:{number}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


@attrs.define
class Changes:
    """What one transaction will write; ``closings`` with the number of their last execution."""

    orders: dict[int, PaperOrder] = attrs.field(factory=dict)
    positions: dict[Symbol, PaperPosition] = attrs.field(factory=dict)
    books: dict[Symbol, Book] = attrs.field(factory=dict)
    executions: list[Execution] = attrs.field(factory=list)
    payments: list[FundingPayment] = attrs.field(factory=list)
    account_changes: list[AccountChange] = attrs.field(factory=list)
    closings: dict[VenueOrderId, tuple[int, Closing]] = attrs.field(factory=dict)
    bars: dict[tuple[Symbol, TriggerBy, int], Bar] = attrs.field(factory=dict)
    trades: list[PublicTrade] = attrs.field(factory=list)
    rates: list[FundingRate] = attrs.field(factory=list)
    requests_added: list[PendingRequest] = attrs.field(factory=list)
    requests_done: list[int] = attrs.field(factory=list)
    instruments: dict[Symbol, Instrument] = attrs.field(factory=dict)

    @property
    def has_tape(self) -> bool:
        """Tell whether the public saw something to keep."""
        return bool(self.bars or self.trades or self.rates)

    @property
    def is_market_only(self) -> bool:
        """Tell whether the market moved and nothing of ours with it."""
        return not (
            self.orders
            or self.positions
            or self.executions
            or self.payments
            or self.account_changes
            or self.requests_added
            or self.requests_done
            or self.instruments
        )


@attrs.define(kw_only=True)
class PaperState:
    """Everything that is alive. Finished orders leave it with the commit that ends them.

    ``bars`` and ``last_trades`` are the last that the public saw of each price and symbol.
    """

    head: Head
    orders: dict[int, PaperOrder] = attrs.field(factory=dict)
    positions: dict[Symbol, PaperPosition] = attrs.field(factory=dict)
    books: dict[Symbol, Book] = attrs.field(factory=dict)
    requests: dict[int, PendingRequest] = attrs.field(factory=dict)
    bars: dict[tuple[Symbol, TriggerBy], Bar] = attrs.field(factory=dict)
    last_trades: dict[Symbol, PublicTrade] = attrs.field(factory=dict)
    changes: Changes = attrs.field(factory=Changes)
    messages: list[VenueMessage] = attrs.field(factory=list)
    symbols_changed: set[Symbol] = attrs.field(factory=set)
    account_changed: bool = False

    def orders_of(self, symbol: Symbol) -> list[PaperOrder]:
        """Return the unfinished orders of a symbol, oldest first."""
        return [o for o in self.orders.values() if o.symbol == symbol and o.is_open]

    def by_client_id(self, client_id: ClientId) -> PaperOrder | None:
        """Return the unfinished order with this client id."""
        return next((o for o in self._open() if o.client_id == client_id), None)

    def by_venue_id(self, venue_id: VenueOrderId) -> PaperOrder | None:
        """Return the unfinished order with this venue id."""
        return next((o for o in self._open() if o.venue_id == venue_id), None)

    def _open(self) -> Iterable[PaperOrder]:
        return (o for o in self.orders.values() if o.is_open)

    def is_idle(self, symbol: Symbol) -> bool:
        """Tell whether nothing of ours depends on the price of ``symbol``."""
        held = self.positions[symbol]
        if not held.position.is_flat:
            return False
        if not self.orders and not self.requests:
            return True
        return not self.orders_of(symbol) and not any(
            request.symbol == symbol for request in self.requests.values()
        )

    def is_quiet(self) -> bool:
        """Tell whether there is neither an order, nor a position, nor a request under way."""
        if self.orders or self.requests:
            return False
        return all(held.position.is_flat for held in self.positions.values())

    def add(self, order: PaperOrder) -> None:
        """Take in a new order and tell of it, unless it is only acknowledged so far."""
        self.orders[order.number] = order
        self.changes.orders[order.number] = order
        self.account_changed = True
        if order.status is not Status.ACKNOWLEDGED:
            self.messages.append(order.report())
        if order.is_protection:
            self.position_changed(self.positions[order.symbol])

    def update(self, order: PaperOrder) -> None:
        """Record that an order changed, and tell of it."""
        order.updated_ms = self.head.now_ms
        self.changes.orders[order.number] = order
        self.account_changed = True
        self.messages.append(order.report())
        if order.is_protection:
            self.position_changed(self.positions[order.symbol])

    def keep(self, order: PaperOrder) -> None:
        """Record a change that the venue does not publish, such as a trailing level."""
        self.changes.orders[order.number] = order

    def become(self, order: PaperOrder, status: Status) -> None:
        """Move an order to ``status`` and tell of it."""
        assert may_become(order.status, status), f"{order.status} may not become {status}"
        order.status = status
        self.update(order)

    def end(self, order: PaperOrder, reason: CancelReason) -> None:
        """Cancel an order; one that waited for its trigger is deactivated."""
        order.cancel_reason = reason
        waiting = order.is_waiting
        self.become(order, Status.DEACTIVATED if waiting else Status.CANCELLED)

    def add_execution(self, execution: Execution) -> None:
        """Record an execution and tell of it."""
        self.changes.executions.append(execution)
        self.messages.append(execution)

    def add_payment(self, payment: FundingPayment) -> None:
        """Record a funding payment and tell of it."""
        self.changes.payments.append(payment)
        self.messages.append(payment)
        self.account_changed = True

    def position_changed(self, held: PaperPosition) -> None:
        """Record that a position, its protection or its leverage changed."""
        self.changes.positions[held.symbol] = held
        self.symbols_changed.add(held.symbol)
        self.account_changed = True
        held.sequence += 1

    def book_changed(self, book: Book) -> None:
        """Record that prices or the volume left changed."""
        self.changes.books[book.symbol] = book

    def add_request(self, request: PendingRequest) -> None:
        """Keep a request until it is due."""
        self.requests[request.number] = request
        self.changes.requests_added.append(request)

    def drop_request(self, request: PendingRequest) -> None:
        """Forget a request that had its effect."""
        del self.requests[request.number]
        self.changes.requests_done.append(request.number)

    def committed(self) -> list[VenueMessage]:
        """Begin a new transaction and return the messages of the one just committed."""
        for number, order in self.changes.orders.items():
            if not order.is_open:
                self.orders.pop(number, None)
        messages = self.messages
        self.changes, self.messages = Changes(), []
        self.symbols_changed, self.account_changed = set(), False
        return messages
