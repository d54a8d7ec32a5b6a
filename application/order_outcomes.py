"""What became of an operator's request about orders: read from what was recorded and the books."""

import attrs
from tidegate.domain.core.state import Books, Order
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Qty
from tidegate.domain.orders import ClientId
from tidegate.ports.exchange import VenueError
from tidegate.ports.orders import (
    Amended,
    AmendOutcome,
    CancelledOrder,
    Cancels,
    NotAmended,
    OpenOutcome,
    Reduced,
    ReduceOutcome,
    Refused,
    Rejected,
    Unresolved,
)

from .requests import Request

__all__ = [
    "amended",
    "are_over",
    "ended",
    "is_amended",
    "is_finished",
    "is_open",
    "is_placed",
    "reduced",
    "with_cause",
]

_NOT_LIVE = frozenset({Status.INTENDED, Status.ACKNOWLEDGED})


def with_cause(outcome: OpenOutcome, untracked: VenueError | None) -> OpenOutcome:
    """Tell the caller of a refusal for want of data what the venue said of it."""
    if untracked is None or not isinstance(outcome, Refused) or outcome.fault is None:
        return outcome
    return attrs.evolve(outcome, fault=f"{outcome.fault} (the venue: {untracked})")


def is_placed(books: Books, asked: Request) -> bool:
    """Tell whether the venue's records, or its refusals, say what became of each order."""
    found = [books.order(name) for name in asked.orders]
    return bool(found) and all(o is None or o.status not in _NOT_LIVE for o in found)


def reduced(books: Books, asked: Request, qty: Qty | None) -> ReduceOutcome:
    """Say what was placed of ``qty`` in base coin, ``None`` for all that was held."""
    for name in asked.orders:
        order = books.order(name)
        if order is not None and order.status is Status.UNKNOWN:
            return Unresolved(client_id=name, cause="the venue did not answer in time")
    live = {n: order for n, order in asked.orders.items() if n not in asked.rejected}
    if not live:
        refused = next(iter(asked.rejected.values()))
        return Rejected(client_id=refused.client_id, reason=refused.reason, message=refused.message)
    total = sum((order.qty for order in live.values()), start=ZERO_QTY)
    return Reduced(client_ids=tuple(live), qty=total, asked=qty)


def is_amended(books: Books, asked: Request) -> bool:
    """Tell whether a change is settled, or its order over."""
    if asked.amendment is None:
        return False
    return asked.settled is not None or not is_open(books, asked.amendment.client_id)


def amended(books: Books, asked: Request) -> AmendOutcome:
    """Say what a settled change made of its order."""
    wanted, settled = asked.amendment, asked.settled
    assert wanted is not None, f"request {asked.key} is settled without a decision"
    name = wanted.client_id
    if settled is not None and settled.request == wanted.request:
        return Amended(client_id=name, order=settled.request)
    order = books.order(name)
    message = "the venue's record shows it otherwise"
    if asked.amend_rejected is not None:
        message = asked.amend_rejected.message
    elif settled is None:
        message = "it ended before the change"
    return NotAmended(
        client_id=name,
        order=wanted.request if order is None else order.request,
        status=Status.CANCELLED if order is None else order.status,
        message=message,
    )


def are_over(books: Books, asked: Request) -> bool:
    """Tell whether every order that a cancel names has ended."""
    if asked.cancels is None:
        return False
    return not any(is_open(books, name) for name in asked.cancels)


def ended(books: Books, names: tuple[ClientId, ...]) -> Cancels:
    """Say how orders ended, as far as they are still known."""
    found = [books.order(name) for name in names]
    return Cancels(
        orders=tuple(
            CancelledOrder(
                client_id=order.request.client_id,
                status=order.status,
                qty_filled=max(order.qty_filled, order.qty_reported),
            )
            for order in found
            if order is not None
        )
    )


def is_open(books: Books, client_id: ClientId) -> bool:
    """Tell whether an order is known and not over."""
    order = books.order(client_id)
    return order is not None and order.is_open


def is_finished(order: Order | None) -> bool:
    """Tell whether an order is over and all that it filled is booked."""
    return order is not None and order.is_settled
