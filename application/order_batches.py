"""Many requests of one caller: handed to the core before any is waited for, with one deadline.

So those that wait together can leave together. No more are under way at once than the desk may
hold: a batch of any length neither floods it nor needs memory for more than its outcomes.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Self, TypeVar

import attrs
from tidegate.ports.exchange import VenueError
from tidegate.ports.orders import TimedOut

from .runner import Runner, WriterStopped

__all__ = ["Batch", "Begun", "at_once"]

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@attrs.frozen(kw_only=True)
class Begun(Generic[T_co]):
    """A request that was handed to the core; once it is settled it stays so.

    ``outcome`` is asked for when it is settled, ``forget`` is called once, at the end.
    """

    is_settled: Callable[[], bool]
    outcome: Callable[[], T_co]
    forget: Callable[[], None]


def at_once(outcome: T) -> Begun[T]:
    """Return a request whose outcome is known already."""
    return Begun(is_settled=lambda: True, outcome=lambda: outcome, forget=lambda: None)


@attrs.frozen
class _Waiting(Generic[T_co]):
    begun: Begun[T_co]
    failed: Callable[[Exception], T_co]


class _Front:
    """How many of the first have settled. The writer asks after each input, so none twice."""

    def __init__(self, waiting: Sequence[_Waiting[T]]) -> None:
        self._asked = tuple(one.begun.is_settled for one in waiting)
        self._settled = 0

    def reaches(self, count: int) -> bool:
        settled = self._settled
        while settled < count and self._asked[settled]():
            settled += 1
        # Two threads may ask at once: the one behind only makes the next look again.
        self._settled = settled
        return settled >= count


class Batch(Generic[T]):
    """Requests in their caller's order. One thread uses it, as a context manager.

    ``most`` is how many may be under way at once. When as many are, the older half is waited for.
    """

    def __init__(self, runner: Runner, *, most: int, timeout_ms: int) -> None:
        assert most >= 1, f"{most} requests at once: at least one"
        self._runner = runner
        self._most = most
        self._timeout_ms = timeout_ms
        self._until_ms = runner.elapsed_ms() + timeout_ms
        self._waiting: deque[_Waiting[T | TimedOut]] = deque()
        self._outcomes: list[T | TimedOut] = []
        self._is_late = False
        self._stopped: WriterStopped | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._waiting:
            one.begun.forget()
        self._waiting.clear()

    def add(self, begin: Callable[[], Begun[T]], failed: Callable[[Exception], T]) -> None:
        """Hand over one more; ``failed`` turns what it raised into its outcome."""
        if len(self._waiting) >= self._most and not self._is_late:
            self._wait(max(1, self._most // 2))
            self._is_late = len(self._waiting) >= self._most
        begun: Begun[T | TimedOut]
        if self._stopped is not None:
            begun = at_once(failed(self._stopped))
        elif self._is_late:
            begun = at_once(TimedOut(waited_ms=self._timeout_ms, is_begun=False))
        else:
            try:
                begun = begin()
            except (RuntimeError, VenueError) as error:
                _LOG.warning("one request of several failed: %s", error)
                begun = at_once(failed(error))
        self._waiting.append(_Waiting(begun, failed))

    def end(self) -> tuple[T | TimedOut, ...]:
        """Wait for the rest; return one outcome for each, in the order in which they were added."""
        self._wait(len(self._waiting))
        while self._waiting:
            self._take_first()
        return tuple(self._outcomes)

    def _wait(self, count: int) -> None:
        """Wait until the first ``count`` have settled or the time is over; take those in front."""
        front = _Front(self._waiting)
        left_ms = max(0, self._until_ms - self._runner.elapsed_ms())
        try:
            self._runner.wait(lambda: front.reaches(count), timeout_ms=left_ms)
        except WriterStopped as error:
            self._stopped = error
        while self._waiting and self._waiting[0].begun.is_settled():
            self._take_first()

    def _take_first(self) -> None:
        one = self._waiting[0]
        if one.begun.is_settled():
            self._outcomes.append(one.begun.outcome())
        elif self._stopped is not None:
            self._outcomes.append(one.failed(self._stopped))
        else:
            self._outcomes.append(TimedOut(waited_ms=self._timeout_ms))
        self._waiting.popleft().begun.forget()
