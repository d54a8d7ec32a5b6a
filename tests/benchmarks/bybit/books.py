"""Frames of an order book of depth 50, and the book that they make: the same in every process.

A snapshot, then deltas of eight levels: four for each side, every second frame with a level that
goes and one that comes. The best level changes its size and keeps its price, because the official
client appends what is new at the end of its list: only so is its first level the best one.
"""

import json
import random
from functools import cache

import attrs

__all__ = ["SYMBOL", "TOPIC", "Burst", "Level", "burst"]

SYMBOL = "BTCUSDT"
TOPIC = f"orderbook.50.{SYMBOL}"
DEPTH = 50
GRID = 60
"""How many prices of each side are in play; fifty of them hold a level at any time."""

FRAMES = 1_000
CHANGES_PER_SIDE = 4

Level = tuple[str, str]


@attrs.frozen(kw_only=True)
class Burst:
    """The frames, the best bid and ask after each of them, and the whole book after the last."""

    frames: tuple[bytes, ...]
    bests: tuple[tuple[Level, Level], ...]
    bids: dict[str, str]
    asks: dict[str, str]


class _Side:
    """The levels of one side by price, and the prices that are free, both from the best."""

    def __init__(self, prices: list[str], drawn: random.Random) -> None:
        self._prices = prices
        self._drawn = drawn
        self.levels = {price: self._size() for price in prices[:DEPTH]}

    @property
    def best(self) -> Level:
        price = self._prices[0]
        return price, self.levels[price]

    def _size(self) -> str:
        return f"{self._drawn.randint(1, 90_000) / 1000:.3f}"

    def change(self, *, moves: bool) -> list[Level]:
        """Change four levels, the best among them, and return them as a delta tells them."""
        others = [price for price in self.levels if price != self._prices[0]]
        known = self._drawn.sample(others, CHANGES_PER_SIDE - 1)
        told = [(price, self._size()) for price in (self._prices[0], *known)]
        if moves:
            free = [price for price in self._prices if price not in self.levels]
            told[-2:] = [(known[-1], "0"), (self._drawn.choice(free), self._size())]
        for price, size in told:
            if size == "0":
                del self.levels[price]
            else:
                self.levels[price] = size
        return told


@cache
def burst() -> Burst:
    """Return the frames and what they make."""
    drawn = random.Random(7)  # noqa: S311  (no secret: the same frames in every run)
    bids = _Side([f"{64_000 - n / 10:.1f}" for n in range(GRID)], drawn)
    asks = _Side([f"{64_000.1 + n / 10:.1f}" for n in range(GRID)], drawn)
    frames = [_frame("snapshot", 1, list(bids.levels.items()), list(asks.levels.items()))]
    bests = [(bids.best, asks.best)]
    for update_id in range(2, FRAMES + 1):
        moves = update_id % 2 == 0
        told = bids.change(moves=moves), asks.change(moves=moves)
        frames.append(_frame("delta", update_id, *told))
        bests.append((bids.best, asks.best))
    return Burst(frames=tuple(frames), bests=tuple(bests), bids=bids.levels, asks=asks.levels)


def _frame(kind: str, update_id: int, bids: list[Level], asks: list[Level]) -> bytes:
    data = {"s": SYMBOL, "b": bids, "a": asks, "u": update_id, "seq": 7_961_638_724 + update_id}
    time_ms = 1_700_000_000_000 + update_id
    message = {"topic": TOPIC, "type": kind, "ts": time_ms, "data": data, "cts": time_ms - 2}
    return json.dumps(message, separators=(",", ":")).encode()
