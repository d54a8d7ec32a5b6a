"""Noticing over queries what no stream told: fills, stop-outs, closes by hand.

While something is held or resting, the venue's activity is read now and then; often while a stream
is down, and at once when it comes back, since a stream never replays what was missed. What it
brings takes the ordinary path, so what was known already changes nothing.
"""

import attrs

from .draft import Draft
from .effects import ReadActivity
from .state import Books

__all__ = ["LOOK_BACK_MS_MAX", "next_poll_ms", "poll_now", "poll_when_due", "unbooked_since_ms"]

LOOK_BACK_MS_MAX = 3_600_000
"""How far before the last booking an execution may have been lost while later ones came."""


def unbooked_since_ms(books: Books) -> int:
    """Return since when something may be missing.

    Never before the account was opened, and no further back than the ids of bookings are sure to be
    remembered: an older one could not be told from one that was booked.
    """
    looked_back_ms = books.last_execution_ms - LOOK_BACK_MS_MAX
    return max(books.opened_ms, looked_back_ms, books.remembered_since_ms)


def next_poll_ms(draft: Draft) -> int | None:
    """Return when the activity is read next, ``None`` for never."""
    is_down = draft.view.stream_down_since_ms is not None
    every_ms = draft.config.poll_down_ms if is_down else draft.config.poll_up_ms
    is_at_stake = bool(draft.books.positions or draft.books.orders)
    if every_ms is None or not is_at_stake or draft.books.ledger is None:
        return None
    polled_ms = draft.view.polled_ms
    return draft.now_ms if polled_ms is None else polled_ms + max(1, every_ms)


def poll_now(draft: Draft) -> None:
    """Read the activity now."""
    draft.view = attrs.evolve(draft.view, polled_ms=draft.now_ms)
    draft.ask(ReadActivity(since_ms=unbooked_since_ms(draft.books)))


def poll_when_due(draft: Draft) -> None:
    """Read the activity when it is time."""
    due_ms = next_poll_ms(draft)
    if due_ms is not None and due_ms <= draft.now_ms:
        poll_now(draft)
