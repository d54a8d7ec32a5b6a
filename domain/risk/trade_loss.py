"""The worst loss of a trade from flat to flat: what is held, and what its entries may still add.

Used where an entry is judged and where a stop is loosened, so that both count the same.
"""

from collections.abc import Iterable

import attrs
from tidegate.domain.costs import Costs, Liquidity, worst_loss_per_unit
from tidegate.domain.managed_levels import is_tighter
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty
from tidegate.domain.orders import Side

from .bounds import per_coin, value_of

__all__ = ["AtRisk", "looser", "worst_loss"]


@attrs.frozen(kw_only=True)
class AtRisk:
    """A part of a trade. ``qty`` is unsigned base coin, ``entry`` its average or worst entry.

    ``stop`` is the loosest that may end it, ``None`` where none is known.
    """

    side: Side
    qty: Qty
    entry: Price
    stop: Price | None
    liquidity: Liquidity = Liquidity.TAKER

    def under(self, stop: Price | None) -> "AtRisk":
        """Return the same part where the trade's common stop is ``stop``: the looser counts."""
        return attrs.evolve(self, stop=looser(self.stop, stop, side=self.side))


def looser(one: Price | None, other: Price | None, *, side: Side) -> Price | None:
    """Return the looser of two stops of a position on ``side``; one not known says nothing."""
    if one is None or other is None:
        return other if one is None else one
    return other if is_tighter(one, other, side=side) else one


def worst_loss(parts: Iterable[AtRisk], costs: Costs) -> Money:
    """Return what all parts lose at their stops, both fees and slippage included, in USDT.

    A part whose stop locks a profit in loses nothing, and makes no room for another. Without a stop
    the whole value at entry is at risk, as for an entry without one.
    """
    total = ZERO_MONEY
    for part in parts:
        total = total + value_of(max(ZERO_MONEY, _per_unit(part, costs)), part.qty)
    return total


def _per_unit(part: AtRisk, costs: Costs) -> Money:
    if part.stop is None:
        return per_coin(part.entry)
    return worst_loss_per_unit(
        side=part.side,
        entry=part.entry,
        stop=part.stop,
        costs=costs,
        entry_liquidity=part.liquidity,
    )
