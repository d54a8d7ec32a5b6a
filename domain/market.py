"""Public market data beyond the ticker: order book, trades, funding rates."""

import attrs

from .money import Price, Qty, Rate
from .orders import Side, Symbol

__all__ = [
    "DEPTH_MAX",
    "TRADES_MAX",
    "BookLevel",
    "FundingRate",
    "OrderBook",
    "PublicTrade",
    "check_count",
    "check_depth",
    "next_funding_ms",
]

DEPTH_MAX = 1_000
"""The most levels of a side that one query may ask for (Bybit V5 market/orderbook)."""

TRADES_MAX = 1_000
"""The most trades that one query may ask for (Bybit V5 market/recent-trade)."""

_MINUTE_MS = 60_000


def check_depth(depth: int) -> None:
    """Raise ``ValueError`` for a number of levels that no query may ask for.

    Raises:
        ValueError: a depth below one or above ``DEPTH_MAX``.

    """
    if not 1 <= depth <= DEPTH_MAX:
        raise ValueError(f"a depth of {depth}: 1 to {DEPTH_MAX} levels are accepted")


def check_count(count: int) -> None:
    """Raise ``ValueError`` for a number of trades that no query may ask for.

    Raises:
        ValueError: a count below one or above ``TRADES_MAX``.

    """
    if not 1 <= count <= TRADES_MAX:
        raise ValueError(f"a count of {count}: 1 to {TRADES_MAX} trades are accepted")


def next_funding_ms(now_ms: int, *, interval_minutes: int) -> int:
    """Return the next settlement after ``now_ms``: a multiple of the interval in UTC.

    ``interval_minutes`` is an instrument's (Bybit V5 market/instruments-info ``fundingInterval``).
    """
    width_ms = interval_minutes * _MINUTE_MS
    return (now_ms // width_ms + 1) * width_ms


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
