"""Closing a position: our resting orders are cancelled, the rest goes reduce-only at market.

The protective stop stays on the venue until the position is flat.
"""

from tidegate.domain.limits_venue import split_close
from tidegate.domain.money import ZERO_QTY, Qty
from tidegate.domain.orders import Purpose, Role, Side, Symbol
from tidegate.domain.trade import CloseReason

from .asking import cancel_order
from .building import build_order
from .draft import Draft
from .events import CloseStarted, OrderIntended, StopMissing
from .inputs import CloseRequest
from .protecting import next_level_ms
from .state import LiveTrade

__all__ = [
    "check_deadlines",
    "close_asked",
    "close_unowned",
    "keep_closing",
    "next_deadline_ms",
    "start_close",
]

_CLOSING_ROLES = frozenset({Role.CLOSE, Role.PANIC})


def close_asked(draft: Draft, request: CloseRequest) -> None:
    """Close a symbol. A flat position has nothing to close; a foreign one is closed as well."""
    trade = draft.trade(request.symbol)
    if trade is not None:
        if trade.closing is None:
            start_close(draft, trade, request.reason, request.key)
        return
    for order in draft.books.open_orders(request.symbol):
        if order.role is Role.ENTRY:
            cancel_order(draft, order.request.client_id)
    held = draft.books.position(request.symbol)
    if held.side is not None and not _is_under_way(draft, request.symbol):
        _send_close(draft, request.symbol, held.side, abs(held.qty), request.key, 0)


def close_unowned(draft: Draft, symbol: Symbol, qty: Qty) -> None:
    """Close a position of signed ``qty`` that tidegate did not open, under the journal's key.

    A desk that was given no key closes none: an id of its own cannot be made.
    """
    key = draft.books.guard_key
    if key is not None and not _is_under_way(draft, symbol):
        side = Side.BUY if qty > ZERO_QTY else Side.SELL
        _send_close(draft, symbol, side, abs(qty), key, draft.books.guard_closes)


def start_close(draft: Draft, trade: LiveTrade, reason: CloseReason, key: str) -> None:
    """Begin to close a live trade."""
    draft.emit(CloseStarted(symbol=trade.symbol, reason=reason, key=key, time_ms=draft.now_ms))
    for order in draft.books.open_orders(trade.symbol):
        if order.role not in _CLOSING_ROLES:
            cancel_order(draft, order.request.client_id)
    keep_closing(draft, trade.symbol)


def keep_closing(draft: Draft, symbol: Symbol) -> None:
    """Send the close again while a position is left, no close is under way and it is time."""
    trade = draft.trade(symbol)
    if trade is None or not _may_close_again(draft, trade):
        return
    if draft.now_ms < _next_close_ms(draft, trade):
        return
    position = draft.books.position(symbol)
    assert position.side is not None, f"nothing is held of {symbol} that could be closed"
    qty = abs(position.qty)
    _send_close(draft, symbol, position.side, qty, trade.key, trade.sequence)


def _may_close_again(draft: Draft, trade: LiveTrade) -> bool:
    """Tell whether a close is still needed and none is under way: then it waits for time alone."""
    if trade.closing is None or draft.books.is_panic_running:
        return False
    if draft.books.position(trade.symbol).is_flat:
        return False
    return not _is_under_way(draft, trade.symbol)


def _is_under_way(draft: Draft, symbol: Symbol) -> bool:
    return any(order.role in _CLOSING_ROLES for order in draft.books.open_orders(symbol))


def _next_close_ms(draft: Draft, trade: LiveTrade) -> int:
    if trade.refused_ms is None:
        return draft.now_ms
    return trade.refused_ms + draft.config.close_retry_ms


def _send_close(
    draft: Draft, symbol: Symbol, side: Side, qty: Qty, key: str, sequence: int
) -> None:
    instrument = draft.instrument(symbol)
    parts = (qty,) if instrument is None else split_close(qty, instrument)
    ticker = draft.view.tickers.get(symbol)
    for index, part in enumerate(parts):
        assert part > ZERO_QTY, f"a close of {symbol} was split into {parts}"
        purpose = Purpose(Role.CLOSE)
        draft.emit(
            OrderIntended(
                trade_key=key,
                order=build_order(
                    draft.books.client_id(key, purpose, sequence + index),
                    purpose=purpose,
                    symbol=symbol,
                    side=side.opposite,
                    qty=part,
                ),
                decision_price=(
                    None if ticker is None else (ticker.bid if side is Side.BUY else ticker.ask)
                ),
                time_ms=draft.now_ms,
            )
        )


def check_deadlines(draft: Draft) -> None:
    """Close what the venue did not show a stop for in time, and go on with open closes."""
    for trade in tuple(draft.books.trades.values()):
        if _is_unprotected(draft, trade):
            draft.emit(
                StopMissing(symbol=trade.symbol, wanted=trade.stop_wanted, time_ms=draft.now_ms)
            )
            start_close(draft, trade, CloseReason.UNPROTECTED, trade.key)
        else:
            keep_closing(draft, trade.symbol)


def _is_unprotected(draft: Draft, trade: LiveTrade) -> bool:
    if trade.closing is not None or trade.stop_wanted is None or trade.verify_by_ms is None:
        return False
    return not trade.is_protected and draft.now_ms >= trade.verify_by_ms


def next_deadline_ms(draft: Draft) -> int | None:
    """Return when :func:`check_deadlines` has something to do next, ``None`` for never."""
    due: list[int] = []
    for trade in draft.books.trades.values():
        levels_ms = next_level_ms(draft, trade)
        if levels_ms is not None:
            due.append(levels_ms)
        if _may_close_again(draft, trade):
            due.append(_next_close_ms(draft, trade))
        if trade.closing is None and trade.stop_wanted is not None and not trade.is_stop_confirmed:
            assert trade.verify_by_ms is not None, f"{trade.symbol} wants a stop by no time"
            due.append(trade.verify_by_ms)
    return min(due, default=None)
