"""Time windows, pages and cursors of the history endpoints (Bybit V5).

A cursor names the last row of its page, so rows that arrive meanwhile move nothing. It is already
percent-encoded in the JSON: a client sends it back as it is.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar
from urllib.parse import quote

import attrs

from .reading import Params, bad

__all__ = ["DAY_MS", "WEEK_MS", "YEARS_2_MS", "Keyed", "Page", "page", "window"]

T = TypeVar("T")

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
YEARS_2_MS = 730 * DAY_MS
"""How far back the venue's histories go."""

_CURSOR = re.compile(r"(-?\d{1,16}):(\d{1,16}),page")


@attrs.frozen(kw_only=True)
class Keyed(Generic[T]):
    """A row with its place: time first, then a number that settles ties."""

    time_ms: int
    number: int
    item: T

    @property
    def key(self) -> tuple[int, int]:
        """Return the place; rows are shown from the highest down."""
        return self.time_ms, self.number


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page, newest first, and the cursor of the next: empty on the last page."""

    items: tuple[T, ...]
    cursor: str


def page(rows: Iterable[Keyed[T]], params: Params, *, default: int, most: int) -> Page[T]:
    """Return the page that ``limit`` and ``cursor`` ask for.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    limit = params.integer("limit", default, least=1, most=most)
    ordered = sorted(rows, key=lambda row: row.key, reverse=True)
    after = _place(params.text("cursor"))
    if after is not None:
        ordered = [row for row in ordered if row.key < after]
    shown = ordered[:limit]
    cursor = _cursor(shown) if len(ordered) > limit else ""
    return Page(items=tuple(row.item for row in shown), cursor=cursor)


def _cursor(shown: Sequence[Keyed[T]]) -> str:
    time_ms, number = shown[-1].key
    return quote(f"{time_ms}:{number},page", safe="")


def _place(cursor: str) -> tuple[int, int] | None:
    if not cursor:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise bad(f"cursor invalid: {cursor!r}; send nextPageCursor back as it came")
    return int(found[1]), int(found[2])


def window(
    params: Params, now_ms: int, *, default_ms: int = WEEK_MS, most_ms: int = WEEK_MS
) -> tuple[int, int]:
    """Return start and end, both inclusive, of the time that a query asks for.

    Start alone reaches ``default_ms`` forward, end alone as far back, neither ends now. A longer
    span than ``most_ms`` is refused; what is older than two years is gone.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    start, end = params.time_ms("startTime"), params.time_ms("endTime")
    if start is None:
        end = now_ms if end is None else end
        start = end - default_ms
    elif end is None:
        end = start + default_ms
    if end < start:
        raise bad(f"endTime {end} is before startTime {start}")
    if end - start > most_ms:
        days = most_ms // DAY_MS
        raise bad(f"the time range between startTime and endTime cannot exceed {days} days")
    return max(start, now_ms - YEARS_2_MS), end
