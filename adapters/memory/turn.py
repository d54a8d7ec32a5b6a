"""What the venue and its script share: the books, what goes wrong next, the stream, one lock."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs

from .books import Books
from .delivery import Delivery
from .faults import Faults

__all__ = ["Shared"]


@attrs.frozen
class Shared:
    """The venue's insides. ``late`` holds requests that are still on their way, oldest first."""

    books: Books
    faults: Faults = attrs.field(factory=Faults)
    delivery: Delivery = attrs.field(factory=Delivery)
    late: list[Callable[[Books], object]] = attrs.field(factory=list)
    _lock: threading.RLock = attrs.field(factory=threading.RLock)

    @contextmanager
    def turn(self) -> Iterator[Books]:
        """Hold the lock, then deliver what the change left to say, before the lock is released.

        The sink may call the venue back: the lock is reentrant, and what is delivered has been
        taken out of the outbox before.
        """
        with self._lock:
            yield self.books
            while self.books.outbox:
                self.delivery.send(self.books.outbox.popleft())
