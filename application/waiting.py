"""Callers that wait for the writer: each is woken when what it waits for is so, and not before."""

import threading
from collections.abc import Callable

import attrs

__all__ = ["Waiters"]


@attrs.define(eq=False)
class _Waiter:
    """A caller that waits. What it waits for may pass by: that it was so once is kept."""

    is_done: Callable[[], bool]
    woken: threading.Event = attrs.field(factory=threading.Event)
    was_done: bool = False

    def look(self) -> bool:
        self.was_done = self.was_done or self.is_done()
        return self.was_done


class Waiters:
    """Those who wait. Conditions are looked at by the writer after each input, not by polling."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._is_over = False

    def wait(self, is_done: Callable[[], bool], *, timeout_s: float) -> bool:
        """Block the calling thread until ``is_done`` was so once; tell whether it was, in time."""
        waiter = _Waiter(is_done)
        with self._lock:
            self._waiters.append(waiter)
        try:
            if not is_done() and not self._is_over:
                waiter.woken.wait(timeout_s)
            return waiter.was_done or is_done()
        finally:
            with self._lock:
                self._waiters.remove(waiter)

    def look(self) -> None:
        """Wake whoever has what it waits for. Called by the writer."""
        with self._lock:
            waiters = tuple(self._waiters)
        for waiter in waiters:
            if waiter.look():
                waiter.woken.set()

    def end(self) -> None:
        """Wake everyone, now and later: nothing changes any more."""
        with self._lock:
            self._is_over = True
            for waiter in self._waiters:
                waiter.woken.set()
