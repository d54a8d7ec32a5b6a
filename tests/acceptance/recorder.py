"""Plain records of what crosses the exchange port, and an engine that says what it has taken in.

:class:`RecordedVenue` stands between a simulated venue and the desk and changes nothing. What has
crossed is not yet known to the desk: messages wait in its inbox. So :class:`WatchedEngine` tells
when each one is handled, and the oracle is brought to that very point before the desk's books are
compared with it.
"""

from collections.abc import Iterator

from tidegate.application.engine import Engine
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import Effect
from tidegate.domain.core.inputs import Input
from tidegate.domain.instrument import FeeRates, Instrument
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, ProtectiveLeg, Reduction, Symbol, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    OrderReport,
    PositionReport,
    Ticker,
    VenueMessage,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import (
    Accepted,
    Capabilities,
    Done,
    History,
    MessageSink,
    PositionStop,
    Rejected,
    TimeRange,
    Unknown,
)
from tidegate.ports.feed import FeedItem
from tidegate.ports.state import StatePort
from tidegate.ports.venue import SimulatedVenuePort

from .oracle import FillRecord, MarkRecord, PaymentRecord

__all__ = ["Log", "RecordedVenue", "WatchedEngine"]

_Money = Execution | FundingPayment


def _fill(execution: Execution) -> FillRecord:
    return FillRecord(
        identity=execution.execution_id,
        symbol=execution.symbol,
        sign=execution.side.sign,
        qty=str(execution.qty),
        price=str(execution.price),
        fee=str(execution.fee),
        is_maker=int(execution.is_maker),
        time_ms=execution.time_ms,
    )


def _payment(payment: FundingPayment) -> PaymentRecord:
    return PaymentRecord(
        identity=payment.payment_id,
        symbol=payment.symbol,
        rate=str(payment.rate),
        mark=str(payment.mark),
        qty=str(payment.qty),
        amount=str(payment.amount),
        time_ms=payment.time_ms,
    )


def _identity(message: _Money) -> str:
    return message.execution_id if isinstance(message, Execution) else message.payment_id


class Log:
    """What crossed, in order, and how much of it the desk has handled."""

    def __init__(self) -> None:
        self.crossed: dict[str, FillRecord | PaymentRecord] = {}
        self.handled: set[str] = set()
        self.records: list[FillRecord | PaymentRecord | MarkRecord] = []
        self._mark_ms: dict[str, int] = {}

    def cross(self, message: VenueMessage) -> None:
        """Write down a message that crossed the port."""
        match message:
            case Execution():
                self.crossed.setdefault(message.execution_id, _fill(message))
            case FundingPayment():
                self.crossed.setdefault(message.payment_id, _payment(message))
            case _:
                return

    def handle(self, item: Input) -> None:
        """Note that the desk handles an input: its record is in force from here."""
        match item:
            case Execution() | FundingPayment():
                identity = _identity(item)
                # A fill of an unknown name never crossed the port: the desk is shown something
                # that did not happen, and the records stay as they are.
                if identity in self.crossed and identity not in self.handled:
                    self.handled.add(identity)
                    self.records.append(self.crossed[identity])
            case Ticker() if item.time_ms >= self._mark_ms.get(item.symbol, 0):
                self._mark_ms[item.symbol] = item.time_ms
                self.records.append(MarkRecord(item.symbol, str(item.mark), item.time_ms))
            case _:
                return

    @property
    def is_level(self) -> bool:
        """Tell whether the desk has handled all money that crossed."""
        return len(self.handled) == len(self.crossed)


class WatchedEngine(Engine):
    """The engine, telling the log what it is about to handle."""

    def __init__(
        self, *, config: CoreConfig, clock: ClockPort, state_port: StatePort, log: Log
    ) -> None:
        super().__init__(config=config, clock=clock, state_port=state_port)
        self._log = log

    def handle(self, item: Input) -> tuple[Effect, ...]:
        self._log.handle(item)
        return super().handle(item)


class RecordedVenue(SimulatedVenuePort):
    """A simulated venue whose messages and answers are written down as they pass."""

    def __init__(self, inner: SimulatedVenuePort, log: Log) -> None:
        self._inner = inner
        self._log = log

    def show(self, message: VenueMessage) -> tuple[VenueMessage, ...]:
        """Return what the desk is shown of a message: the message."""
        return (message,)

    def connect(self, sink: MessageSink) -> None:
        def pass_on(message: VenueMessage) -> None:
            self._log.cross(message)
            for shown in self.show(message):
                sink(shown)

        self._inner.connect(pass_on)

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        answer = self._inner.executions(symbol, within)
        for row in answer.rows:
            self._log.cross(row)
        return answer

    def funding_payments(self, symbol: Symbol | None, within: TimeRange) -> History[FundingPayment]:
        answer = self._inner.funding_payments(symbol, within)
        for row in answer.rows:
            self._log.cross(row)
        return answer

    @property
    def kind(self) -> VenueKind:
        return self._inner.kind

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    def close(self) -> None:
        self._inner.close()

    def cursor(self) -> int:
        return self._inner.cursor()

    def pieces_done(self) -> int:
        return self._inner.pieces_done()

    def now_ms(self) -> int:
        return self._inner.now_ms()

    def offer(self, item: FeedItem, *, index: int) -> Iterator[None]:
        return self._inner.offer(item, index=index)

    def instrument(self, symbol: Symbol) -> Instrument:
        return self._inner.instrument(symbol)

    def fee_rates(self, symbol: Symbol) -> FeeRates:
        return self._inner.fee_rates(symbol)

    def ticker(self, symbol: Symbol) -> Ticker:
        return self._inner.ticker(symbol)

    def account(self) -> AccountReport:
        return self._inner.account()

    def position(self, symbol: Symbol) -> PositionReport:
        return self._inner.position(symbol)

    def positions(self) -> tuple[PositionReport, ...]:
        return self._inner.positions()

    def place(self, order: Approved | Reduction) -> Accepted | Rejected | Unknown:
        return self._inner.place(order)

    def amend(
        self,
        symbol: Symbol,
        client_id: ClientId,
        *,
        qty: Qty | None = None,
        price: Price | None = None,
        trigger_price: Price | None = None,
        stop_loss: ProtectiveLeg | None = None,
        take_profit: ProtectiveLeg | None = None,
    ) -> Accepted | Rejected | Unknown:
        return self._inner.amend(
            symbol,
            client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )

    def cancel(
        self, symbol: Symbol, order_id: ClientId | VenueOrderId
    ) -> Accepted | Rejected | Unknown:
        return self._inner.cancel(symbol, order_id)

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        return self._inner.set_position_stop(stop)

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        return self._inner.set_leverage(symbol, leverage)

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        return self._inner.open_orders(symbol)

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        return self._inner.find_order(symbol, client_id)

    def find_by_venue_id(self, symbol: Symbol, venue_id: VenueOrderId) -> OrderReport | None:
        return self._inner.find_by_venue_id(symbol, venue_id)

    def order_history(self, symbol: Symbol | None, within: TimeRange) -> History[OrderReport]:
        return self._inner.order_history(symbol, within)
