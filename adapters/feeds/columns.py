"""What a file's columns mean: one schema for each kind of market data.

A schema names the columns, the form of the times and the unit of the volume. Names are compared
without regard to case and surrounding space. Columns that a schema does not name are ignored.
"""

import enum

import attrs

__all__ = [
    "BarSchema",
    "FundingSchema",
    "MarkSchema",
    "QuoteBarSchema",
    "QuoteSchema",
    "Schema",
    "TimeForm",
    "TradeSchema",
    "VolumeUnit",
]


class VolumeUnit(enum.Enum):
    """What a bar's volume counts.

    ``QUOTE`` (turnover, USDT) and ``CONTRACTS_USD`` (contracts worth one US dollar each) become
    base coin at the bar's close price, rounded down at eight decimals.
    """

    BASE = "base"
    QUOTE = "quote"
    CONTRACTS_USD = "contracts_usd"


class TimeForm(enum.Enum):
    """How a time is written; all are UTC unless an ISO 8601 text carries another offset.

    ``ISO_8601`` needs the offset in the text; ``ISO_8601_UTC`` takes a text without one as UTC.
    """

    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    ISO_8601 = "iso_8601"
    ISO_8601_UTC = "iso_8601_utc"


@attrs.frozen(kw_only=True)
class BarSchema:
    """Bars: open time, four prices in quote currency and the volume in ``volume_unit``.

    ``time`` of ``None`` means the one column with a usual name; ``time_form`` of ``None`` means
    that the column's name or its values decide; ``bar_ms`` of ``None`` means the smallest spacing.
    """

    time: str | None = None
    open: str = "open"
    high: str = "high"
    low: str = "low"
    close: str = "close"
    volume: str = "volume"
    volume_unit: VolumeUnit = VolumeUnit.BASE
    time_form: TimeForm | None = None
    bar_ms: int | None = None


@attrs.frozen(kw_only=True)
class QuoteSchema:
    """Best bid and ask at a time, with sizes in base coin."""

    time: str | None = None
    bid: str = "bid"
    bid_size: str = "bid_size"
    ask: str = "ask"
    ask_size: str = "ask_size"
    time_form: TimeForm | None = None


@attrs.frozen(kw_only=True)
class QuoteBarSchema:
    """Bars of best bid and ask: each gives its closing quote, at the bar's end.

    Nothing of a bar is known before it ends, so its quote carries the end as its time.
    """

    time: str | None = None
    bid: str = "bid_close"
    bid_size: str = "bid_size"
    ask: str = "ask_close"
    ask_size: str = "ask_size"
    time_form: TimeForm | None = None
    bar_ms: int | None = None


@attrs.frozen(kw_only=True)
class TradeSchema:
    """Public trades; ``side`` is the taker's, buy or sell, and ``None`` where no column tells."""

    time: str | None = None
    price: str = "price"
    qty: str = "qty"
    side: str | None = "side"
    time_form: TimeForm | None = None


@attrs.frozen(kw_only=True)
class MarkSchema:
    """Mark prices at a time; ``mark`` of ``None`` means the column ``mark``, else ``open``.

    The open of a mark price bar is the mark at its start; its other prices lie in its future.
    """

    time: str | None = None
    mark: str | None = None
    time_form: TimeForm | None = None


@attrs.frozen(kw_only=True)
class FundingSchema:
    """Funding rates as fractions, settled at the time of their row; positive: longs pay."""

    time: str | None = None
    rate: str = "rate"
    time_form: TimeForm | None = None


Schema = BarSchema | QuoteSchema | QuoteBarSchema | TradeSchema | MarkSchema | FundingSchema
