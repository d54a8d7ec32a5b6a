"""A scripted venue at 60,000 with a wallet of 20,000 USDT, and short words for orders."""

from itertools import count

from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.contracts.exchange_approval import approve
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Reduction,
    Role,
    Side,
    TimeInForce,
    Trigger,
)
from tidegate.domain.reports import OrderReport, VenueMessage
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import Accepted, Rejected, TimeRange, Unknown

from tests.domain.samples import BTCUSDT, FEES

__all__ = ["START", "SYMBOL", "Scene", "price", "qty"]

SYMBOL = BTCUSDT.symbol
START = Price.of("60000")


def price(text: str) -> Price:
    return Price.of(text)


def qty(text: str) -> Qty:
    return Qty.of(text)


class Scene:
    """One venue whose messages are heard."""

    def __init__(
        self, options: MemoryOptions | None = None, instrument: Instrument = BTCUSDT
    ) -> None:
        self.venue = MemoryVenue(
            instruments={SYMBOL: instrument},
            fees=FEES,
            wallet=Money.of("20000"),
            options=options,
        )
        self.script = self.venue.script
        self.heard: list[VenueMessage] = []
        self.venue.connect(self.heard.append)
        self.script.move(SYMBOL, last=START)
        self._ids = count(1)

    def order(
        self,
        side: Side,
        amount: str = "0.1",
        limit: str | None = None,
        *,
        reduce_only: bool = False,
        stop: str | None = None,
        target: str | None = None,
        trigger: Trigger | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> OrderRequest:
        return OrderRequest(
            client_id=ClientId(f"id-{next(self._ids)}"),
            symbol=SYMBOL,
            side=side,
            qty=qty(amount),
            kind=OrderKind.MARKET if limit is None else OrderKind.LIMIT,
            purpose=Purpose(Role.CLOSE if reduce_only else Role.ENTRY),
            price=None if limit is None else price(limit),
            time_in_force=time_in_force,
            reduce_only=reduce_only,
            trigger=trigger,
            stop_loss=None if stop is None else ProtectiveLeg(price=price(stop)),
            take_profit=None if target is None else ProtectiveLeg(price=price(target)),
        )

    def send(self, order: OrderRequest) -> Accepted | Rejected | Unknown:
        if order.reduce_only:
            return self.venue.place(Reduction(order))
        return self.venue.place(self.approved(order))

    def approved(self, order: OrderRequest) -> Approved:
        return approve(order, venue=VenueKind.MEMORY, instrument=BTCUSDT, price=START, now_ms=0)

    def place(self, order: OrderRequest) -> ClientId:
        outcome = self.send(order)
        assert isinstance(outcome, Accepted), outcome
        return order.client_id

    def buy(self, amount: str = "0.1", limit: str | None = None) -> ClientId:
        return self.place(self.order(Side.BUY, amount, limit))

    def found(self, client_id: ClientId) -> OrderReport:
        report = self.venue.find_order(SYMBOL, client_id)
        assert report is not None
        return report

    def held(self) -> Qty:
        return self.venue.position(SYMBOL).qty

    def wallet(self) -> Money:
        return self.venue.account().wallet

    def always(self) -> TimeRange:
        return TimeRange(start_ms=0, end_ms=self.venue.now_ms())
