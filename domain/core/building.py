"""The one builder of orders: entries, rungs, exits, closes and panic closes all come from here."""

from tidegate.domain.entry_terms import time_in_force_of
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Role,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
)
from tidegate.domain.planning import Plan

__all__ = ["build_order", "entry_order"]


def build_order(
    order_id: ClientId,
    *,
    purpose: Purpose,
    symbol: Symbol,
    side: Side,
    qty: Qty,
    price: Price | None = None,
    time_in_force: TimeInForce | None = None,
    trigger: Trigger | None = None,
    stop_loss: Price | None = None,
    take_profit: Price | None = None,
    close_on_trigger: bool = False,
) -> OrderRequest:
    """Build the order that is named ``order_id``; without a ``price`` it goes at market.

    Everything but an entry is reduce-only. Prices and quantity are on the venue's grid already.

    Raises:
        ValueError: a combination that no venue can mean; see :class:`OrderRequest`.

    """
    kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
    return OrderRequest(
        client_id=order_id,
        symbol=symbol,
        side=side,
        qty=qty,
        kind=kind,
        purpose=purpose,
        price=price,
        time_in_force=time_in_force_of(kind, time_in_force),
        reduce_only=purpose.role is not Role.ENTRY,
        close_on_trigger=close_on_trigger,
        trigger=trigger,
        stop_loss=None if stop_loss is None else ProtectiveLeg(price=stop_loss),
        take_profit=None if take_profit is None else ProtectiveLeg(price=take_profit),
    )


def entry_order(plan: Plan, order_id: ClientId) -> OrderRequest:
    """Build the entry with its stop, and its take-profit where there is one, inside."""
    entry = plan.signal.entry
    return build_order(
        order_id,
        purpose=Purpose(Role.ENTRY),
        symbol=plan.signal.symbol,
        side=plan.signal.side,
        qty=plan.qty,
        price=plan.entry if entry.kind is OrderKind.LIMIT else None,
        time_in_force=entry.time_in_force,
        trigger=plan.trigger,
        stop_loss=plan.stop,
        take_profit=plan.take_profit,
    )
