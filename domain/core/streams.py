"""The streams as journaled state: blind for too long means reducing only, until an account reading.

A stream never replays what was missed, so one that is up again is trusted only once the venue's
activity was read after it came up. Until then the outage goes on, and a stream that flaps does not
begin its grace time anew. After the grace time the desk is REDUCING, with the cause in the journal:
a state of its own, beside that of the operator, and neither loosens the other.

On a journal that is shared, a blind process opens nothing and writes no such state: the others see.
"""

import attrs
from tidegate.domain.orders import Role
from tidegate.domain.reports import StreamReport, StreamState

from .asking import cancel_order
from .draft import Draft
from .effects import ReadPosition
from .events import StreamsLost, StreamsRegained
from .inputs import ActivityRead
from .reconciling import reconcile_now

__all__ = [
    "cancel_entries",
    "guard_when_due",
    "next_guard_ms",
    "stream_read_back",
    "stream_reported",
]


def stream_reported(draft: Draft, report: StreamReport) -> None:
    """Note since when the streams are down; whenever they come up, read what they did not tell.

    That they were down may never have been reported: a stream can come up late after a start.
    """
    view = draft.view
    is_up = report.state is StreamState.UP
    since_ms = view.stream_down_since_ms
    if not is_up and since_ms is None:
        since_ms = report.time_ms
    elif draft.books.ledger is None:
        # Before the account is opened there is nothing that could have been missed.
        since_ms = None if is_up else since_ms
    draft.view = attrs.evolve(
        view,
        stream_down_since_ms=since_ms,
        is_stream_up=is_up,
        stream_up_ms=draft.now_ms if is_up else view.stream_up_ms,
        stream_changes=view.stream_changes + 1,
    )
    if is_up:
        reconcile_now(draft)
        _read_leverage(draft)


def _read_leverage(draft: Draft) -> None:
    """Read what entries would trust: a list of what is held shows no symbol that is flat by now."""
    for symbol in sorted(draft.books.leverage):
        draft.ask(ReadPosition(symbol=symbol))


def stream_read_back(draft: Draft, read: ActivityRead) -> None:
    """End an outage once the activity was read, asked for after the streams came up."""
    view = draft.view
    is_trusted = view.is_stream_up and read.stream_changes == view.stream_changes
    if is_trusted:
        draft.view = attrs.evolve(view, stream_down_since_ms=None)
    if draft.books.streams_lost is None:
        return
    if is_trusted or not draft.config.streams_needed:
        draft.emit(StreamsRegained(time_ms=draft.now_ms))


def next_guard_ms(draft: Draft) -> int | None:
    """Return when the grace time of an outage ends, ``None`` where none runs.

    A start of the outage further ahead than the permitted clock lead says nothing of its length.
    """
    since_ms, limits = draft.view.stream_down_since_ms, draft.config.limits
    config, is_told = draft.config, draft.books.streams_lost is not None
    if since_ms is None or not config.streams_needed or is_told or config.is_shared:
        return None
    if since_ms > draft.now_ms + limits.clock_lead_ms_max:
        return draft.now_ms
    return since_ms + limits.stream_grace_ms + 1


def guard_when_due(draft: Draft) -> None:
    """Go to REDUCING when the grace time is over, and take resting entries off the venue."""
    due_ms = next_guard_ms(draft)
    if due_ms is None or due_ms > draft.now_ms:
        return
    since_ms = draft.view.stream_down_since_ms
    assert since_ms is not None, "an outage that has a deadline has a start"
    what = "up again, and the account could not be read" if draft.view.is_stream_up else "down"
    cause = f"the streams are {what}, for longer than {draft.config.limits.stream_grace_ms} ms"
    draft.emit(StreamsLost(cause=cause, since_ms=since_ms, time_ms=draft.now_ms))
    cancel_entries(draft)


def cancel_entries(draft: Draft) -> None:
    """Take every resting entry of ours off the venue."""
    for order in tuple(draft.books.orders.values()):
        if order.role is Role.ENTRY:
            cancel_order(draft, order.request.client_id)
