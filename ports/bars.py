"""The market's bars as they close, for a strategy that trades live."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar

from .outcomes import TimeRange

__all__ = ["BarPort"]


class BarPort(ABC):
    """Closed bars by query and, where there are streams, as the venue pushes them.

    Any thread may call. ``interval_ms`` is a bar's length in milliseconds.
    """

    @abstractmethod
    def now_ms(self) -> int:
        """Return the venue's time in UTC milliseconds: a bar closes by the venue's clock."""

    @abstractmethod
    def closed(self, symbol: Symbol, *, interval_ms: int, within: TimeRange) -> tuple[Bar, ...]:
        """Return the closed bars that begin within the range, ascending.

        Raises:
            ValueError: an interval that the venue does not have; the text names those it has.
            QueryFailed: there was no usable answer.

        """

    @abstractmethod
    def listen(self, symbol: Symbol, *, interval_ms: int, heard: Callable[[Bar], None]) -> bool:
        """Call ``heard`` with every bar that the venue pushes as closed; false without streams.

        ``heard`` must neither block nor raise. A bar may come twice, or never: what a stream
        missed is not told again.

        Raises:
            ValueError: an interval that the venue does not have; the text names those it has.
            QueryFailed: the venue refused to push them.

        """
