"""Noticing over queries what no stream told: fills, stop-outs, closes by hand.

While something is held or resting, the venue's activity is read now and then; often while a stream
is down, and at once when it comes up, since a stream never replays what was missed. That reading
ends an outage: one that fails is asked for again soon, whatever is held. What it brings takes the
ordinary path, so what was known already changes nothing.

While a message that nobody understood stands between the books and the venue, the activity is read
often too, until a comparison clears it. While the wallets differ, the balances come with it, also
when nothing is held.
"""

import attrs
from tidegate.domain.reports import UnreadableReport

from .comparing import is_comparison_due, note_unreadable
from .draft import Draft
from .effects import ReadActivity
from .events import HistoryRead
from .inputs import HistoryCovered
from .state import Books
from .wallets import is_wallet_open

__all__ = [
    "LOOK_BACK_MS_MAX",
    "MARK_EVERY_MS",
    "history_covered",
    "next_poll_ms",
    "poll_now",
    "poll_when_due",
    "unbooked_since_ms",
    "unreadable_reported",
]

LOOK_BACK_MS_MAX = 3_600_000
"""How far back the venue's history may still gain an execution, once it was read."""
MARK_EVERY_MS = 600_000
"""How far the record of what was read may lag behind: each reading would be too many."""


def unbooked_since_ms(books: Books) -> int:
    """Return since when something may be missing.

    Only a full reading of the history tells that nothing is missing before it: what a stream brings
    after an outage does not, as newer executions may come before those of the outage. Where nothing
    can be missed no reading is recorded, and the last booking stands for it.

    Never before the account was opened, and no further back than the ids of bookings are sure to be
    remembered: an older one could not be told from one that was booked.
    """
    read_ms = books.history_until_ms or books.last_execution_ms
    return max(books.opened_ms, read_ms - LOOK_BACK_MS_MAX, books.remembered_since_ms)


def history_covered(draft: Draft, item: HistoryCovered) -> None:
    """Record how far the history was read in full, now and then, where anything can be missed."""
    if draft.books.ledger is None or draft.config.poll_up_ms is None:
        return
    recorded_ms = draft.books.history_until_ms
    if recorded_ms == 0 or recorded_ms + MARK_EVERY_MS <= item.until_ms:
        draft.emit(HistoryRead(until_ms=item.until_ms))


def next_poll_ms(draft: Draft) -> int | None:
    """Return when the activity is read next, ``None`` for never."""
    every_ms = _interval_ms(draft)
    if every_ms is None or draft.books.ledger is None:
        return None
    polled_ms = draft.view.polled_ms
    return draft.now_ms if polled_ms is None else polled_ms + max(1, every_ms)


def _interval_ms(draft: Draft) -> int | None:
    config = draft.config
    if is_comparison_due(draft) or _is_read_back_due(draft) or draft.view.held:
        return config.ask_again_ms if config.poll_down_ms is None else config.poll_down_ms
    books = draft.books
    if not books.positions and not books.orders and not is_wallet_open(books):
        return None
    is_down = draft.view.stream_down_since_ms is not None
    return config.poll_down_ms if is_down else config.poll_up_ms


def _is_read_back_due(draft: Draft) -> bool:
    """Tell whether an outage ends with the next reading: then it is asked for until it comes."""
    view = draft.view
    if draft.books.streams_lost is not None and not draft.config.streams_needed:
        return True
    return view.is_stream_up and view.stream_down_since_ms is not None


def poll_now(draft: Draft) -> None:
    """Read the activity now."""
    draft.view = attrs.evolve(draft.view, polled_ms=draft.now_ms)
    draft.ask(
        ReadActivity(
            since_ms=unbooked_since_ms(draft.books),
            unreadable_count=draft.view.unreadable_count,
            stream_changes=draft.view.stream_changes,
            wanted=draft.view.reconcile_wanted,
        )
    )


def unreadable_reported(draft: Draft, report: UnreadableReport) -> None:
    """Stop entries and read the activity: at once for the first such message, then at intervals."""
    if note_unreadable(draft, report):
        poll_now(draft)


def poll_when_due(draft: Draft) -> None:
    """Read the activity when it is time."""
    due_ms = next_poll_ms(draft)
    if due_ms is not None and due_ms <= draft.now_ms:
        poll_now(draft)
