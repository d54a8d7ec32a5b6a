"""A paper venue under test, with a market that is easy to work out by hand.

Unless a test says otherwise: no spread, no slippage, all of the traded volume may be taken.
"""

import itertools
from collections.abc import Iterable
from pathlib import Path

import attrs
from tidegate.adapters.paper import PaperConfig, PaperStore, PaperVenue
from tidegate.domain.instrument import Instrument
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ONE, ZERO_RATE, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Role,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.reports import (
    AccountReport,
    Bar,
    Execution,
    OrderReport,
    Origin,
    PositionReport,
    VenueMessage,
)
from tidegate.ports.exchange import Accepted, Rejected, TimeRange
from tidegate.ports.feed import FeedItem, FundingPoint, MarkPoint, QuotePoint, TradePoint

from tests.domain.samples import BTCUSDT, FEES

SYMBOL = BTCUSDT.symbol
WALLET = Money.of("100000")
ALWAYS = TimeRange(start_ms=0, end_ms=10**15)
MINUTE_MS = 60_000
PLAIN = PaperConfig(spread_ticks=0, slippage=ZERO_RATE, participation=ONE)
WIDE = attrs.evolve(BTCUSDT, price_band_x=Rate.of("0.5"), price_band_y=Rate.of("0.6"))
"""BTCUSDT with a price band wide enough for gaps."""


def plain(amount: Price | Qty | Money) -> str:
    """Write an amount without the zeros at its end."""
    return format(amount.value.normalize(), "f")


class Bench:
    """The venue, its messages, and short ways to say what a test means."""

    def __init__(
        self,
        *,
        config: PaperConfig = PLAIN,
        instruments: Iterable[Instrument] = (WIDE,),
        wallet: Money = WALLET,
        path: Path | str = ":memory:",
    ) -> None:
        self.config, self.wallet, self.path = config, wallet, path
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.messages: list[VenueMessage] = []
        self.ids = itertools.count(1)
        self.venue = self._open()

    def _open(self) -> PaperVenue:
        venue = PaperVenue(
            instruments=self.instruments,
            fees=FEES,
            wallet=self.wallet,
            config=self.config,
            store=PaperStore(self.path),
        )
        venue.connect(self.messages.append)
        return venue

    def reopen(self) -> None:
        """Go on with a new venue on the same file."""
        self.venue.close()
        self.venue = self._open()

    def feed(self, *items: FeedItem) -> int:
        """Offer items one after the other; return how often the venue paused."""
        pauses = 0
        for item in items:
            pauses += sum(1 for _ in self.venue.offer(item, index=self.venue.cursor()))
        return pauses

    def price(self, price: str, volume: str = "1000") -> None:
        """Let one trade happen at ``price``."""
        self.feed(self.trade(price, volume))

    def next_ms(self) -> int:
        return self.venue.now_ms() + MINUTE_MS

    def trade(self, price: str, volume: str = "1000", side: Side | None = None) -> TradePoint:
        return TradePoint(
            symbol=SYMBOL,
            time_ms=self.next_ms(),
            price=Price.of(price),
            qty=Qty.of(volume),
            taker_side=side,
        )

    def quote(self, bid: str, ask: str, size: str = "10") -> QuotePoint:
        return QuotePoint(
            symbol=SYMBOL,
            time_ms=self.next_ms(),
            bid=Price.of(bid),
            bid_size=Qty.of(size),
            ask=Price.of(ask),
            ask_size=Qty.of(size),
        )

    def mark(self, mark: str) -> MarkPoint:
        return MarkPoint(symbol=SYMBOL, time_ms=self.venue.now_ms(), mark=Price.of(mark))

    def funding(self, rate: str) -> FundingPoint:
        return FundingPoint(symbol=SYMBOL, time_ms=self.next_ms(), rate=Rate.of(rate))

    def bar(
        self,
        open_: str,
        high: str,
        low: str,
        close: str,
        volume: str = "4000",
        symbol: Symbol = SYMBOL,
    ) -> Bar:
        start_ms = self.venue.now_ms()
        return Bar(
            symbol=symbol,
            start_ms=start_ms,
            end_ms=start_ms + MINUTE_MS,
            open=Price.of(open_),
            high=Price.of(high),
            low=Price.of(low),
            close=Price.of(close),
            volume=Qty.of(volume),
        )

    def order(
        self,
        side: Side,
        qty: str,
        *,
        at: str | None = None,
        trigger: str | None = None,
        direction: TriggerDirection | None = None,
        by: TriggerBy = TriggerBy.LAST,
        stop: str | None = None,
        target: str | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        reduce_only: bool = False,
        client_id: str | None = None,
        symbol: Symbol = SYMBOL,
        slippage_max: str | None = None,
    ) -> OrderRequest:
        if direction is None:
            rises = side is Side.BUY
            direction = TriggerDirection.RISES_TO if rises else TriggerDirection.FALLS_TO
        return OrderRequest(
            client_id=ClientId(client_id or f"c{next(self.ids)}"),
            symbol=symbol,
            side=side,
            qty=Qty.of(qty),
            kind=OrderKind.MARKET if at is None else OrderKind.LIMIT,
            purpose=Purpose(Role.ENTRY),
            price=None if at is None else Price.of(at),
            time_in_force=tif,
            reduce_only=reduce_only,
            trigger=None
            if trigger is None
            else Trigger(price=Price.of(trigger), direction=direction, by=by),
            stop_loss=None if stop is None else ProtectiveLeg(price=Price.of(stop)),
            take_profit=None if target is None else ProtectiveLeg(price=Price.of(target)),
            slippage_max=None if slippage_max is None else Rate.of(slippage_max),
        )

    def send(self, order: OrderRequest) -> OrderReport:
        """Place an order that the venue accepts, and return its record."""
        outcome = self.venue.submit(order)
        assert isinstance(outcome, Accepted), outcome
        return self.record(order)

    def refused(self, order: OrderRequest) -> Rejected:
        """Place an order that the venue refuses."""
        outcome = self.venue.submit(order)
        assert isinstance(outcome, Rejected), outcome
        return outcome

    def record(self, order: OrderRequest) -> OrderReport:
        found = self.venue.find_order(order.symbol, order.client_id)
        assert found is not None
        return found

    def status(self, order: OrderRequest) -> Status:
        return self.record(order).status

    def position(self) -> PositionReport:
        return self.venue.position(SYMBOL)

    def account(self) -> AccountReport:
        return self.venue.account()

    def executions(self) -> tuple[Execution, ...]:
        return self.venue.executions(None, ALWAYS).rows

    def fills(self) -> list[tuple[str, str, str]]:
        """Return every execution as side, quantity and price."""
        return [(e.side.value, plain(e.qty), plain(e.price)) for e in self.executions()]

    def legs(self) -> dict[Origin, OrderReport]:
        """Return the position's protection as the venue shows it among the open orders."""
        return {o.origin: o for o in self.venue.open_orders() if o.client_id is None}
