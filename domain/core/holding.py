"""Bookings in the venue's order: after an outage a new row waits until the missed ones are booked.

A stream never replays what it missed, so its first row after an outage may be newer than others
that nobody told yet. Booked ahead of them it would open, close and count in an order that never
was. While the desk is behind, rows are therefore held, and the venue's history is read: it has them
all, in order. Once the history shows a row that the stream told since it is up, everything before
that row is there too, and all that is held is booked. A history that cannot be read holds nothing
for ever.
"""

import attrs
from tidegate.domain.reports import Execution, FundingPayment

from .draft import Draft
from .filling import executed, funded
from .inputs import HistoryRows
from .polling import poll_now
from .state import HeldRow

__all__ = [
    "HELD_MAX",
    "book_or_hold",
    "history_rows",
    "is_behind",
    "next_release_ms",
    "release_when_due",
]

HELD_MAX = 1_000
"""How many rows wait at most; then all are booked as they are known."""


def is_behind(draft: Draft) -> bool:
    """Tell whether the stream may have missed rows that the history was not seen to have yet.

    So it is during an outage, until a reading that was asked for after it, as long after that as
    the history may lag, and while rows are held.
    """
    view, config = draft.view, draft.config
    if config.poll_down_ms is None or draft.books.ledger is None:
        return False
    if view.stream_down_since_ms is not None or view.held:
        return True
    up_ms = view.stream_up_ms
    return up_ms is not None and draft.now_ms < up_ms + config.history_lag_ms


def book_or_hold(draft: Draft, row: Execution | FundingPayment) -> None:
    """Book what a stream or a question told, or hold it until the history was read."""
    if not is_behind(draft):
        _book(draft, row)
        return
    view = draft.view
    if _is_booked(draft, row) or any(_id(held.row) == _id(row) for held in view.held):
        return
    is_first = not view.held
    made = HeldRow(row=row, since_ms=draft.now_ms, stream_changes=view.stream_changes)
    draft.view = attrs.evolve(view, held=(*view.held, made))
    if len(draft.view.held) > HELD_MAX:
        _release(draft, ())
    elif is_first and _may_read(draft):
        poll_now(draft)


def _may_read(draft: Draft) -> bool:
    polled_ms = draft.view.polled_ms
    return polled_ms is None or polled_ms + draft.config.ask_again_ms <= draft.now_ms


def history_rows(draft: Draft, read: HistoryRows) -> None:
    """Book what the history shows, in its order, with the held rows that belong among it."""
    view = draft.view
    shown = {_id(row) for row in read.rows}
    proofs = [held for held in view.held if _id(held.row) in shown]
    # While the streams are down another outage may begin without a word.
    is_up = view.is_stream_up
    if is_up and any(held.stream_changes == view.stream_changes for held in proofs):
        _release(draft, read.rows)
        return
    seen_ms = max((held.row.time_ms for held in proofs), default=None)
    left = tuple(
        held
        for held in view.held
        if _id(held.row) not in shown and (seen_ms is None or held.row.time_ms > seen_ms)
    )
    ready = tuple(held.row for held in view.held if held not in left)
    draft.view = attrs.evolve(view, held=left)
    _book_all(draft, (*read.rows, *ready))


def next_release_ms(draft: Draft) -> int | None:
    """Return when what is held is booked, read or not; ``None`` where nothing is."""
    held = draft.view.held
    return held[0].since_ms + draft.config.hold_back_ms if held else None


def release_when_due(draft: Draft) -> None:
    """Book what was held for long enough: a fill that is known late is worse than its order."""
    due_ms = next_release_ms(draft)
    if due_ms is not None and due_ms <= draft.now_ms:
        _release(draft, ())


def _release(draft: Draft, rows: tuple[Execution | FundingPayment, ...]) -> None:
    held = tuple(held.row for held in draft.view.held)
    draft.view = attrs.evolve(draft.view, held=())
    _book_all(draft, (*rows, *held))


def _book_all(draft: Draft, rows: tuple[Execution | FundingPayment, ...]) -> None:
    """Book rows by the venue's time; those of one time stay in the order given."""
    for row in sorted(rows, key=lambda row: row.time_ms):
        _book(draft, row)


def _book(draft: Draft, row: Execution | FundingPayment) -> None:
    if isinstance(row, Execution):
        executed(draft, row)
    else:
        funded(draft, row)


def _is_booked(draft: Draft, row: Execution | FundingPayment) -> bool:
    books = draft.books
    return books.contains(row) if isinstance(row, Execution) else books.contains_payment(row)


def _id(row: Execution | FundingPayment) -> str:
    return row.execution_id if isinstance(row, Execution) else row.payment_id
