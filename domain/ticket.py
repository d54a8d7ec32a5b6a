"""The ticket of an entry: all that a person wants to know of a trade before it is sent."""

import attrs

from .money import Money, Price, Qty, Rate
from .orders import OrderKind, Side, Symbol, TimeInForce, Trigger

__all__ = ["Ticket", "TicketRung"]


@attrs.frozen(kw_only=True)
class TicketRung:
    """One take-profit: price, quantity in base coin and its gross reward-to-risk."""

    number: int
    price: Price
    qty: Qty
    reward_to_risk: Rate


@attrs.frozen(kw_only=True)
class Ticket:
    """What was approved. Money is USDT.

    ``entry`` is the decision price, ``entry_worst`` the worst fill that the sizes allow for.
    ``price_risk`` is the loss from entry to stop, ``cost_risk`` both fees and slippage on top;
    their sum is the money at risk. ``trigger`` is what a conditional entry waits for, and
    ``take_profit`` what travels inside it besides the stop. ``equity`` is the equity it was sized
    on. ``reduced_from`` is the quantity that was asked where a limit made it smaller. ``notes``
    tell what was adjusted.
    """

    symbol: Symbol
    side: Side
    kind: OrderKind
    qty: Qty
    entry: Price
    entry_worst: Price
    stop: Price | None
    price_risk: Money | None
    cost_risk: Money | None
    equity: Money
    rungs: tuple[TicketRung, ...]
    reward_to_risk_net: Rate | None
    leverage: Rate
    initial_margin: Money
    liquidation: Price | None
    rules_passed: int
    time_in_force: TimeInForce | None = None
    trigger: Trigger | None = None
    take_profit: Price | None = None
    reduced_from: Qty | None = None
    notes: tuple[str, ...] = ()

    @property
    def risk(self) -> Money | None:
        """Return the money at risk, ``None`` without a stop."""
        if self.price_risk is None or self.cost_risk is None:
            return None
        return self.price_risk + self.cost_risk

    @property
    def notional(self) -> Money:
        """Return the value of the position at the decision price."""
        return self.entry * self.qty
