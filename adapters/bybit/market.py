"""Public market data over REST, newest first as the venue tells it, ascending as it is handed out.

Bars come at most 1,000, funding rates 200 at a time; both are read backwards, from the end of the
range to its start or to the first that there is (Bybit V5 market/kline, market/funding/history).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from tidegate.domain.bars import check_span
from tidegate.domain.market import (
    FundingRate,
    OrderBook,
    PublicTrade,
    check_count,
    check_depth,
)
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import History, QueryFailed, TimeRange

from .paging import PAGES_MAX, all_rows
from .rest import Call, RestClient
from .wire.fields import Row, Unreadable
from .wire.markets import (
    KLINE_WORDS,
    bar_of_row,
    funding_rate_of_row,
    funding_rate_of_ticker,
    order_book,
    public_trade,
)
from .wire.requests import CATEGORY

__all__ = ["MarketQueries"]

T = TypeVar("T")

_BARS_LIMIT = 1_000
_RATES_LIMIT = 200
_BAR_CALLS: Mapping[TriggerBy, Call] = MappingProxyType(
    {
        TriggerBy.LAST: Call.KLINES,
        TriggerBy.MARK: Call.MARK_KLINES,
        TriggerBy.INDEX: Call.INDEX_KLINES,
    }
)


class MarketQueries:
    """The market over REST. Methods raise ``QueryFailed`` and ``Unreadable``.

    Raises:
        QueryFailed: the venue gave no usable answer.
        Unreadable: the answer cannot be understood.

    """

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    def order_book(self, symbol: Symbol, depth: int) -> OrderBook:
        """Return the best levels of each side.

        Outcomes and errors: see :meth:`MarketDataPort.order_book`.
        """
        check_depth(depth)
        asked = {"category": CATEGORY, "symbol": symbol, "limit": str(depth)}
        return order_book(self._rest.query(Call.ORDER_BOOK, asked).result)

    def recent_trades(self, symbol: Symbol, count: int) -> tuple[PublicTrade, ...]:
        """Return the last trades, oldest first.

        Outcomes and errors: see :meth:`MarketDataPort.recent_trades`.
        """
        check_count(count)
        asked = {"category": CATEGORY, "symbol": symbol}
        rows, _ = all_rows(self._rest, Call.RECENT_TRADES, asked, limit=count)
        trades = [public_trade(row.fields) for row in reversed(rows)]
        return tuple(sorted(trades, key=lambda trade: trade.time_ms))

    def bars(
        self, symbol: Symbol, interval_ms: int, within: TimeRange, by: TriggerBy
    ) -> History[Bar]:
        """Return the bars that begin within the range, ascending; the last one may be open.

        Outcomes and errors: see :meth:`MarketDataPort.bars`.
        """
        check_span(interval_ms)
        asked = {"category": CATEGORY, "symbol": symbol, "interval": KLINE_WORDS[interval_ms]}

        def page(part: TimeRange) -> list[Bar]:
            times = {"start": part.start_ms, "end": part.end_ms, "limit": _BARS_LIMIT}
            result = self._rest.query(_BAR_CALLS[by], {**asked, **times}).result
            rows = result.get("list")
            if not isinstance(rows, list):
                raise Unreadable("kline", "the list", repr(rows)[:200])
            return [bar_of_row(symbol, row, span_ms=interval_ms) for row in rows]

        return _read_back(page, within, of=lambda bar: bar.start_ms, most=_BARS_LIMIT)

    def funding_rate(self, symbol: Symbol) -> FundingRate:
        """Return the rate of the coming settlement, which moves until then.

        Outcomes and errors: see :meth:`MarketDataPort.funding_rate`.
        """
        rows, _ = all_rows(self._rest, Call.TICKERS, {"category": CATEGORY, "symbol": symbol})
        for row in rows:
            if row.fields.get("symbol") == symbol:
                return funding_rate_of_ticker(row.fields)
        raise QueryFailed(f"the venue has no ticker of {symbol}")

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        """Return the settled rates within the range, ascending.

        Outcomes and errors: see :meth:`MarketDataPort.funding_rates`.
        """
        asked = {"category": CATEGORY, "symbol": symbol, "limit": _RATES_LIMIT}

        def page(part: TimeRange) -> list[FundingRate]:
            times = {"startTime": part.start_ms, "endTime": part.end_ms}
            answer = self._rest.query(Call.FUNDING_HISTORY, {**asked, **times})
            rows = Row.of("funding history", answer.result).rows("list")
            return [funding_rate_of_row(row.fields) for row in rows]

        return _read_back(page, within, of=lambda rate: rate.time_ms, most=_RATES_LIMIT)


def _read_back(
    page: Callable[[TimeRange], list[T]], within: TimeRange, *, of: Callable[[T], int], most: int
) -> History[T]:
    """Ask page after page, each for what is older than the one before it, until one is not full.

    An answer that repeats what was told or lies outside the range is no progress: it ends the
    reading, and cannot make a row come twice.
    """
    found: dict[int, T] = {}
    end_ms = within.end_ms
    for _ in range(PAGES_MAX):
        part = TimeRange(start_ms=within.start_ms, end_ms=end_ms)
        rows = page(part)
        inside = {of(row): row for row in rows if within.start_ms <= of(row) <= end_ms}
        found.update((ms, row) for ms, row in inside.items() if ms not in found)
        if len(rows) < most or not inside or min(inside) <= within.start_ms:
            return History(rows=tuple(found[ms] for ms in sorted(found)), covers=within)
        end_ms = min(inside) - 1
    raise QueryFailed(
        f"more than {PAGES_MAX} pages of {most} from {within.start_ms} to {within.end_ms}: ask for "
        "a shorter range"
    )
