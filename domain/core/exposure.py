"""Exposure: positions at mark and entries in flight at their worst fill, USDT, unsigned."""

from tidegate.domain.liquidation import Joined
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty
from tidegate.domain.orders import Role, Side, Symbol
from tidegate.domain.position import FLAT

from .state import Books, Order, View

__all__ = ["joined_by", "of_symbol", "side_of", "symbols_open", "total", "unrealised"]


def _mark(view: View, symbol: Symbol) -> Price | None:
    ticker = view.tickers.get(symbol)
    return None if ticker is None else ticker.mark


def _held(books: Books, view: View, symbol: Symbol) -> Money:
    """Return a position's value; without a mark it counts at its cost."""
    position, mark = books.position(symbol), _mark(view, symbol)
    return abs(position.cost) if mark is None else position.notional(mark)


def of_symbol(books: Books, view: View, symbol: Symbol) -> Money:
    """Return the exposure of one symbol; a position without a mark counts at its entry price."""
    held = _held(books, view, symbol)
    for order in books.open_orders(symbol):
        held = held + order.reserved
    return held


def joined_by(books: Books, symbol: Symbol, side: Side) -> Joined:
    """Return what a new entry of ``side`` would be liquidated with: quantities are base coin."""
    position = books.position(symbol)
    held = position if position.side is side else FLAT
    waiting = (
        _open_part(order)
        for order in books.open_orders(symbol)
        if order.role is Role.ENTRY and order.request.side is side
    )
    return Joined(
        qty=abs(held.qty),
        cost=abs(held.cost),
        in_flight=tuple(part for part in waiting if part is not None),
    )


def _open_part(order: Order) -> tuple[Price, Qty] | None:
    """Return the worst fill and open quantity of an entry; of a change under way the worse."""
    price = order.worst_price
    if price is None or order.qty_left <= ZERO_QTY:
        return None
    if order.pending is not None and order.pending.worst_price is not None:
        worse = max if order.request.side is Side.BUY else min
        price = worse(price, order.pending.worst_price)
    return price, order.qty_left


def symbols_open(books: Books) -> frozenset[Symbol]:
    """Return the symbols with a position or an entry in flight."""
    entering = {o.request.symbol for o in books.orders.values() if o.role is Role.ENTRY}
    return frozenset(entering | set(books.positions))


def side_of(books: Books, symbol: Symbol) -> Side | None:
    """Return the side of a symbol's position, or of the entry that would open it."""
    entering = (o.request.side for o in books.open_orders(symbol) if o.role is Role.ENTRY)
    return books.position(symbol).side or next(entering, None)


def total(books: Books, view: View) -> Money:
    """Return the exposure of the whole account."""
    held = ZERO_MONEY
    for symbol in books.positions:
        held = held + _held(books, view, symbol)
    for order in books.orders.values():
        held = held + order.reserved
    return held


def unrealised(books: Books, view: View) -> Money | None:
    """Return the profit of all positions at mark, ``None`` while a mark is not known."""
    profit = ZERO_MONEY
    for symbol, position in books.positions.items():
        mark = _mark(view, symbol)
        if mark is None:
            return None
        profit = profit + position.unrealised(mark)
    return profit
