"""The market of the scripted venue as the port tells it: what the script has set so far."""

from typing import TypeVar

from tidegate.domain.bars import bar_start_ms, check_span, regrouped
from tidegate.domain.market import (
    BookLevel,
    FundingRate,
    OrderBook,
    PublicTrade,
    check_count,
    check_depth,
    next_funding_ms,
)
from tidegate.domain.money import ZERO_QTY
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import Capability, History, TimeRange

from .books import Books
from .histories import MemoryHistories

__all__ = ["MemoryMarket"]

T = TypeVar("T")


class MemoryMarket(MemoryHistories):
    """Market data of the port, with the venue's present time where a value has none of its own."""

    def order_book(self, symbol: Symbol, *, depth: int) -> OrderBook:
        """Return the best level of each side; there is no more than that.

        Outcomes and errors: see :meth:`MarketDataPort.order_book`.
        """
        self.capabilities.require(Capability.ORDER_BOOK)
        check_depth(depth)

        def read(books: Books) -> OrderBook:
            quote = books.quote(symbol)
            bid = BookLevel(quote.bid, quote.bid_size)
            ask = BookLevel(quote.ask, quote.ask_size)
            return OrderBook(
                symbol=symbol,
                bids=(bid,) if bid.qty > ZERO_QTY else (),
                asks=(ask,) if ask.qty > ZERO_QTY else (),
                time_ms=books.now_ms(),
            )

        return self._ask("order_book", read)

    def recent_trades(self, symbol: Symbol, *, count: int) -> tuple[PublicTrade, ...]:
        """Return the last prices that the script set, as trades of what was on offer.

        Outcomes and errors: see :meth:`MarketDataPort.recent_trades`.
        """
        self.capabilities.require(Capability.RECENT_TRADES)
        check_count(count)

        def read(books: Books) -> tuple[PublicTrade, ...]:
            books.instrument(symbol)
            return books.tape.trades(symbol)[-count:]

        return self._ask("recent_trades", read)

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        """Return bars of the prices that the script set; the last week of them is kept.

        Outcomes and errors: see :meth:`MarketDataPort.bars`.
        """
        self.capabilities.require(Capability.BARS)
        check_span(interval_ms)

        def read(books: Books) -> History[Bar]:
            books.instrument(symbol)
            rows, since_ms = books.tape.bars(symbol, by)
            found = regrouped(
                rows,
                span_ms=interval_ms,
                start_ms=within.start_ms,
                end_ms=within.end_ms,
                now_ms=books.now_ms(),
            )
            whole_ms = None
            if since_ms is not None:
                # The first bar may have lost its beginning: only those after it are whole.
                whole_ms = bar_start_ms(since_ms, interval_ms) + interval_ms
            return _known_since(whole_ms, [(bar.start_ms, bar) for bar in found], within)

        return self._ask("bars", read)

    def funding_rate(self, symbol: Symbol) -> FundingRate:
        """Return the rate that was settled last, for the next multiple of the interval.

        Outcomes and errors: see :meth:`MarketDataPort.funding_rate`.
        """
        self.capabilities.require(Capability.FUNDING_RATES)

        def read(books: Books) -> FundingRate:
            minutes = books.instrument(symbol).funding_interval_minutes
            time_ms = next_funding_ms(books.now_ms(), interval_minutes=minutes)
            return FundingRate(symbol=symbol, rate=books.tape.rate(symbol), time_ms=time_ms)

        return self._ask("funding_rate", read)

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        """Return the rates that the script settled; the last thousand are kept.

        Outcomes and errors: see :meth:`MarketDataPort.funding_rates`.
        """
        self.capabilities.require(Capability.FUNDING_RATES)

        def read(books: Books) -> History[FundingRate]:
            books.instrument(symbol)
            rows, since_ms = books.tape.rates(symbol)
            return _known_since(since_ms, [(row.time_ms, row) for row in rows], within)

        return self._ask("funding_rates", read)


def _known_since(since_ms: int | None, rows: list[tuple[int, T]], within: TimeRange) -> History[T]:
    """Return the rows within a range, and how much of it is known."""
    covers = within
    if since_ms is not None and since_ms > within.start_ms:
        covers = TimeRange(start_ms=min(since_ms, within.end_ms), end_ms=within.end_ms)
    return History(
        rows=tuple(row for ms, row in rows if covers.start_ms <= ms <= covers.end_ms),
        covers=covers,
        is_complete=covers == within,
    )
