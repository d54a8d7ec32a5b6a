"""Adapters of Bybit whose streams are wrong in one way each."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.streams.connection import Connection
from tidegate.adapters.bybit.streams.errors import StreamTrouble
from tidegate.adapters.bybit.streams.hub import StreamHub
from tidegate.adapters.bybit.venue import BybitConfig
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, Price
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Execution, OrderReport, PositionReport, VenueMessage

from tests.adapters.v5server.bench import KEY, SECRET

from .wrong_adapter import WrongAdapter

__all__ = [
    "ExecutionsFromFilledOrders",
    "NotSubscribedAgain",
    "PositionAsPushed",
    "UpBeforeSubscribed",
]

_PRIVATE = "private stream"
_LATE_S = 3.0


class _DeafConnection(Connection):
    """Takes subscriptions for granted."""

    async def subscribe(self, topics: Sequence[str]) -> None:
        del topics


class _HastyConnection(Connection):
    """Says that it is subscribed as soon as it is authenticated, and subscribes later."""

    async def subscribe(self, topics: Sequence[str]) -> None:
        self._errand = asyncio.get_running_loop().create_task(self._subscribe_late(topics))

    async def _subscribe_late(self, topics: Sequence[str]) -> None:
        try:
            await asyncio.wait_for(self.wait_closed(), _LATE_S)
        except TimeoutError:
            await self._subscribe_now(topics)

    async def _subscribe_now(self, topics: Sequence[str]) -> None:
        try:
            await super().subscribe(topics)
        except StreamTrouble as trouble:
            self.close(str(trouble))


class _Hub(StreamHub):
    """The streams, whose private connection is another kind after its first outage."""

    later: ClassVar[type[Connection]]
    built = 0

    def _build(self, name: str) -> Connection:
        connection = super()._build(name)
        if name != _PRIVATE:
            return connection
        self.built += 1
        if self.built == 1:
            return connection
        return self.later(connection._spec, connection._handlers)


class _DeafHub(_Hub):
    later: ClassVar[type[Connection]] = _DeafConnection


class _HastyHub(_Hub):
    later: ClassVar[type[Connection]] = _HastyConnection


class _OtherStreams(WrongAdapter):
    hub: ClassVar[type[_Hub]]
    wait_s = 1.0

    def __init__(self, *, hosts: Hosts, config: BybitConfig) -> None:
        super().__init__(hosts=hosts, config=config)
        self._hub = self.hub(
            hosts=hosts,
            credentials=Credentials(KEY, SECRET),
            clock=self._clock,
            config=config.streams,
            margin_mode=lambda: self._mode,
        )


class NotSubscribedAgain(_OtherStreams):
    """Comes back after an outage, authenticated and without its subscriptions."""

    case = "test_the_stream_goes_on_after_an_outage"
    hub: ClassVar[type[_Hub]] = _DeafHub


class UpBeforeSubscribed(_OtherStreams):
    """Says that it is up again before the venue has taken its subscriptions."""

    case = "test_nothing_is_missed_once_the_stream_is_told_to_be_up"
    hub: ClassVar[type[_Hub]] = _HastyHub


class ExecutionsFromFilledOrders(WrongAdapter):
    """Makes an execution of every ``Filled`` of the order topic; the venue may send two."""

    case = "test_a_filled_order_told_twice_is_one_fill"
    made = 0

    def _tell(self, message: VenueMessage) -> None:
        if isinstance(message, Execution):
            return
        super()._tell(message)
        if isinstance(message, OrderReport) and message.status is Status.FILLED:
            self.made += 1
            super()._tell(_execution_of(message, self.made))


def _execution_of(order: OrderReport, number: int) -> Execution:
    return Execution(
        execution_id=f"{order.venue_id}-{number}",
        symbol=order.symbol,
        venue_id=order.venue_id,
        client_id=order.client_id,
        side=order.side,
        qty=order.qty_filled,
        price=Price(order.value_filled.value / order.qty_filled.value),
        fee=ZERO_MONEY,
        is_maker=False,
        time_ms=order.updated_ms,
    )


class PositionAsPushed(WrongAdapter):
    """Answers with the position that was pushed last, whatever its sequence number."""

    case = "test_a_query_heeds_no_message_that_came_late"
    pushed: PositionReport | None = None

    def _tell(self, message: VenueMessage) -> None:
        if isinstance(message, PositionReport):
            self.pushed = message
        super()._tell(message)

    def position(self, symbol: Symbol) -> PositionReport:
        return super().position(symbol) if self.pushed is None else self.pushed
