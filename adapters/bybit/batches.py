"""Batches of orders: chunks that the rate limit has room for, and one outcome for each order.

The venue counts a batch by its orders and refuses those beyond the limit one by one (Bybit V5 "Rate
limit rules"), so a chunk is never larger than what may go at once, and waits until it may.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from types import MappingProxyType

from tidegate.domain.orders import OrderRequest
from tidegate.domain.reports import RejectReason
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import Amendment, Cancellation, Rejected

from .changes import PAUSES_S, Changes, cancel_bodies, is_busy, is_not_found
from .channels import Act, OrderChannel, note_refusals, room_for
from .outcomes import accepted_each
from .rest import Lane, RestClient
from .wire.requests import Body, Unsendable, amend_body, batch_body, order_body

__all__ = ["BATCH_SIZE_MAX", "Batches"]

BATCH_SIZE_MAX = 20
"""The largest batch for linear contracts (Bybit V5 order/create-batch)."""

_SINGLE = MappingProxyType(
    {
        Act.CREATE_BATCH: Act.CREATE,
        Act.AMEND_BATCH: Act.AMEND,
        Act.CANCEL_BATCH: Act.CANCEL,
    }
)
_MAY_BE_CONDITIONAL = frozenset(
    {RejectReason.INVALID_PARAMETER, RejectReason.NOT_SUPPORTED, RejectReason.ORDER_NOT_FOUND}
)
"""With what a batch may refuse a conditional order, which it cannot change."""


class Batches:
    """Sends batches. Any thread may call; nothing is raised for what a venue may answer."""

    def __init__(self, rest: RestClient, channel: OrderChannel, changes: Changes) -> None:
        self._rest = rest
        self._channel = channel
        self._changes = changes

    def place(self, orders: Sequence[OrderRequest]) -> tuple[Outcome, ...]:
        """Send orders in their order; those that can only reduce go by the lane of their own."""
        outcomes: list[Outcome] = []
        for reduces, run in groupby(orders, lambda order: order.reduce_only):
            lane = Lane.SAFETY if reduces else Lane.ORDERS
            outcomes += self._place(list(run), lane)
        return tuple(outcomes)

    def _place(self, orders: Sequence[OrderRequest], lane: Lane) -> Sequence[Outcome]:
        unsendable: dict[int, Outcome] = {}
        bodies: list[Body] = []
        for place, order in enumerate(orders):
            try:
                bodies.append(order_body(order))
            except Unsendable as error:
                unsendable[place] = self._unsendable(error)
        sent = iter(self._send(Act.CREATE_BATCH, bodies, lane))
        return [
            unsendable[place] if place in unsendable else next(sent) for place in range(len(orders))
        ]

    def _unsendable(self, error: Unsendable) -> Rejected:
        return Rejected(
            reason=RejectReason.INVALID_PARAMETER,
            code=None,
            message=str(error),
            time_ms=self._rest.clock.now_ms(),
        )

    def amend(self, changes: Sequence[Amendment]) -> tuple[Outcome, ...]:
        """Change orders in their order; conditional ones singly, which a batch cannot change.

        That one is conditional shows in its change, or in that the batch refused it.
        """
        outcomes: list[Outcome] = []
        for is_single, run in groupby(changes, lambda change: change.trigger_price is not None):
            if is_single:
                outcomes += [self._changes.amend(change) for change in run]
            else:
                outcomes += self._amend(list(run))
        return tuple(outcomes)

    def _amend(self, changes: Sequence[Amendment]) -> Sequence[Outcome]:
        bodies = [amend_body(change) for change in changes]
        outcomes = self._send(Act.AMEND_BATCH, bodies, Lane.ORDERS)
        return [
            self._changes.amend(change)
            if isinstance(outcome, Rejected) and outcome.reason in _MAY_BE_CONDITIONAL
            else self._changes.read_back(change, outcome)
            for change, outcome in zip(changes, outcomes, strict=True)
        ]

    def cancel(self, cancels: Sequence[Cancellation]) -> tuple[Outcome, ...]:
        """Cancel orders by the likelier kind of their ids, then those not found by the other."""
        bodies = [cancel_bodies(one.symbol, one.order_id) for one in cancels]
        outcomes = list(self._send(Act.CANCEL_BATCH, [likely for likely, _ in bodies], Lane.SAFETY))
        _again(
            outcomes,
            is_not_found,
            lambda places: self._send(
                Act.CANCEL_BATCH, [bodies[place][1] for place in places], Lane.SAFETY
            ),
        )
        return tuple(outcomes)

    def _send(self, act: Act, bodies: Sequence[Body], lane: Lane) -> Sequence[Outcome]:
        """Send any number in chunks that there is room for, as far as is known then."""
        outcomes: list[Outcome] = []
        while len(outcomes) < len(bodies):
            size = min(room_for(self._rest.limiter, act, lane), BATCH_SIZE_MAX)
            outcomes += self._chunk(act, bodies[len(outcomes) : len(outcomes) + size], lane)
        return outcomes

    def _chunk(self, act: Act, bodies: Sequence[Body], lane: Lane) -> Sequence[Outcome]:
        if len(bodies) == 1:
            return [self._changes.send(_SINGLE[act], bodies[0], lane)]
        outcomes = list(self._once(act, bodies, lane))
        for pause_s in PAUSES_S:
            if not any(map(is_busy, outcomes)) or self._changes.closing.wait(pause_s):
                break
            _again(
                outcomes,
                is_busy,
                lambda places: self._once(act, [bodies[place] for place in places], lane),
            )
        return outcomes

    def _once(self, act: Act, bodies: Sequence[Body], lane: Lane) -> Sequence[Outcome]:
        reply = self._channel.send(act, batch_body(bodies), lane=lane)
        outcomes = accepted_each(reply, bodies, now_ms=self._rest.clock.now_ms())
        note_refusals(self._rest.limiter, act, reply, outcomes)
        return outcomes


def _again(
    outcomes: list[Outcome],
    is_such: Callable[[Outcome], bool],
    send: Callable[[Sequence[int]], Sequence[Outcome]],
) -> None:
    """Send those again whose outcome is such, and put the new outcomes in their places."""
    places = [place for place, outcome in enumerate(outcomes) if is_such(outcome)]
    for place, outcome in zip(places, send(places) if places else (), strict=True):
        outcomes[place] = outcome
