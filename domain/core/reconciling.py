"""When everything is compared with the venue: at a start, after an outage, now and then, on demand.

Each is the same two readings. One of the activity: history, orders, positions, balances. One of the
venue's records of what each closing order earned; they come late, and so are judged by their age.
"""

import attrs
from tidegate.domain.closed_profits import (
    ProfitComparison,
    ProfitDifference,
    Window,
    compare_profits,
)
from tidegate.domain.findings import Finding, FindingKind, kind_of
from tidegate.domain.orders import VenueOrderId

from .comparing import raise_finding
from .draft import Draft
from .effects import ReadRecords
from .events import FindingSettled
from .inputs import ReconcileRequest, RecordsRead
from .polling import poll_now
from .state import State
from .transfers import changes_since_ms, explain_wallet
from .wallets import is_wallet_open

__all__ = [
    "DIFFERENCES_RAISED_MAX",
    "RECORDS_BACK_MS",
    "ask_for_transfers",
    "next_reconcile_ms",
    "reconcile_asked",
    "reconcile_now",
    "reconcile_when_due",
    "records_question",
    "records_read",
]

RECORDS_BACK_MS = 7 * 86_400_000
"""How far back the records are read at the interval: one window of the venue (Bybit V5)."""
_LOG = "the log of the wallet"
DIFFERENCES_RAISED_MAX = 100
"""How many findings about closing orders may be open at once; the comparison has all of them."""


def records_question(state: State, now_ms: int, *, since_ms: int = 0) -> ReadRecords:
    """Return the question for the records of all closings that are kept, or since a time."""
    books = state.books
    kept_ms = max(books.opened_ms, books.closings.since_ms)
    return ReadRecords(
        since_ms=max(kept_ms, since_ms),
        wanted=state.view.reconcile_wanted,
        changes_since_ms=changes_since_ms(books, now_ms),
    )


def ask_for_transfers(draft: Draft) -> None:
    """While the wallets differ, have the venue's log say why, with each reading."""
    if is_wallet_open(draft.books) and draft.is_due(_LOG):
        draft.note_asked(_LOG)
        since_ms = draft.now_ms - RECORDS_BACK_MS
        draft.ask(records_question(draft.state, draft.now_ms, since_ms=since_ms))


def reconcile_now(draft: Draft, *, is_whole: bool = False) -> None:
    """Read activity and records now; before the account is opened there is nothing to compare."""
    if draft.books.ledger is None:
        return
    draft.view = attrs.evolve(draft.view, reconcile_asked_ms=draft.now_ms)
    poll_now(draft)
    since_ms = 0 if is_whole else draft.now_ms - RECORDS_BACK_MS
    draft.ask(records_question(draft.state, draft.now_ms, since_ms=since_ms))


def reconcile_asked(draft: Draft, request: ReconcileRequest) -> None:
    """Reconcile on demand; it goes on until it was believed."""
    wanted = max(draft.view.reconcile_wanted, request.number)
    draft.view = attrs.evolve(draft.view, reconcile_wanted=wanted)
    reconcile_now(draft, is_whole=True)


def next_reconcile_ms(draft: Draft) -> int | None:
    """Return when everything is compared next, ``None`` for never."""
    view, config = draft.view, draft.config
    if draft.books.ledger is None:
        return None
    asked_ms = view.reconcile_asked_ms
    if min(view.reconciled, view.records_read) < view.reconcile_wanted:
        return draft.now_ms if asked_ms is None else asked_ms + max(1, config.ask_again_ms)
    if config.reconcile_every_ms is None:
        return None
    return draft.now_ms if asked_ms is None else asked_ms + max(1, config.reconcile_every_ms)


def reconcile_when_due(draft: Draft) -> None:
    """Compare everything when it is time."""
    due_ms = next_reconcile_ms(draft)
    if due_ms is not None and due_ms <= draft.now_ms:
        is_wanted = draft.view.records_read < draft.view.reconcile_wanted
        reconcile_now(draft, is_whole=is_wanted)


def records_read(draft: Draft, read: RecordsRead) -> None:
    """Compare each closing order with the venue's record of it."""
    view, books, config = draft.view, draft.books, draft.config
    draft.view = attrs.evolve(view, records_read=max(view.records_read, read.wanted))
    if read.changes is not None:
        explain_wallet(draft, read.changes)
    if read.profits is None or books.ledger is None:
        return
    window = Window(
        since_ms=read.since_ms,
        until_ms=read.until_ms,
        lag_ms=config.closed_profit_lag_ms,
        tolerance=config.closed_profit_tolerance,
        day=config.day,
        is_complete=read.is_complete,
    )
    compared = compare_profits(books.closings, read.profits, window)
    draft.view = attrs.evolve(draft.view, profits=compared)
    _settle_profits(draft, compared)
    room = DIFFERENCES_RAISED_MAX - sum(map(_is_of_profit, draft.books.findings))
    for difference in compared.differences[: max(0, room)]:
        raise_finding(draft, _finding(difference))


def _finding(difference: ProfitDifference) -> Finding:
    """Report it without stopping entries: money that is missing shows in the wallet, which does."""
    return Finding(
        finding_id=f"{FindingKind.CLOSED_PROFIT.name.lower()}:{difference.venue_id}",
        kind=FindingKind.CLOSED_PROFIT,
        symbol=difference.symbol,
        text=difference.text,
        blocks_entries=False,
    )


def _is_of_profit(finding_id: str) -> bool:
    return kind_of(finding_id) is FindingKind.CLOSED_PROFIT


def _settle_profits(draft: Draft, compared: ProfitComparison) -> None:
    """Settle what was compared again and no longer differs."""
    differing = {difference.venue_id for difference in compared.differences}
    for name in sorted(filter(_is_of_profit, draft.books.findings)):
        order_id = VenueOrderId(name.partition(":")[2])
        row = draft.books.closings.rows.get(order_id)
        is_compared = row is not None and row.first_ms >= compared.since_ms
        if is_compared and order_id not in differing:
            draft.emit(FindingSettled(finding_id=name, time_ms=draft.now_ms))
