"""What the history rules remember of past trades: recent stop-outs and losses, bounded."""

from collections.abc import Mapping

import attrs

from .money import ZERO_MONEY
from .orders import Symbol
from .trade import ClosedTrade, CloseReason

__all__ = ["NO_HISTORY", "STOPS_KEPT", "History", "SymbolHistory", "after_trade"]

STOPS_KEPT = 256
"""How many stop-outs are remembered; a stop-loss guard must allow fewer than this many."""

_STOPS = frozenset({CloseReason.STOP, CloseReason.TRAILING_STOP, CloseReason.LIQUIDATION})


@attrs.frozen(kw_only=True)
class SymbolHistory:
    """Losing trades in a row of one symbol, and when the last losing one closed."""

    losses_in_row: int = 0
    last_loss_ms: int | None = None


_NO_LOSS = SymbolHistory()


@attrs.frozen(kw_only=True)
class History:
    """Times are those at which trades closed, in UTC milliseconds; a loss is a net loss.

    A stop-out is a trade that a stop, a trailing stop or a liquidation closed at a loss. A trade
    that ends at exactly zero neither extends nor ends a row of losses. ``stop_times`` ascends and
    holds the last :data:`STOPS_KEPT`; ``by_symbol`` has one entry for each symbol that ever lost.
    """

    stop_times: tuple[int, ...] = ()
    last_loss_ms: int | None = None
    by_symbol: Mapping[Symbol, SymbolHistory] = attrs.field(factory=dict)

    def stops_in_window(self, now_ms: int, window_ms: int) -> int:
        """Count stop-outs less than ``window_ms`` ago, at most :data:`STOPS_KEPT`."""
        return sum(1 for stopped_ms in self.stop_times if stopped_ms > now_ms - window_ms)

    def of(self, symbol: Symbol) -> SymbolHistory:
        """Return what is remembered of one symbol."""
        return self.by_symbol.get(symbol, _NO_LOSS)


NO_HISTORY = History()


def after_trade(history: History, trade: ClosedTrade) -> History:
    """Return the history with one more finished trade."""
    if trade.net < ZERO_MONEY:
        return _after_loss(history, trade)
    known = history.of(trade.symbol)
    if trade.net == ZERO_MONEY or known.losses_in_row == 0:
        return history
    ended = attrs.evolve(known, losses_in_row=0)
    return attrs.evolve(history, by_symbol={**history.by_symbol, trade.symbol: ended})


def _after_loss(history: History, trade: ClosedTrade) -> History:
    known = history.of(trade.symbol)
    lost = SymbolHistory(
        losses_in_row=known.losses_in_row + 1,
        last_loss_ms=_later(known.last_loss_ms, trade.closed_ms),
    )
    stops = history.stop_times
    if trade.reason in _STOPS:
        stops = tuple(sorted((*stops, trade.closed_ms)))[-STOPS_KEPT:]
    return History(
        stop_times=stops,
        last_loss_ms=_later(history.last_loss_ms, trade.closed_ms),
        by_symbol={**history.by_symbol, trade.symbol: lost},
    )


def _later(known_ms: int | None, then_ms: int) -> int:
    return then_ms if known_ms is None else max(known_ms, then_ms)
