"""Every risk threshold, with its default and unit."""

import enum
from collections.abc import Callable
from decimal import Decimal

import attrs
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import Symbol

__all__ = ["Oversize", "RiskLimits"]


class Oversize(enum.Enum):
    """What happens to an entry that is too large but could pass if smaller."""

    REFUSE = "refuse"
    REDUCE = "reduce"


def _rate(text: str) -> Callable[[], Rate]:
    return lambda: Rate(Decimal(text))


def _money(text: str) -> Callable[[], Money]:
    return lambda: Money(Decimal(text))


@attrs.frozen(kw_only=True)
class RiskLimits:
    """The limits that the rules enforce; a value equal to a limit passes.

    Rates are fractions (0.02 is two per cent), times are milliseconds, money is USDT.
    """

    symbols_allowed: frozenset[Symbol] | None = None
    """Symbols that may be traded; ``None`` allows every symbol of the venue."""
    market_age_ms_max: int = 5_000
    """Oldest price that still counts as fresh."""
    clock_lead_ms_max: int = 1_000
    """How far a price's time may lie ahead of this clock and still count as fresh."""
    stream_grace_ms: int = 15_000
    """How long a stream may be down before entries stop."""
    day_loss_max: Rate = attrs.field(factory=_rate("0.03"))
    """Largest loss since the day began, open positions at mark, as a share of opening equity."""
    drawdown_max: Rate = attrs.field(factory=_rate("0.25"))
    """Largest fall of equity from its high-water mark, as a share of that mark."""
    balance_min: Money = attrs.field(factory=_money("10"))
    """Smallest wallet balance that may open a position."""
    notional_viable_min: Money = attrs.field(factory=_money("10"))
    """Smallest position worth its costs."""
    position_notional_max: Money = attrs.field(factory=_money("100000"))
    """Largest notional of one symbol's position, orders in flight included."""
    exposure_max: Rate = attrs.field(factory=_rate("5"))
    """Largest total notional, orders in flight included, as a multiple of equity."""
    risk_per_trade_max: Rate = attrs.field(factory=_rate("0.02"))
    """Largest worst loss of one trade, additions and all costs included, as a share of equity."""
    leverage_max: Rate = attrs.field(factory=_rate("10"))
    """Largest leverage."""
    positions_max: int = 5
    """Largest number of symbols with a position or an entry in flight."""
    concentration_max: Rate = attrs.field(factory=_rate("4"))
    """Largest notional of one symbol, as a multiple of equity."""
    initial_margin_rate_max: Rate = attrs.field(factory=_rate("0.9"))
    """Largest account initial-margin rate after the order."""
    maintenance_margin_rate_max: Rate = attrs.field(factory=_rate("0.5"))
    """Largest account maintenance-margin rate after the order."""
    liquidation_distance_min: Rate = attrs.field(factory=_rate("0.03"))
    """Smallest distance from entry to the liquidation price, as a share of the entry price."""
    price_deviation_max: Rate = attrs.field(factory=_rate("0.03"))
    """Largest distance of an order's price from the mark price, as a share of it (fat finger)."""
    orders_per_second_max: int = 10
    """Largest number of orders sent in any second, this plan included."""
    orders_per_minute_max: int = 120
    """Largest number of orders sent in any minute, this plan included."""
    orders_per_day_max: int = 5_000
    """Largest number of orders sent in the trading day, this plan included."""
    pending_orders_max: int = 400
    """Largest number of unfinished orders, this plan included."""
    loss_cooldown_ms: int = 60_000
    """How long after a losing trade no new one may start."""
    stops_in_window_max: int = 4
    """How many stop-outs within the window stop new entries once exceeded."""
    stops_window_ms: int = 86_400_000
    """The window of the stop-loss guard."""
    symbol_losses_in_row_max: int = 3
    """How many losing trades in a row a symbol may have before it is locked once exceeded."""
    symbol_lock_ms: int = 86_400_000
    """How long a losing symbol stays locked after its last loss."""
    stop_required: bool = True
    """Whether every risk-adding order must carry a protective stop."""
    reward_to_risk_net_min: Rate = attrs.field(factory=_rate("0"))
    """Smallest net reward-to-risk of a plan after costs; judged only when it has targets."""
    oversize: Oversize = Oversize.REFUSE
    """Refuse an entry that is too large, or reduce it and say so."""
