"""Public trades and bars as they are pushed, bounded in number."""

from collections import deque
from collections.abc import Mapping

import attrs
from tidegate.adapters.bybit.wire.fields import Row, rows_of
from tidegate.adapters.bybit.wire.markets import bar_of_stream
from tidegate.adapters.bybit.wire.words import SIDES
from tidegate.domain.market import PublicTrade
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar

__all__ = ["BARS_MAX", "TRADES_MAX", "BarFold", "StreamBar", "TradeFold"]

TRADES_MAX = 1_000
BARS_MAX = 1_000


@attrs.frozen(kw_only=True)
class StreamBar:
    """A bar as it stood at ``time_ms``; it may still change until ``is_closed``."""

    bar: Bar
    is_closed: bool
    time_ms: int


class TradeFold:
    """The last trades of one symbol, oldest first (Bybit V5, publicTrade topic)."""

    def __init__(self) -> None:
        self._trades: deque[PublicTrade] = deque(maxlen=TRADES_MAX)

    def take(self, message: Mapping[str, object]) -> tuple[PublicTrade, ...]:
        """Take one message and return its trades; ``Unreadable`` leaves what was there.

        Raises:
            Unreadable: the message cannot be understood.

        """
        told = tuple(_trade(row) for row in rows_of("public trade", message.get("data")))
        self._trades.extend(told)
        return told

    def last(self) -> tuple[PublicTrade, ...]:
        """Return the trades at hand, oldest first."""
        return tuple(self._trades)


class BarFold:
    """The last bars of one symbol and interval, oldest first (Bybit V5, kline topic)."""

    def __init__(self, symbol: Symbol) -> None:
        self._symbol = symbol
        self._bars: dict[int, StreamBar] = {}

    def take(self, message: Mapping[str, object]) -> tuple[Bar, ...]:
        """Take one message and return the bars that it closed; ``Unreadable`` leaves the others.

        Raises:
            Unreadable: the message cannot be understood.

        """
        closed: list[Bar] = []
        for row in rows_of("kline", message.get("data")):
            bar, is_closed = bar_of_stream(self._symbol, row.fields)
            known = self._bars.get(bar.start_ms)
            if known is None or not known.is_closed:
                time_ms = row.time_ms("timestamp")
                self._bars[bar.start_ms] = StreamBar(bar=bar, is_closed=is_closed, time_ms=time_ms)
                closed += [bar] if is_closed else []
        while len(self._bars) > BARS_MAX:
            del self._bars[min(self._bars)]
        return tuple(closed)

    def last(self) -> tuple[StreamBar, ...]:
        """Return the bars at hand, oldest first."""
        return tuple(bar for _, bar in sorted(self._bars.copy().items()))


def _trade(row: Row) -> PublicTrade:
    return PublicTrade(
        trade_id=row.text("i"),
        symbol=Symbol(row.text("s")),
        side=row.one_of("S", SIDES),
        price=row.price("p"),
        qty=row.qty("v"),
        time_ms=row.time_ms("T"),
    )
