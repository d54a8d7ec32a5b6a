"""Public market data of the paper venue: what was fed to it so far."""

import attrs
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
from tidegate.domain.money import ZERO_QTY, ZERO_RATE
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import History, TimeRange
from tidegate.ports.venue import WireVenuePort

from .market_tables import MarketTables
from .transactions import Transactions

__all__ = ["MarketOfPaper"]


class MarketOfPaper(WireVenuePort):
    """The market data of the port. Each answer is of the world between two transactions."""

    _transactions: Transactions

    def order_book(self, symbol: Symbol, *, depth: int) -> OrderBook:
        """Return the best level of each side, with the size of the quote or of what is left.

        Outcomes and errors: see :meth:`MarketDataPort.order_book`.
        """
        check_depth(depth)
        with self._transactions.reading_priced(symbol) as world:
            shown = world.book(symbol).ticker()
        bid, ask = BookLevel(shown.bid, shown.bid_size), BookLevel(shown.ask, shown.ask_size)
        return OrderBook(
            symbol=symbol,
            bids=(bid,) if bid.qty > ZERO_QTY else (),
            asks=(ask,) if ask.qty > ZERO_QTY else (),
            time_ms=shown.time_ms,
        )

    def recent_trades(self, symbol: Symbol, *, count: int) -> tuple[PublicTrade, ...]:
        """Return the last trades that were fed; bars bring none.

        Outcomes and errors: see :meth:`MarketDataPort.recent_trades`.
        """
        check_count(count)
        with self._transactions.reading():
            self._transactions.instrument(symbol)
            return self._transactions.store.market.trades(symbol, count)

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        """Return bars of what was fed; longer ones than those of the feed are made of them.

        Outcomes and errors: see :meth:`MarketDataPort.bars`.
        """
        check_span(interval_ms)
        with self._transactions.reading() as world:
            self._transactions.instrument(symbol)
            head = world.state.head
            until_ms = within.end_ms + interval_ms
            asked = TimeRange(start_ms=within.start_ms, end_ms=until_ms)
            found = regrouped(
                _rows(self._transactions.store.market, symbol, by, asked),
                span_ms=interval_ms,
                start_ms=within.start_ms,
                end_ms=within.end_ms,
                now_ms=head.now_ms,
            )
            since_ms = head.market_since_ms
        if since_ms <= within.start_ms:
            return History(rows=found, covers=within)
        # What was fed before a store got its tables is not known: its last bar is not whole.
        whole_ms = bar_start_ms(since_ms, interval_ms) + interval_ms
        covers = attrs.evolve(within, start_ms=min(whole_ms, within.end_ms))
        rows = tuple(bar for bar in found if bar.start_ms >= covers.start_ms)
        return History(rows=rows, covers=covers, is_complete=False)

    def funding_rate(self, symbol: Symbol) -> FundingRate:
        """Return the rate that was settled last, for the next multiple of the interval.

        Before the first one it is zero: data without funding charges none.

        Outcomes and errors: see :meth:`MarketDataPort.funding_rate`.
        """
        with self._transactions.reading() as world:
            minutes = self._transactions.instrument(symbol).funding_interval_minutes
            last = self._transactions.store.market.last_rate(symbol)
            time_ms = next_funding_ms(world.state.head.now_ms, interval_minutes=minutes)
        rate = ZERO_RATE if last is None else last.rate
        return FundingRate(symbol=symbol, rate=rate, time_ms=time_ms)

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        """Return the rates that were fed, within the instrument's limits; kept for ever.

        Outcomes and errors: see :meth:`MarketDataPort.funding_rates`.
        """
        with self._transactions.reading() as world:
            self._transactions.instrument(symbol)
            rows = self._transactions.store.market.rates(symbol, within)
            since_ms = world.state.head.market_since_ms
        start_ms = min(max(since_ms, within.start_ms), within.end_ms)
        covers = attrs.evolve(within, start_ms=start_ms)
        return History(rows=rows, covers=covers, is_complete=covers == within)


def _rows(tables: MarketTables, symbol: Symbol, by: TriggerBy, within: TimeRange) -> list[Bar]:
    """Return bars of a price; before it had any of its own it was the price that it follows."""
    rows = tables.bars(symbol, by, within)
    if by is TriggerBy.LAST:
        return rows
    followed = TriggerBy.LAST if by is TriggerBy.MARK else TriggerBy.MARK
    first_ms = tables.first_bar_ms(symbol, by)
    before = _rows(tables, symbol, followed, within)
    return [
        *(
            attrs.evolve(bar, volume=ZERO_QTY)
            for bar in before
            if first_ms is None or bar.start_ms < first_ms
        ),
        *rows,
    ]
