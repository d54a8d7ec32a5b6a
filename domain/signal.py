"""What a strategy asks for: a side, a way to size, a stop and a reward-to-risk ladder."""

import attrs

from .management import Management
from .money import ONE, ZERO_RATE, Distance, Money, Price, Qty, Rate
from .orders import OrderKind, Side, Symbol, TimeInForce
from .triggers import TriggerSpec

__all__ = [
    "Entry",
    "ExactQty",
    "KellyFraction",
    "MarginAtLeverage",
    "Notional",
    "RiskFraction",
    "RungSpec",
    "Signal",
    "SizingMethod",
    "StopAtPrice",
    "StopAtr",
    "StopPercent",
    "StopRoi",
    "StopSpec",
    "VolatilityTarget",
]


@attrs.frozen
class StopAtPrice:
    """A stop at an absolute price."""

    price: Price


@attrs.frozen
class StopPercent:
    """A stop at a fraction of the entry price (0.02 is two per cent) against the position."""

    fraction: Rate


@attrs.frozen
class StopRoi:
    """A stop at a loss of ``fraction`` of the initial margin: entry x fraction / leverage away."""

    fraction: Rate


@attrs.frozen
class StopAtr:
    """A stop at ``multiple`` average true ranges from the entry; ``atr`` is a price distance."""

    multiple: Rate
    atr: Distance


StopSpec = StopAtPrice | StopPercent | StopRoi | StopAtr


@attrs.frozen
class Notional:
    """Size from a position value in USDT."""

    amount: Money


@attrs.frozen
class MarginAtLeverage:
    """Size from an initial margin in USDT at the signal's leverage."""

    amount: Money


@attrs.frozen
class RiskFraction:
    """Size so that the worst loss at the stop is ``fraction`` of equity, costs included."""

    fraction: Rate


@attrs.frozen
class VolatilityTarget:
    """Size so that a move of one ``atr`` (price distance) changes equity by ``fraction``."""

    fraction: Rate
    atr: Distance


@attrs.frozen
class KellyFraction:
    """Size by a fraction of the Kelly bet, risking at most ``cap`` of equity at the stop.

    Kelly's share of equity to risk is ``win_rate - (1 - win_rate) / payoff``, with ``payoff`` the
    average win over the average loss (J. L. Kelly, "A New Interpretation of Information Rate",
    1956); ``scale`` 0.5 is half Kelly.
    """

    win_rate: Rate
    payoff: Rate
    scale: Rate
    cap: Rate


@attrs.frozen
class ExactQty:
    """Size given in base coin, still subject to every rule."""

    qty: Qty


SizingMethod = (
    Notional | MarginAtLeverage | RiskFraction | VolatilityTarget | KellyFraction | ExactQty
)


@attrs.frozen
class RungSpec:
    """One take-profit: at ``reward_to_risk`` times the stop distance, closing ``close_fraction``.

    Fractions of a ladder are of the whole position and add up to at most one.
    """

    reward_to_risk: Rate
    close_fraction: Rate = ONE


@attrs.frozen(kw_only=True)
class Entry:
    """How to enter. A market order has no ``price``; a limit order rests at ``price``.

    ``time_in_force`` is immediate-or-cancel at market and good-till-cancelled for a limit when it
    is ``None``. A ``trigger`` makes either conditional: stop-market and stop-limit. ``take_profit``
    travels inside the order besides the stop, and closes the whole position at market.
    """

    kind: OrderKind = OrderKind.MARKET
    price: Price | None = None
    time_in_force: TimeInForce | None = None
    trigger: TriggerSpec | None = None
    take_profit: Price | None = None


@attrs.frozen(kw_only=True)
class Signal:
    """A wish to open a position; what it becomes is decided by tidegate.

    ``signal_id`` is the strategy's own name for it; the same id is never traded twice.
    ``reward_to_risk_min`` refuses the trade when its net reward-to-risk after costs is lower.
    ``management`` is what is done with its stop while it is held.
    """

    signal_id: str
    symbol: Symbol
    side: Side
    sizing: SizingMethod
    stop: StopSpec | None
    ladder: tuple[RungSpec, ...] = ()
    entry: Entry = Entry()
    leverage: Rate = ONE
    reward_to_risk_min: Rate = ZERO_RATE
    management: Management = attrs.field(factory=Management)
