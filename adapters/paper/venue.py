"""The paper venue behind the exchange port: lock, commit, messages, queries.

A simulated Bybit linear venue in one-way mode. Every request and every piece of market data is one
transaction: state changes, is committed, and only then do messages leave, in a fixed order: what
happened to orders, executions and payments as it happened; then positions, then the account, then
the prices. Same data, same seed and same requests give the same everything.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderRequest, Reduction, Symbol, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    Ticker,
    VenueMessage,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    Accepted,
    Capabilities,
    Capability,
    Done,
    History,
    MessageSink,
    PositionStop,
    QueryFailed,
    Rejected,
    TimeRange,
    VenueError,
)
from tidegate.ports.feed import FeedItem
from tidegate.ports.state import StateError
from tidegate.ports.venue import WireVenuePort

from . import feeding, position_requests, requests
from .account import report_account, report_position
from .config import PaperConfig
from .opening import open_world
from .records import PaperOrder
from .refusals import Refusal, Refused
from .store import PaperStore

__all__ = ["PaperVenue"]

T = TypeVar("T")


class PaperVenue(WireVenuePort):
    """A venue in this process, with the state that ``store`` holds or ``wallet`` begins.

    ``wallet`` is the opening balance in USDT. A store that was begun with another wallet, seed or
    margin mode is refused. The venue owns the store and closes it.

    Raises:
        StoreOfAnother: the store was begun with something else.
        StateCorrupt: the store cannot be read.

    """

    def __init__(
        self,
        *,
        instruments: Mapping[Symbol, Instrument],
        fees: FeeRates,
        wallet: Money,
        config: PaperConfig,
        store: PaperStore,
    ) -> None:
        try:
            self._world = open_world(
                instruments=instruments, fees=fees, wallet=wallet, config=config, store=store
            )
        except BaseException:
            store.close()
            raise
        self._state = self._world.state
        self._store = store
        self._lock = threading.RLock()
        self._sink: MessageSink | None = None
        self._failure: str | None = None

    @property
    def kind(self) -> VenueKind:
        """Always ``PAPER``."""
        return VenueKind.PAPER

    @property
    def capabilities(self) -> Capabilities:
        """Everything is supported; an acknowledged order is known at once."""
        return Capabilities(supported=frozenset(Capability))

    def connect(self, sink: MessageSink) -> None:
        """Deliver every message from now on to ``sink``."""
        with self._lock:
            self._sink = sink

    def close(self) -> None:
        """Stop messages and close the store. A second call is harmless."""
        with self._lock:
            self._sink = None
            self._failure = "it was closed"
            self._store.close()

    # Driving

    def cursor(self) -> int:
        """Return the index of the first feed item that is not yet fully processed."""
        with self._lock:
            return self._state.head.cursor

    def pieces_done(self) -> int:
        """Return how many pieces of the item at the cursor were processed."""
        with self._lock:
            return self._state.head.piece

    def now_ms(self) -> int:
        """Return the time of the last point."""
        with self._lock:
            return self._state.head.now_ms

    def offer(self, item: FeedItem, *, index: int) -> Iterator[None]:
        """Process one item in pieces; see ``SimulatedVenuePort.offer``."""
        if item.symbol not in self._world.instruments:
            traded = ", ".join(sorted(self._world.instruments))
            raise ValueError(f"item {index} is of {item.symbol}; this venue trades {traded}")
        cursor = self.cursor()
        if index > cursor:
            raise ValueError(f"item {index} was offered, item {cursor} comes next")
        return self._pieces(item, index)

    def _pieces(self, item: FeedItem, index: int) -> Iterator[None]:
        while self.cursor() == index:
            with self._lock:
                self._check_usable()
                with self._transaction():
                    should_look = feeding.advance(self._world, item)
                self._publish(item.symbol)
            if should_look:
                yield

    # Requests

    def place(self, order: Approved | Reduction) -> Accepted | Rejected:
        """Take an order that was approved, or that only reduces."""
        return self.submit(order.order)

    def submit(self, order: OrderRequest) -> Accepted | Rejected:
        """Take an order as it came over a wire."""
        return self._request(order.symbol, lambda: self._place(order))

    def _place(self, order: OrderRequest) -> PaperOrder:
        if self._find(order.client_id) is not None:
            raise Refused(Refusal.DUPLICATE, f"OrderLinkedID is duplicate: {order.client_id}")
        return requests.place(self._world, order)

    def amend(
        self,
        symbol: Symbol,
        client_id: ClientId | VenueOrderId,
        *,
        qty: Qty | None = None,
        price: Price | None = None,
        trigger_price: Price | None = None,
    ) -> Accepted | Rejected:
        """Change an unfinished order, named by either id."""

        def change() -> PaperOrder:
            order = self._unfinished(symbol, client_id)
            requests.amend(self._world, order, qty=qty, price=price, trigger_price=trigger_price)
            return order

        return self._request(symbol, change)

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Accepted | Rejected:
        """Cancel an unfinished order, named by either id; also one that the venue made."""

        def end() -> PaperOrder:
            order = self._unfinished(symbol, order_id)
            requests.cancel(self._world, order)
            return order

        return self._request(symbol, end)

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected:
        """Set, move or clear the protection of an open position, at once."""
        return self._change(
            stop.symbol, lambda: position_requests.set_position_stop(self._world, stop)
        )

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected:
        """Set the leverage of ``symbol``, at once."""
        return self._change(
            symbol, lambda: position_requests.set_leverage(self._world, symbol, leverage)
        )

    def _request(self, symbol: Symbol, act: Callable[[], PaperOrder]) -> Accepted | Rejected:
        with self._lock:
            outcome = self._run(symbol, act)
            if isinstance(outcome, Rejected):
                return outcome
            return Accepted(venue_id=outcome.venue_id, time_ms=self._state.head.now_ms)

    def _change(self, symbol: Symbol, act: Callable[[], bool]) -> Done | Rejected:
        with self._lock:
            outcome = self._run(symbol, act)
            if isinstance(outcome, Rejected):
                return outcome
            return Done(time_ms=self._state.head.now_ms, was_already=not outcome)

    def _run(self, symbol: Symbol, act: Callable[[], T]) -> T | Rejected:
        """Run a request as one transaction; a refusal changes nothing and is not written."""
        self._check_usable()
        try:
            with self._transaction():
                outcome = act()
                if symbol in self._state.books:
                    feeding.settle(self._world, symbol)
        except Refused as refused:
            return Rejected(
                reason=refused.reason,
                code=refused.code,
                message=str(refused),
                time_ms=self._state.head.now_ms,
            )
        self._publish(None)
        return outcome

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what happens inside. Anything but a refusal that escapes ends this venue.

        Memory would then be ahead of the store: only a new venue on the store may go on.
        """
        try:
            yield
            self._store.commit(self._state.head, self._state.changes)
        except Refused:
            assert not self._state.messages, "a refused request changed something"
            raise
        except StateError as error:
            self._failure = str(error)
            raise VenueError(f"nothing was done: {error}") from error
        except BaseException as error:
            self._failure = repr(error)
            raise

    def _publish(self, ticker_of: Symbol | None) -> None:
        """Send the messages of what was just committed."""
        messages = self._following(ticker_of)
        sent = self._state.committed() + messages
        if self._sink is not None:
            for message in sent:
                self._sink(message)

    def _following(self, ticker_of: Symbol | None) -> list[VenueMessage]:
        messages: list[VenueMessage] = [
            report_position(self._world, symbol)
            for symbol in sorted(self._state.symbols_changed)
            if symbol in self._state.books
        ]
        if self._state.account_changed:
            messages.append(report_account(self._world))
        if ticker_of is not None and ticker_of in self._state.books:
            messages.append(self._state.books[ticker_of].ticker())
        return messages

    def _check_usable(self) -> None:
        if self._failure is not None:
            raise QueryFailed(
                f"the paper venue stopped: {self._failure}; open a new one on its store"
            )

    # Queries

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the specification of ``symbol``."""
        instrument = self._world.instruments.get(symbol)
        if instrument is None:
            traded = ", ".join(sorted(self._world.instruments))
            raise QueryFailed(f"symbol {symbol} is not traded here; {traded} is")
        return instrument

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        """Return the fee rates, the same for every symbol."""
        self.instrument(symbol)
        return self._world.fees

    def ticker(self, symbol: Symbol) -> Ticker:
        """Return the prices; :class:`QueryFailed` before the first market data of ``symbol``."""
        with self._querying(symbol):
            return self._world.book(symbol).ticker()

    def account(self) -> AccountReport:
        """Return balances and margin."""
        with self._lock:
            self._check_usable()
            return report_account(self._world)

    def position(self, symbol: Symbol) -> PositionReport:
        """Return the position; :class:`QueryFailed` before the first market data of ``symbol``."""
        with self._querying(symbol):
            return report_position(self._world, symbol)

    def positions(self) -> tuple[PositionReport, ...]:
        """Return every position that is not flat, by symbol."""
        with self._lock:
            self._check_usable()
            return tuple(
                report_position(self._world, symbol)
                for symbol, held in sorted(self._state.positions.items())
                if not held.position.is_flat
            )

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        """Return every unfinished order, oldest first; protection of positions included."""
        with self._lock:
            self._check_usable()
            return tuple(
                order.report()
                for order in self._state.orders.values()
                if symbol is None or order.symbol == symbol
            )

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        """Return one order, unfinished or not; ``None`` when it never arrived here."""
        with self._lock:
            self._check_usable()
            order = self._find(client_id)
            return order.report() if order is not None and order.symbol == symbol else None

    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        """Return orders last updated within the range; the venue keeps them for ever."""
        with self._lock:
            self._check_usable()
            orders = self._store.orders_within(symbol, within)
            return History(rows=tuple(order.report() for order in orders), covers=within)

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        """Return executions within the range; the venue keeps them for ever."""
        with self._lock:
            self._check_usable()
            rows = self._store.executions_within(symbol, within)
            return History(rows=tuple(rows), covers=within)

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        """Return funding settlements within the range; the venue keeps them for ever."""
        with self._lock:
            self._check_usable()
            return History(rows=tuple(self._store.payments_within(symbol, within)), covers=within)

    @contextmanager
    def _querying(self, symbol: Symbol) -> Iterator[None]:
        with self._lock:
            self._check_usable()
            self.instrument(symbol)
            if symbol not in self._state.books:
                raise QueryFailed(f"{symbol} has no price yet: no market data so far")
            yield

    def _find(self, order_id: ClientId) -> PaperOrder | None:
        return self._state.by_client_id(order_id) or self._store.order_of_client(order_id)

    def _unfinished(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> PaperOrder:
        """Return the order with this client id or venue id, or refuse."""
        client_id, venue_id = ClientId(order_id), VenueOrderId(order_id)
        order = self._state.by_client_id(client_id) or self._state.by_venue_id(venue_id)
        if order is not None and order.symbol == symbol:
            return order
        text = f"order not exists or too late to cancel: {order_id} of {symbol}"
        store = self._store
        ended = store.order_of_client(client_id) or store.order_of_venue(venue_id)
        if ended is not None and ended.symbol == symbol:
            raise Refused(Refusal.FINISHED, f"{text}; it is {ended.status.value}")
        raise Refused(Refusal.NOT_FOUND, text)
