"""Where a desk's process can die by itself: around the journal's writes and the venue's calls.

A place is named by what happens there, and passed any number of times; a kill names the place and
which of its passings. SIGKILL leaves no chance to flush, to roll back or to say goodbye.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

from tidegate.adapters.bybit.venue import BybitVenue
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.domain.orders import Reduction
from tidegate.domain.risk.approval import Approved
from tidegate.ports.state import Record

__all__ = ["Fuse", "fused"]

_CALLS = (
    "amend",
    "cancel",
    "set_position_stop",
    "set_leverage",
    "add_partial_stop",
    "holdings",
    "find_order",
    "open_orders",
    "executions",
    "positions",
    "position",
    "account",
)


class Fuse:
    """Counts how often each place is passed, and kills the process at its point."""

    def __init__(self, place: str | None, ordinal: int) -> None:
        self._point = (place, ordinal)
        self._lock = threading.Lock()
        self.passed: Counter[str] = Counter()

    def reach(self, places: Iterable[str]) -> None:
        """Pass places, or die there."""
        with self._lock:
            for place in places:
                self.passed[place] += 1
                if self._point == (place, self.passed[place]):
                    os.kill(os.getpid(), signal.SIGKILL)


def fused(venue: BybitVenue, journal: SqliteState, fuse: Fuse) -> None:
    """Put the fuse around what these two are asked for; they answer as before."""
    for name in _CALLS:
        _around(venue, name, fuse, lambda *_, name=name, **__: (name,))
    for name in ("amend", "cancel"):
        _around(venue, f"{name}_batch", fuse, lambda *_, name=name: (name,))
    _around(venue, "place", fuse, lambda order: (_placed(order),))
    _around(venue, "place_batch", fuse, _all_placed)
    _around(journal, "append", fuse, _appended)
    _around(journal, "save_snapshot", fuse, lambda _: ("snapshot",))


def _around(owner: object, name: str, fuse: Fuse, names_of: Callable[..., Sequence[str]]) -> None:
    act = getattr(owner, name)

    @wraps(act)
    def passing(*args: Any, **named: Any) -> Any:
        names = names_of(*args, **named)
        fuse.reach(f"before {one}" for one in names)
        answer = act(*args, **named)
        fuse.reach(f"after {one}" for one in names)
        return answer

    setattr(owner, name, passing)


def _placed(order: Approved | Reduction) -> str:
    return f"place {order.order.purpose.role.value}"


def _all_placed(orders: Sequence[Approved | Reduction]) -> Sequence[str]:
    return tuple(dict.fromkeys(map(_placed, orders)))


def _appended(records: Sequence[Record], **_: object) -> Sequence[str]:
    kinds = dict.fromkeys(record.kind.split(".")[0] for record in records)
    return tuple(f"append {kind}" for kind in kinds)
