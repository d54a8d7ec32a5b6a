"""Position rows to :class:`PositionReport`; REST says ``avgPrice``, the stream ``entryPrice``."""

from collections.abc import Mapping

from tidegate.domain.money import ZERO_QTY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import PositionReport

from .fields import Row
from .orders import only_one_way
from .words import SIDES

__all__ = ["position_report"]

_SOURCE = "position"


def position_report(value: Mapping[str, object], *, time_ms: int) -> PositionReport:
    """Read one position row, as the venue stated it at ``time_ms``.

    The row's own ``updatedTime`` is that of the last trade or setting, and is older than its mark
    price; it is used only when it is later than ``time_ms``.

    Raises:
        Unreadable: a needed field is missing or not understood, or the row is of hedge mode.

    """
    row = Row.of(_SOURCE, value)
    only_one_way(row)
    qty = _signed(row)
    return PositionReport(
        symbol=Symbol(row.text("symbol")),
        qty=qty,
        entry_price=_entry(row, qty),
        mark=row.price("markPrice"),
        leverage=_leverage(row),
        liquidation_price=row.price_or_none("liqPrice"),
        stop_loss=row.price_or_none("stopLoss"),
        take_profit=row.price_or_none("takeProfit"),
        trailing_distance=row.amount_or_none(Distance, "trailingStop"),
        initial_margin=row.amount_or_zero(Money, "positionIM"),
        maintenance_margin=row.amount_or_zero(Money, "positionMM"),
        unrealised=row.amount_or_zero(Money, "unrealisedPnl"),
        auto_add_margin=row.integer("autoAddMargin") == 1 if row.has("autoAddMargin") else None,
        sequence=row.integer("seq"),
        time_ms=max(time_ms, row.time_ms("updatedTime") if row.has("updatedTime") else 0),
    )


def _signed(row: Row) -> Qty:
    size = row.qty("size")
    if size == ZERO_QTY:
        return ZERO_QTY
    side: Side = row.one_of("side", SIDES)
    return size.times(side.sign)


def _entry(row: Row, qty: Qty) -> Price | None:
    if qty == ZERO_QTY:
        return None
    return row.price("avgPrice" if "avgPrice" in row.fields else "entryPrice")


def _leverage(row: Row) -> Rate:
    leverage = row.rate("leverage")
    if leverage.sign <= 0:
        raise row.unreadable("leverage")
    return leverage
