"""Bybit's public market: queries over REST and the public stream, without an account or a key."""

import logging
import ssl
from collections.abc import Callable

from tidegate.domain.instrument import Instrument
from tidegate.domain.market import FundingRate, PublicTrade
from tidegate.domain.orders import Symbol, TriggerBy
from tidegate.domain.reports import Bar, StreamReport, Ticker, UnreadableReport, VenueMessage
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import QueryFailed, TimeRange
from tidegate.ports.live_market import LiveMarketPort, MarketMessage

from .asked import asked
from .clock import ServerClock
from .hosts import Hosts
from .live_bars import LiveBars
from .market import MarketQueries
from .queries import StateQueries
from .rest import RestClient, RestConfig
from .streams.errors import StreamTrouble, SubscriptionRefused
from .streams.hub import StreamHub
from .streams.settings import StreamConfig

__all__ = ["PublicMarket"]

_LOG = logging.getLogger(__name__)


class PublicMarket(LiveMarketPort):
    """``clock`` is this machine's; answers reveal the market's own. Any thread may call.

    No request is signed: there is no key. ``tls`` replaces the system's trust.
    """

    def __init__(
        self,
        *,
        hosts: Hosts,
        clock: ClockPort,
        rest: RestConfig,
        streams: StreamConfig,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = ServerClock(clock)
        self.rest = RestClient(
            hosts=hosts, credentials=None, clock=self._clock, config=rest, tls=tls
        )
        self._state = StateQueries(self.rest)
        self._market = MarketQueries(self.rest)
        self._hub = StreamHub(
            hosts=hosts, credentials=None, clock=self._clock, config=streams, ssl_context=tls
        )

    def now_ms(self) -> int:
        """See :meth:`LiveMarketPort.now_ms`."""
        return self._clock.now_ms()

    def instrument(self, symbol: Symbol) -> Instrument:
        """See :meth:`LiveMarketPort.instrument`."""
        return asked(lambda: self._state.instrument(symbol))

    def ticker(self, symbol: Symbol) -> Ticker:
        """See :meth:`LiveMarketPort.ticker`."""
        return asked(lambda: self._state.ticker(symbol))

    def last_trade(self, symbol: Symbol) -> PublicTrade | None:
        """See :meth:`LiveMarketPort.last_trade`."""
        trades = asked(lambda: self._market.recent_trades(symbol, 1))
        return trades[-1] if trades else None

    def bars(self, symbol: Symbol, *, interval_ms: int, within: TimeRange) -> tuple[Bar, ...]:
        """See :meth:`LiveMarketPort.bars`."""
        found = asked(lambda: self._market.bars(symbol, interval_ms, within, TriggerBy.LAST))
        return found.rows

    def funding_rate(self, symbol: Symbol) -> FundingRate:
        """See :meth:`LiveMarketPort.funding_rate`."""
        return asked(lambda: self._market.funding_rate(symbol))

    def funding_rates(self, symbol: Symbol, within: TimeRange) -> tuple[FundingRate, ...]:
        """See :meth:`LiveMarketPort.funding_rates`."""
        return asked(lambda: self._market.funding_rates(symbol, within)).rows

    def listen(self, symbol: Symbol, heard: Callable[[MarketMessage], None]) -> None:
        """See :meth:`LiveMarketPort.listen`. A stream that is down tells once it is up again."""

        def tell(message: VenueMessage) -> None:
            if isinstance(message, Ticker | StreamReport | UnreadableReport):
                heard(message)

        def tell_trades(trades: tuple[PublicTrade, ...]) -> None:
            for trade in trades:
                heard(trade)

        self._hub.open(tell, ())
        _watched(symbol, lambda: self._hub.watch_funding(symbol, heard))
        _watched(symbol, lambda: self._hub.watch_trades(symbol, tell_trades))

    def wait_up(self, timeout_ms: int) -> bool:
        """See :meth:`LiveMarketPort.wait_up`."""
        if self._hub.wait_up(timeout_ms):
            return True
        self._hub.give_up_waiting(f"not up within {timeout_ms} ms")
        return False

    def follow(self) -> LiveBars:
        """Return the market's bars for a strategy; the stream is shared."""
        return LiveBars(queries=self._market, hub=self._hub, clock=self._clock)

    def close(self) -> None:
        """See :meth:`LiveMarketPort.close`."""
        self._hub.close()
        self.rest.close()


def _watched(symbol: Symbol, watch: Callable[[], None]) -> None:
    try:
        watch()
    except SubscriptionRefused as refused:
        raise QueryFailed(f"market data of {symbol}: {refused}") from refused
    except StreamTrouble as trouble:
        _LOG.warning("market data of %s comes once the stream is up: %s", symbol, trouble)
