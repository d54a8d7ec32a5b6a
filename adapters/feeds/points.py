"""Quotes, trades, mark prices and funding rates from a table."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.ports.feed import FundingPoint, MarkPoint, QuotePoint, TradePoint

from .columns import (
    FundingSchema,
    MarkSchema,
    QuoteBarSchema,
    QuoteSchema,
    Schema,
    TradeSchema,
)
from .spacing import bar_length, out_of_order
from .table import Clock, Table

__all__ = ["read_funding", "read_marks", "read_quote_bars", "read_quotes", "read_trades"]

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_ONE = Decimal(1)
# row, time_ms, cells
_Row = tuple[int, int, Sequence[str]]


def read_quotes(table: Table, symbol: Symbol, schema: QuoteSchema) -> list[QuotePoint]:
    """Return the quotes of a table; several may share a time, in the order of their rows.

    Raises:
        FeedError: for the first row that cannot be used, with its number, column and value.

    """
    return list(_quotes(table, symbol, schema, _ascending(table, schema)))


def read_quote_bars(table: Table, symbol: Symbol, schema: QuoteBarSchema) -> list[QuotePoint]:
    """Return the closing quote of each bar, at the bar's end; see :func:`read_quotes`."""
    rows = list(_each_once(table, schema))
    length = bar_length(table, [(row, start) for row, start, _ in rows], schema.bar_ms)
    ends = ((row, start + length, cells) for row, start, cells in rows)
    return list(_quotes(table, symbol, schema, ends))


def read_trades(table: Table, symbol: Symbol, schema: TradeSchema) -> list[TradePoint]:
    """Return the trades of a table; see :func:`read_quotes`."""
    return list(_trades(table, symbol, schema))


def read_marks(table: Table, symbol: Symbol, schema: MarkSchema) -> list[MarkPoint]:
    """Return the mark prices of a table, each time once; see :func:`read_quotes`."""
    usual = "open" if "mark" not in table.names() and "open" in table.names() else "mark"
    column = table.column(usual if schema.mark is None else schema.mark)
    return [
        MarkPoint(
            symbol=symbol,
            time_ms=time_ms,
            mark=Price(table.amount(row, column, cells, lowest="above zero")),
        )
        for row, time_ms, cells in _each_once(table, schema)
    ]


def read_funding(table: Table, symbol: Symbol, schema: FundingSchema) -> list[FundingPoint]:
    """Return the funding rates of a table, each time once; see :func:`read_quotes`."""
    column = table.column(schema.rate)
    return [
        FundingPoint(symbol=symbol, time_ms=time_ms, rate=_rate(table, row, column, cells))
        for row, time_ms, cells in _each_once(table, schema)
    ]


def _rows(table: Table, schema: Schema) -> Iterator[_Row]:
    clock = Clock(table, table.time_column(schema.time), schema.time_form)
    for row, cells in table.numbered():
        yield row, clock.time_ms(row, cells), cells


def _ascending(table: Table, schema: Schema) -> Iterator[_Row]:
    before_ms = 0
    for row, time_ms, cells in _rows(table, schema):
        if time_ms < before_ms:
            raise out_of_order(table, row, time_ms, before_ms)
        before_ms = time_ms
        yield row, time_ms, cells


def _each_once(table: Table, schema: Schema) -> Iterator[_Row]:
    before_ms = None
    for row, time_ms, cells in _rows(table, schema):
        if before_ms is not None and time_ms <= before_ms:
            raise out_of_order(table, row, time_ms, before_ms)
        before_ms = time_ms
        yield row, time_ms, cells


def _quotes(
    table: Table, symbol: Symbol, schema: QuoteSchema | QuoteBarSchema, rows: Iterator[_Row]
) -> Iterator[QuotePoint]:
    bid_at, ask_at = table.column(schema.bid), table.column(schema.ask)
    bid_size_at, ask_size_at = table.column(schema.bid_size), table.column(schema.ask_size)
    for row, time_ms, cells in rows:
        bid = table.amount(row, bid_at, cells, lowest="above zero")
        ask = table.amount(row, ask_at, cells, lowest="above zero")
        if ask < bid:
            why = f"is below the bid {bid}; accepted: an ask of {bid} or more"
            raise table.refusal(row, ask_at, cells[ask_at], why)
        yield QuotePoint(
            symbol=symbol,
            time_ms=time_ms,
            bid=Price(bid),
            bid_size=Qty(table.amount(row, bid_size_at, cells, lowest="zero")),
            ask=Price(ask),
            ask_size=Qty(table.amount(row, ask_size_at, cells, lowest="zero")),
        )


def _trades(table: Table, symbol: Symbol, schema: TradeSchema) -> Iterator[TradePoint]:
    price_at, qty_at = table.column(schema.price), table.column(schema.qty)
    side_at = None if schema.side is None else table.column(schema.side)
    for row, time_ms, cells in _ascending(table, schema):
        yield TradePoint(
            symbol=symbol,
            time_ms=time_ms,
            price=Price(table.amount(row, price_at, cells, lowest="above zero")),
            qty=Qty(table.amount(row, qty_at, cells, lowest="above zero")),
            taker_side=None if side_at is None else _side(table, row, side_at, cells),
        )


def _side(table: Table, row: int, column: int, cells: Sequence[str]) -> Side | None:
    text = cells[column].strip().lower()
    if text and text not in _SIDES:
        why = "is no side; accepted: buy, sell (any case), or nothing where it is not known"
        raise table.refusal(row, column, cells[column], why)
    return _SIDES.get(text)


def _rate(table: Table, row: int, column: int, cells: Sequence[str]) -> Rate:
    rate = table.number(row, column, cells)
    if abs(rate) >= _ONE:
        why = "is no funding rate; accepted: a fraction between -1 and 1, such as 0.0001"
        raise table.refusal(row, column, cells[column], why)
    return Rate(rate)
