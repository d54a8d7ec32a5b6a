"""The closed bars of one symbol, each once and in order, whatever the streams do.

A bar that the stream brings is taken at once. One that does not come by a while after its close is
asked for over REST, and so is everything between two bars. Waiting ends by a bar, by that time or
by the stop: nothing polls.
"""

import logging
import queue
from collections import deque

from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.bars import BarPort
from tidegate.ports.exchange import TimeRange, VenueError

__all__ = ["BarFollower"]

_LOG = logging.getLogger(__name__)


class BarFollower:
    """Follows the bars of ``symbol``; one thread waits in :meth:`wait_next`, any may stop it.

    ``window`` is how many bars are kept. A bar is asked for ``grace_ms`` after it should have come
    and, while it is not there, every ``retry_ms``. Times are milliseconds.
    """

    def __init__(
        self,
        port: BarPort,
        symbol: Symbol,
        *,
        interval_ms: int,
        window: int,
        grace_ms: int,
        retry_ms: int,
    ) -> None:
        self._port = port
        self._symbol = symbol
        self._interval_ms = interval_ms
        self._grace_ms = grace_ms
        self._retry_ms = retry_ms
        self._bars: deque[Bar] = deque(maxlen=window)
        self._heard: queue.SimpleQueue[Bar | None] = queue.SimpleQueue()
        self._asked_ms: int | None = None

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The last closed bars, oldest first."""
        return tuple(self._bars)

    def begin(self) -> None:
        """Read the bars of the window, and listen where there are streams.

        Raises:
            ValueError: the venue has no bars of this length.
            QueryFailed: they could not be read.

        """
        self._port.listen(self._symbol, interval_ms=self._interval_ms, heard=self._heard.put)
        now_ms = self._port.now_ms()
        # One more than the window: the last one of the range is usually still open.
        window = self._bars.maxlen or 1
        self._bars.extend(self._read(now_ms - (window + 1) * self._interval_ms, now_ms))

    def stop(self) -> None:
        """End the waiting, now and later. May be called from a signal handler."""
        self._heard.put(None)

    def wait_next(self) -> bool:
        """Wait until there is a newer closed bar; false once it was stopped."""
        while True:
            try:
                bar = self._heard.get(timeout=self._wait_ms() / 1_000)
            except queue.Empty:
                if self._catch_up():
                    return True
                continue
            if bar is None:
                self.stop()
                return False
            if self._take(bar):
                return True

    def _wait_ms(self) -> int:
        now_ms = self._port.now_ms()
        due_ms = now_ms // self._interval_ms * self._interval_ms + self._interval_ms
        if self._bars:
            due_ms = self._bars[-1].end_ms + self._interval_ms
        due_ms += self._grace_ms
        if self._asked_ms is not None:
            due_ms = max(due_ms, self._asked_ms + self._retry_ms)
        return max(0, due_ms - now_ms)

    def _take(self, bar: Bar) -> bool:
        """Take a bar of the stream; tell whether it is new. What lies before it is read first."""
        end_ms = self._bars[-1].end_ms if self._bars else None
        if end_ms is not None and bar.start_ms < end_ms:
            return False
        if end_ms is not None and bar.start_ms > end_ms:
            self._catch_up()
        if not self._bars or bar.start_ms >= self._bars[-1].end_ms:
            self._bars.append(bar)
        return True

    def _catch_up(self) -> bool:
        """Ask for what closed since the last bar; tell whether there was any."""
        self._asked_ms = now_ms = self._port.now_ms()
        window = self._bars.maxlen or 1
        since_ms = now_ms - (window + 1) * self._interval_ms
        if self._bars:
            since_ms = max(since_ms, self._bars[-1].end_ms)
        try:
            found = self._read(min(since_ms, now_ms), now_ms)
        except VenueError as error:
            _LOG.warning(
                "bars of %s: %s; asked again in %s ms", self._symbol, error, self._retry_ms
            )
            return False
        self._bars.extend(found)
        return bool(found)

    def _read(self, start_ms: int, end_ms: int) -> tuple[Bar, ...]:
        within = TimeRange(start_ms=max(0, start_ms), end_ms=end_ms)
        return self._port.closed(self._symbol, interval_ms=self._interval_ms, within=within)
