"""What the desk offers to whoever drives it: a strategy, a command line, a page."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import attrs
from tidegate.domain.core.events import Event
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money
from tidegate.domain.orders import ClientId, Symbol
from tidegate.domain.performance import Summary
from tidegate.domain.position import Position
from tidegate.domain.signal import Signal
from tidegate.domain.trade import CloseReason

from .account_desk import AccountDeskPort
from .desk_market import DeskMarketPort
from .desk_records import DeskRecordsPort
from .orders import (
    Closing,
    Fill,
    Nothing,
    OpenOutcome,
    OrdersPort,
    Placed,
    Refused,
    Rejected,
    TimedOut,
    Unresolved,
)
from .reconciling import ReconcileReport

__all__ = [
    "Closing",
    "DeskPort",
    "Fill",
    "JournalEntry",
    "Nothing",
    "OpenOutcome",
    "Placed",
    "Refused",
    "Rejected",
    "StatusReport",
    "TimedOut",
    "Unresolved",
]


@attrs.frozen(kw_only=True)
class JournalEntry:
    """One journal row with its event."""

    version: int
    time_ms: int
    kind: str
    event: Event


@attrs.frozen(kw_only=True)
class StatusReport:
    """The desk at a glance. ``equity`` is at the last mark, or at cost where none is known."""

    trading_state: TradingState
    panic_cause: str | None
    version: int
    wallet: Money | None
    equity: Money | None
    positions: tuple[tuple[Symbol, Position], ...]
    books: Books


class DeskPort(ABC):
    """The public facade of the trading core. Every method may be called from any thread.

    Raises:
        StateError: the journal cannot be read; nothing was sent.

    """

    @property
    @abstractmethod
    def orders(self) -> OrdersPort:
        """Every way to place, change and end orders."""

    @property
    @abstractmethod
    def account(self) -> AccountDeskPort:
        """Settings and queries of the account."""

    @property
    @abstractmethod
    def records(self) -> DeskRecordsPort:
        """What the venue's records say of orders, fills, profits and the wallet."""

    @property
    @abstractmethod
    def market(self) -> DeskMarketPort:
        """Prices, books, bars, trades, funding rates and specifications, with their ages."""

    @abstractmethod
    def execute(self, signal: Signal, *, timeout_ms: int = 10_000) -> OpenOutcome:
        """Judge a signal and, when approved, place its entry with the stop inside.

        Outcomes and errors: see :meth:`OrdersPort.execute`.
        """

    @abstractmethod
    def open_with_rr(self, signal: Signal, *, timeout_ms: int = 30_000) -> OpenOutcome:
        """Execute, then wait until the position is protected and its ladder placed.

        ``Placed``: the stop is confirmed and the ladder placed, or the entry ended unfilled;
        ``TimedOut``: that did not come about within ``timeout_ms`` milliseconds, for the entry and
        again for its protection; the desk goes on. ``Refused``, ``Rejected``, ``Unresolved`` and
        errors: see :meth:`OrdersPort.execute`.
        """

    @abstractmethod
    def close_position(
        self,
        symbol: Symbol,
        *,
        timeout_ms: int = 10_000,
        reason: CloseReason = CloseReason.OPERATOR,
    ) -> Closing | Nothing:
        """Cancel our orders of a symbol and close its position reduce-only at market.

        ``reason`` is what the journal and the statistics say of it.

        Outcomes and errors: see :meth:`OrdersPort.close_position`.
        """

    @abstractmethod
    def wait_for_fill(self, client_id: ClientId, *, timeout_ms: int) -> Fill | TimedOut:
        """Wait until an order is finished.

        Outcomes and errors: see :meth:`OrdersPort.wait_for_fill`.
        """

    @abstractmethod
    def panic(self, cause: str, *, timeout_ms: int = 60_000) -> tuple[str, ...]:
        """Halt, cancel and close everything; returns what could not be closed.

        Raises:
            WriterStopped: nobody decides any more.

        """

    @abstractmethod
    def reset_panic(self, *, confirmation: str) -> None:
        """Leave panic; ``confirmation`` must be the literal ``RESET``.

        Raises:
            ValueError: the confirmation is another; nothing was changed.
            WriterStopped: nobody decides any more.

        """

    @abstractmethod
    def set_trading_state(self, state: TradingState, cause: str) -> None:
        """Set ACTIVE, REDUCING or HALTED.

        Raises:
            WriterStopped: nobody decides any more.

        """

    @abstractmethod
    def reconcile(self, *, timeout_ms: int = 30_000) -> ReconcileReport:
        """Compare everything with the venue now, correct what can be, and say what is left.

        Raises:
            StateError: the journal cannot be read.
            VenueError: on a desk without a writer thread, when the venue gave no usable answer.
            WriterStopped: nobody decides any more.

        """

    @abstractmethod
    def status(self) -> StatusReport:
        """Return the desk at a glance, without asking the writer."""

    @abstractmethod
    def performance(self) -> Summary | None:
        """Return the performance so far, ``None`` before the account was opened."""

    @abstractmethod
    def journal(self, *, after_version: int = 0) -> Iterator[JournalEntry]:
        """Yield the journal.

        Raises:
            ValueError: ``after_version`` is below zero.
            StateError: the journal cannot be read, or holds what this release does not know.

        """
