"""Lists that the venue hands out in pages, and ranges that it answers in windows.

A cursor is opaque and percent-encoded already: it goes back as it came. An empty one ends the list,
and so does one that was there before (Bybit V5; windows and limits: each endpoint's page).
"""

from collections.abc import Iterator, Mapping

from tidegate.ports.exchange import QueryFailed, TimeRange

from .rest import Call, Lane, RestClient
from .wire.fields import Row

__all__ = ["PAGES_MAX", "WINDOW_MS", "all_rows", "windows"]

PAGES_MAX = 1_000
"""A list with more pages is refused rather than cut: an error is not an answer."""

WINDOW_MS = 7 * 86_400_000
"""The longest time that one history query may span, where its page says nothing else."""


def all_rows(
    rest: RestClient,
    call: Call,
    params: Mapping[str, object],
    *,
    limit: int | None = None,
    lane: Lane = Lane.READS,
) -> tuple[list[Row], int]:
    """Return every row of a list, as the venue orders them, and the time of the last answer.

    Raises:
        QueryFailed: a page had no usable answer, or there are too many.
        Unreadable: an answer has no list of objects.

    """
    asked = dict(params) if limit is None else {**params, "limit": str(limit)}
    rows: list[Row] = []
    seen: set[str] = set()
    for _ in range(PAGES_MAX):
        answer = rest.query(call, asked, lane=lane)
        result = Row.of(call.value, answer.result)
        rows.extend(result.rows("list"))
        cursor = result.fields.get("nextPageCursor")
        if not isinstance(cursor, str) or not cursor or cursor in seen:
            return rows, answer.time_ms
        seen.add(cursor)
        asked["cursor"] = cursor
    raise QueryFailed(f"{call.value}: more than {PAGES_MAX} pages")


def windows(within: TimeRange, *, span_ms: int = WINDOW_MS) -> Iterator[TimeRange]:
    """Split a range into such as one query may span, oldest first, both ends included."""
    start_ms = within.start_ms
    while start_ms <= within.end_ms:
        end_ms = min(start_ms + span_ms - 1, within.end_ms)
        yield TimeRange(start_ms=start_ms, end_ms=end_ms)
        start_ms = end_ms + 1
