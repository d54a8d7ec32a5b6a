"""How a rule answers: passed, breached with evidence, or not evaluated for want of data."""

import enum

import attrs
from tidegate.domain.money import Qty

__all__ = ["Breach", "Missing", "Passed", "Rule", "Verdict"]


class Rule(enum.Enum):
    """Every rule, in the order in which it is judged and reported."""

    PANIC = "panic"
    TRADING_STATE = "trading state"
    TRADING_MODE = "trading mode"
    SYMBOL_ALLOWED = "symbol allowed"
    SYMBOL_TRADING = "symbol trading"
    PROTECTIVE_STOP = "protective stop"
    MARKET_FRESH = "market data fresh"
    STREAM_HEALTHY = "stream healthy"
    FINDINGS_SETTLED = "findings settled"
    DUPLICATE_SIGNAL = "duplicate signal"
    OPPOSITE_POSITION = "opposite position"
    DAY_LOSS = "day's loss"
    DRAWDOWN = "drawdown"
    LOSS_COOLDOWN = "cool-down after a loss"
    STOP_GUARD = "stop-loss guard"
    LOSING_SYMBOL = "losing-symbol lock"
    ORDER_RATE_SECOND = "orders per second"
    ORDER_RATE_MINUTE = "orders per minute"
    ORDER_RATE_DAY = "orders per day"
    PENDING_ORDERS = "pending orders"
    BALANCE = "minimum balance"
    VIABLE_SIZE = "minimum viable size"
    VENUE_LIMITS = "venue limits"
    PRICE_DEVIATION = "price deviation"
    LEVERAGE = "leverage cap"
    LIQUIDATION_DISTANCE = "distance to liquidation"
    REWARD_TO_RISK = "reward-to-risk after costs"
    POSITIONS = "number of positions"
    POSITION_SIZE = "size per position"
    EXPOSURE = "total exposure"
    CONCENTRATION = "concentration per symbol"
    TRADE_RISK = "risk per trade"
    INITIAL_MARGIN = "account initial-margin rate"
    MAINTENANCE_MARGIN = "account maintenance-margin rate"
    AVAILABLE_MARGIN = "available margin"


@attrs.frozen(kw_only=True)
class Passed:
    """The rule holds."""

    rule: Rule


@attrs.frozen(kw_only=True)
class Breach:
    """The rule does not hold. ``observed`` and ``limit`` are the values with their units.

    ``largest`` is the largest quantity that would pass this rule: ``None`` where size is not the
    matter or only a larger one helps, zero where no size passes. ``smallest`` is the smallest
    quantity that would pass, where the order is too small for this rule.
    """

    rule: Rule
    observed: str
    limit: str
    remedy: str
    largest: Qty | None = None
    smallest: Qty | None = None

    @property
    def is_about_size(self) -> bool:
        """Tell whether another quantity may pass this rule."""
        return self.largest is not None or self.smallest is not None


@attrs.frozen(kw_only=True)
class Missing:
    """The rule could not be evaluated because ``what`` is not known. It counts as a refusal."""

    rule: Rule
    what: str


Verdict = Passed | Breach | Missing
"""``Passed``: the rule holds; ``Breach``: it does not, with both values and the remedy;
``Missing``: it could not be asked, which refuses too."""
