"""How queries and requests reach the scripted venue's books: one lock, and the faults first."""

from collections.abc import Callable
from typing import TypeVar

from tidegate.ports.exchange import Accepted, Capabilities, Done, ExchangePort, Rejected, Unknown

from .books import Books
from .faults import Refusal
from .options import Arrival, MemoryOptions, RequestKind
from .turn import Shared

__all__ = ["MemoryCalls", "no_answer", "rejected"]

T = TypeVar("T")
Answer = TypeVar("Answer", Accepted, Done)


class MemoryCalls(ExchangePort):
    """What the parts of the scripted venue share."""

    def __init__(self, shared: Shared, options: MemoryOptions) -> None:
        self._shared = shared
        self._capabilities = Capabilities(
            supported=options.supported,
            batch_size_max=options.batch_size_max,
            not_found_final_ms=options.not_found_final_ms,
        )

    @property
    def capabilities(self) -> Capabilities:
        """Return what the options declare."""
        return self._capabilities

    def _ask(self, name: str, read: Callable[[Books], T]) -> T:
        with self._shared.turn() as books:
            self._shared.faults.query(name)
            return read(books)

    def _request(
        self, kind: RequestKind, act: Callable[[Books], Answer | Refusal]
    ) -> Answer | Rejected | Unknown:
        with self._shared.turn():
            return self._answer(self._shared.faults.take(kind), act)

    def _answer(
        self, fault: Refusal | Arrival | None, act: Callable[[Books], Answer | Refusal]
    ) -> Answer | Rejected | Unknown:
        books = self._shared.books
        now_ms = books.now_ms()
        if isinstance(fault, Arrival):
            self._go_unanswered(fault, act)
            return no_answer(fault, now_ms)
        answer = act(books) if fault is None else fault
        return rejected(answer, now_ms) if isinstance(answer, Refusal) else answer

    def _go_unanswered(self, fault: Arrival, act: Callable[[Books], object]) -> None:
        match fault:
            case Arrival.REACHED:
                act(self._shared.books)
            case Arrival.LATE:
                self._shared.late.append(act)
            case Arrival.LOST:
                return


def rejected(refusal: Refusal, now_ms: int) -> Rejected:
    """Return a refusal as the outcome of its request."""
    return Rejected(
        reason=refusal.reason, code=refusal.code, message=refusal.message, time_ms=now_ms
    )


def no_answer(fault: Arrival, now_ms: int) -> Unknown:
    """Return the outcome of a request whose answer the script withheld."""
    return Unknown(sent_ms=now_ms, cause=f"no answer: {fault.value} (scripted)")
