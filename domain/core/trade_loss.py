"""What the live trade of a symbol may already lose: its position, and its entries in flight."""

from tidegate.domain.costs import Costs, Liquidity
from tidegate.domain.managed_levels import is_tighter
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price
from tidegate.domain.orders import Role, Side, Symbol, TimeInForce
from tidegate.domain.position import Position
from tidegate.domain.risk.trade_loss import AtRisk, looser, worst_loss

from .config import CoreConfig
from .state import Books, Order, State, View

__all__ = ["costs_of", "entries_at_risk", "trade_loss"]


def costs_of(view: View, config: CoreConfig, symbol: Symbol) -> Costs | None:
    """Return what an execution in ``symbol`` costs, ``None`` while its fees are not known."""
    fees = view.fees.get(symbol)
    if fees is None:
        return None
    return Costs(
        fees=fees, entry_slippage=config.entry_slippage, stop_slippage=config.stop_slippage
    )


def trade_loss(state: State, symbol: Symbol, config: CoreConfig) -> Money | None:
    """Return the worst loss of what is held and in flight in ``symbol``, USDT; zero when flat.

    ``None`` while it is not certain: without fee rates, or while a looser stop is under way.
    """
    books, position = state.books, state.books.position(symbol)
    stop = None if position.side is None else _stop_of(state, symbol, position.side)
    parts = [part.under(stop) for part in entries_at_risk(books, symbol)]
    parts += _held(position, stop)
    if not parts:
        return ZERO_MONEY
    costs = costs_of(state.view, config, symbol)
    if costs is None or _is_loosening(books, symbol, position.side, stop):
        return None
    return worst_loss(parts, costs)


def entries_at_risk(books: Books, symbol: Symbol) -> tuple[AtRisk, ...]:
    """Return what the entries of a symbol may still fill, each at its worst and its own stop."""
    return tuple(
        _entering(order, order.worst_price)
        for order in books.open_orders(symbol)
        if order.role is Role.ENTRY and order.worst_price is not None and order.qty_left > ZERO_QTY
    )


def _entering(order: Order, price: Price) -> AtRisk:
    """Return one entry; while a change is under way the worse of each counts."""
    request, side, pending = order.request, order.request.side, order.pending
    stop = None if request.stop_loss is None else request.stop_loss.price
    if pending is not None:
        if pending.worst_price is not None:
            prices = (price, pending.worst_price)
            price = max(prices) if side is Side.BUY else min(prices)
        leg = pending.request.stop_loss
        is_bare = stop is None or leg is None
        stop = None if is_bare or leg is None else looser(stop, leg.price, side=side)
    is_maker = request.time_in_force is TimeInForce.POST_ONLY
    return AtRisk(
        side=side,
        qty=order.qty_left,
        entry=price,
        stop=stop,
        liquidity=Liquidity.MAKER if is_maker else Liquidity.TAKER,
    )


def _held(position: Position, stop: Price | None) -> list[AtRisk]:
    side, entry = position.side, position.entry_price
    if side is None or entry is None:
        return []
    return [AtRisk(side=side, qty=abs(position.qty), entry=entry, stop=stop)]


def _stop_of(state: State, symbol: Symbol, side: Side) -> Price | None:
    """Return the stop that is to be in force: of a position that is not ours, the one shown."""
    trade = state.books.trades.get(symbol)
    if trade is not None and trade.side is side:
        return trade.stop_wanted
    report = state.view.positions.get(symbol)
    return None if report is None else report.stop_loss


def _is_loosening(books: Books, symbol: Symbol, side: Side | None, stop: Price | None) -> bool:
    """Tell whether a change is under way after which the position would lose more."""
    pending = books.protecting.get(symbol)
    wanted = None if pending is None else pending.intended.change.stop_loss
    if wanted is None or side is None or stop is None:
        return False
    return wanted.sign == 0 or is_tighter(stop, wanted, side=side)
