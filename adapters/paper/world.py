"""What every rule of the paper venue works on: its state, its instruments and its settings."""

import attrs
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.money import Price
from tidegate.domain.orders import Symbol, VenueOrderId
from tidegate.domain.reports import MarginMode

from .book import Book
from .config import PaperConfig
from .records import PaperPosition
from .state import PaperState, derived_id

__all__ = ["World"]


@attrs.frozen(kw_only=True)
class World:
    """The state with the instruments, the fees and the configuration."""

    instruments: dict[Symbol, Instrument]
    fees: FeeRates
    config: PaperConfig
    state: PaperState

    @property
    def margin_mode(self) -> MarginMode:
        """Return the account's margin mode: the configured one until it was changed."""
        return self.state.head.margin_mode or self.config.margin_mode

    def held(self, symbol: Symbol) -> PaperPosition:
        """Return the position record of ``symbol``, which exists for every instrument."""
        return self.state.positions[symbol]

    def book(self, symbol: Symbol) -> Book:
        """Return the prices of ``symbol``; there are some wherever an order or position is."""
        return self.state.books[symbol]

    def mark(self, symbol: Symbol) -> Price:
        """Return the mark price of ``symbol``."""
        return self.state.books[symbol].mark

    def next_order(self) -> tuple[int, VenueOrderId]:
        """Return the number and the id of a new order."""
        head = self.state.head
        head.orders_made += 1
        text = derived_id(self.config.seed, "order", head.orders_made)
        return head.orders_made, VenueOrderId(text)

    def next_priority(self) -> int:
        """Return the next place in time."""
        self.state.head.priorities_given += 1
        return self.state.head.priorities_given

    def next_execution_id(self) -> str:
        """Return the id of a new execution."""
        head = self.state.head
        head.executions_made += 1
        return derived_id(self.config.seed, "execution", head.executions_made)

    def next_pair(self) -> int:
        """Return the number of a new pair of partial legs."""
        self.state.head.pairs_made += 1
        return self.state.head.pairs_made

    def next_change_id(self) -> str:
        """Return the id of a new change of the wallet."""
        head = self.state.head
        head.changes_made += 1
        return derived_id(self.config.seed, "change", head.changes_made)

    def next_trade(self) -> int:
        """Return the number of a new public trade."""
        self.state.head.trades_made += 1
        return self.state.head.trades_made

    def next_payment_id(self) -> str:
        """Return the id of a new funding payment."""
        head = self.state.head
        head.payments_made += 1
        return derived_id(self.config.seed, "funding", head.payments_made)
