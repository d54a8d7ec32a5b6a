"""What the venue shows of a position: its stop, its leverage, and what somebody changed of it."""

import attrs
from tidegate.domain.reports import PositionReport
from tidegate.domain.trade import CloseReason

from .by_hand import note_by_hand
from .changing import settle_by_position
from .closing import start_close
from .draft import Draft
from .events import LeverageSet
from .naked import note_naked
from .protecting import confirm_stop_by_position, keep_levels
from .sharing import is_outrun
from .state import with_item

__all__ = ["position_reported"]


def position_reported(draft: Draft, report: PositionReport) -> None:
    """Take the venue's view of a position; an older report never replaces a newer one.

    Neither does one that may be older than what another process wrote, on a shared journal. A stop
    that is set or taken away moves no sequence at some venues: there the time decides.
    """
    known = draft.view.positions.get(report.symbol)
    if known is not None and _age(known) > _age(report):
        return
    if is_outrun(draft, report):
        return
    draft.view = attrs.evolve(
        draft.view, positions=with_item(draft.view.positions, report.symbol, report)
    )
    _note_leverage(draft, report)
    settle_by_position(draft, report)
    confirm_stop_by_position(draft, report, known)
    note_by_hand(draft, report, known)
    note_naked(draft, report)
    _close_beyond_stop(draft, report)
    keep_levels(draft, report.symbol)


def _age(report: PositionReport) -> tuple[int, int]:
    return report.sequence, report.time_ms


def _close_beyond_stop(draft: Draft, report: PositionReport) -> None:
    """Close what a fired stop left over: beyond its price no new stop can be set."""
    trade = draft.trade(report.symbol)
    if trade is None or trade.stop_wanted is None or trade.closing is not None:
        return
    is_bare = report.stop_loss is None and report.qty.sign != 0
    was_shown = trade.verify_by_ms is not None and not trade.is_stop_confirmed
    is_beyond = (report.mark - trade.stop_wanted).sign != trade.side.sign
    if is_bare and was_shown and is_beyond and trade.last_close is CloseReason.STOP:
        start_close(draft, trade, CloseReason.STOP, trade.key)


def _note_leverage(draft: Draft, report: PositionReport) -> None:
    """Believe the venue about a leverage that was changed outside: entries must set it again."""
    known = draft.books.leverage.get(report.symbol)
    if known is not None and known != report.leverage:
        draft.emit(LeverageSet(symbol=report.symbol, leverage=report.leverage))
