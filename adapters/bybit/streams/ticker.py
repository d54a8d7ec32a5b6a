"""The ticker of one symbol: a snapshot, then deltas that hold only what changed (Bybit V5)."""

from collections.abc import Callable, Mapping

from tidegate.domain.reports import Ticker

__all__ = ["TickerFold", "TickerReader"]

TickerReader = Callable[[Mapping[str, object], int], Ticker]
"""Reads a complete row, at the venue's time in UTC milliseconds."""


class TickerFold:
    """Keeps the last complete row of one symbol. Used by one thread."""

    def __init__(self, read: TickerReader) -> None:
        self._read = read
        self._row: dict[str, object] | None = None

    def reset(self) -> None:
        """Forget the row, as when the connection was lost: deltas need a new snapshot."""
        self._row = None

    @property
    def row(self) -> Mapping[str, object]:
        """The last complete row; empty before any snapshot."""
        return {} if self._row is None else self._row

    def take(self, message: Mapping[str, object]) -> Ticker | None:
        """Fold one message and return the ticker after it; ``None`` before any snapshot.

        A row that cannot be read is kept: the next delta may complete it.

        Raises:
            TypeError: for a message that has not the form of a ticker's.
            Exception: whatever the reader raises for a row that it cannot read.

        """
        kind, data, time_ms = message.get("type"), message.get("data"), message.get("ts")
        if kind not in ("snapshot", "delta") or not isinstance(data, dict):
            raise TypeError(f"a ticker of type {kind!r}; accepted: 'snapshot', 'delta' with data")
        if not isinstance(time_ms, int):
            raise TypeError(f"a ticker with ts {time_ms!r}; accepted: a whole number of ms")
        if kind == "snapshot":
            self._row = dict(data)
        elif self._row is None:
            return None
        else:
            self._row = {**self._row, **data}
        return self._read(self._row, time_ms)
