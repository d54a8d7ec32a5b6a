"""What a strategy is: a pure function of its last bars and of what the desk shows it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import attrs
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol
from tidegate.domain.position import Position
from tidegate.domain.reports import Bar
from tidegate.domain.signal import Signal

__all__ = ["Exit", "StrategyPort", "StrategyView"]


@attrs.frozen(kw_only=True)
class StrategyView:
    """What a strategy may know of the desk when it decides."""

    symbol: Symbol
    position: Position
    has_pending_entry: bool
    equity: Money


@attrs.frozen(kw_only=True)
class Exit:
    """A wish to close the position of ``symbol`` at market."""

    signal_id: str
    symbol: Symbol
    reason: str


class StrategyPort(ABC):
    """A strategy without memory of its own: a resumed run decides as an uninterrupted one."""

    @property
    @abstractmethod
    def window(self) -> int:
        """How many of the latest bars :meth:`decide` needs."""

    @abstractmethod
    def decide(self, bars: Sequence[Bar], view: StrategyView) -> Signal | Exit | None:
        """Decide at the close of ``bars[-1]``; ``bars`` holds exactly ``window`` bars.

        A ``Signal`` is asked to be traded, an ``Exit`` to close the position; ``None`` changes
        nothing.
        """
