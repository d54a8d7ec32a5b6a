"""Which lane a close takes: each symbol's in their order, and none behind another's that hangs."""

import attrs
from tidegate.domain.orders import Symbol

__all__ = ["CloseLanes"]


@attrs.define
class _Used:
    lane: int
    unfinished: int


class CloseLanes:
    """Chooses among a few lanes. The caller holds a lock: nothing here is safe from two threads.

    What is unfinished of a symbol stays in one lane, so that it keeps its order. A symbol with
    nothing unfinished goes where the least is.
    """

    def __init__(self, count: int) -> None:
        assert count >= 1, f"{count} lanes: a close needs one"
        self._unfinished = [0] * count
        self._used: dict[Symbol, _Used] = {}

    def lane_for(self, symbol: Symbol) -> int:
        """Return the lane of the next close of a symbol."""
        used = self._used.get(symbol)
        if used is not None:
            return used.lane
        return min(range(len(self._unfinished)), key=self._unfinished.__getitem__)

    def began(self, symbol: Symbol, lane: int) -> None:
        """Note that a close was put into a lane."""
        used = self._used.setdefault(symbol, _Used(lane, 0))
        assert used.lane == lane, f"{symbol} is in lane {used.lane}, not in {lane}"
        used.unfinished += 1
        self._unfinished[lane] += 1

    def ended(self, symbol: Symbol) -> None:
        """Note that a close of a symbol has run."""
        used = self._used[symbol]
        used.unfinished -= 1
        self._unfinished[used.lane] -= 1
        if not used.unfinished:
            del self._used[symbol]
