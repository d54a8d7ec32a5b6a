"""One journal and several processes: what each may make of what it sees, where another was first.

The journal's order is the order of all decisions, so nothing is decided on old books. Yet what the
venue shows may be older than the books: another process read a newer report before this one.
"""

import attrs
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import PositionReport

from . import events as ev
from .comparing import UNREADABLE
from .draft import Draft
from .state import Books, View, with_item

__all__ = ["is_outrun", "seen_elsewhere"]

_Shown = (
    ev.LeverageSet
    | ev.Replanned
    | ev.StopMoveIntended
    | ev.StopConfirmed
    | ev.StopChangedByHand
    | ev.TargetChangedByHand
    | ev.TrailingChangedByHand
    | ev.LeverageChangedByHand
    | ev.ProtectionIntended
    | ev.ProtectionTaken
    | ev.ProtectionConfirmed
)
"""What another process writes of a position's levels when the venue shows them, or soon will."""


def seen_elsewhere(view: View, event: ev.Event, now_ms: int) -> View:
    """Return the view after an event that another process wrote.

    A message that nobody there understood is one that this process has not compared either.
    """
    match event:
        case ev.FindingRaised() if event.finding_id.startswith(UNREADABLE):
            return attrs.evolve(view, unreadable_count=view.unreadable_count + 1)
        case _ if isinstance(event, _Shown):
            return _noted(view, event.symbol, now_ms)
        case ev.Filled():
            return _noted(view, event.execution.symbol, now_ms)
        case _:
            return view


def _noted(view: View, symbol: Symbol, now_ms: int) -> View:
    return attrs.evolve(view, written_ms=with_item(view.written_ms, symbol, now_ms))


def is_outrun(draft: Draft, report: PositionReport) -> bool:
    """Tell whether a report that contradicts the books may be older than what another wrote.

    It is passed over: the next reading shows the same, if it is so. One that agrees is never old.
    """
    written_ms = draft.view.written_ms.get(report.symbol)
    if written_ms is None or draft.now_ms >= written_ms + draft.config.report_lag_ms:
        return False
    return not _agrees(draft.books, report)


def _agrees(books: Books, report: PositionReport) -> bool:
    leverage = books.leverage.get(report.symbol)
    if leverage is not None and leverage != report.leverage:
        return False
    trade = books.trades.get(report.symbol)
    return trade is None or trade.stop_wanted is None or report.stop_loss == trade.stop_wanted
