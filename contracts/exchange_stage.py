"""The steps that the cases of the exchange suite are told in."""

import threading
from collections.abc import Callable

import pytest
from tidegate.domain.grid import price_down, qty_up
from tidegate.domain.lifecycle import OPEN
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty, Rate
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
from tidegate.domain.reports import (
    Execution,
    OrderReport,
    Origin,
    PositionReport,
    VenueMessage,
)
from tidegate.ports.exchange import Accepted, Capability, Rejected, TimeRange, Unknown

from .exchange_bench import Ability, ExchangeBench

__all__ = ["MONEY_TOLERANCE", "Ear", "Stage", "is_close"]

WAIT_S = 10
MONEY_TOLERANCE = Money.of("0.000001")
"""How far a venue's rounded amounts may lie from the exact ones, USDT."""


def is_close(one: Money, other: Money) -> bool:
    """Tell whether two amounts agree within what venues round away."""
    return abs(one - other) <= MONEY_TOLERANCE


class Ear:
    """A sink that keeps what it hears; from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heard: list[VenueMessage] = []

    def __call__(self, message: VenueMessage) -> None:
        """Take one message."""
        with self._changed:
            self._heard.append(message)
            self._changed.notify_all()

    def heard(self) -> tuple[VenueMessage, ...]:
        """Return everything heard, in order."""
        with self._changed:
            return tuple(self._heard)

    def wait_until(self, is_so: Callable[[tuple[VenueMessage, ...]], bool]) -> bool:
        """Wait until what was heard satisfies ``is_so``; ``False`` when it does not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: is_so(tuple(self._heard)), WAIT_S)

    def orders(self, client_id: ClientId) -> tuple[OrderReport, ...]:
        """Return what was heard of one order."""
        return tuple(
            m for m in self.heard() if isinstance(m, OrderReport) and m.client_id == client_id
        )

    def positions(self) -> tuple[PositionReport, ...]:
        """Return what was heard of positions, as it came."""
        return tuple(m for m in self.heard() if isinstance(m, PositionReport))

    def executions(self) -> tuple[Execution, ...]:
        """Return the executions heard, repeated ones included."""
        return tuple(m for m in self.heard() if isinstance(m, Execution))


class Stage:
    """A bench with its venue connected, and short words for what a case does with it.

    Prices are told in per cent away from the start. ``unit`` is a quantity that stays above the
    venue's minimum notional down to half of the start price.

    Raises:
        VenueError: the venue gave no usable answer, or lacks what was asked of it.

    """

    def __init__(self, bench: ExchangeBench) -> None:
        self.bench = bench
        self.port = bench.port
        self.drive = bench.drive
        self.symbol = bench.symbol
        self.spec = bench.instrument
        self.ear = Ear()
        half_price = bench.start_price * Rate.of("0.5")
        needed = self.spec.notional_min / half_price
        self.unit = qty_up(max(self.spec.qty_min, needed), self.spec.qty_step)
        self.began_ms = self.drive.now_ms()
        if Capability.STREAM in self.port.capabilities.supported:
            self.port.connect(self.ear)

    def need(self, *capabilities: Capability) -> None:
        """Skip the case when the venue declares that it lacks a capability."""
        for capability in capabilities:
            if capability not in self.port.capabilities.supported:
                pytest.skip(f"the venue declares that it lacks {capability.value}")

    def can(self, *abilities: Ability) -> None:
        """Skip the case when the drive declares that it lacks an ability."""
        for ability in abilities:
            if ability not in self.drive.abilities:
                pytest.skip(f"the bench declares no way of {ability.value}")

    def level(self, percent: int | str) -> Price:
        """Return the price on the grid that lies ``percent`` above the start."""
        start = self.bench.start_price
        return price_down(start + start * Rate.of(percent) / Rate.of(100), self.spec.tick)

    def move(
        self, percent: int | str, *, mark: int | str | None = None, size: Qty | None = None
    ) -> None:
        """Move the market to a level."""
        at = None if mark is None else self.level(mark)
        self.drive.price(self.level(percent), mark=at, size=size)
        self.drive.settle()

    def leg(self, percent: int | str) -> ProtectiveLeg:
        """Return a protective leg at a level."""
        return ProtectiveLeg(price=self.level(percent))

    def order(
        self,
        side: Side,
        qty: Qty | None = None,
        *,
        limit: int | str | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        reduce_only: bool = False,
        trigger: Trigger | None = None,
        stop_loss: ProtectiveLeg | None = None,
        take_profit: ProtectiveLeg | None = None,
    ) -> OrderRequest:
        """Build an order with a fresh client id: limit with a level, else market."""
        return OrderRequest(
            client_id=self.bench.next_client_id(),
            symbol=self.symbol,
            side=side,
            qty=self.unit if qty is None else qty,
            kind=OrderKind.MARKET if limit is None else OrderKind.LIMIT,
            purpose=Purpose(Role.CLOSE if reduce_only else Role.ENTRY),
            price=None if limit is None else self.level(limit),
            time_in_force=time_in_force,
            reduce_only=reduce_only,
            trigger=trigger,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )

    def send(self, order: OrderRequest) -> Accepted | Rejected | Unknown:
        """Send an order and wait until its effects show.

        Outcomes and errors: see :meth:`ExchangePort.place`.
        """
        way = Reduction(order) if order.reduce_only else self.bench.approve(order)
        outcome = self.port.place(way)
        self.drive.settle()
        return outcome

    def place(self, order: OrderRequest) -> ClientId:
        """Send an order that must be accepted."""
        outcome = self.send(order)
        assert isinstance(outcome, Accepted), f"{order} should be accepted, was {outcome}"
        return order.client_id

    def refusal(self, order: OrderRequest) -> Rejected:
        """Send an order that must be rejected."""
        outcome = self.send(order)
        assert isinstance(outcome, Rejected), f"{order} should be rejected, was {outcome}"
        return outcome

    def buy(self, units: int = 1) -> ClientId:
        """Buy at market; it must fill whole."""
        return self._trade(self.order(Side.BUY, self.unit.times(units)))

    def sell(self, units: int = 1) -> ClientId:
        """Sell at market, opening where there is nothing to close; it must fill whole."""
        return self._trade(self.order(Side.SELL, self.unit.times(units)))

    def _trade(self, order: OrderRequest) -> ClientId:
        before = self.held()
        report = self.found(self.place(order))
        assert report.qty_filled == order.qty, f"{order} should fill whole: {report}"
        assert self.held() == before + order.qty.times(order.side.sign)
        return order.client_id

    def close(self) -> ClientId:
        """Close the position at market, reduce-only."""
        held = self.held()
        side = Side.SELL if held > ZERO_QTY else Side.BUY
        return self.place(self.order(side, abs(held), reduce_only=True))

    def held(self) -> Qty:
        """Return the signed position."""
        return self.port.position(self.symbol).qty

    def found(self, client_id: ClientId) -> OrderReport:
        """Return an order that the venue must know."""
        report = self.port.find_order(self.symbol, client_id)
        assert report is not None, f"the venue does not know {client_id}"
        return report

    def is_open(self, client_id: ClientId) -> bool:
        """Tell whether an order is unfinished, and the list of open orders agrees."""
        is_open = self.found(client_id).status in OPEN
        listed = any(row.client_id == client_id for row in self.port.open_orders(self.symbol))
        assert listed is is_open, f"{client_id} is open: {is_open}; listed as open: {listed}"
        return is_open

    def legs(self, origin: Origin = Origin.STOP_LOSS) -> tuple[OrderReport, ...]:
        """Return the venue's own live orders of that kind."""
        return tuple(row for row in self.port.open_orders(self.symbol) if row.origin is origin)

    def so_far(self) -> TimeRange:
        """Return the time since the case began."""
        return TimeRange(start_ms=self.began_ms, end_ms=self.drive.now_ms())

    def fills(self, client_id: ClientId | None = None) -> tuple[Execution, ...]:
        """Return the account's executions, of one order or of all; skips without history."""
        self.need(Capability.HISTORY)
        rows = self.port.executions(self.symbol, self.so_far()).rows
        return tuple(row for row in rows if client_id in (None, row.client_id))

    def signed_fills(self) -> Qty:
        """Return the sum of all executions, buys positive."""
        return sum((row.qty.times(row.side.sign) for row in self.fills()), start=ZERO_QTY)
