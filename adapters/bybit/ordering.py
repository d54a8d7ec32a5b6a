"""Orders at Bybit, as a part of the exchange port: one by one, in batches, and all at once."""

from collections.abc import Sequence

from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, ProtectiveLeg, Reduction, Symbol, VenueOrderId
from tidegate.domain.risk.approval import Approved
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import (
    Accepted,
    Amendment,
    Cancellation,
    Done,
    ExchangePort,
    Rejected,
    Unknown,
)

from .batches import Batches
from .cancel_all import CancelAll
from .changes import Changes
from .channels import OrderChannel
from .queries import StateQueries
from .rest import RestClient

__all__ = ["BybitOrders"]


class BybitOrders(ExchangePort):
    """The requests about orders of one account. Every method may be called from any thread."""

    def __init__(self, rest: RestClient, channel: OrderChannel, queries: StateQueries) -> None:
        self._changes = Changes(rest, channel, queries)
        self._batches = Batches(rest, channel, self._changes)
        self._cancel_all = CancelAll(rest, queries, closing=self._changes.closing)

    def place(self, order: Approved | Reduction) -> Accepted | Rejected | Unknown:
        """See :meth:`ExchangePort.place`."""
        return self._changes.place(order.order)

    def place_batch(self, orders: Sequence[Approved | Reduction]) -> tuple[Outcome, ...]:
        """See :meth:`ExchangePort.place_batch`; it waits for room below the rate limit."""
        self.capabilities.check_batch(len(orders))
        return self._batches.place([one.order for one in orders])

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
        """See :meth:`ExchangePort.amend`."""
        change = Amendment(
            symbol=symbol,
            client_id=client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )
        return self._changes.amend(change)

    def amend_batch(self, changes: Sequence[Amendment]) -> tuple[Outcome, ...]:
        """See :meth:`ExchangePort.amend_batch`; conditional orders are changed singly."""
        self.capabilities.check_batch(len(changes))
        return self._batches.amend(changes)

    def cancel(
        self, symbol: Symbol, order_id: ClientId | VenueOrderId
    ) -> Accepted | Rejected | Unknown:
        """See :meth:`ExchangePort.cancel`."""
        return self._changes.cancel(symbol, order_id)

    def cancel_batch(self, cancels: Sequence[Cancellation]) -> tuple[Outcome, ...]:
        """See :meth:`ExchangePort.cancel_batch`."""
        self.capabilities.check_batch(len(cancels))
        return self._batches.cancel(cancels)

    def cancel_all(self, symbol: Symbol | None = None) -> Done | Rejected | Unknown:
        """See :meth:`ExchangePort.cancel_all`; it is read back until no order of them is open."""
        return self._cancel_all.run(symbol)
