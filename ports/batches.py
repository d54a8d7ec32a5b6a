"""Many requests in batches of what a venue takes at once: one outcome for each, in the order given.

Pure: what is sent, and the time, are arguments.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tidegate.domain.reports import RejectReason

from .outcomes import Accepted, NotSupported, Rejected, Unknown, VenueError

__all__ = ["Outcome", "one_by_one", "send_all"]

T = TypeVar("T")
Outcome = Accepted | Rejected | Unknown
"""How one request about one order ends."""


def send_all(
    items: Sequence[T],
    send: Callable[[Sequence[T]], Sequence[Outcome]],
    *,
    size_max: int,
    now_ms: Callable[[], int],
) -> tuple[Outcome, ...]:
    """Send any number of requests, at most ``size_max`` at once, such as by ``port.place_batch``.

    ``size_max`` is ``capabilities.batch_size_max``; ``now_ms`` is called before each send, UTC
    milliseconds. A venue's exception becomes an outcome: what is not supported was refused, any
    other error leaves every request of its batch unknown, and the batches after it are sent all
    the same.

    Raises:
        ValueError: ``size_max`` is below one.

    """
    if size_max < 1:
        raise ValueError(f"batches of at most {size_max}: a batch holds at least one request")
    outcomes: list[Outcome] = []
    for start in range(0, len(items), size_max):
        outcomes += _sent(items[start : start + size_max], send, now_ms)
    return tuple(outcomes)


def _sent(
    part: Sequence[T],
    send: Callable[[Sequence[T]], Sequence[Outcome]],
    now_ms: Callable[[], int],
) -> Sequence[Outcome]:
    sent_ms = now_ms()
    try:
        found = send(part)
    except NotSupported as error:
        if len(part) > 1:  # None of it was sent: only those that need it are to be refused.
            return [outcome for item in part for outcome in _sent([item], send, now_ms)]
        return [_unsupported(error, sent_ms)]
    except VenueError as error:
        return [Unknown(sent_ms=sent_ms, cause=str(error)) for _ in part]
    if len(found) != len(part):
        cause = f"a batch of {len(part)} came back with {len(found)} outcomes: none can be told"
        return [Unknown(sent_ms=sent_ms, cause=cause) for _ in part]
    return found


def one_by_one(acts: Iterable[Callable[[], Outcome]]) -> tuple[Outcome, ...]:
    """Run requests singly, as a venue without batches does.

    Raises:
        VenueError: the first one raised it, and nothing was sent. A later one's error is its
            outcome, as of the time of the one before it: what was answered already is not lost.

    """
    outcomes: list[Outcome] = []
    for act in acts:
        try:
            outcomes.append(act())
        except VenueError as error:
            if not outcomes:
                raise
            outcomes.append(_raised(error, outcomes[-1]))
    return tuple(outcomes)


def _raised(error: VenueError, before: Outcome) -> Outcome:
    time_ms = before.sent_ms if isinstance(before, Unknown) else before.time_ms
    if isinstance(error, NotSupported):
        return _unsupported(error, time_ms)
    return Unknown(sent_ms=time_ms, cause=str(error))


def _unsupported(error: NotSupported, time_ms: int) -> Rejected:
    return Rejected(
        reason=RejectReason.NOT_SUPPORTED, code=None, message=str(error), time_ms=time_ms
    )
