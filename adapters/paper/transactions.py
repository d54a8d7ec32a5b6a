"""One request or one piece of market data at a time: lock, commit, and only then the messages.

Messages leave in a fixed order: what happened to orders, executions and payments as it happened;
then positions, then the account, then the prices.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tidegate.domain.instrument import Instrument
from tidegate.domain.orders import ClientId, Symbol, VenueOrderId
from tidegate.domain.reports import VenueMessage
from tidegate.ports.exchange import (
    Accepted,
    Done,
    MessageSink,
    QueryFailed,
    Rejected,
    VenueError,
)
from tidegate.ports.feed import FeedItem
from tidegate.ports.state import StateError

from . import feeding
from .account import report_account, report_position
from .records import Head, PaperOrder
from .refusals import Refusal, Refused
from .store import PaperStore
from .world import World

__all__ = ["Transactions"]

T = TypeVar("T")


class Transactions:
    """The one way to read or change the world; any thread may call. It owns the store."""

    def __init__(self, world: World, store: PaperStore) -> None:
        self.world = world
        self.store = store
        self._state = world.state
        self._lock = threading.RLock()
        self._sink: MessageSink | None = None
        self._failure: str | None = None

    def connect(self, sink: MessageSink) -> None:
        """Deliver every message from now on to ``sink``."""
        with self._lock:
            self._sink = sink

    def close(self) -> None:
        """Stop messages and close the store. A second call is harmless."""
        with self._lock:
            self._sink = None
            self._failure = "it was closed"
            self.store.close()

    @contextmanager
    def reading(self) -> Iterator[World]:
        """Hold the world still; :class:`QueryFailed` when the venue has stopped.

        Raises:
            QueryFailed: the venue has stopped.

        """
        with self._lock:
            self._check_usable()
            yield self.world

    @contextmanager
    def reading_priced(self, symbol: Symbol) -> Iterator[World]:
        """Do as :meth:`reading`; :class:`QueryFailed` for a symbol without a price too.

        Raises:
            QueryFailed: the venue has stopped, or the symbol is unknown or without a price.

        """
        with self.reading() as world:
            self.instrument(symbol)
            if symbol not in world.state.books:
                raise QueryFailed(f"{symbol} has no price yet: no market data so far")
            yield world

    def head(self, read: Callable[[Head], T]) -> T:
        """Return something of the head, also after the venue has stopped."""
        with self._lock:
            return read(self._state.head)

    def has_price(self, symbol: Symbol) -> bool:
        """Tell whether there was market data of ``symbol``."""
        with self._lock:
            return symbol in self._state.books

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the specification of ``symbol``.

        Raises:
            QueryFailed: it is not traded here.

        """
        instrument = self.world.instruments.get(symbol)
        if instrument is None:
            traded = ", ".join(sorted(self.world.instruments))
            raise QueryFailed(f"symbol {symbol} is not traded here; {traded} is")
        return instrument

    def advance(self, item: FeedItem) -> bool:
        """Process the next piece of an item; tell whether the desk should look.

        Raises:
            VenueError: the venue has stopped, or the store could not be written; nothing was done.

        """
        with self._lock:
            self._check_usable()
            with self._transaction():
                should_look = feeding.advance(self.world, item)
            self._publish(item.symbol)
        return should_look

    def decide(self, act: Callable[[], None], *, ticker_of: Symbol | None = None) -> None:
        """Do what the venue or its operator decides, which nobody may refuse.

        Raises:
            VenueError: the venue has stopped, or the store could not be written; nothing was done.

        """
        with self._lock:
            self._check_usable()
            with self._transaction():
                act()
                if ticker_of is not None and ticker_of in self._state.books:
                    feeding.settle(self.world, ticker_of)
            self._publish(ticker_of)

    def request(self, symbol: Symbol, act: Callable[[], PaperOrder]) -> Accepted | Rejected:
        """Run a request about an order.

        ``Accepted``: done and durable; ``Rejected``: refused, and nothing changed.

        Raises:
            VenueError: the venue has stopped, or the store could not be written; nothing was done.

        """
        with self._lock:
            outcome = self._run(symbol, act)
            if isinstance(outcome, Rejected):
                return outcome
            return Accepted(venue_id=outcome.venue_id, time_ms=self._state.head.now_ms)

    def change(self, symbol: Symbol | None, act: Callable[[], bool]) -> Done | Rejected:
        """Run a request that tells whether anything changed; it may concern no symbol.

        ``Done``: durable, ``was_already`` where nothing changed; ``Rejected``: refused.

        Raises:
            VenueError: the venue has stopped, or the store could not be written; nothing was done.

        """
        with self._lock:
            outcome = self._run(symbol, act)
            if isinstance(outcome, Rejected):
                return outcome
            return Done(time_ms=self._state.head.now_ms, was_already=not outcome)

    def _run(self, symbol: Symbol | None, act: Callable[[], T]) -> T | Rejected:
        """Run a request as one transaction; a refusal changes nothing and is not written."""
        self._check_usable()
        try:
            with self._transaction():
                outcome = act()
                if symbol in self._state.books:
                    feeding.settle(self.world, symbol)
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
            self.store.commit(self._state.head, self._state.changes)
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
            report_position(self.world, symbol)
            for symbol in sorted(self._state.symbols_changed)
            if symbol in self._state.books
        ]
        if self._state.account_changed:
            messages.append(report_account(self.world))
        if ticker_of is not None and ticker_of in self._state.books:
            messages.append(self._state.books[ticker_of].ticker())
        return messages

    def _check_usable(self) -> None:
        if self._failure is not None:
            raise QueryFailed(
                f"the paper venue stopped: {self._failure}; open a new one on its store"
            )

    def find(self, order_id: ClientId) -> PaperOrder | None:
        """Return the order with this client id, finished or not."""
        return self._state.by_client_id(order_id) or self.store.order_of_client(order_id)

    def unfinished(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> PaperOrder:
        """Return the order with this client id or venue id, or refuse.

        Raises:
            Refused: there is no such order, or it is finished.

        """
        client_id, venue_id = ClientId(order_id), VenueOrderId(order_id)
        order = self._state.by_client_id(client_id) or self._state.by_venue_id(venue_id)
        if order is not None and order.symbol == symbol:
            return order
        text = f"order not exists or too late to cancel: {order_id} of {symbol}"
        store = self.store
        ended = store.order_of_client(client_id) or store.order_of_venue(venue_id)
        if ended is not None and ended.symbol == symbol:
            raise Refused(Refusal.FINISHED, f"{text}; it is {ended.status.value}")
        raise Refused(Refusal.NOT_FOUND, text)
