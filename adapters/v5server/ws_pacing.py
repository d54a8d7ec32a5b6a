"""The clock of the public stream: books at an interval, and level 1 again when nothing changes."""

import asyncio

from .exchange import Exchange
from .pushes import TICK_MS

__all__ = ["Pacing"]


class Pacing:
    """Looks at the plan of pushes every few milliseconds, from :meth:`start` to :meth:`stop`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._timer: asyncio.TimerHandle | None = None
        self._books_told_ms = 0

    def start(self) -> None:
        """Begin; the running loop carries the clock."""
        self._books_told_ms = self._exchange.clock.now_ms()
        self._exchange.market.is_book_held = self._exchange.pushes.book_interval_ms > 0
        self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(TICK_MS / 1_000, self._tick)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        market, plan = self._exchange.market, self._exchange.pushes
        now_ms = self._exchange.clock.now_ms()
        if not market.is_book_held:
            self._books_told_ms = now_ms
        elif now_ms - self._books_told_ms >= plan.book_interval_ms:
            self._books_told_ms = now_ms
            market.tell_books()
        if plan.best_repeat_ms > 0:
            market.repeat_best(plan.best_repeat_ms)
        self._wait()
