"""The exchange behind the wire: accounts, clock, market data, faults and the plan of pushes.

It lives on the server's loop: nothing here needs a lock, and nobody else may touch it.
"""

from collections.abc import Iterable

from tidegate.domain.instrument import Instrument
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Ticker
from tidegate.ports.exchange import QueryFailed
from tidegate.ports.feed import FeedItem, MarkPoint, QuotePoint

from .accounts import Accounts
from .clock import ServerClock
from .errors import V5Error
from .faults import Faults
from .limits import PeerLimiter, RateLimiter
from .market import Market
from .pushes import PushPlan
from .reading import BAD_PARAMETER

__all__ = ["Exchange"]


class Exchange:
    """Everything that the routes, the sockets and the control work on.

    ``symbols`` are those that every account's venue trades; ``quoted`` are those whose best prices
    come from quotes. ``peer_requests_max`` is how many requests one address may make in 5 s.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        symbols: Iterable[Symbol],
        clock: ServerClock,
        market: Market,
        faults: Faults,
        pushes: PushPlan,
        peer_requests_max: int | None = None,
    ) -> None:
        self.accounts = accounts
        self.symbols = tuple(symbols)
        self.clock = clock
        self.market = market
        self.faults = faults
        self.pushes = pushes
        self.limiter = RateLimiter()
        self.peers = PeerLimiter(peer_requests_max)
        self.quoted: set[Symbol] = set()
        for account in accounts:
            clock.catch_up(account.venue.now_ms())
        self._show_stored_prices()

    def _show_stored_prices(self) -> None:
        """Let the public data begin with the prices that a venue on an older store has."""
        for symbol in self.symbols:
            ticker = self._ticker(symbol)
            if ticker is not None:
                mark = MarkPoint(symbol=symbol, time_ms=ticker.time_ms, mark=ticker.mark)
                self.market.fold(mark, ticker)

    def instrument(self, symbol: str) -> Instrument:
        """Return an instrument as it is now; :class:`V5Error` for a symbol not traded here.

        Raises:
            V5Error: 10001: the symbol is not traded here.

        """
        try:
            return self.accounts.first.venue.instrument(Symbol(symbol))
        except QueryFailed as error:
            raise V5Error(10001, f"params error: symbol invalid {symbol}: {error}") from error

    def need_price(self, symbol: Symbol, *, code: int = BAD_PARAMETER) -> None:
        """Refuse a symbol that had no market data so far.

        Raises:
            V5Error: the symbol has no price yet.

        """
        if symbol not in self.market.symbols:
            raise V5Error(code, f"{symbol} has no price yet: no market data so far")

    def feed(self, item: FeedItem) -> None:
        """Let one item of market data happen: in every venue, then in public."""
        if isinstance(item, QuotePoint):
            self.quoted.add(item.symbol)
        for account in self.accounts:
            pieces = account.venue.offer(item, index=account.venue.cursor())
            for _ in pieces:
                account.flush(self.clock.now_ms())
        self.market.fold(item, self._ticker(item.symbol))
        self.flush()

    def _ticker(self, symbol: Symbol) -> Ticker | None:
        try:
            return self.accounts.first.venue.ticker(symbol)
        except QueryFailed:
            return None

    def settle_time(self) -> None:
        """Bring every venue to the present time; requests that are due have their effect."""
        now_ms = self.clock.now_ms()
        for account in self.accounts:
            account.venue.advance_to(now_ms)
        self.market.roll(now_ms)
        self.flush()

    def flush(self) -> None:
        """Hand what the venues said to those who listen."""
        now_ms = self.clock.now_ms()
        for account in self.accounts:
            account.flush(now_ms)

    def close(self) -> None:
        """Close every venue."""
        self.accounts.close()
