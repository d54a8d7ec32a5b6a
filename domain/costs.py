"""What a trade costs: fees and slippage, the worst loss at the stop, break-even, reward-to-risk.

A fee is ``executed quantity x executed price x rate``, in USDT (Bybit V5 ``execFee``).
"""

import enum

import attrs

from .instrument import FeeRates
from .levels import Rung
from .money import (
    ONE,
    ZERO_DISTANCE,
    ZERO_MONEY,
    ZERO_QTY,
    ZERO_RATE,
    Distance,
    Money,
    Price,
    Qty,
    Rate,
)
from .orders import Side
from .position import Position

__all__ = [
    "Costs",
    "Liquidity",
    "break_even_price",
    "gross_reward_to_risk",
    "net_reward_to_risk",
    "worst_entry",
    "worst_loss_per_unit",
]

_ONE_COIN = Qty.of(1)


class Liquidity(enum.Enum):
    """Whether an entry takes from the book or, being post-only, can only rest in it."""

    TAKER = "taker"
    MAKER = "maker"


@attrs.frozen(kw_only=True)
class Costs:
    """What an execution is expected to cost, all as fractions of price or notional.

    ``entry_slippage`` and ``stop_slippage`` say how much worse than its reference a market entry,
    and than its trigger a stop, is expected to fill.

    Raises:
        ValueError: for a slippage or taker rate outside [0, 1), or a maker rate outside (-1, 1).

    """

    fees: FeeRates
    entry_slippage: Rate
    stop_slippage: Rate

    def __attrs_post_init__(self) -> None:
        checked = {
            "entry slippage": self.entry_slippage,
            "stop slippage": self.stop_slippage,
            "taker fee": self.fees.taker,
        }
        for name, rate in checked.items():
            if not ZERO_RATE <= rate < ONE:
                raise ValueError(f"{name} {rate}: a fraction from 0 to below 1 is accepted")
        if not -ONE < self.fees.maker < ONE:
            raise ValueError(
                f"maker fee {self.fees.maker}: a fraction above -1 and below 1 is accepted"
            )

    def entry_rate(self, liquidity: Liquidity) -> Rate:
        """Return the fee rate of an entry at worst; a maker's rebate is not counted as certain."""
        match liquidity:
            case Liquidity.TAKER:
                return self.fees.taker
            case Liquidity.MAKER:
                return max(self.fees.maker, ZERO_RATE)


def worst_entry(reference: Price, side: Side, costs: Costs) -> Price:
    """Return ``reference`` worsened by the entry slippage: higher to buy, lower to sell."""
    return reference + (reference * costs.entry_slippage).times(side.sign)


def worst_loss_per_unit(
    *,
    side: Side,
    entry: Price,
    stop: Price,
    costs: Costs,
    entry_liquidity: Liquidity = Liquidity.TAKER,
) -> Money:
    """Return the loss of one base coin that enters at ``entry`` and is stopped out, in USDT.

    ``entry`` is the worst expected fill: its slippage is already in it. The exit is ``stop``
    worsened by the stop slippage, and pays the taker fee. Positive is a loss; it is positive
    whenever the stop is on the losing side of the entry.
    """
    exit_price = stop - (stop * costs.stop_slippage).times(side.sign)
    price_loss = (entry - exit_price).times(side.sign)
    fees = entry * costs.entry_rate(entry_liquidity) + exit_price * costs.fees.taker
    return (price_loss + fees) * _ONE_COIN


def break_even_price(
    *, position: Position, realised: Money, fees_paid: Money, funding_paid: Money, taker: Rate
) -> Price:
    """Return the price at which closing all of ``position`` now leaves the trade at exactly zero.

    With signed quantity q, signed cost C (quantity times entry), realised price profit R, fees F
    and funding N already paid and taker rate t, closing at P nets
    ``R + (P q - C) - F - N - |q| P t``. Setting it to zero gives
    ``P = (C - R + F + N) / (q - |q| t)``. Bybit's ``breakEvenPrice`` is the same with its
    ``realisedPnl = R - F - N`` and a taker rate of at least 0.00055.

    Unrounded. It is zero or below where no price matters: a long that has banked more than it
    cost cannot lose any more, a short that has lost more than its value cannot win it back.

    Raises:
        ValueError: when the position is flat, or ``taker`` is not a fraction from 0 to below 1.

    """
    if position.is_flat:
        raise ValueError("a flat position has no break-even price; ask only while one is held")
    if not ZERO_RATE <= taker < ONE:
        raise ValueError(f"taker fee {taker}: a fraction from 0 to below 1 is accepted")
    to_recover = position.cost - realised + fees_paid + funding_paid
    return to_recover / (position.qty - abs(position.qty) * taker)


def gross_reward_to_risk(
    *, side: Side, entry: Price, stop: Price, rungs: tuple[Rung, ...], qty: Qty
) -> Rate | None:
    """Return the profit if every rung fills over the loss at the stop, before any cost.

    ``None`` without rungs, or when the stop is not on the losing side of the entry. What no rung
    closes earns nothing here.
    """
    risk = (entry - stop).times(side.sign) * qty
    if not rungs or risk <= ZERO_MONEY:
        return None
    return _gain(side, entry, rungs) / risk


def net_reward_to_risk(
    *,
    side: Side,
    entry: Price,
    stop: Price,
    rungs: tuple[Rung, ...],
    qty: Qty,
    costs: Costs,
    entry_liquidity: Liquidity = Liquidity.TAKER,
    take_profit: Price | None = None,
) -> Rate | None:
    """Return the profit after fees if every rung fills over the worst loss after all costs.

    Rungs rest as limit orders and pay the maker fee. What no rung closes leaves at market at
    ``take_profit`` and pays the taker fee; without one it earns nothing, while the entry fee of the
    whole ``qty`` is counted. ``None`` as for the gross ratio, where there is no take-profit either.
    """
    has_target = bool(rungs) or take_profit is not None
    if not has_target or (entry - stop).times(side.sign) <= ZERO_DISTANCE:
        return None
    per_unit = worst_loss_per_unit(
        side=side, entry=entry, stop=stop, costs=costs, entry_liquidity=entry_liquidity
    )
    fees = entry * qty * costs.entry_rate(entry_liquidity)
    for rung in rungs:
        fees += rung.price * rung.qty * costs.fees.maker
    gain = _gain(side, entry, rungs)
    if take_profit is not None:
        rest = qty - sum((rung.qty for rung in rungs), start=ZERO_QTY)
        gain += (take_profit - entry).times(side.sign) * rest
        fees += take_profit * rest * costs.fees.taker
    return (gain - fees) / (_as_distance(per_unit) * qty)


def _gain(side: Side, entry: Price, rungs: tuple[Rung, ...]) -> Money:
    gain = ZERO_MONEY
    for rung in rungs:
        gain += (rung.price - entry).times(side.sign) * rung.qty
    return gain


def _as_distance(per_coin: Money) -> Distance:
    return Distance(per_coin.value)
