"""Whether everything that is needed arrives: one state over several streams."""

import enum
import threading
from collections.abc import Callable

from tidegate.domain.reports import StreamState

__all__ = ["Health"]


class _Stage(enum.Enum):
    OPENING = "opening"
    UP = "up"
    DOWN = "down"


class Health:
    """Combines the streams that are needed: down when any is down, up when all are up.

    A stream that is opening for the first time says nothing: a start is no outage until its first
    attempt has failed, or is overdue. Changes are made on the I/O thread; :meth:`wait_up` may be
    called by any.
    """

    def __init__(self, report: Callable[[StreamState, str], None]) -> None:
        self._report = report
        self._stages: dict[str, _Stage] = {}
        self._told: StreamState | None = None
        self._all_up = threading.Event()

    def need(self, name: str) -> None:
        """Count a stream among those that are needed."""
        self._stages.setdefault(name, _Stage.OPENING)
        self._review("")

    def forget(self, name: str) -> None:
        """Count a stream among those that are needed no more."""
        self._stages.pop(name, None)
        self._review("")

    def up(self, name: str) -> None:
        """Note that a stream is connected, authenticated and subscribed."""
        self._stages[name] = _Stage.UP
        self._review("")

    def down(self, name: str, cause: str) -> None:
        """Note that a stream is not, and why."""
        self._stages[name] = _Stage.DOWN
        self._review(f"{name}: {cause}")

    def overdue(self, cause: str) -> None:
        """Note that a start took longer than it may: what is not up yet counts as down."""
        late = [name for name, stage in self._stages.items() if stage is _Stage.OPENING]
        for name in late:
            self.down(name, cause)

    def is_up(self, name: str) -> bool:
        """Tell whether one stream is up."""
        return self._stages.get(name) is _Stage.UP

    def wait_up(self, timeout_ms: int) -> bool:
        """Wait until every needed stream is up; ``False`` when they are not in time."""
        return self._all_up.wait(timeout_ms / 1000)

    def _review(self, cause: str) -> None:
        stages = set(self._stages.values())
        if stages == {_Stage.UP}:
            self._tell(StreamState.UP, cause)
            self._all_up.set()
            return
        self._all_up.clear()
        if _Stage.DOWN in stages:
            self._tell(StreamState.DOWN, cause)

    def _tell(self, state: StreamState, cause: str) -> None:
        if self._told is not state:
            self._told = state
            self._report(state, cause)
