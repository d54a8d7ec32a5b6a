"""Levels that came to a position with an entry of ours, and are nobody's change by hand."""

from collections.abc import Callable

import attrs
from tidegate.domain.money import Price
from tidegate.domain.orders import OrderRequest, ProtectiveLeg, Role
from tidegate.domain.reports import PositionReport

from .draft import Draft
from .state import LiveTrade, Order

__all__ = ["STOP", "TARGET", "Level", "is_brought"]


@attrs.frozen
class Level:
    """One level as an order carries it, and as a position shows it."""

    of_order: Callable[[OrderRequest], ProtectiveLeg | None]
    of_position: Callable[[PositionReport], Price | None]


STOP = Level(lambda order: order.stop_loss, lambda report: report.stop_loss)
TARGET = Level(lambda order: order.take_profit, lambda report: report.take_profit)


def is_brought(
    draft: Draft,
    trade: LiveTrade,
    level: Level,
    report: PositionReport,
    earlier: PositionReport | None,
) -> bool:
    """Tell whether the level shown came with an entry, perhaps one whose fill is still to come.

    What came with the entries of ended trades is gone with them. An entry brings its levels with
    its fill: where the venue showed another one a while after the last fill, in ``earlier``, they
    do not come back by themselves.
    """
    shown = level.of_position(report)
    legs = (
        level.of_order(order.request) for order in _entries(draft, trade, level, shown, earlier)
    )
    return any(leg is not None and leg.price == shown for leg in legs)


def _entries(
    draft: Draft,
    trade: LiveTrade,
    level: Level,
    shown: Price | None,
    earlier: PositionReport | None,
) -> tuple[Order, ...]:
    waiting = tuple(
        order
        for order in draft.books.open_orders(trade.symbol)
        if order.role is Role.ENTRY and order.request.side is trade.side
    )
    shown_by_ms = trade.filled_ms + draft.config.stop_verify_ms
    if earlier is None or earlier.time_ms <= shown_by_ms or level.of_position(earlier) == shown:
        return (*waiting, *draft.books.entries_of(trade))
    return waiting
