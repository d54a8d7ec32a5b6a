"""An order book of our own, kept from snapshots and deltas (Bybit V5, orderbook topic).

A snapshot replaces everything (``u=1`` after a restart of the venue included). A delta carries the
next ``u``; a quantity of zero deletes a level. After a gap in ``u``, or when the sides cross, the
book is not to be trusted until the next snapshot, and says so.
"""

import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs
from tidegate.domain.market import BookLevel
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Symbol

__all__ = ["BookBroken", "BookUnreadable", "BookView", "OrderBook"]


class BookBroken(Exception):
    """The book cannot be continued: a fresh snapshot is needed. The text says why."""


class BookUnreadable(Exception):
    """A book message does not have the form of one."""


@attrs.frozen(kw_only=True)
class BookView:
    """A book at one moment: bids from the highest, asks from the lowest.

    ``time_ms`` is the matching engine's time. ``update_id`` is the venue's ``u``; ``sequence``
    orders books of different depths.
    """

    symbol: Symbol
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    update_id: int
    sequence: int
    time_ms: int


class _Side:
    """One side, as two lists sorted by price upwards. ``is_bid`` puts the best at the end."""

    __slots__ = ("_depth", "_is_bid", "prices", "sizes")

    def __init__(self, depth: int, *, is_bid: bool) -> None:
        self._depth = depth
        self._is_bid = is_bid
        self.prices: list[Decimal] = []
        self.sizes: list[Decimal] = []

    def put(self, levels: Sequence[tuple[Decimal, Decimal]]) -> None:
        prices, sizes = self.prices, self.sizes
        for price, size in levels:
            place = bisect_left(prices, price)
            is_known = place < len(prices) and prices[place] == price
            if size:
                if is_known:
                    sizes[place] = size
                else:
                    prices.insert(place, price)
                    sizes.insert(place, size)
            elif is_known:
                del prices[place], sizes[place]
        if len(prices) > self._depth:
            self._truncate(len(prices) - self._depth)

    def _truncate(self, surplus: int) -> None:
        # The worst levels go: the lowest bids stand first, the highest asks last.
        worst = slice(0, surplus) if self._is_bid else slice(self._depth, None)
        del self.prices[worst], self.sizes[worst]

    def clear(self) -> None:
        self.prices.clear()
        self.sizes.clear()

    def levels(self) -> tuple[BookLevel, ...]:
        found = tuple(map(_level, self.prices, self.sizes))
        return found[::-1] if self._is_bid else found


class OrderBook:
    """The book of one symbol at one depth. Written by one thread, read by any."""

    def __init__(self, symbol: Symbol, *, depth: int) -> None:
        self.symbol = symbol
        self._bids = _Side(depth, is_bid=True)
        self._asks = _Side(depth, is_bid=False)
        self._update_id = self._sequence = self._time_ms = 0
        self._is_whole = False
        self._lock = threading.Lock()

    @property
    def is_whole(self) -> bool:
        """Whether the book continues a snapshot without a gap."""
        return self._is_whole

    @property
    def time_ms(self) -> int:
        """The engine's time of the last message, UTC milliseconds."""
        return self._time_ms

    def reset(self) -> None:
        """Forget everything, as when the connection was lost; deltas are dropped until then."""
        with self._lock:
            self._is_whole = False

    def take(self, message: Mapping[str, Any]) -> None:
        """Fold one message of an orderbook topic.

        A delta that comes before the snapshot is left out.

        Raises:
            BookBroken: after a gap in ``u`` or when the sides cross; raised once, then messages are
                left out until the next snapshot.
            BookUnreadable: for a message that is no book message.

        """
        try:
            is_snapshot = message["type"] == "snapshot"
            if not is_snapshot and message["type"] != "delta":
                raise BookUnreadable(f"type {message['type']!r}; accepted: 'snapshot', 'delta'")
            data = message["data"]
            update_id, sequence = _whole(data["u"]), _whole(data["seq"])
            time_ms = _whole(message.get("cts") or message["ts"])
            bids, asks = _levels(data["b"]), _levels(data["a"])
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise BookUnreadable(f"{type(error).__name__}: {error}") from None
        with self._lock:
            if is_snapshot:
                self._bids.clear()
                self._asks.clear()
                self._is_whole = True
            elif not self._is_whole:
                return
            elif update_id != self._update_id + 1:
                self._is_whole = False
                raise BookBroken(f"u is {update_id} after {self._update_id}: updates are missing")
            self._bids.put(bids)
            self._asks.put(asks)
            self._update_id, self._sequence, self._time_ms = update_id, sequence, time_ms
            self._check_sides()

    def _check_sides(self) -> None:
        bids, asks = self._bids.prices, self._asks.prices
        if bids and asks and bids[-1] > asks[0]:
            self._is_whole = False
            raise BookBroken(f"the best bid {bids[-1]} is above the best ask {asks[0]}")

    def best_bid(self) -> BookLevel | None:
        """Return the highest bid; ``None`` when there is none, or the book is not whole."""
        with self._lock:
            side = self._bids
            if not self._is_whole or not side.prices:
                return None
            return BookLevel(Price(side.prices[-1]), Qty(side.sizes[-1]))

    def best_ask(self) -> BookLevel | None:
        """Return the lowest ask; ``None`` when there is none, or the book is not whole."""
        with self._lock:
            side = self._asks
            if not self._is_whole or not side.prices:
                return None
            return BookLevel(Price(side.prices[0]), Qty(side.sizes[0]))

    def view(self) -> BookView | None:
        """Return the whole book as a frozen value; ``None`` while it is not whole."""
        with self._lock:
            if not self._is_whole:
                return None
            return BookView(
                symbol=self.symbol,
                bids=self._bids.levels(),
                asks=self._asks.levels(),
                update_id=self._update_id,
                sequence=self._sequence,
                time_ms=self._time_ms,
            )


def _levels(rows: Sequence[Sequence[object]]) -> list[tuple[Decimal, Decimal]]:
    return [(_amount(price), _amount(size)) for price, size in rows]


def _amount(text: object) -> Decimal:
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no text; accepted: a decimal such as '64000.5'")
    number = Decimal(text)
    if not number >= 0 or not number.is_finite():
        raise ValueError(f"{text!r}; accepted: a finite decimal that is not negative")
    return number


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r}; accepted: a whole number")
    return value


def _level(price: Decimal, size: Decimal) -> BookLevel:
    return BookLevel(Price(price), Qty(size))
