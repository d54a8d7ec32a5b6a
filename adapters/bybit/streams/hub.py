"""Every stream of one account behind one door: open, watch, ask for the latest, close.

One thread carries all sockets. The sink is called on that thread and must not block. The streams
that are needed are those of the account and, once a symbol is watched, of the market; the stream of
order entry is opened on demand and its state is its own.
"""

import asyncio
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import attrs
from tidegate.domain.market import BookLevel, FundingRate, PublicTrade
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar, MarginMode, StreamReport, StreamState, Ticker, VenueMessage
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import MessageSink

from .aged import Aged
from .backoff import Backoff, ConnectionBudget
from .book import BookView
from .connection import Connection, ConnectionSpec, Handlers
from .errors import SubscriptionRefused
from .frames import Dialect
from .health import Health
from .io_thread import IoThread
from .private import DISCONNECT_TOPIC, PRIVATE_TOPICS, PrivateFeed
from .public import PublicFeed
from .settings import Signer, StreamConfig, StreamHosts
from .supervisor import Supervisor, Watchers
from .trade import TradeSocket
from .trades import StreamBar

__all__ = ["StreamHub"]

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_PUBLIC, _PRIVATE, _TRADE = "public stream", "private stream", "trade stream"


class StreamHub:
    """The streams of one account. Every method may be called from any thread but the I/O thread.

    ``margin_mode`` tells how balances are to be read; while it returns ``None``, pushed balances
    are left out. ``random_source`` returns numbers from 0 to 1, for the pauses between attempts.
    """

    def __init__(
        self,
        *,
        hosts: StreamHosts,
        credentials: Signer | None,
        clock: ClockPort,
        config: StreamConfig,
        ssl_context: ssl.SSLContext | None = None,
        margin_mode: Callable[[], MarginMode | None] = lambda: None,
        random_source: Callable[[], float] = random.random,
    ) -> None:
        self._hosts = hosts
        self._credentials = credentials
        self._clock = clock
        self._config = config
        self._ssl_context = ssl_context
        self._random = random_source
        self._lock = threading.Lock()
        self._io: IoThread | None = None
        self._is_closed = False
        self._sink: MessageSink = _heard_by_nobody
        self._health = Health(self._report_state)
        self._budget = ConnectionBudget(config.retry, _monotonic_ms)
        self._supervisors: dict[str, Supervisor] = {}
        self._trade: TradeSocket | None = None
        self._private = PrivateFeed(self._tell, now_ms=clock.now_ms, margin_mode=margin_mode)
        self._public = PublicFeed(
            self._tell,
            now_ms=clock.now_ms,
            monotonic_ms=_monotonic_ms,
            age_ms_max=config.value_age_ms_max,
            renew=self._renew,
        )

    # -- life --------------------------------------------------------------------------------------

    def open(self, sink: MessageSink, symbols: Iterable[Symbol]) -> None:
        """Begin to connect, and deliver to ``sink``; a second call replaces the sink and adds.

        Returns at once; :meth:`wait_up` waits. The private stream needs credentials; without them
        there is market data only. A stream that cannot be had is told as down, and tried again.

        Raises:
            RuntimeError: when the hub was closed.

        """
        self._sink = sink
        topics = [self._public.watch_ticker(symbol) for symbol in symbols]
        self._started()
        wanted: dict[str, Iterable[str]] = {}
        if self._credentials is not None:
            arms = self._config.arms_disconnect_cancel
            wanted[_PRIVATE] = (*PRIVATE_TOPICS, DISCONNECT_TOPIC) if arms else PRIVATE_TOPICS
        if topics:
            wanted[_PUBLIC] = topics
        self._do(self._ensure_all(wanted))

    def close(self) -> None:
        """End every stream, free every descriptor and join the thread; again is harmless."""
        with self._lock:
            io, self._io = self._io, None
            self._is_closed = True
        if io is None:
            return
        try:
            io.run(self._stop_all(), wait_ms=self._config.close_wait_ms)
        except TimeoutError:
            _LOG.error("the streams did not end within %d ms", self._config.close_wait_ms)
        finally:
            io.close()

    def wait_up(self, timeout_ms: int) -> bool:
        """Wait until every needed stream is up; ``False`` when they are not in time."""
        return self._health.wait_up(timeout_ms)

    def give_up_waiting(self, cause: str) -> None:
        """Tell that the streams are down, unless they are up by now or it was told already."""
        io = self._io
        if io is not None:
            io.soon(lambda: self._health.overdue(cause))

    # -- market data -------------------------------------------------------------------------------

    def watch(self, symbol: Symbol) -> None:
        """Keep a symbol's prices; returns when the venue accepted it, or keeps trying.

        Raises:
            SubscriptionRefused: the venue refused the symbol; it is not watched.
            StreamTrouble: the stream is up and gave no answer; it is tried again with a new one.
            RuntimeError: when the hub was not opened, or was closed.

        """
        self._watch(self._public.watch_ticker(symbol))

    def watch_funding(self, symbol: Symbol, heard: Callable[[FundingRate], None]) -> None:
        """Keep a symbol's prices, and tell ``heard`` of every other coming funding rate.

        Outcomes and errors: see :meth:`watch`.
        """
        self._watch(self._public.watch_ticker(symbol, heard))

    def watch_book(self, symbol: Symbol) -> None:
        """Keep a symbol's order book to a depth of 50. Raises as :meth:`watch` does.

        Errors: see :meth:`StreamHub.watch`.
        """
        self._watch(self._public.watch_book(symbol))

    def watch_trades(
        self, symbol: Symbol, heard: Callable[[tuple[PublicTrade, ...]], None] | None = None
    ) -> None:
        """Keep a symbol's last trades, and tell ``heard``. Raises as :meth:`watch` does.

        Errors: see :meth:`StreamHub.watch`.
        """
        self._watch(self._public.watch_trades(symbol, heard))

    def watch_bars(
        self, symbol: Symbol, interval: str, heard: Callable[[Bar], None] | None = None
    ) -> None:
        """Keep a symbol's bars, by the venue's name of an interval. Raises as :meth:`watch`.

        ``heard`` gets each bar as it closes, on the I/O thread: it must not block.

        Errors: see :meth:`StreamHub.watch`.
        """
        self._watch(self._public.watch_bars(symbol, interval, heard))

    def unwatch(self, symbol: Symbol) -> None:
        """Keep nothing of a symbol any more. Raises ``StreamTrouble`` without an answer.

        Raises:
            StreamTrouble: the stream is up, and the venue refused or did not answer.
            RuntimeError: the hub was not opened, or was closed.

        """
        self._do(self._unwatch(self._public.forget(symbol)))

    def ticker(self, symbol: Symbol) -> Aged[Ticker] | None:
        """Return the last prices of a symbol, with their age; ``None`` when there are none."""
        return self._public.ticker(symbol)

    def book(self, symbol: Symbol) -> Aged[BookView] | None:
        """Return the book of a symbol, with its age; ``None`` when there is no whole one."""
        return self._public.book(symbol)

    def best(self, symbol: Symbol) -> tuple[BookLevel | None, BookLevel | None]:
        """Return the best bid and ask of a symbol's whole book, each ``None`` where absent."""
        book = self._public.best(symbol)
        return (None, None) if book is None else (book.best_bid(), book.best_ask())

    def trades(self, symbol: Symbol) -> Aged[tuple[PublicTrade, ...]] | None:
        """Return the last trades of a symbol, oldest first; ``None`` when there are none."""
        return self._public.trades(symbol)

    def bars(self, symbol: Symbol, interval: str) -> Aged[tuple[StreamBar, ...]] | None:
        """Return the last bars of a symbol, oldest first; ``None`` when there are none."""
        return self._public.bars(symbol, interval)

    # -- order entry -------------------------------------------------------------------------------

    def trade_socket(self) -> TradeSocket | None:
        """Return the door for order entry by stream, opening it on the first call.

        ``None`` where the venue has no such stream, or without credentials.

        Raises:
            RuntimeError: when the hub was closed.

        """
        if self._hosts.trade_url is None or self._credentials is None:
            return None
        io = self._started()
        with self._lock:
            if self._trade is not None:
                return self._trade
            self._trade = TradeSocket(
                soon=io.soon,
                now_ms=self._clock.now_ms,
                recv_window_ms=self._config.trade_recv_window_ms,
                drain_ms=self._config.trade_drain_ms,
                pending_max=self._config.trade_pending_max,
            )
        self._do(self._ensure(_TRADE, ()))
        return self._trade

    # -- inside ------------------------------------------------------------------------------------

    def _started(self) -> IoThread:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the streams were closed; a new hub opens new ones")
            if self._io is None:
                self._io = IoThread("tidegate-bybit-streams", close_wait_ms=1_000)
                self._io.start()
            return self._io

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        io = self._io
        if io is None:
            work.close()
            raise RuntimeError("the streams are not open")
        limits = self._config.connection
        return io.run(work, wait_ms=limits.answer_wait_ms * 2 + limits.connect_wait_ms)

    def _watch(self, topic: str) -> None:
        try:
            self._do(self._ensure(_PUBLIC, [topic]))
        except SubscriptionRefused:
            self._public.drop(topic)
            raise

    async def _ensure_all(self, wanted: Mapping[str, Iterable[str]]) -> None:
        # All are needed before the first can be up: one alone must not look like the whole.
        for name in wanted:
            self._health.need(name)
        for name, topics in wanted.items():
            await self._ensure(name, topics)

    async def _ensure(self, name: str, topics: Iterable[str]) -> None:
        supervisor = self._supervisors.get(name)
        if supervisor is not None:
            await supervisor.add(topics)
            return
        if name != _TRADE:
            self._health.need(name)
        self._supervisors[name] = supervisor = Supervisor(
            name,
            build=lambda: self._build(name),
            topics=topics,
            dispensable=(DISCONNECT_TOPIC,),
            backoff=Backoff(self._config.retry, self._random),
            budget=self._budget,
            watchers=Watchers(
                on_up=lambda: self._went_up(name),
                on_down=lambda cause: self._went_down(name, cause),
            ),
        )
        supervisor.start()

    async def _unwatch(self, topics: Iterable[str]) -> None:
        supervisor = self._supervisors.get(_PUBLIC)
        if supervisor is None:
            return
        await supervisor.remove(topics)
        if not supervisor.topics:
            # Nothing is pushed to a stream without topics: its silence would look like an outage.
            del self._supervisors[_PUBLIC]
            self._health.forget(_PUBLIC)
            await supervisor.stop()

    async def _stop_all(self) -> None:
        for supervisor in self._supervisors.values():
            await supervisor.stop()
        if self._trade is not None:
            self._trade.went_down("the streams were closed")
        self._public.restarted()

    def _build(self, name: str) -> Connection:
        limits = self._config.connection
        if name == _PUBLIC:
            self._public.restarted()
            limits = attrs.evolve(limits, silence_ms_max=self._config.public_silence_ms_max)
        spec = ConnectionSpec(
            name=name,
            url=self._url(name),
            dialect=Dialect.TRADE if name == _TRADE else Dialect.STREAM,
            signer=None if name == _PUBLIC else self._credentials,
            limits=limits,
            ssl_context=self._ssl_context,
            now_ms=self._clock.now_ms,
        )
        return Connection(spec, self._handlers(name))

    def _url(self, name: str) -> str:
        if name == _PUBLIC:
            return self._hosts.public_url
        if name == _PRIVATE:
            return self._hosts.private_url
        assert self._hosts.trade_url is not None, "checked before the trade stream is opened"
        return self._hosts.trade_url

    def _handlers(self, name: str) -> Handlers:
        if name == _PUBLIC:
            return Handlers(on_push=self._public.take, on_unreadable=self._public.unreadable)
        if name == _PRIVATE:
            return Handlers(on_push=self._private.take, on_unreadable=self._private.unreadable)
        assert self._trade is not None, "made before the trade stream is opened"
        # An unreadable answer leaves its request without one, and so unknown, by its deadline.
        return Handlers(on_push=self._trade.take, on_unreadable=_logged_already)

    def _went_up(self, name: str) -> None:
        if name == _TRADE:
            connection = self._supervisors[_TRADE].connection
            if self._trade is not None and connection is not None:
                self._trade.went_up(connection)
            return
        if name == _PUBLIC:
            self._public.went_up()
        self._health.up(name)

    def _went_down(self, name: str, cause: str) -> None:
        if name == _TRADE:
            if self._trade is not None:
                self._trade.went_down(cause)
            return
        if name == _PUBLIC:
            self._public.restarted()
        self._health.down(name, cause)

    def _renew(self, topic: str, cause: str) -> None:
        supervisor = self._supervisors.get(_PUBLIC)
        if supervisor is None:
            return
        supervisor.renew(topic, cause)
        wait_s = self._config.connection.answer_wait_ms / 1000
        asyncio.get_running_loop().call_later(wait_s, self._expect_snapshot, topic)

    def _expect_snapshot(self, topic: str) -> None:
        """Replace the connection when a topic that was subscribed anew stays silent."""
        supervisor = self._supervisors.get(_PUBLIC)
        connection = None if supervisor is None else supervisor.connection
        if connection is not None and self._public.is_unanswered(topic):
            connection.close(f"{topic} was subscribed anew and no snapshot came")

    def _report_state(self, state: StreamState, cause: str) -> None:
        _LOG.info("streams are %s%s", state.value, f": {cause}" if cause else "")
        self._tell(StreamReport(state=state, time_ms=self._clock.now_ms()))

    def _tell(self, message: VenueMessage) -> None:
        try:
            self._sink(message)
        except Exception:  # noqa: BLE001 - a sink that raises breaks its promise, not the stream
            _LOG.exception("the sink failed on a %s", type(message).__name__)


def _heard_by_nobody(message: VenueMessage) -> None:
    _LOG.debug("a %s before the streams were opened", type(message).__name__)


def _logged_already(text: str) -> None:
    _LOG.debug("an answer that cannot be read: %.200s", text)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
