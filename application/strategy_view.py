"""What a strategy is shown of the desk when it decides."""

from tidegate.domain.core.snapshots import equity_now
from tidegate.domain.core.state import State
from tidegate.domain.orders import Role, Symbol
from tidegate.ports.strategy import StrategyView

__all__ = ["strategy_view"]


def strategy_view(state: State, symbol: Symbol) -> StrategyView:
    """Return the view of ``symbol``; equity is the wallet while a mark is not known."""
    books = state.books
    assert books.ledger is not None, "the account is opened before the strategy decides"
    equity = equity_now(books, state.view)
    return StrategyView(
        symbol=symbol,
        position=books.position(symbol),
        has_pending_entry=any(order.role is Role.ENTRY for order in books.open_orders(symbol)),
        equity=books.ledger.wallet if equity is None else equity,
    )
