"""Feeds the paper venue from a live market: one consumer, in venue time that never goes back.

While the stream is down the venue's market stands still, and its prices grow old. When it is up
again what was missed is read over REST first: bars, matched as pessimistically as recorded ones,
and funding at its published rate. Only then is the stream told as up.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

import attrs
from tidegate.adapters.feeds.stored import item_order
from tidegate.domain.bars import MINUTE_MS
from tidegate.domain.market import FundingRate, PublicTrade
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar, StreamReport, StreamState, Ticker, UnreadableReport
from tidegate.ports.exchange import MessageSink, QueryFailed, TimeRange
from tidegate.ports.feed import FeedItem, FundingPoint, MarkPoint, QuotePoint, TradePoint
from tidegate.ports.live_market import LiveMarketPort, MarketMessage
from tidegate.ports.venue import WireVenuePort

from .catching_up import unseen, unseen_range
from .live_funding import FundingWatch

__all__ = ["WAITING_MAX", "LiveFeeder"]

WAITING_MAX = 50_000
"""How many messages may wait; what comes beyond is left out, and read over REST as an outage is."""
_TICK_S = 0.5
_JOIN_S = 5
_LOG = logging.getLogger(__name__)


class LiveFeeder:
    """Feeds ``symbol``. ``sink`` is told of the stream; the venue tells everything else itself.

    After :meth:`begin` its own thread alone feeds the venue; before that the caller's may.
    ``retry_ms`` is how long to wait before a failed query is repeated. ``when_over`` is called when
    the thread ends on a fault, which :attr:`failure` then holds.

    Raises:
        QueryFailed: the venue was closed.
        NotSupported: the venue keeps no funding rates.

    """

    def __init__(
        self, *, venue: WireVenuePort, market: LiveMarketPort, symbol: Symbol, retry_ms: int
    ) -> None:
        self._venue = venue
        self._market = market
        self._symbol = symbol
        self._retry_s = retry_ms / 1_000
        self.sink: MessageSink = _heard_by_nobody
        self._waiting: queue.SimpleQueue[MarketMessage | None] = queue.SimpleQueue()
        self._is_flooded = False
        self._funding = FundingWatch()
        self._quote: QuotePoint | None = None
        self._covered_ms = 0
        self._is_up = threading.Event()
        self._coming_up: StreamReport | None = None
        self._next_try_s = 0.0
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="tidegate-feed", daemon=True)
        self.failure: BaseException | None = None
        self.when_over: Callable[[], None] | None = None

    # From any thread

    def begin(self, sink: MessageSink) -> None:
        """Listen to the market and feed from it.

        Raises:
            QueryFailed: the market does not tell of the symbol.

        """
        self.sink = sink
        self._thread.start()
        self._market.listen(self._symbol, self.hear)

    def hear(self, message: MarketMessage) -> None:
        """Queue a message of the market; never blocks."""
        if self._waiting.qsize() < WAITING_MAX or isinstance(message, StreamReport):
            self._waiting.put(message)
        else:
            self._is_flooded = True

    def wait_up(self, timeout_ms: int) -> bool:
        """Wait until the stream is up and what was missed before it is fed."""
        return self._is_up.wait(timeout_ms / 1_000)

    def stop(self) -> None:
        """End the feed; a second call is harmless."""
        self._is_over = True
        self.sink = _heard_by_nobody
        self._waiting.put(None)
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)

    # The consumer

    def _run(self) -> None:
        try:
            while self._next():
                pass
        except BaseException as fault:  # noqa: BLE001 - whoever trades on these prices must learn of it
            if self._is_over:
                _LOG.info("the feed was stopped on the way: %s", fault)
                return
            self.failure = fault
            _LOG.critical("the market is fed no more", exc_info=fault)
            self._is_up.clear()
            if self.when_over is not None:
                self.when_over()

    def _next(self) -> bool:
        try:
            message = self._waiting.get(timeout=_TICK_S)
        except queue.Empty:
            self._venue.advance_to(self._market.now_ms())
            self._settle_due(self._market.now_ms())
        else:
            if message is None:
                return False
            self.take(message)
        self._look_at_flood()
        if time.monotonic() >= self._next_try_s:
            self.go_on()
        return True

    def _look_at_flood(self) -> None:
        if self._is_flooded and self._waiting.qsize() <= WAITING_MAX // 2:
            self._is_flooded = False
            _LOG.warning("the market's messages came faster than they were fed: some are missing")
            now_ms = self._market.now_ms()
            self._went_down(StreamReport(state=StreamState.DOWN, time_ms=now_ms))
            self._coming_up = StreamReport(state=StreamState.UP, time_ms=now_ms)

    def take(self, message: MarketMessage) -> None:
        """Feed one message of the stream."""
        match message:
            case StreamReport(state=StreamState.UP):
                self._coming_up = message
                self.go_on()
            case StreamReport():
                self._went_down(message)
            case UnreadableReport():
                self.sink(message)
            case FundingRate():
                self._settle_due(self._venue.now_ms())
                self._funding.learn(message)
            case Ticker() | PublicTrade():
                # What comes while the stream is not trusted is read with the outage.
                if self._is_up.is_set():
                    self._take_price(message)

    def _went_down(self, report: StreamReport) -> None:
        self._is_up.clear()
        self._coming_up = None
        self._quote = None
        self.sink(report)

    def _take_price(self, message: Ticker | PublicTrade) -> None:
        self._settle_due(message.time_ms)
        if isinstance(message, Ticker):
            self._offer_prices(message)
        elif message.time_ms >= self._covered_ms:
            self._offer_passed(message)
            self._offer(_trade(message))

    # What was missed, and what is owed

    def go_on(self) -> None:
        """Do what waits for an answer of the market; what fails is tried again later."""
        try:
            if self._coming_up is not None:
                self.catch_up()
                self._is_up.set()
                report, self._coming_up = self._coming_up, None
                self.sink(report)
            self._read_owed()
        except QueryFailed as error:
            _LOG.warning("what was missed of %s: %s", self._symbol, error)
        self._next_try_s = time.monotonic() + self._retry_s

    def catch_up(self) -> None:
        """Feed what happened since the last price that the venue has, and the present prices.

        Raises:
            QueryFailed: it could not be read; what was fed of it is not read again.

        """
        now_ms, since_ms = self._market.now_ms(), self._priced_ms()
        self._settle_due(now_ms)
        if since_ms is not None and self._is_exposed() and since_ms < now_ms:
            missed = sorted(self._missed(since_ms, now_ms), key=item_order)
            _LOG.info(
                "%s: %s items missed since %s are matched", self._symbol, len(missed), since_ms
            )
            for item in missed:
                self._offer(item)
        elif (last := self._market.last_trade(self._symbol)) is not None:
            self._offer(_trade(last))
        self._covered_ms = now_ms
        self._offer_prices(self._market.ticker(self._symbol))

    def _priced_ms(self) -> int | None:
        try:
            return self._venue.ticker(self._symbol).time_ms
        except QueryFailed:
            return None

    def _is_exposed(self) -> bool:
        return bool(self._venue.positions() or self._venue.open_orders())

    def _missed(self, since_ms: int, now_ms: int) -> list[FeedItem]:
        span_ms, within = unseen_range(since_ms, now_ms)
        bars = self._market.bars(self._symbol, interval_ms=span_ms, within=within)
        seen = self._seen(within.start_ms, span_ms)
        return [
            *unseen(bars, seen=seen, since_ms=since_ms, now_ms=now_ms),
            *self._missed_funding(since_ms, now_ms),
        ]

    def _seen(self, start_ms: int, span_ms: int) -> Bar | None:
        """Return what the venue saw of a bar; ``None`` where it cannot tell."""
        within = TimeRange(start_ms=start_ms, end_ms=start_ms)
        try:
            found = self._venue.bars(self._symbol, interval_ms=span_ms, within=within).rows
        except ValueError:
            # It has longer bars only, of an outage before: all of this bar counts as unseen.
            return None
        return found[0] if found else None

    def _missed_funding(self, since_ms: int, now_ms: int) -> list[FundingPoint]:
        within = TimeRange(start_ms=since_ms, end_ms=now_ms)
        rates = self._market.funding_rates(self._symbol, within)
        coming = self._market.funding_rate(self._symbol)
        minutes = self._venue.instrument(self._symbol).funding_interval_minutes
        last_ms = coming.time_ms - minutes * MINUTE_MS
        if since_ms < last_ms <= now_ms and self._venue.positions():
            self._funding.owe(last_ms)
        self._funding.published(rates)
        self._funding.learn(coming)
        return [_settled(rate) for rate in rates if not self._is_settled(rate.time_ms)]

    def _settle_due(self, now_ms: int) -> None:
        due = self._funding.due(
            now_ms, is_watched=self._is_up.is_set(), is_held=bool(self._venue.positions())
        )
        if due is not None and not self._is_settled(due.time_ms):
            self._offer(_settled(due))

    def _read_owed(self) -> None:
        """Settle what the stream did not tell, once the market has published its rate."""
        owed, now_ms = self._funding.owed_ms, self._market.now_ms()
        if not owed or not self._is_up.is_set():
            return
        within = TimeRange(start_ms=min(owed), end_ms=max(now_ms, *owed))
        for rate in self._funding.published(self._market.funding_rates(self._symbol, within)):
            if not self._is_settled(rate.time_ms):
                self._offer(_settled(rate))
        self._funding.give_up(now_ms)

    def _is_settled(self, time_ms: int) -> bool:
        within = TimeRange(start_ms=time_ms, end_ms=time_ms)
        return bool(self._venue.funding_rates(self._symbol, within).rows)

    # Into the venue

    def _offer_prices(self, ticker: Ticker) -> None:
        """Feed the quote where it is another one, and the mark, which tells the prices' age.

        Displayed sizes that were taken do not come back by being told again.
        """
        quote = QuotePoint(
            symbol=ticker.symbol,
            time_ms=0,
            bid=ticker.bid,
            bid_size=ticker.bid_size,
            ask=ticker.ask,
            ask_size=ticker.ask_size,
        )
        if quote != self._quote:
            self._quote = quote
            self._offer(attrs.evolve(quote, time_ms=ticker.time_ms))
        self._offer(MarkPoint(symbol=ticker.symbol, time_ms=ticker.time_ms, mark=ticker.mark))

    def _offer_passed(self, trade: PublicTrade) -> None:
        """Move a quote that a trade went through: the stream tells trades before quotes.

        A stop that the trade fires would else fill at a price that is gone. The other side stays,
        which is never better than the market.
        """
        quote = self._quote
        if quote is None or quote.bid <= trade.price <= quote.ask:
            return
        moved = attrs.evolve(
            quote,
            bid=min(quote.bid, trade.price),
            ask=max(quote.ask, trade.price),
            time_ms=trade.time_ms,
        )
        self._quote = attrs.evolve(moved, time_ms=0)
        self._offer(moved)

    def _offer(self, item: FeedItem) -> None:
        """Let the venue process an item, at its present time where the item is older."""
        if not isinstance(item, Bar | FundingPoint):
            item = attrs.evolve(item, time_ms=max(item.time_ms, self._venue.now_ms()))
        for _ in self._venue.offer(item, index=self._venue.cursor()):
            # The desk is told by messages, and reacts on threads of its own.
            pass


def _trade(trade: PublicTrade) -> TradePoint:
    return TradePoint(
        symbol=trade.symbol,
        time_ms=trade.time_ms,
        price=trade.price,
        qty=trade.qty,
        taker_side=trade.side,
    )


def _settled(rate: FundingRate) -> FundingPoint:
    return FundingPoint(symbol=rate.symbol, time_ms=rate.time_ms, rate=rate.rate)


def _heard_by_nobody(message: object) -> None:
    _LOG.debug("a %s that nobody waits for", type(message).__name__)
