"""Venues that tell the market wrongly, each in one way."""

from collections.abc import Callable

import attrs
from tidegate.domain.bars import BAR_SPANS_MS
from tidegate.domain.market import BookLevel, FundingRate, OrderBook, PublicTrade
from tidegate.domain.money import ZERO_QTY
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import History, QueryFailed, TimeRange

from tests.domain.samples import BTCUSDT

from .wrong_venue import WrongVenue

__all__ = [
    "AnyLengthOfBars",
    "BarsBackFromTheEnd",
    "BarsOfCloses",
    "BarsOfOnePage",
    "BarsWithoutTheEmpty",
    "BidsWithoutAsks",
    "BookOfTheFirstDay",
    "BookOfTickers",
    "ClosedBarsAlone",
    "DeeperThanAsked",
    "FailureIsNoTrade",
    "LastForMark",
    "LongBarOfItsLastMinute",
    "NextFundingIsTheLast",
    "NowhereHasNoTrades",
    "OpenBarTwice",
    "RangeWithoutItsStart",
    "RatesNewestFirst",
    "RatesOfOnePage",
    "TradesNewestFirst",
]

_MINUTE_MS = 60_000
_BARS_PAGE = 1_000
_RATES_PAGE = 200


class BidsWithoutAsks(WrongVenue):
    """Shows bids above the asks."""

    case = "test_a_book_has_bids_below_asks_and_agrees_with_the_ticker"

    def order_book(self, symbol: Symbol, *, depth: int) -> OrderBook:
        book = super().order_book(symbol, depth=depth)
        shifted = tuple(
            attrs.evolve(level, price=level.price + self.instrument(symbol).tick)
            for level in book.asks
        )
        return attrs.evolve(book, bids=shifted)


class BookOfTheFirstDay(WrongVenue):
    """Keeps the first book that it was asked for."""

    case = "test_a_book_is_the_present_one"

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[Symbol, OrderBook] = {}

    def order_book(self, symbol: Symbol, *, depth: int) -> OrderBook:
        return self._first.setdefault(symbol, super().order_book(symbol, depth=depth))


class DeeperThanAsked(WrongVenue):
    """Hands out all that it has."""

    case = "test_a_book_is_no_deeper_than_asked"

    def order_book(self, symbol: Symbol, *, depth: int) -> OrderBook:
        book, tick = super().order_book(symbol, depth=depth), self.instrument(symbol).tick
        (best,) = book.bids
        return attrs.evolve(book, bids=(best, BookLevel(best.price - tick, best.qty)))


class BookOfTickers(WrongVenue):
    """Makes a book of the best prices, with one unit on each side."""

    case = "test_the_best_level_has_the_size_that_is_on_offer"

    def order_book(self, symbol: Symbol, *, depth: int) -> OrderBook:
        book, unit = super().order_book(symbol, depth=depth), self.instrument(symbol).qty_min
        bids = tuple(attrs.evolve(level, qty=unit) for level in book.bids)
        return attrs.evolve(book, bids=bids)


class TradesNewestFirst(WrongVenue):
    """Hands trades out as Bybit does."""

    case = "test_recent_trades_end_with_the_last_price"

    def recent_trades(self, symbol: Symbol, *, count: int) -> tuple[PublicTrade, ...]:
        return super().recent_trades(symbol, count=count)[::-1]


class FailureIsNoTrade(WrongVenue):
    """Takes a failed query for a market without trades."""

    case = "test_a_market_query_that_fails_is_no_empty_answer[recent_trades]"

    def recent_trades(self, symbol: Symbol, *, count: int) -> tuple[PublicTrade, ...]:
        try:
            return super().recent_trades(symbol, count=count)
        except QueryFailed:
            return ()


class NowhereHasNoTrades(WrongVenue):
    """Knows every symbol, and no trades of most."""

    case = "test_a_symbol_that_is_not_traded_is_an_error[recent_trades]"

    def recent_trades(self, symbol: Symbol, *, count: int) -> tuple[PublicTrade, ...]:
        is_known = symbol == BTCUSDT.symbol
        return super().recent_trades(symbol, count=count) if is_known else ()


_Rows = tuple[Bar, ...]


class _Bars(WrongVenue):
    """Bars, changed after they were read."""

    change: Callable[[_Rows], _Rows]

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        found = super().bars(symbol, interval_ms=interval_ms, within=within, by=by)
        return attrs.evolve(found, rows=type(self).change(found.rows))


class BarsOfCloses(_Bars):
    """Makes bars of closes alone."""

    case = "test_bars_hold_the_extremes_and_the_last_price"

    @staticmethod
    def change(rows: _Rows) -> _Rows:
        return tuple(attrs.evolve(b, open=b.close, high=b.close, low=b.close) for b in rows)


class BarsBackFromTheEnd(_Bars):
    """Hands bars out as Bybit does: newest first."""

    case = "test_bars_follow_each_other_without_a_gap"

    @staticmethod
    def change(rows: _Rows) -> _Rows:
        return rows[::-1]


class OpenBarTwice(_Bars):
    """Adds the bar that is open to a list that holds it already."""

    case = "test_bars_follow_each_other_without_a_gap"

    @staticmethod
    def change(rows: _Rows) -> _Rows:
        return (*rows, *rows[-1:])


class BarsWithoutTheEmpty(_Bars):
    """Leaves out the minutes in which nothing traded."""

    case = "test_bars_follow_each_other_without_a_gap"

    @staticmethod
    def change(rows: _Rows) -> _Rows:
        return tuple(bar for bar in rows if bar.volume != ZERO_QTY)


class ClosedBarsAlone(_Bars):
    """Leaves out the bar that is open."""

    case = "test_the_bar_that_is_open_is_the_last_one"

    @staticmethod
    def change(rows: _Rows) -> _Rows:
        return rows[:-1]


class BarsOfOnePage(_Bars):
    """Asks once, and gets the newest thousand."""

    case = "test_bars_of_several_pages_are_whole"

    @staticmethod
    def change(rows: _Rows) -> _Rows:
        return rows[-_BARS_PAGE:]


class RangeWithoutItsStart(WrongVenue):
    """Takes a range to begin after its first millisecond."""

    case = "test_a_range_of_bars_includes_both_of_its_ends"

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        found = super().bars(symbol, interval_ms=interval_ms, within=within, by=by)
        rows = tuple(bar for bar in found.rows if bar.start_ms > within.start_ms)
        return attrs.evolve(found, rows=rows)


class LongBarOfItsLastMinute(WrongVenue):
    """Gives a longer bar the volume of the last minute in it."""

    case = "test_longer_bars_add_up_to_the_shorter_ones"

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        found = super().bars(symbol, interval_ms=interval_ms, within=within, by=by)
        minutes = super().bars(symbol, interval_ms=_MINUTE_MS, within=within, by=by).rows
        volumes = {bar.start_ms // interval_ms: bar.volume for bar in minutes}
        rows = (
            attrs.evolve(bar, volume=volumes.get(bar.start_ms // interval_ms, bar.volume))
            for bar in found.rows
        )
        return attrs.evolve(found, rows=tuple(rows))


class LastForMark(WrongVenue):
    """Knows the bars of one price."""

    case = "test_bars_of_another_price_are_of_that_price[MARK]"

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        del by
        return super().bars(symbol, interval_ms=interval_ms, within=within)


class AnyLengthOfBars(WrongVenue):
    """Takes the next longer bars where it has none of the length that was asked for."""

    case = "test_a_length_of_bars_that_the_venue_lacks_is_refused"

    def bars(
        self,
        symbol: Symbol,
        *,
        interval_ms: int,
        within: TimeRange,
        by: TriggerBy = TriggerBy.LAST,
    ) -> History[Bar]:
        longer_ms = min(span_ms for span_ms in BAR_SPANS_MS if span_ms >= interval_ms)
        return super().bars(symbol, interval_ms=longer_ms, within=within, by=by)


class NextFundingIsTheLast(WrongVenue):
    """Tells when funding was settled last for when it is next."""

    case = "test_the_coming_funding_rate_lies_ahead"

    def funding_rate(self, symbol: Symbol) -> FundingRate:
        coming = super().funding_rate(symbol)
        interval_ms = self.instrument(symbol).funding_interval_minutes * _MINUTE_MS
        return attrs.evolve(coming, time_ms=coming.time_ms - interval_ms)


class RatesNewestFirst(WrongVenue):
    """Hands settled rates out as Bybit does."""

    case = "test_settled_rates_are_ascending_and_both_ends_count"

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        found = super().funding_rates(symbol, within)
        return attrs.evolve(found, rows=found.rows[::-1])


class RatesOfOnePage(WrongVenue):
    """Asks once, and gets the newest two hundred."""

    case = "test_funding_rates_of_several_pages_are_whole"

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> History[FundingRate]:
        found = super().funding_rates(symbol, within)
        return attrs.evolve(found, rows=found.rows[-_RATES_PAGE:])
