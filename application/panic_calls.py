"""Who asked for a panic, and what became of it: each call learns of its own panic's end alone.

The books tell how the newest panic stands. That is not enough for a caller: an earlier panic may
have ended before the call was taken, and a later one may have begun before the caller looks.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
from tidegate.domain.core.state import Books

__all__ = ["PanicCall", "PanicCalls"]


@attrs.define(eq=False, kw_only=True)
class PanicCall:
    """One request, by its key. ``remaining`` is what its panic left, ``None`` until that ended."""

    key: str
    is_taken: bool = False
    remaining: tuple[str, ...] | None = None

    @property
    def is_over(self) -> bool:
        """Whether the panic that this request began or joined has ended."""
        return self.remaining is not None

    def left(self, books: Books) -> tuple[str, ...]:
        """Return what could not be closed; before the end, what ``books`` hold and a last word."""
        if self.remaining is not None:
            return self.remaining
        held = sorted(books.positions.items())
        word = "panic still runs" if self.is_taken else "panic was asked for and not yet begun"
        return (*(f"{symbol} {position.qty}" for symbol, position in held), word)


class PanicCalls:
    """The calls that wait. Any thread may wait; the writer alone says what happened."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[PanicCall] = []

    @contextmanager
    def waiting(self, key: str) -> Iterator[PanicCall]:
        """Follow the request of ``key``, from before it is delivered until the caller is done."""
        call = PanicCall(key=key)
        with self._lock:
            self._waiting.append(call)
        try:
            yield call
        finally:
            with self._lock:
                self._waiting.remove(call)

    def taken(self, key: str) -> None:
        """Note that the writer decided on a request: the panic that runs now is the caller's."""
        with self._lock:
            for call in self._waiting:
                call.is_taken = call.is_taken or call.key == key

    def ended(self, remaining: tuple[str, ...]) -> None:
        """Note the end of the panic that ran, for each call that began or joined it."""
        with self._lock:
            for call in self._waiting:
                if call.is_taken and call.remaining is None:
                    call.remaining = remaining
