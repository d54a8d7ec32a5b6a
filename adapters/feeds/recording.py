"""From a table to a feed's items, by the kind of its schema."""

from collections.abc import Sequence

import attrs
from tidegate.domain.orders import Symbol
from tidegate.ports.feed import FeedItem

from .bars import read_bars
from .columns import (
    BarSchema,
    FundingSchema,
    MarkSchema,
    QuoteBarSchema,
    QuoteSchema,
    Schema,
    TradeSchema,
)
from .points import read_funding, read_marks, read_quote_bars, read_quotes, read_trades
from .stored import Gap
from .table import Table

__all__ = ["Recording", "read_table"]


@attrs.frozen
class Recording:
    """What a file holds: its items in ascending time, and the gaps between its bars."""

    items: Sequence[FeedItem]
    gaps: Sequence[Gap] = ()


def read_table(table: Table, symbol: Symbol, schema: Schema) -> Recording:
    """Read a whole table of the kind that ``schema`` names.

    Raises:
        FeedError: for the first thing that cannot be used, with file, row, column and value.

    """
    match schema:
        case BarSchema():
            return Recording(*read_bars(table, symbol, schema))
        case QuoteSchema():
            return Recording(read_quotes(table, symbol, schema))
        case QuoteBarSchema():
            return Recording(read_quote_bars(table, symbol, schema))
        case TradeSchema():
            return Recording(read_trades(table, symbol, schema))
        case MarkSchema():
            return Recording(read_marks(table, symbol, schema))
        case FundingSchema():
            return Recording(read_funding(table, symbol, schema))
