"""Lists in which one row is not understood: the others are read, and that one is told.

A row is left out of an answer only when somebody was told of it. Without a listener the query
fails as a whole: what is missing from an answer must never look like what is not there.
"""

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from tidegate.domain.reports import UnreadableReport

from .wire.fields import Row, Unreadable

__all__ = ["Heard", "ToldOnce", "read_each"]

T = TypeVar("T")

Heard = Callable[[UnreadableReport], None]
"""Takes what is said of a row that was left out."""

_TOLD_MAX = 1_000


def read_each(
    rows: Iterable[Row],
    read: Callable[[Row], T],
    *,
    source: str,
    time_ms: int,
    heard: Heard | None,
) -> list[T]:
    """Read rows independently, in their order; ``heard`` is told of those that cannot be read.

    Raises:
        Unreadable: a row cannot be read and nobody listens.

    """
    found: list[T] = []
    for row in rows:
        try:
            found.append(read(row))
        except Unreadable as error:
            if heard is None:
                raise
            symbol = row.fields.get("symbol")
            text = f"{symbol}: {error}: {dict(row.fields)}"
            heard(UnreadableReport(source=source, text=text, time_ms=time_ms))
    return found


class ToldOnce:
    """Passes each text on once: a row of the past does not change, and is read many times.

    What is now is told at every reading; what happened must not stop entries again after it was
    compared. The oldest of ``1,000`` texts is forgotten first. Any thread may call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, None] = {}

    def by(self, heard: Heard | None) -> Heard | None:
        """Return a listener in front of ``heard``; ``None`` when there is none."""
        if heard is None:
            return None

        def once(report: UnreadableReport) -> None:
            if self._is_new(f"{report.source}: {report.text}"):
                heard(report)

        return once

    def forget(self) -> None:
        """Tell everything again: somebody else listens now."""
        with self._lock:
            self._told.clear()

    def _is_new(self, text: str) -> bool:
        with self._lock:
            if text in self._told:
                return False
            self._told[text] = None
            if len(self._told) > _TOLD_MAX:
                del self._told[next(iter(self._told))]
            return True
