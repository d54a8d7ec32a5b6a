"""A decision in the making: the state as it would be, the events so far, and questions to ask."""

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.orders import ClientId, Purpose, Role, Symbol

from .config import CoreConfig
from .effects import Effect, TakeInventory
from .events import AmendIntended, EntryIntended, EntryReleased, Event, JournalTagged, OrderIntended
from .evolve import evolve
from .state import Books, LiveTrade, State, View, frozen

__all__ = ["ASKED_KEPT", "Draft"]

ASKED_KEPT = 4_096
"""How many times of asking are remembered; the oldest go first."""


class Draft:
    """Collects the events of one decision and folds each at once, so that later parts see it.

    ``queries`` are effects without durable meaning: asking changes nothing, so it needs no event.
    """

    def __init__(self, state: State, config: CoreConfig, now_ms: int) -> None:
        self.books: Books = state.books
        self.view: View = state.view
        self.config = config
        self.now_ms = now_ms
        self.events: list[Event] = []
        self.queries: list[Effect] = []

    def emit(self, event: Event) -> None:
        """Record an event and fold it."""
        self.events.append(event)
        match event:
            case EntryIntended() | OrderIntended():
                self.note_sent(event.order.client_id)
            case AmendIntended():
                self.note_sent(event.client_id)
                self.note_asked(event.client_id)
            case EntryReleased():
                self.note_sent(event.client_id)
            case _:
                pass
        self.books = evolve(self.books, event, self.config.day)

    def ask(self, query: Effect) -> None:
        """Add a question, once."""
        if isinstance(query, TakeInventory):
            self.view = attrs.evolve(self.view, inventory_asked_ms=self.now_ms)
        if query not in self.queries:
            self.queries.append(query)

    def note_sent(self, order_id: ClientId) -> None:
        """Note that an order is on its way: its answer is still to come."""
        in_flight = self.view.in_flight | {order_id}
        self.view = attrs.evolve(self.view, in_flight=in_flight)

    def note_answered(self, order_id: ClientId) -> None:
        """Note that the answer for an order came."""
        self.view = attrs.evolve(self.view, in_flight=self.view.in_flight - {order_id})

    def note_asked(self, subject: str) -> None:
        """Note that ``subject`` was asked for, or tried, now."""
        asked = dict(self.view.asked_ms)
        asked.pop(subject, None)
        asked[subject] = self.now_ms
        while len(asked) > ASKED_KEPT:
            asked.pop(next(iter(asked)))
        self.view = attrs.evolve(self.view, asked_ms=frozen(asked))

    def due_ms(self, subject: str) -> int:
        """Return when ``subject`` may be asked for again, now when it never was."""
        asked = self.view.asked_ms.get(subject)
        return self.now_ms if asked is None else asked + max(1, self.config.ask_again_ms)

    def is_due(self, subject: str) -> bool:
        """Tell whether ``subject`` may be asked for now."""
        return self.due_ms(subject) <= self.now_ms

    @property
    def state(self) -> State:
        """Return the state after all events so far."""
        return State(books=self.books, view=self.view)

    def trade(self, symbol: Symbol) -> LiveTrade | None:
        """Return the live trade of a symbol."""
        return self.books.trades.get(symbol)

    def instrument(self, symbol: Symbol) -> Instrument | None:
        """Return the specification of a symbol, ``None`` while it is not known."""
        return self.view.instruments.get(symbol)

    def next_id(self, trade: LiveTrade, purpose: Purpose) -> ClientId:
        """Name the next order of a trade."""
        assert purpose.role is not Role.ENTRY, "an entry is named by its own key"
        return self.books.client_id(trade.key, purpose, trade.sequence)

    @property
    def is_begun(self) -> bool:
        """Tell whether this journal has a session, a panic or an order already."""
        books = self.books
        return books.venue is not None or books.panic is not None or bool(books.orders)

    def tag_journal(self, tag: str, *, has_untagged: bool) -> None:
        """Give the journal its tag, once; what it named before keeps its ids."""
        if not self.books.tag:
            self.emit(JournalTagged(tag=tag, has_untagged=has_untagged))
