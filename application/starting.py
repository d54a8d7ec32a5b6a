"""From folded books to a desk that may trade: the steps of a start, in their only safe order.

The streams are open meanwhile. What they tell waits until the history was read: it may be newer
than what the history still has to tell.
"""

import threading

from tidegate.domain.core.ids import TAG_LENGTH
from tidegate.domain.core.inputs import StartRequest
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import VenueMessage
from tidegate.ports.clock import KeyPort

from .recovery import book_missed, finish_recovery, load_view
from .runner import InlineRunner, Runner

__all__ = ["Relay", "bring_up"]


class Relay:
    """Where the streams end: first nowhere, then the recovery, then the writer, in the end nobody.

    What comes before :meth:`turn_to` is kept: it may be newer than what the history still has to
    tell, so it must not be booked before that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[VenueMessage] = []
        self._target: Runner | None = None
        self._is_over = False

    def sink(self, message: VenueMessage) -> None:
        """Pass a message on; after the end it is dropped, and read from history at a start."""
        with self._lock:
            if self._is_over:
                return
            if self._target is None:
                self._held.append(message)
            else:
                self._target.sink(message)

    def turn_to(self, runner: Runner) -> None:
        """Pass what waits to ``runner``, and every later message after it."""
        with self._lock:
            if isinstance(self._target, InlineRunner):
                self._target.hand_over(runner)
            for message in self._held:
                runner.sink(message)
            self._held.clear()
            self._target = runner

    def end(self) -> None:
        """Pass nothing on any more."""
        with self._lock:
            self._is_over = True


def bring_up(
    first: InlineRunner,
    relay: Relay,
    *,
    keys: KeyPort,
    symbols: frozenset[Symbol],
    account: str | None,
) -> None:
    """Record the start, and bring the books to the venue's truth.

    ``account`` is the venue's id of the account, which the books are known to belong to.

    Raises:
        StateError: the journal cannot be written.
        VenueError: the venue gave no usable answer.

    """
    config, port = first.engine.config, first.port
    opening = port.account()
    first.submit(
        StartRequest(
            mode=config.mode,
            venue=config.venue,
            wallet=opening.wallet,
            wallet_ms=opening.time_ms,
            account=account,
            tag=keys.key("journal")[:TAG_LENGTH],
            guard_key=keys.key("guard"),
        )
    )
    load_view(first, symbols)
    missed = book_missed(first)
    relay.turn_to(first)
    finish_recovery(first, symbols, missed)
