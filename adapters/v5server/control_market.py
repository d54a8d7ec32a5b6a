"""The market by hand: prices, time, funding, liquidation, delisting, the displayed book."""

from collections.abc import Callable

import attrs
from tidegate.domain.grid import price_down
from tidegate.domain.instrument import Instrument, InstrumentStatus
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Origin, PositionReport
from tidegate.ports.exchange import Accepted, QueryFailed, Rejected
from tidegate.ports.feed import FeedItem, FundingPoint, MarkPoint, QuotePoint, TradePoint

from .control_base import ControlBase, ControlRefused, account_of
from .exchange import Exchange
from .market_book import Ladder, Level

__all__ = ["PLENTY", "MarketControl"]

PLENTY = Qty.of("1000000")
"""What is on offer where no size is given, in base coin."""

BEYOND = Rate.of("0.1")
"""How much further than the liquidation price the market goes to liquidate."""


class MarketControl(ControlBase):
    """Moves the market of every account. What happens is stamped with the server's time."""

    def price(
        self, symbol: Symbol, last: Price, mark: Price | None = None, size: Qty | None = None
    ) -> None:
        """Let the market trade at ``last``; the mark is the same unless it is given.

        ``size`` is what is on offer on each side, in base coin; without it there is plenty. A venue
        that lets orders take only a share of what is traded offers that share of it.
        """
        at, offered = last if mark is None else mark, PLENTY if size is None else size
        self._call(lambda exchange: _price(exchange, symbol, last, at, offered))

    def quote(self, symbol: Symbol, bid: Price, ask: Price, size: Qty | None = None) -> None:
        """Set the best bid and ask, each with ``size``; nothing trades by that."""
        offered = PLENTY if size is None else size

        def act(exchange: Exchange) -> None:
            if bid > ask:
                raise ControlRefused(f"bid {bid} is above ask {ask}")
            _feed(exchange, _quote(exchange, symbol, (bid, offered), (ask, offered)))

        self._call(act)

    def trade(self, symbol: Symbol, price: Price, qty: Qty, side: Side | None = None) -> None:
        """Let one public trade happen; ``side`` is the taker's."""
        self._call(
            lambda exchange: _feed(
                exchange,
                TradePoint(
                    symbol=symbol, time_ms=_now(exchange), price=price, qty=qty, taker_side=side
                ),
            )
        )

    def mark(self, symbol: Symbol, mark: Price) -> None:
        """Set the mark price alone."""
        self._call(
            lambda exchange: _feed(
                exchange, MarkPoint(symbol=symbol, time_ms=_now(exchange), mark=mark)
            )
        )

    def index(self, symbol: Symbol, index: Price) -> None:
        """Set the index price, which is the mark price until then."""

        def act(exchange: Exchange) -> None:
            _instrument(exchange, symbol)
            for account in exchange.accounts:
                account.venue.set_index(symbol, index)
            exchange.market.reprice(exchange.accounts.first.venue.ticker(symbol))
            exchange.flush()

        self._call(act)

    def advance(self, ms: int) -> int:
        """Let ``ms`` milliseconds pass at once; return the server's time."""

        def act(exchange: Exchange) -> int:
            now_ms = exchange.clock.advance(ms)
            exchange.settle_time()
            return now_ms

        return self._call(act)

    def now_ms(self) -> int:
        """Return the server's time, UTC milliseconds."""
        return self._call(_now)

    def pay_funding(self, symbol: Symbol, rate: Rate) -> None:
        """Settle funding now; with a positive rate longs pay."""
        self._call(
            lambda exchange: _feed(
                exchange, FundingPoint(symbol=symbol, time_ms=_now(exchange), rate=rate)
            )
        )

    def liquidate(self, symbol: Symbol, account_key: str | None = None) -> Price:
        """Move the market through the liquidation price of a position; return where to."""

        def act(exchange: Exchange) -> Price:
            position = _position(exchange, symbol, account_key)
            if position.liquidation_price is None:
                raise ControlRefused(f"the position in {symbol} has no liquidation price")
            beyond = position.liquidation_price * BEYOND.times(-position.qty.sign)
            tick = _instrument(exchange, symbol).tick
            price = price_down(position.liquidation_price + beyond, tick)
            _price(exchange, symbol, price, price, PLENTY)
            return price

        return self._call(act)

    def deleverage(
        self, symbol: Symbol, qty: Qty | None = None, account_key: str | None = None
    ) -> None:
        """Close a position, or ``qty`` of it, by auto-deleveraging at the mark price."""

        def act(exchange: Exchange) -> None:
            position = _position(exchange, symbol, account_key)
            venue = account_of(exchange, account_key).venue
            closing = abs(position.qty) if qty is None else qty
            done = venue.force_close(symbol, closing, position.mark, Origin.AUTO_DELEVERAGING)
            exchange.flush()
            _check(done, f"deleveraging {closing} {symbol}")

        self._call(act)

    def set_status(self, symbol: Symbol, status: InstrumentStatus) -> None:
        """Change whether a symbol may be traded: ``REDUCE_ONLY`` begins a delisting."""
        self._call(
            lambda exchange: _change(
                exchange, symbol, lambda spec: attrs.evolve(spec, status=status)
            )
        )

    def set_price_band(self, symbol: Symbol, x: Rate, y: Rate) -> None:
        """Change how far from the mark a limit order may be: ``priceLimitRatioX`` and ``Y``."""
        self._call(
            lambda exchange: _change(
                exchange,
                symbol,
                lambda spec: attrs.evolve(spec, price_band_x=x, price_band_y=y),
            )
        )

    def set_instrument(self, instrument: Instrument) -> None:
        """Replace the whole specification of a symbol that is traded here."""
        self._call(lambda exchange: _change(exchange, instrument.symbol, lambda _: instrument))

    def set_book(self, symbol: Symbol, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        """Show this book, best level first, until the next price.

        Its best levels are the prices and sizes that orders meet.
        """

        def act(exchange: Exchange) -> None:
            ladder = Ladder(bids=bids, asks=asks)
            if bids and asks:
                _feed(exchange, _quote(exchange, symbol, bids[0], asks[0]))
            exchange.market.set_book(symbol, ladder)

        self._call(act)

    def skip_book_update(self, symbol: Symbol, count: int = 1) -> None:
        """Lose ``count`` book messages, so that a client finds a gap in ``u``."""
        self._call(lambda exchange: exchange.market.skip_update(symbol, count))

    def restart_books(self, symbol: Symbol) -> None:
        """Send the book as a snapshot with ``u`` = 1, as after a restart of the service."""
        self._call(lambda exchange: exchange.market.restart_books(symbol))

    def resend_books(self, symbol: Symbol) -> None:
        """Send the book as a snapshot in the middle of the deltas."""
        self._call(lambda exchange: exchange.market.resend_books(symbol))


def _now(exchange: Exchange) -> int:
    return exchange.clock.now_ms()


def _instrument(exchange: Exchange, symbol: Symbol) -> Instrument:
    if symbol not in exchange.symbols:
        known = ", ".join(exchange.symbols)
        raise ControlRefused(f"symbol {symbol} is not traded here; {known} is")
    return exchange.instrument(symbol)


def _feed(exchange: Exchange, *items: FeedItem) -> None:
    exchange.settle_time()
    for item in items:
        exchange.feed(item)


def _price(exchange: Exchange, symbol: Symbol, last: Price, mark: Price, size: Qty) -> None:
    """Move the mark, then the last price; bid and ask follow, also where quotes had set them."""
    now_ms, instrument = _now(exchange), _instrument(exchange, symbol)
    items: list[FeedItem] = [MarkPoint(symbol=symbol, time_ms=now_ms, mark=mark)]
    if exchange.market.is_quoted(symbol):
        ask = last + instrument.tick
        items.append(_quote(exchange, symbol, (last, size), (ask, size)))
    _feed(exchange, *items, TradePoint(symbol=symbol, time_ms=now_ms, price=last, qty=size))


def _quote(exchange: Exchange, symbol: Symbol, bid: Level, ask: Level) -> QuotePoint:
    return QuotePoint(
        symbol=symbol,
        time_ms=_now(exchange),
        bid=bid[0],
        bid_size=bid[1],
        ask=ask[0],
        ask_size=ask[1],
    )


def _position(exchange: Exchange, symbol: Symbol, account_key: str | None) -> PositionReport:
    account = account_of(exchange, account_key)
    _instrument(exchange, symbol)
    try:
        position = account.venue.position(symbol)
    except QueryFailed as error:
        raise ControlRefused(str(error)) from error
    if position.qty.sign == 0:
        raise ControlRefused(f"account {account.key} has no position in {symbol}")
    return position


def _change(
    exchange: Exchange, symbol: Symbol, changed: Callable[[Instrument], Instrument]
) -> None:
    instrument = changed(_instrument(exchange, symbol))
    for account in exchange.accounts:
        account.venue.set_instrument(instrument)
    exchange.market.set_instrument(instrument)
    exchange.flush()


def _check(outcome: Accepted | Rejected, what: str) -> None:
    if isinstance(outcome, Rejected):
        raise ControlRefused(f"{what} was refused: {outcome.message}")
