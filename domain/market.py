"""Public market data beyond the ticker: order book, trades, funding rates."""

import attrs

from .money import Price, Qty, Rate
from .orders import Side, Symbol

__all__ = ["BookLevel", "FundingRate", "OrderBook", "PublicTrade"]


@attrs.frozen
class BookLevel:
    """What rests at one price, in base coin."""

    price: Price
    qty: Qty


def _are_sorted(instance: "OrderBook", attribute: "attrs.Attribute[object]", _: object) -> None:
    levels: tuple[BookLevel, ...] = getattr(instance, attribute.name)
    prices = [level.price for level in levels]
    wanted = sorted(set(prices), reverse=attribute.name == "bids")
    if prices != wanted:
        raise ValueError(
            f"{attribute.name} of {instance.symbol} at {[str(p) for p in prices]}: "
            "each price once, the best first"
        )


@attrs.frozen(kw_only=True)
class OrderBook:
    """Resting orders by price, the best first, at one venue time; either side may be empty."""

    symbol: Symbol
    bids: tuple[BookLevel, ...] = attrs.field(validator=_are_sorted)
    asks: tuple[BookLevel, ...] = attrs.field(validator=_are_sorted)
    time_ms: int


@attrs.frozen(kw_only=True)
class PublicTrade:
    """One trade of the market; ``side`` is the taker's."""

    trade_id: str
    symbol: Symbol
    side: Side
    price: Price
    qty: Qty
    time_ms: int


@attrs.frozen(kw_only=True)
class FundingRate:
    """A funding rate and when it is, or was, settled; positive when longs pay shorts."""

    symbol: Symbol
    rate: Rate
    time_ms: int
