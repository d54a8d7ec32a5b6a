"""Requests about orders, one by one and in batches, with the faults that the script plans."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderRequest,
    ProtectiveLeg,
    Reduction,
    Symbol,
    TimeInForce,
    VenueOrderId,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import (
    Accepted,
    Amendment,
    Cancellation,
    Capability,
    Done,
    Rejected,
    Unknown,
)

from . import requests
from .amending import amend
from .books import Books
from .calls import MemoryCalls, no_answer, rejected
from .faults import Refusal
from .options import Arrival, RequestKind

__all__ = ["MemoryOrders"]


class MemoryOrders(MemoryCalls):
    """The scripted venue's requests. A request that is refused leaves no trace."""

    def place(self, order: Approved | Reduction) -> Accepted | Rejected | Unknown:
        """Send an order. A refused one leaves no trace, and its client id stays free.

        Outcomes and errors: see :meth:`ExchangePort.place`.
        """
        self._require(_needs(order.order))
        return self._request(RequestKind.PLACE, _placing(order))

    def place_batch(self, orders: Sequence[Approved | Reduction]) -> tuple[Outcome, ...]:
        """Send several orders at once; the script may refuse some, or lose the batch.

        Outcomes and errors: see :meth:`ExchangePort.place_batch`.
        """
        self._require(need for order in orders for need in _needs(order.order))
        acts = [_placing(order) for order in orders]
        return self._batch(RequestKind.PLACE_BATCH, RequestKind.PLACE, acts)

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
        """Change a live order; a limit price moved into the market trades at once.

        Outcomes and errors: see :meth:`ExchangePort.amend`.
        """
        change = Amendment(
            symbol=symbol,
            client_id=client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )
        self._require(_amending(change))
        return self._request(RequestKind.AMEND, partial(amend, change=change))

    def amend_batch(self, changes: Sequence[Amendment]) -> tuple[Outcome, ...]:
        """Change several orders at once; conditional ones travel with the others here.

        Outcomes and errors: see :meth:`ExchangePort.amend_batch`.

        Raises:
            NotSupported: a change needs what the venue was built without; nothing was sent.

        """
        self._require(need for change in changes for need in _amending(change))
        acts = [partial(amend, change=change) for change in changes]
        return self._batch(RequestKind.AMEND_BATCH, RequestKind.AMEND, acts)

    def cancel(
        self, symbol: Symbol, order_id: ClientId | VenueOrderId
    ) -> Accepted | Rejected | Unknown:
        """Cancel one order by either id, the venue's own protective orders included.

        Outcomes and errors: see :meth:`ExchangePort.cancel`.
        """
        act = _cancelling(Cancellation(symbol=symbol, order_id=order_id))
        return self._request(RequestKind.CANCEL, act)

    def cancel_batch(self, cancels: Sequence[Cancellation]) -> tuple[Outcome, ...]:
        """Cancel several orders at once."""
        acts = [_cancelling(one) for one in cancels]
        return self._batch(RequestKind.CANCEL_BATCH, RequestKind.CANCEL, acts)

    def cancel_all(self, symbol: Symbol | None = None) -> Done | Rejected | Unknown:
        """Cancel every order of a symbol, or of all, protective ones included, at once.

        Outcomes and errors: see :meth:`ExchangePort.cancel_all`.
        """
        self._capabilities.require(Capability.CANCEL_ALL)
        return self._request(
            RequestKind.CANCEL_ALL, lambda books: requests.cancel_all(books, symbol)
        )

    def _require(self, needs: Iterable[Capability]) -> None:
        for capability in needs:
            self._capabilities.require(capability)

    def _batch(
        self,
        kind: RequestKind,
        item_kind: RequestKind,
        acts: Sequence[Callable[[Books], Accepted | Refusal]],
    ) -> tuple[Outcome, ...]:
        self._capabilities.check_batch(len(acts))
        if not acts:
            return ()
        with self._shared.turn() as books:
            fault, now_ms = self._shared.faults.take(kind), books.now_ms()
            match fault:
                case Arrival():
                    self._go_unanswered(fault, lambda books: [act(books) for act in acts])
                    return (no_answer(fault, now_ms),) * len(acts)
                case Refusal():
                    return (rejected(fault, now_ms),) * len(acts)
                case None:
                    return self._each(item_kind, acts)

    def _each(
        self, kind: RequestKind, acts: Sequence[Callable[[Books], Accepted | Refusal]]
    ) -> tuple[Outcome, ...]:
        """Let every order of a batch have its own outcome."""
        refusals = self._shared.faults.take_items()
        outcomes: list[Outcome] = []
        for place, act in enumerate(acts):
            refusal = refusals.get(place)
            fault = self._shared.faults.take(kind) if refusal is None else refusal
            outcomes.append(self._answer(fault, act))
        return tuple(outcomes)


def _placing(order: Approved | Reduction) -> Callable[[Books], Accepted | Refusal]:
    return lambda books: requests.place(books, order.order)


def _cancelling(one: Cancellation) -> Callable[[Books], Accepted | Refusal]:
    return lambda books: requests.cancel(books, one.symbol, one.order_id)


def _amending(change: Amendment) -> Iterable[Capability]:
    """Yield what a venue must be able to do to take ``change``."""
    yield Capability.AMEND
    if change.stop_loss is not None or change.take_profit is not None:
        yield Capability.AMEND_LEGS


def _needs(request: OrderRequest) -> Iterable[Capability]:
    """Yield what a venue must be able to do to take ``request``."""
    if request.stop_loss is not None or request.take_profit is not None:
        yield Capability.ATTACHED_STOP
    if request.trigger is not None:
        yield Capability.CONDITIONAL_ORDERS
    if request.time_in_force is TimeInForce.POST_ONLY:
        yield Capability.POST_ONLY
    if request.time_in_force is TimeInForce.FOK:
        yield Capability.FILL_OR_KILL
