"""Market rows: tickers, the book, trades, bars, funding rates."""

from collections.abc import Mapping
from types import MappingProxyType

from tidegate.domain.market import BookLevel, FundingRate, OrderBook, PublicTrade
from tidegate.domain.money import ZERO_QTY, Price, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar, Ticker

from .fields import Row, Unreadable
from .words import SIDES

__all__ = [
    "KLINE_SPANS_MS",
    "KLINE_WORDS",
    "bar_of_row",
    "bar_of_stream",
    "funding_rate_of_row",
    "funding_rate_of_ticker",
    "level",
    "order_book",
    "public_trade",
    "ticker",
]

_MINUTE_MS = 60_000
KLINE_SPANS_MS: Mapping[str, int] = MappingProxyType(
    {
        **{
            str(minutes): minutes * _MINUTE_MS
            for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)
        },
        "D": 1_440 * _MINUTE_MS,
        "W": 7 * 1_440 * _MINUTE_MS,
    }
)
"""Bar lengths by the venue's interval name; months have no fixed length and are left out."""

KLINE_WORDS: Mapping[int, str] = MappingProxyType({ms: w for w, ms in KLINE_SPANS_MS.items()})

_KLINE_NAMES = ("start", "open", "high", "low", "close", "volume")
_PRICES = len(_KLINE_NAMES) - 1
"""Bars of mark and index prices end with the close: they have no volume."""


def ticker(value: Mapping[str, object], *, time_ms: int) -> Ticker:
    """Read a whole ticker, of REST or folded from the stream, as it was at ``time_ms``.

    Raises:
        Unreadable: a price is missing, empty or zero, as when one side of the book is empty.

    """
    row = Row.of("ticker", value)
    return Ticker(
        symbol=Symbol(row.text("symbol")),
        last=row.price("lastPrice"),
        mark=row.price("markPrice"),
        index=row.price("indexPrice"),
        bid=row.price("bid1Price"),
        ask=row.price("ask1Price"),
        bid_size=row.qty("bid1Size"),
        ask_size=row.qty("ask1Size"),
        time_ms=time_ms,
    )


def level(value: object) -> tuple[Price, Qty]:
    """Read one level of the book: price and quantity; quantity zero deletes the level.

    Raises:
        Unreadable: it is no pair of price and quantity.

    """
    if not isinstance(value, list) or len(value) != len(("price", "qty")):
        raise Unreadable("book level", "the level", repr(value)[:200])
    row = Row("book level", {"price": value[0], "qty": value[1]})
    return row.price("price"), row.qty("qty")


def order_book(value: Mapping[str, object]) -> OrderBook:
    """Read the answer of ``market/orderbook``; a level without a quantity is unreadable.

    Raises:
        Unreadable: a field is missing, or the levels are out of order or empty.

    """
    row = Row.of("order book", value)
    try:
        return OrderBook(
            symbol=Symbol(row.text("s")),
            bids=_levels(row, "b"),
            asks=_levels(row, "a"),
            time_ms=row.time_ms("ts"),
        )
    except ValueError as error:
        raise Unreadable("order book", "the levels", str(error)) from error


def _levels(row: Row, name: str) -> tuple[BookLevel, ...]:
    values = row.fields.get(name)
    if not isinstance(values, list):
        raise row.unreadable(name)
    levels = tuple(BookLevel(*level(value)) for value in values)
    if any(one.qty == ZERO_QTY for one in levels):
        raise row.unreadable(name)
    return levels


def public_trade(value: Mapping[str, object]) -> PublicTrade:
    """Read one row of ``market/recent-trade``; its side is the taker's.

    Raises:
        Unreadable: a field is missing or cannot be understood.

    """
    row = Row.of("public trade", value)
    return PublicTrade(
        trade_id=row.text("execId"),
        symbol=Symbol(row.text("symbol")),
        side=row.one_of("side", SIDES),
        price=row.price("price"),
        qty=row.qty("size"),
        time_ms=row.time_ms("time"),
    )


def funding_rate_of_ticker(value: Mapping[str, object]) -> FundingRate:
    """Read the coming rate of a ticker, and when it is settled.

    Raises:
        Unreadable: a field is missing or cannot be understood.

    """
    row = Row.of("ticker", value)
    return FundingRate(
        symbol=Symbol(row.text("symbol")),
        rate=row.rate("fundingRate"),
        time_ms=row.time_ms("nextFundingTime"),
    )


def funding_rate_of_row(value: Mapping[str, object]) -> FundingRate:
    """Read one row of ``market/funding/history``.

    Raises:
        Unreadable: a field is missing or cannot be understood.

    """
    row = Row.of("funding history", value)
    return FundingRate(
        symbol=Symbol(row.text("symbol")),
        rate=row.rate("fundingRate"),
        time_ms=row.time_ms("fundingRateTimestamp"),
    )


def bar_of_row(symbol: Symbol, value: object, *, span_ms: int) -> Bar:
    """Read one row of ``market/kline`` or its kin: a list of texts, start first.

    Raises:
        Unreadable: a field is missing or cannot be understood.

    """
    if not isinstance(value, list) or len(value) < _PRICES:
        raise Unreadable("kline", "the row", repr(value)[:200])
    fields = {"volume": "0", **dict(zip(_KLINE_NAMES, value, strict=False))}
    return _bar(symbol, Row("kline", fields), span_ms)


def bar_of_stream(symbol: Symbol, value: Mapping[str, object]) -> tuple[Bar, bool]:
    """Read one bar of a ``kline`` topic, and whether it is closed.

    Raises:
        Unreadable: a field is missing or cannot be understood.

    """
    row = Row.of("kline", value)
    span_ms = row.time_ms("end") - row.time_ms("start") + 1
    if span_ms <= 0:
        raise row.unreadable("end")
    return _bar(symbol, row, span_ms), row.flag("confirm")


def _bar(symbol: Symbol, row: Row, span_ms: int) -> Bar:
    start_ms = row.time_ms("start")
    bar = Bar(
        symbol=symbol,
        start_ms=start_ms,
        end_ms=start_ms + span_ms,
        open=row.price("open"),
        high=row.price("high"),
        low=row.price("low"),
        close=row.price("close"),
        volume=row.qty("volume"),
    )
    if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        raise row.unreadable("high")
    return bar
