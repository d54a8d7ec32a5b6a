"""Positions that the venue showed once and does not hold any more.

A stream tells that a position is flat, and says nothing while it is down. A whole list of what is
held leaves it out: then the report at hand is no longer true.
"""

import attrs
from tidegate.domain.money import ZERO_MONEY, ZERO_QTY
from tidegate.domain.reports import PositionReport

from .comparing import is_unreadable_open
from .draft import Draft
from .inputs import ActivityRead
from .state import with_item

__all__ = ["flatten_unlisted"]


def flatten_unlisted(draft: Draft, read: ActivityRead) -> None:
    """Show as flat what a list of all positions does not have.

    A report that may be newer than the list stays, unless the books say as well that nothing is
    held. A row that could not be read may be any position, so nothing is changed meanwhile. The
    sequence is kept: an older report of the stream must not bring the position back.
    """
    if is_unreadable_open(draft.books):
        return
    listed = {report.symbol for report in read.positions}
    asked_ms = draft.now_ms if draft.view.polled_ms is None else draft.view.polled_ms
    older_than_ms = asked_ms - draft.config.limits.clock_lead_ms_max
    for symbol, report in draft.view.positions.items():
        is_newer = report.time_ms >= older_than_ms and not draft.books.position(symbol).is_flat
        if report.qty != ZERO_QTY and symbol not in listed and not is_newer:
            positions = with_item(draft.view.positions, symbol, _flat(report))
            draft.view = attrs.evolve(draft.view, positions=positions)


def _flat(report: PositionReport) -> PositionReport:
    return attrs.evolve(
        report,
        qty=ZERO_QTY,
        entry_price=None,
        liquidation_price=None,
        stop_loss=None,
        take_profit=None,
        trailing_distance=None,
        initial_margin=ZERO_MONEY,
        maintenance_margin=ZERO_MONEY,
        unrealised=ZERO_MONEY,
    )
