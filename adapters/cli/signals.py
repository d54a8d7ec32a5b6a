"""Ctrl-C and SIGTERM: the first asks the session to stop, the second exits at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from tidegate.ports.session import ExitAtOnce

__all__ = ["Stopper", "stop_on_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopper:
    """Which signal came, and what it stops. A signal before :meth:`attach` is not lost."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._stop: Callable[[], None] | None = None

    @property
    def received(self) -> signal.Signals | None:
        """Return the first signal that came, if one did."""
        return None if self._number is None else signal.Signals(self._number)

    def attach(self, stop: Callable[[], None]) -> None:
        """Call ``stop`` at the first signal, at once where it came before."""
        self._stop = stop
        if self._number is not None:
            stop()

    def on_signal(self, number: int, _: FrameType | None) -> None:
        """Stop at the first signal.

        Raises:
            ExitAtOnce: at the second one.

        """
        # Another handler may run within any call: none stands between the look and the note.
        if self._number is not None:
            raise ExitAtOnce(128 + number)
        self._number = number
        if self._stop is not None:
            self._stop()


@contextmanager
def stop_on_signals() -> Iterator[Stopper]:
    """Install the handlers in the main thread, and put back what was there before.

    In any other thread nothing is installed: Python allows it in the main thread only.
    """
    stopper = Stopper()
    if threading.current_thread() is not threading.main_thread():
        yield stopper
        return
    before = {number: signal.signal(number, stopper.on_signal) for number in _SIGNALS}
    try:
        yield stopper
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
