"""Bars from a table: validated rows, the length of a bar, and the gaps between them."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from operator import itemgetter

import attrs
from tidegate.domain.money import EXACT, ZERO, Price, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.feed import FeedError

from .columns import BarSchema, VolumeUnit
from .spacing import bar_length, gaps_between
from .stored import Gap
from .table import AMOUNT_MAX, Clock, Table

__all__ = ["read_bars"]

_VOLUME_QUANTUM = Decimal("1e-8")
# row, start_ms, open, high, low, close, volume: a plain tuple, as a million may pass through
_Row = tuple[int, int, Decimal, Decimal, Decimal, Decimal, Decimal]


@attrs.frozen
class _Columns:
    open: int
    high: int
    low: int
    close: int
    volume: int


def read_bars(table: Table, symbol: Symbol, schema: BarSchema) -> tuple[list[Bar], list[Gap]]:
    """Return the bars of a table in ascending time and the gaps between them.

    Raises:
        FeedError: for the first row that cannot be used, with its number, column and value.

    """
    rows = list(_rows(table, schema))
    length = bar_length(table, [(row[0], row[1]) for row in rows], schema.bar_ms)
    bars = [
        Bar(
            symbol=symbol,
            start_ms=start,
            end_ms=start + length,
            open=Price(open_),
            high=Price(high),
            low=Price(low),
            close=Price(close),
            volume=Qty(volume),
        )
        for _, start, open_, high, low, close, volume in rows
    ]
    return bars, gaps_between([row[1] for row in rows], length)


def _rows(table: Table, schema: BarSchema) -> Iterator[_Row]:
    names = (schema.open, schema.high, schema.low, schema.close, schema.volume)
    columns = _Columns(*map(table.column, names))
    pick = itemgetter(*attrs.astuple(columns))
    clock = Clock(table, table.time_column(schema.time), schema.time_form)
    in_base = schema.volume_unit is VolumeUnit.BASE
    for number, cells in table.numbered():
        start = clock.time_ms(number, cells)
        try:
            open_, high, low, close, volume = map(Decimal, pick(cells))
            is_sound = (
                ZERO < low <= open_ <= high <= AMOUNT_MAX
                and low <= close <= high
                and ZERO <= volume <= AMOUNT_MAX
            )
        except InvalidOperation:
            raise _diagnosis(table, number, cells, columns) from None
        if not is_sound:
            raise _diagnosis(table, number, cells, columns)
        yield (number, start, open_, high, low, close,
               volume if in_base else _in_base(volume, close))  # fmt: skip


def _in_base(volume: Decimal, close: Decimal) -> Decimal:
    return EXACT.divide(volume, close).quantize(_VOLUME_QUANTUM, rounding=ROUND_DOWN, context=EXACT)


def _diagnosis(table: Table, row: int, cells: Sequence[str], columns: _Columns) -> FeedError:
    """Find what the fast check refused: one bad cell, else prices that contradict each other."""
    prices = {
        name: table.amount(row, getattr(columns, name), cells, lowest="above zero")
        for name in ("open", "high", "low", "close")
    }
    table.amount(row, columns.volume, cells, lowest="zero")
    high, low = prices["high"], prices["low"]
    if high < low:
        why = f"is below the low {low}; accepted: a high of {low} or more"
        return table.refusal(row, columns.high, cells[columns.high], why)
    name = next(name for name in ("open", "close") if not low <= prices[name] <= high)
    column = getattr(columns, name)
    why = f"lies outside the bar; accepted: from its low {low} to its high {high}"
    return table.refusal(row, column, cells[column], why)
