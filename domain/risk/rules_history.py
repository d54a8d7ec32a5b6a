"""Rules about what happened before: losses, stop-outs, and how many orders were sent."""

from . import wording
from .bounds import EQUITY
from .limits import RiskLimits
from .snapshot import Proposal, RiskSnapshot
from .verdict import Breach, Missing, Passed, Rule, Verdict

__all__ = [
    "day_loss",
    "drawdown",
    "losing_symbol",
    "loss_cooldown",
    "order_rate_day",
    "order_rate_minute",
    "order_rate_second",
    "pending_orders",
    "stop_guard",
]


def day_loss(_proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse once the day's loss, open positions at mark, exceeds its share of opening equity."""
    if snapshot.day_profit is None:
        return Missing(rule=Rule.DAY_LOSS, what="the day's profit")
    if snapshot.day_opening_equity is None:
        return Missing(rule=Rule.DAY_LOSS, what="the equity at the day's opening")
    loss = -snapshot.day_profit
    cap = snapshot.day_opening_equity * limits.day_loss_max
    if loss <= cap:
        return Passed(rule=Rule.DAY_LOSS)
    return Breach(
        rule=Rule.DAY_LOSS,
        observed=wording.usdt_above(loss),
        limit=wording.usdt_below(cap),
        remedy="wait for the next trading day",
    )


def drawdown(_proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse once equity, open positions at mark, has fallen too far from its high-water mark.

    A mark on another ground than the equity says nothing of a fall; the next marking begins anew.
    """
    if snapshot.equity is None:
        return Missing(rule=Rule.DRAWDOWN, what=EQUITY)
    high_water = snapshot.high_water_equity
    if high_water is None or high_water.sign <= 0:
        return Missing(rule=Rule.DRAWDOWN, what="a high-water mark of equity above zero")
    fall = high_water - snapshot.equity
    if not snapshot.is_fall_known or fall <= high_water * limits.drawdown_max:
        return Passed(rule=Rule.DRAWDOWN)
    return Breach(
        rule=Rule.DRAWDOWN,
        observed=wording.percent_above(fall / high_water),
        limit=wording.percent(limits.drawdown_max),
        remedy=f"review the strategy; equity was {wording.usdt(high_water)} at its highest",
    )


def loss_cooldown(_proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse until the cool-down after the last losing trade, in any symbol, is over.

    A loss that the venue dates ahead of this clock counts as just made.
    """
    if snapshot.last_loss_ms is None:
        return Passed(rule=Rule.LOSS_COOLDOWN)
    elapsed_ms = max(0, snapshot.now_ms - snapshot.last_loss_ms)
    if elapsed_ms >= limits.loss_cooldown_ms:
        return Passed(rule=Rule.LOSS_COOLDOWN)
    return Breach(
        rule=Rule.LOSS_COOLDOWN,
        observed=f"{wording.seconds(elapsed_ms)} since the last loss",
        limit=wording.seconds(limits.loss_cooldown_ms),
        remedy=f"wait {wording.seconds(limits.loss_cooldown_ms - elapsed_ms)}",
    )


def stop_guard(_proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse once more trades were stopped out within the window than are tolerated."""
    if snapshot.stops_in_window <= limits.stops_in_window_max:
        return Passed(rule=Rule.STOP_GUARD)
    window = wording.seconds(limits.stops_window_ms)
    return Breach(
        rule=Rule.STOP_GUARD,
        observed=f"{snapshot.stops_in_window} stop-outs in {window}",
        limit=f"{limits.stops_in_window_max} stop-outs in {window}",
        remedy="wait until the oldest stop-outs leave the window",
    )


def losing_symbol(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a symbol with too many losses in a row, until its lock after the last one is over."""
    losses = snapshot.symbol_losses_in_row
    if losses <= limits.symbol_losses_in_row_max:
        return Passed(rule=Rule.LOSING_SYMBOL)
    if snapshot.symbol_last_loss_ms is None:
        return Missing(rule=Rule.LOSING_SYMBOL, what=f"the time of {proposal.symbol}'s last loss")
    elapsed_ms = max(0, snapshot.now_ms - snapshot.symbol_last_loss_ms)
    if elapsed_ms >= limits.symbol_lock_ms:
        return Passed(rule=Rule.LOSING_SYMBOL)
    left = wording.seconds(limits.symbol_lock_ms - elapsed_ms)
    return Breach(
        rule=Rule.LOSING_SYMBOL,
        observed=f"{losses} losses in a row in {proposal.symbol}",
        limit=f"{limits.symbol_losses_in_row_max} losses in a row",
        remedy=f"wait {left}, or trade another symbol",
    )


def order_rate_second(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a plan whose orders would exceed the number allowed within a second."""
    after = snapshot.orders_last_second + proposal.orders_to_send
    return _count(
        Rule.ORDER_RATE_SECOND, after, limits.orders_per_second_max, "wait a second, then ask again"
    )


def order_rate_minute(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a plan whose orders would exceed the number allowed within a minute."""
    after = snapshot.orders_last_minute + proposal.orders_to_send
    return _count(
        Rule.ORDER_RATE_MINUTE, after, limits.orders_per_minute_max, "wait a minute, then ask again"
    )


def order_rate_day(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a plan whose orders would exceed the number allowed in the trading day."""
    after = snapshot.orders_today + proposal.orders_to_send
    return _count(
        Rule.ORDER_RATE_DAY, after, limits.orders_per_day_max, "wait for the next trading day"
    )


def pending_orders(proposal: Proposal, snapshot: RiskSnapshot, limits: RiskLimits) -> Verdict:
    """Refuse a plan that would leave more unfinished orders than the bound."""
    after = snapshot.pending_orders + proposal.orders_to_send
    return _count(
        Rule.PENDING_ORDERS, after, limits.pending_orders_max, "cancel orders, or let them finish"
    )


def _count(rule: Rule, after: int, most: int, remedy: str) -> Verdict:
    if after <= most:
        return Passed(rule=rule)
    return Breach(rule=rule, observed=f"{after} orders", limit=f"{most} orders", remedy=remedy)
