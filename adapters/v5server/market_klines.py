"""Candles of one symbol in every interval that the venue serves, built from prices as they come."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import attrs
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY, Money, Price, Qty

__all__ = ["INTERVALS", "Kline", "KlineSeries", "bucket_start_ms", "next_bucket_ms"]

_MINUTE_MS = 60_000
_DAY_MS = 1_440 * _MINUTE_MS
_WEEK_MS = 7 * _DAY_MS
_FIRST_MONDAY_MS = 4 * _DAY_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MINUTES = (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)
_WIDTHS_MS: Mapping[str, int] = MappingProxyType(
    {**{str(minutes): minutes * _MINUTE_MS for minutes in _MINUTES}, "D": _DAY_MS, "W": _WEEK_MS}
)
INTERVALS = (*_WIDTHS_MS, "M")
"""The interval names of Bybit V5 market/kline."""

KLINES_MAX = 1_000
"""Closed candles kept in each interval; the venue answers at most as many."""


def _month(ms: int) -> datetime:
    moment = _EPOCH + timedelta(milliseconds=ms)
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def bucket_start_ms(interval: str, ms: int) -> int:
    """Return when the candle that contains ``ms`` starts; days in UTC, weeks from Monday."""
    if interval == "M":
        return _ms(_month(ms))
    width = _WIDTHS_MS[interval]
    offset = _FIRST_MONDAY_MS if interval == "W" else 0
    return (ms - offset) // width * width + offset


def next_bucket_ms(interval: str, start_ms: int) -> int:
    """Return when the candle after the one that starts at ``start_ms`` starts."""
    if interval == "M":
        return _ms(_month(start_ms + 31 * _DAY_MS))
    return start_ms + _WIDTHS_MS[interval]


@attrs.define(kw_only=True)
class Kline:
    """One candle, which grows while it is open; ``end_ms`` is its last millisecond.

    ``volume`` is in base coin, ``turnover`` in USDT.
    """

    start_ms: int
    end_ms: int
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Qty = ZERO_QTY
    turnover: Money = ZERO_MONEY
    updated_ms: int

    def join(self, later: "Kline") -> None:
        """Take in a later piece of the same interval."""
        if later.high > self.high:
            self.high = later.high
        if later.low < self.low:
            self.low = later.low
        self.close = later.close
        self.volume += later.volume
        self.turnover += later.turnover
        self.updated_ms = later.updated_ms


@attrs.define
class KlineSeries:
    """The candles of one interval: closed ones, bounded, and the one that is still open.

    Without a price in an interval its candle is flat at the last close, as the venue's are.
    """

    interval: str
    open_one: Kline | None = None
    closed: deque[Kline] = attrs.field(factory=lambda: deque(maxlen=KLINES_MAX))

    def add(self, piece: Kline) -> list[Kline]:
        """Fold a piece of price history in; return the candles that this closed."""
        done = self.roll(piece.start_ms)
        if self.open_one is None:
            start_ms = bucket_start_ms(self.interval, piece.start_ms)
            end_ms = next_bucket_ms(self.interval, start_ms) - 1
            self.open_one = attrs.evolve(piece, start_ms=start_ms, end_ms=end_ms)
        elif piece.start_ms >= self.open_one.start_ms:
            self.open_one.join(piece)
        return done

    def roll(self, now_ms: int) -> list[Kline]:
        """Close what ended before ``now_ms``; return the closed candles that had begun before."""
        begun = self.open_one
        if begun is None or now_ms <= begun.end_ms:
            return []
        self.closed.append(begun)
        self._begin(begun.close, begun.end_ms + 1, now_ms)
        return [begun]

    def _begin(self, price: Price, start_ms: int, now_ms: int) -> None:
        """Open the candle of ``now_ms``, with flat ones for the empty time since ``start_ms``."""
        last_ms = bucket_start_ms(self.interval, now_ms)
        width_ms = _WIDTHS_MS.get(self.interval)
        if width_ms is not None:
            start_ms = max(start_ms, last_ms - KLINES_MAX * width_ms)
        while start_ms < last_ms:
            flat = self._flat(price, start_ms)
            self.closed.append(flat)
            start_ms = flat.end_ms + 1
        self.open_one = self._flat(price, last_ms)

    def _flat(self, price: Price, start_ms: int) -> Kline:
        return Kline(
            start_ms=start_ms,
            end_ms=next_bucket_ms(self.interval, start_ms) - 1,
            open=price,
            high=price,
            low=price,
            close=price,
            updated_ms=start_ms,
        )

    def within(self, start_ms: int | None, end_ms: int | None, limit: int) -> list[Kline]:
        """Return candles that start within the range, newest first; the open one is among them."""
        every = [*self.closed, *([] if self.open_one is None else [self.open_one])]
        chosen = [
            kline
            for kline in reversed(every)
            if (start_ms is None or kline.start_ms >= start_ms)
            and (end_ms is None or kline.start_ms <= end_ms)
        ]
        return chosen[:limit]

    def since(self, start_ms: int) -> list[Kline]:
        """Return the candles that end at ``start_ms`` or later, oldest first."""
        recent: list[Kline] = [] if self.open_one is None else [self.open_one]
        for kline in reversed(self.closed):
            if kline.end_ms < start_ms:
                break
            recent.append(kline)
        recent.reverse()
        return recent
