"""Closing positions: all are begun before any is waited for, with one deadline."""

from collections.abc import Callable, Sequence

from tidegate.domain.core import inputs as given
from tidegate.domain.core.state import Books
from tidegate.domain.orders import Role, Symbol
from tidegate.domain.position import Position
from tidegate.domain.trade import CloseReason
from tidegate.ports.orders import Closing, Nothing

from .runner import Runner

__all__ = ["PositionCloser"]


class PositionCloser:
    """Closes positions of the desk. ``key_of`` gives a key for an act and its subject."""

    def __init__(self, runner: Runner, key_of: Callable[[str, str], str]) -> None:
        self._runner = runner
        self._key_of = key_of

    @property
    def _books(self) -> Books:
        return self._runner.state.books

    def close(
        self, symbols: Sequence[Symbol], *, timeout_ms: int, reason: CloseReason
    ) -> tuple[Closing | Nothing, ...]:
        """Close several; see :meth:`OrdersPort.close_positions`.

        Raises:
            WriterStopped: nobody decides any more.

        """
        until_ms = self._runner.elapsed_ms() + timeout_ms
        held = {symbol: self._books.position(symbol) for symbol in symbols}
        for symbol in held:
            self._ask(symbol, reason)
        self._close_what_opened(held, reason, until_ms)
        self._runner.wait(
            lambda: all(self._books.position(symbol).is_flat for symbol in held),
            timeout_ms=self._left_ms(until_ms),
        )
        return tuple(_outcome(symbol, held[symbol]) for symbol in symbols)

    def _close_what_opened(
        self, held: dict[Symbol, Position], reason: CloseReason, until_ms: int
    ) -> None:
        """Wait for the entries of what is flat, and close what one opened before its cancel came.

        A symbol whose entry hangs is looked at when the time is over, and delays no other.
        """
        entering = {symbol for symbol, position in held.items() if position.is_flat}
        while entering:
            ready = self._wait_for_entries(entering, until_ms) or set(entering)
            for symbol in sorted(ready):
                held[symbol] = self._books.position(symbol)
                if not held[symbol].is_flat:
                    self._ask(symbol, reason)
            entering -= ready

    def _wait_for_entries(self, entering: set[Symbol], until_ms: int) -> set[Symbol]:
        """Wait until no entry of some symbol waits any more; return those, none if that is late."""

        def ready() -> set[Symbol]:
            return {symbol for symbol in entering if _no_entry_waits(self._books, symbol)}

        self._runner.wait(lambda: bool(ready()), timeout_ms=self._left_ms(until_ms))
        return ready()

    def _ask(self, symbol: Symbol, reason: CloseReason) -> None:
        key = self._key_of("close", symbol)
        self._runner.deliver(given.CloseRequest(symbol=symbol, reason=reason, key=key))

    def _left_ms(self, until_ms: int) -> int:
        return max(0, until_ms - self._runner.elapsed_ms())


def _no_entry_waits(books: Books, symbol: Symbol) -> bool:
    """Tell whether every entry of a symbol has ended, and all that it filled has been booked."""
    ordered = (order for order in books.orders.values() if order.request.symbol == symbol)
    return all(order.is_settled for order in ordered if order.role is Role.ENTRY)


def _outcome(symbol: Symbol, held: Position) -> Closing | Nothing:
    return Nothing(symbol=symbol) if held.is_flat else Closing(symbol=symbol, qty=abs(held.qty))
