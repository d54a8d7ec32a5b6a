"""A paper session: feed, simulated venue, strategy and desk in one thread, resumable at any point.

Time is the venue's. The desk reacts between the pieces of each item. What a process did before it
died is in two durable stores, the venue's and the journal; a new process goes on from both.
"""

from collections import deque
from collections.abc import Callable
from itertools import islice

from tidegate.domain.core.events import Event
from tidegate.domain.core.ids import TAG_LENGTH
from tidegate.domain.core.inputs import CloseRequest, OpenRequest, StartRequest, StopRequest
from tidegate.domain.orders import Symbol
from tidegate.domain.performance import summary
from tidegate.domain.reports import Bar
from tidegate.domain.signal import Signal
from tidegate.domain.trade import CloseReason
from tidegate.ports.clock import KeyPort
from tidegate.ports.feed import Feed, FeedItem
from tidegate.ports.session import Progress, SessionError, SessionPort, SessionReport
from tidegate.ports.state import StatePort
from tidegate.ports.strategy import Exit, StrategyPort
from tidegate.ports.venue import SimulatedVenuePort

from .belonging import require_same_account
from .modes import check_mode
from .recovery import load_view, reconcile, recover
from .runner import InlineRunner
from .strategy_calls import StrategyFailed, decide, window_of
from .strategy_view import strategy_view

__all__ = ["PaperSession"]


class PaperSession(SessionPort):
    """One strategy on one symbol's bars.

    Raises:
        ModeMismatch: trading mode and venue do not belong together.
        StrategyFailed: the strategy has no usable window.

    """

    def __init__(
        self,
        *,
        runner: InlineRunner,
        venue: SimulatedVenuePort,
        feed: Feed,
        strategy: StrategyPort,
        symbol: Symbol,
        keys: KeyPort,
        state_port: StatePort,
    ) -> None:
        check_mode(runner.engine.config, venue)
        self._runner = runner
        self._venue = venue
        self._feed = feed
        self._strategy = strategy
        self._symbol = symbol
        self._keys = keys
        self._state_port = state_port
        self._window: deque[Bar] = deque(maxlen=window_of(strategy))
        self._is_stopping = False
        self._items_done = 0

    def listen(self, listener: Callable[[Event, int], None]) -> None:
        """See :meth:`SessionPort.listen`."""
        self._runner.engine.listen(listener)

    def stop(self) -> None:
        """See :meth:`SessionPort.stop`."""
        self._is_stopping = True

    def run(self, progress: Progress) -> SessionReport:
        """See :meth:`SessionPort.run`."""
        total = len(self._feed)
        self._check_cursor(total)
        was_resumed = self._state_port.version() > 0
        try:
            self._trade(progress, was_resumed=was_resumed)
        except StrategyFailed:
            self._stop("the strategy failed")
            raise
        self._stop("end of data" if self._venue.cursor() >= total else "stopped")
        return self._report(was_resumed=was_resumed)

    def _trade(self, progress: Progress, *, was_resumed: bool) -> None:
        self._start(progress, was_resumed=was_resumed)
        cursor, total = self._venue.cursor(), len(self._feed)
        for index, item in enumerate(self._feed.items(start=cursor), start=cursor):
            if self._is_stopping:
                break
            self._take(item, index)
            self._items_done += 1
            progress(index + 1, total)

    def _check_cursor(self, total: int) -> None:
        if total == 0:
            raise SessionError("the market data is empty: at least one bar is needed")
        cursor = self._venue.cursor()
        if cursor > total:
            raise SessionError(
                f"the venue's store is at item {cursor} of its data, this data has {total}: "
                "continue with the data it was begun with, or use new state files"
            )

    def _start(self, progress: Progress, *, was_resumed: bool) -> None:
        account = require_same_account(self._runner.state.books, self._venue)
        self._venue.connect(self._runner.sink)
        if self._venue.cursor() == 0:
            self._take_first(progress)
        config = self._runner.engine.config
        symbols = frozenset({self._symbol})
        self._runner.submit(
            StartRequest(
                mode=config.mode,
                venue=config.venue,
                wallet=self._venue.account().wallet,
                account=account,
                tag=self._keys.key("journal")[:TAG_LENGTH],
                guard_key=self._keys.key("guard"),
            )
        )
        load_view(self._runner, symbols)
        if was_resumed:
            recover(self._runner, symbols)
            # What fell due with the last piece, whose process may have died before it looked.
            self._runner.check_time()
        self._warm_up(self._venue.cursor())
        if self._venue.pieces_done() == 0 and self._ends_with_own_bar():
            self._decide_again()

    def _take_first(self, progress: Progress) -> None:
        """Process the first item before the account opens: before it there is no time."""
        first = next(self._feed.items())
        for _ in self._venue.offer(first, index=0):
            self._runner.drain()
        self._runner.drain()
        self._items_done += 1
        progress(1, len(self._feed))

    def _warm_up(self, cursor: int) -> None:
        """Fill the strategy's window with the bars before the cursor."""
        needed = window_of(self._strategy)
        back = 2 * needed
        while True:
            start = max(0, cursor - back)
            items = islice(self._feed.items(start=start), cursor - start)
            bars = [item for item in items if self._is_own_bar(item)]
            if len(bars) >= needed or start == 0:
                break
            back *= 2
        self._window.extend(bar for bar in bars if isinstance(bar, Bar))

    def _is_own_bar(self, item: FeedItem) -> bool:
        return isinstance(item, Bar) and item.symbol == self._symbol

    def _ends_with_own_bar(self) -> bool:
        """Tell whether the last item processed is a bar that the strategy decides on.

        When more was processed after the bar, its decision was made before that.
        """
        last = next(self._feed.items(start=self._venue.cursor() - 1))
        return self._is_own_bar(last)

    def _decide_again(self) -> None:
        """Let the strategy decide on the last bar, unless its decision is in the journal."""
        decided_ms = self._runner.state.books.decided_ms.get(self._symbol)
        if decided_ms != self._runner.engine.clock.now_ms():
            self._decide()

    def _take(self, item: FeedItem, index: int) -> None:
        for _ in self._venue.offer(item, index=index):
            self._runner.drain()
            self._runner.check_time()
        self._runner.drain()
        if self._runner.state.books.findings:
            # What a restart found is looked at again until it is gone.
            reconcile(self._runner)
        if isinstance(item, Bar) and item.symbol == self._symbol:
            self._window.append(item)
            self._decide()

    def _decide(self) -> None:
        if len(self._window) < window_of(self._strategy):
            return
        view = strategy_view(self._runner.state, self._symbol)
        wish = decide(self._strategy, tuple(self._window), view)
        if isinstance(wish, Signal):
            key = self._keys.key(wish.signal_id)
            self._runner.submit(OpenRequest(signal=wish, key=key))
        elif isinstance(wish, Exit):
            key = self._keys.key(wish.signal_id)
            self._runner.submit(
                CloseRequest(symbol=wish.symbol, reason=CloseReason.SIGNAL, key=key)
            )

    def _stop(self, reason: str) -> None:
        """Close the journal in order: the next start goes on from there."""
        self._runner.submit(StopRequest(reason=reason))
        self._runner.engine.save_snapshot()

    def _report(self, *, was_resumed: bool) -> SessionReport:
        cursor, total = self._venue.cursor(), len(self._feed)
        books = self._runner.state.books
        assert books.ledger is not None, "a session that ran has opened its account"
        return SessionReport(
            summary=summary(books.tally, books.ledger),
            books=books,
            items_done=self._items_done,
            cursor=cursor,
            items_total=total,
            was_resumed=was_resumed,
            is_complete=cursor >= total,
            journal_version=self._state_port.version(),
        )

    def close(self) -> None:
        """See :meth:`SessionPort.close`."""
        self._venue.close()
        self._state_port.close()
