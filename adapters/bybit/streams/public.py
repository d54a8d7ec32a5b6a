"""What the market's stream pushes, kept as the latest values of each symbol.

Written by the I/O thread, read by any. Tickers also go to the sink, as the desk's prices.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import attrs
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.adapters.bybit.wire.markets import KLINE_SPANS_MS, funding_rate_of_ticker, ticker
from tidegate.domain.market import FundingRate, PublicTrade
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar, Ticker, UnreadableReport
from tidegate.ports.exchange import MessageSink

from .aged import Aged
from .book import BookBroken, BookView, OrderBook
from .ticker import TickerFold
from .trades import BarFold, StreamBar, TradeFold

__all__ = [
    "BOOK_DEPTH",
    "PublicFeed",
    "bars_topic",
    "book_topic",
    "ticker_topic",
    "trades_topic",
]

BOOK_DEPTH = 50
_LOG = logging.getLogger(__name__)
_RENEW_EVERY_MS = 1_000
"""A book is subscribed anew at most this often: a venue whose books never fit is no reason to
flood it."""

T = TypeVar("T")
TradesHeard = Callable[[tuple[PublicTrade, ...]], None]
BarHeard = Callable[[Bar], None]
FundingHeard = Callable[[FundingRate], None]


@attrs.frozen
class _Kept:
    value: Ticker
    received_ms: int


def ticker_topic(symbol: Symbol) -> str:
    """Return the topic of a symbol's prices."""
    return f"tickers.{symbol}"


def book_topic(symbol: Symbol) -> str:
    """Return the topic of a symbol's order book."""
    return f"orderbook.{BOOK_DEPTH}.{symbol}"


def trades_topic(symbol: Symbol) -> str:
    """Return the topic of a symbol's trades."""
    return f"publicTrade.{symbol}"


def bars_topic(symbol: Symbol, interval: str) -> str:
    """Return the topic of a symbol's bars; ``interval`` is the venue's name for their length.

    Raises:
        ValueError: the venue has no such interval; the text names those it has.

    """
    if interval not in KLINE_SPANS_MS:
        raise ValueError(f"interval {interval!r}; accepted: {', '.join(KLINE_SPANS_MS)}")
    return f"kline.{interval}.{symbol}"


class PublicFeed:
    """The latest market data of every watched symbol.

    ``renew`` is asked to subscribe a topic anew when its book broke. Ages are judged by the venue's
    time on the clock and by the time since the message came, whichever is longer.
    """

    def __init__(
        self,
        sink: MessageSink,
        *,
        now_ms: Callable[[], int],
        monotonic_ms: Callable[[], int],
        age_ms_max: int,
        renew: Callable[[str, str], None],
    ) -> None:
        self._sink = sink
        self._now_ms = now_ms
        self._monotonic_ms = monotonic_ms
        self._age_ms_max = age_ms_max
        self._renew = renew
        self._lock = threading.Lock()
        self._is_up = False
        self._folds: dict[str, TickerFold] = {}
        self._tickers: dict[Symbol, _Kept] = {}
        self._books: dict[str, OrderBook] = {}
        self._trades: dict[str, TradeFold] = {}
        self._bars: dict[str, BarFold] = {}
        self._trades_heard: dict[str, TradesHeard] = {}
        self._bars_heard: dict[str, BarHeard] = {}
        self._funding_heard: dict[str, FundingHeard] = {}
        self._funding_told: dict[str, tuple[object, object]] = {}
        self._received_ms: dict[str, int] = {}
        self._asked_ms: dict[str, int] = {}
        self._troubled: set[str] = set()

    # -- what is watched ---------------------------------------------------------------------------

    def watch_ticker(self, symbol: Symbol, funding: FundingHeard | None = None) -> str:
        """Begin to keep a symbol's prices; return the topic that brings them.

        ``funding`` is called on the I/O thread with the coming funding rate whenever it, or its
        time, is another one, and after each connection.
        """
        topic = ticker_topic(symbol)
        with self._lock:
            self._folds.setdefault(topic, TickerFold(_read_ticker))
            if funding is not None:
                self._funding_heard[topic] = funding
        return topic

    def watch_book(self, symbol: Symbol) -> str:
        """Begin to keep a symbol's book; return the topic that brings it."""
        topic = book_topic(symbol)
        with self._lock:
            self._books.setdefault(topic, OrderBook(symbol, depth=BOOK_DEPTH))
            self._asked_ms.setdefault(topic, self._monotonic_ms() - _RENEW_EVERY_MS)
        return topic

    def watch_trades(self, symbol: Symbol, heard: TradesHeard | None = None) -> str:
        """Begin to keep a symbol's trades; return the topic that brings them.

        ``heard`` is called on the I/O thread with the trades of each message.
        """
        topic = trades_topic(symbol)
        with self._lock:
            self._trades.setdefault(topic, TradeFold())
            if heard is not None:
                self._trades_heard[topic] = heard
        return topic

    def watch_bars(self, symbol: Symbol, interval: str, heard: BarHeard | None = None) -> str:
        """Begin to keep a symbol's bars; return the topic that brings them.

        ``heard`` is called on the I/O thread with each bar that closed.
        """
        topic = bars_topic(symbol, interval)
        with self._lock:
            self._bars.setdefault(topic, BarFold(symbol))
            if heard is not None:
                self._bars_heard[topic] = heard
        return topic

    def drop(self, topic: str) -> None:
        """Keep nothing of a topic any more."""
        with self._lock:
            for kept in (self._folds, self._books, self._trades, self._bars, self._received_ms):
                kept.pop(topic, None)
            self._trades_heard.pop(topic, None)
            self._bars_heard.pop(topic, None)
            self._funding_heard.pop(topic, None)
            if topic.startswith("tickers."):
                self._tickers.pop(Symbol(topic.removeprefix("tickers.")), None)

    def forget(self, symbol: Symbol) -> tuple[str, ...]:
        """Keep nothing of a symbol any more; return the topics that brought it."""
        with self._lock:
            watched = (*self._folds, *self._books, *self._trades, *self._bars)
        gone = tuple(topic for topic in watched if topic.rpartition(".")[2] == symbol)
        for topic in gone:
            self.drop(topic)
        return gone

    # -- what the stream does ----------------------------------------------------------------------

    def went_up(self) -> None:
        """Take what is kept for current from now on."""
        self._is_up = True

    def restarted(self) -> None:
        """Wait for new snapshots: what was pushed before belongs to a connection that ended."""
        with self._lock:
            self._is_up = False
            self._funding_told.clear()
            for fold in self._folds.values():
                fold.reset()
            for book in self._books.values():
                book.reset()

    def take(self, message: Mapping[str, object]) -> None:
        """Take one pushed message; one of a topic that nobody watches is left out.

        Messages that were under way when a subscription ended still come. A message that cannot be
        read is reported once, until the topic is readable again.
        """
        topic = message.get("topic")
        if not isinstance(topic, str):
            self._troubled_by("", f"a message without a topic: {message}")
            return
        try:
            with self._lock:
                tell = self._fold(topic, message)
        except BookBroken as broken:
            self._renew_in_turn(topic, str(broken))
        except Exception as error:  # noqa: BLE001 - whatever a message holds, the stream goes on
            self._troubled_by(topic, f"{type(error).__name__}: {error}")
        else:
            self._troubled.discard(topic)
            tell()

    def unreadable(self, text: str) -> None:
        """Report a message that was no JSON object."""
        self._troubled_by("", text)

    def _fold(self, topic: str, message: Mapping[str, object]) -> Callable[[], None]:
        """Fold one message; return what tells it, which is done without the lock."""
        self._received_ms[topic] = received_ms = self._monotonic_ms()
        if (book := self._books.get(topic)) is not None:
            self._fold_book(book, message)
        elif (fold := self._folds.get(topic)) is not None:
            told = fold.take(message)
            if told is not None:
                self._tickers[told.symbol] = _Kept(told, received_ms)
                return partial(self._tell_ticker, topic, told, fold.row)
        elif (trades := self._trades.get(topic)) is not None:
            return partial(_tell, self._trades_heard.get(topic), (trades.take(message),))
        elif (bars := self._bars.get(topic)) is not None:
            return partial(_tell, self._bars_heard.get(topic), bars.take(message))
        else:
            self._received_ms.pop(topic)
            _LOG.debug("a message of %r, which nobody watches, is left out", topic)
        return _nothing_to_tell

    def _tell_ticker(self, topic: str, told: Ticker, row: Mapping[str, object]) -> None:
        self._sink(told)
        heard = self._funding_heard.get(topic)
        if heard is None:
            return
        shown = (row.get("fundingRate"), row.get("nextFundingTime"))
        if shown == self._funding_told.get(topic):
            return
        self._funding_told[topic] = shown
        try:
            coming = funding_rate_of_ticker(row)
        except Unreadable as error:
            _LOG.warning("%s: the coming funding rate: %s", topic, error)
        else:
            _tell(heard, (coming,))

    def _fold_book(self, book: OrderBook, message: Mapping[str, object]) -> None:
        book.take(message)
        if not book.is_whole and self._is_up:
            raise BookBroken("no snapshot came")

    def _renew_in_turn(self, topic: str, cause: str) -> None:
        """Subscribe anew, unless that was just done: then a later message asks again."""
        now_ms = self._monotonic_ms()
        if now_ms - self._asked_ms.get(topic, 0) >= _RENEW_EVERY_MS:
            self._asked_ms[topic] = now_ms
            self._renew(topic, cause)

    def is_unanswered(self, topic: str) -> bool:
        """Tell whether nothing at all came since a book was subscribed anew."""
        book = self._books.get(topic)
        if book is None or book.is_whole or not self._is_up:
            return False
        return self._received_ms.get(topic, 0) <= self._asked_ms.get(topic, 0)

    def _troubled_by(self, topic: str, text: str) -> None:
        book = self._books.get(topic)
        if book is not None and book.is_whole:
            book.reset()
            self._renew_in_turn(topic, text)
        if topic in self._troubled:
            return
        self._troubled.add(topic)
        source = f"public stream {topic.partition('.')[0]}".rstrip()
        _LOG.warning("%s: unreadable: %.300s", source, text)
        self._sink(
            UnreadableReport(source=source[:100], text=f"{topic} {text}", time_ms=self._now_ms())
        )

    # -- what it knows -----------------------------------------------------------------------------

    def ticker(self, symbol: Symbol) -> Aged[Ticker] | None:
        """Return the last prices of a symbol; ``None`` when there were none yet."""
        kept = self._tickers.get(symbol)
        if kept is None:
            return None
        return self._aged(kept.value, kept.value.time_ms, kept.received_ms, self._is_up)

    def best(self, symbol: Symbol) -> OrderBook | None:
        """Return the live book of a symbol, for its best levels; ``None`` when not watched."""
        return self._books.get(book_topic(symbol))

    def book(self, symbol: Symbol) -> Aged[BookView] | None:
        """Return the book of a symbol; ``None`` when there is none, or it is not whole."""
        topic = book_topic(symbol)
        book = self._books.get(topic)
        view = None if book is None else book.view()
        if view is None:
            return None
        return self._aged(view, view.time_ms, self._received_ms.get(topic, 0), self._is_up)

    def trades(self, symbol: Symbol) -> Aged[tuple[PublicTrade, ...]] | None:
        """Return the last trades of a symbol, oldest first; ``None`` when there were none yet."""
        topic = trades_topic(symbol)
        with self._lock:
            fold = self._trades.get(topic)
            last = () if fold is None else fold.last()
        if not last:
            return None
        return self._aged(last, last[-1].time_ms, self._received_ms.get(topic, 0), self._is_up)

    def bars(self, symbol: Symbol, interval: str) -> Aged[tuple[StreamBar, ...]] | None:
        """Return the last bars of a symbol, oldest first; ``None`` when there were none yet."""
        topic = bars_topic(symbol, interval)
        with self._lock:
            fold = self._bars.get(topic)
            last = () if fold is None else fold.last()
        if not last:
            return None
        return self._aged(last, last[-1].time_ms, self._received_ms.get(topic, 0), self._is_up)

    def _aged(self, value: T, time_ms: int, received_ms: int, is_live: bool) -> Aged[T]:
        age_ms = max(0, self._now_ms() - time_ms, self._monotonic_ms() - received_ms)
        is_fresh = is_live and age_ms <= self._age_ms_max
        return Aged(value=value, time_ms=time_ms, age_ms=age_ms, is_fresh=is_fresh)


def _tell(heard: Callable[[T], None] | None, values: tuple[T, ...]) -> None:
    if heard is None:
        return
    for value in values:
        try:
            heard(value)
        except Exception:  # noqa: BLE001 - a listener that raises breaks its promise, not the stream
            _LOG.exception("a listener failed on a %s", type(value).__name__)


def _nothing_to_tell() -> None:
    """Nobody waits for what was folded."""


def _read_ticker(row: Mapping[str, object], time_ms: int) -> Ticker:
    return ticker(row, time_ms=time_ms)
