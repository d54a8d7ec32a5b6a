"""Where a planned entry would be liquidated, together with what its symbol holds already."""

import attrs

from .instrument import Instrument
from .margin import liquidation_price_cross, liquidation_price_isolated, reachable, tier_for
from .money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty, Rate
from .orders import Side
from .reports import MarginMode

__all__ = ["ANY_SIZE", "NOTHING_JOINED", "AnySize", "Joined", "LiquidationTerms"]


@attrs.frozen(kw_only=True)
class Joined:
    """What an entry adds to: the position of its side, and the entries of its side in flight.

    ``qty`` is base coin and ``cost`` USDT, both unsigned: quantity times average entry.
    ``in_flight`` are the worst price and the open quantity of each entry.
    """

    qty: Qty = ZERO_QTY
    cost: Money = ZERO_MONEY
    in_flight: tuple[tuple[Price, Qty], ...] = ()


NOTHING_JOINED = Joined()


@attrs.frozen
class AnySize:
    """The liquidation price is stated, and the same for any size."""


ANY_SIZE = AnySize()


@attrs.frozen(kw_only=True)
class LiquidationTerms:
    """All that decides the liquidation price beside the quantity of the new entry.

    ``worst`` is the worst fill of the new entry; ``exposure_symbol`` is what its symbol has in use,
    held and in flight. ``others_unrealised`` sums the other positions up, ``others_maintenance``
    those and the entries of other symbols that may still fill: USDT.
    """

    instrument: Instrument
    side: Side
    worst: Price
    leverage: Rate
    taker: Rate
    margin_mode: MarginMode
    wallet: Money
    exposure_symbol: Money
    others_unrealised: Money
    others_maintenance: Money
    joined: Joined

    def at(self, qty: Qty) -> Price | None:
        """Return the price nearest to the market at which the whole position may be liquidated.

        The whole is what is held and the new ``qty`` at its worst fill. An entry in flight may fill
        or not: of those the dearest count (of a short the cheapest), as many as bring it nearest.
        ``None`` where the venue could never liquidate.

        Raises:
            ValueError: the quantity is not above zero.

        """
        if qty <= ZERO_QTY:
            raise ValueError(f"a new entry of {qty}: must be above zero")
        is_long = self.side is Side.BUY
        waiting = sorted(self.joined.in_flight, key=lambda one: one[0].value, reverse=is_long)
        exposure = self.exposure_symbol + self.worst * qty
        for price, open_qty in waiting:
            exposure = exposure - price * open_qty
        whole, cost = self.joined.qty + qty, self.joined.cost + self.worst * qty
        found = [self._of(whole, cost, exposure)]
        for price, open_qty in waiting:
            value = price * open_qty
            whole, cost, exposure = whole + open_qty, cost + value, exposure + value
            found.append(self._of(whole, cost, exposure))
        prices = [price for price in found if price is not None]
        if not prices:
            return None
        return max(prices) if is_long else min(prices)

    def _of(self, qty: Qty, cost: Money, exposure: Money) -> Price | None:
        spec = self.instrument
        entry, tier = cost / qty, tier_for(spec.tiers, exposure)
        if self.margin_mode is MarginMode.ISOLATED:
            price = liquidation_price_isolated(
                side=self.side,
                qty=qty,
                entry=entry,
                leverage=self.leverage,
                tier=tier,
                taker=self.taker,
            )
            return reachable(price, price_min=spec.price_min, price_max=spec.price_max)
        return liquidation_price_cross(
            side=self.side,
            qty=qty,
            entry=entry,
            leverage=self.leverage,
            tier=tier,
            taker=self.taker,
            wallet=self.wallet,
            others_unrealised=self.others_unrealised,
            others_maintenance=self.others_maintenance,
            price_min=spec.price_min,
            price_max=spec.price_max,
        )
