"""The displayed order book: its levels, and for each depth what a stream tells of a change.

Only the best level is the simulated venue's own. What lies beyond it is synthetic: evenly spaced
levels, one tick apart, of the size of the best one. Nothing trades against them. A book that was
set by the control interface is shown as it was set, until the next price.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.money import ZERO_QTY, Distance, Price, Qty
from tidegate.domain.reports import Ticker

from .market_text import price_text, text

__all__ = ["DEPTHS", "Depth", "Ladder", "Level", "synthetic"]

DEPTHS = (1, 50, 200, 1000)
"""The depths of the ``orderbook`` topics (Bybit V5 websocket/public/orderbook, linear)."""

SYNTHETIC_LEVELS = 25

Level = tuple[Price, Qty]
Rows = list[list[str]]


@attrs.frozen(kw_only=True)
class Ladder:
    """Levels with a size, best first: bids descending, asks ascending.

    Raises:
        ValueError: prices out of order, a level without a size, or a bid above the asks.

    """

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()

    def __attrs_post_init__(self) -> None:
        bids, asks = [p for p, _ in self.bids], [p for p, _ in self.asks]
        if any(better <= worse for better, worse in pairwise(bids)):
            raise ValueError(f"bids {_listed(bids)} do not descend; the best comes first")
        if any(better >= worse for better, worse in pairwise(asks)):
            raise ValueError(f"asks {_listed(asks)} do not ascend; the best comes first")
        if any(size <= ZERO_QTY for _, size in (*self.bids, *self.asks)):
            raise ValueError("a level of the book has no size; every size is above zero")
        if bids and asks and bids[0] > asks[0]:
            raise ValueError(f"the best bid {bids[0]} is above the best ask {asks[0]}")


def _listed(prices: Iterable[Price]) -> str:
    return ", ".join(map(str, prices))


def synthetic(ticker: Ticker, instrument: Instrument) -> Ladder:
    """Return the book that is shown around the best bid and ask."""
    down, up = -instrument.tick, instrument.tick
    return Ladder(
        bids=_stairs(ticker.bid, ticker.bid_size, down, instrument),
        asks=_stairs(ticker.ask, ticker.ask_size, up, instrument),
    )


def _stairs(best: Price, size: Qty, step: Distance, instrument: Instrument) -> tuple[Level, ...]:
    if size <= ZERO_QTY:
        return ()
    prices = (best + step.times(number) for number in range(SYNTHETIC_LEVELS))
    lowest, highest = instrument.price_min, instrument.price_max
    return tuple((price, size) for price in prices if lowest <= price <= highest)


@attrs.define
class Depth:
    """What the subscribers of one depth have been told, and the number ``u`` of that update."""

    levels: int
    tick: Distance
    u: int = 100
    bids: dict[Price, Qty] = attrs.field(factory=dict)
    asks: dict[Price, Qty] = attrs.field(factory=dict)

    def update(self, ladder: Ladder) -> tuple[Rows, Rows] | None:
        """Take over a changed book; return the changed rows of both sides, ``None`` if none."""
        bids, asks = dict(ladder.bids[: self.levels]), dict(ladder.asks[: self.levels])
        if bids == self.bids and asks == self.asks:
            return None
        changed = self._changes(self.bids, bids), self._changes(self.asks, asks)
        self.bids, self.asks = bids, asks
        self.u += 1
        return changed

    def _changes(self, before: Mapping[Price, Qty], after: Mapping[Price, Qty]) -> Rows:
        tick = self.tick
        gone = [[price_text(price, tick), "0"] for price in before if price not in after]
        new = after.items() - before.items()
        return gone + [[price_text(price, tick), text(size)] for price, size in new]

    def _rows(self, side: Mapping[Price, Qty]) -> Rows:
        return [[price_text(price, self.tick), text(size)] for price, size in side.items()]

    def rows(self, levels: int | None = None) -> tuple[Rows, Rows]:
        """Return bids and asks as they stand, best first."""
        return self._rows(self.bids)[:levels], self._rows(self.asks)[:levels]
