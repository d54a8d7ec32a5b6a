"""Venues that send or read batches wrongly, each in one way."""

from collections.abc import Sequence
from itertools import count

import attrs
from tidegate.domain.money import Qty
from tidegate.domain.orders import ClientId, OrderRequest, Reduction, VenueOrderId
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import Accepted, Amendment, Cancellation, Rejected, Unknown

from tests.domain.samples import BTCUSDT

from .wrong_venue import Outcome, WrongVenue, sendable

__all__ = [
    "AmendsOneForAll",
    "BatchDropsReduceOnly",
    "BatchOfNothing",
    "BatchTimeoutIsRejected",
    "CancelsByClientIdAlone",
    "ConditionalInABatch",
    "LostBatchIsSentAgain",
    "OneQuantityForABatch",
    "OutcomesInAnotherOrder",
    "OutcomesOfAcceptedAlone",
    "OuterCodeOfABatch",
    "RepeatsItsFirstBatch",
    "RoundsInABatch",
    "SendsTheFirstOfABatch",
    "SplitsBeyondTheLimit",
]

Orders = Sequence[Approved | Reduction]


class OuterCodeOfABatch(WrongVenue):
    """Takes the answer of a batch for that of each of its orders."""

    case = "test_the_answer_of_a_batch_is_not_that_of_its_orders"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        outcomes = super().place_batch(orders)
        made_up = Accepted(venue_id=VenueOrderId("order-0"), time_ms=self.now_ms())
        return tuple(made_up if isinstance(one, Rejected) else one for one in outcomes)


class OutcomesInAnotherOrder(WrongVenue):
    """Tells the accepted ones first."""

    case = "test_a_batch_has_one_outcome_for_each_order_in_their_order"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        outcomes = super().place_batch(orders)
        return tuple(sorted(outcomes, key=lambda one: not isinstance(one, Accepted)))


class OutcomesOfAcceptedAlone(WrongVenue):
    """Leaves the refused ones of a batch out of its outcomes."""

    case = "test_a_batch_changes_each_order_as_it_was_told"

    def amend_batch(self, changes: Sequence[Amendment]) -> tuple[Outcome, ...]:
        outcomes = super().amend_batch(changes)
        return tuple(one for one in outcomes if isinstance(one, Accepted))


class BatchDropsReduceOnly(WrongVenue):
    """Does not pass reduce-only on in a batch."""

    case = "test_reductions_of_a_batch_stay_reductions"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        bent = [sendable(attrs.evolve(one.order, reduce_only=False)) for one in orders]
        return super().place_batch(bent)


class SendsTheFirstOfABatch(WrongVenue):
    """Sends at most ten orders and reports the others as accepted too."""

    case = "test_a_full_batch_is_taken_whole"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        outcomes = super().place_batch(orders[:9])
        made_up = Accepted(venue_id=VenueOrderId("order-0"), time_ms=self.now_ms())
        return (*outcomes, *(made_up for _ in orders[9:]))


class SplitsBeyondTheLimit(WrongVenue):
    """Takes what fits of a batch that is too large, and swallows the rest."""

    case = "test_a_batch_beyond_the_limit_is_an_error[place]"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        return super().place_batch(orders[: self.capabilities.batch_size_max])


class RepeatsItsFirstBatch(WrongVenue):
    """Sends the first order of each later batch under the id of the first one ever sent."""

    case = "test_any_number_of_orders_goes_in_batches"

    def __init__(self) -> None:
        super().__init__()
        self._first: ClientId | None = None

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        if self._first is None or not orders:
            self._first = orders[0].order.client_id if orders else None
            return super().place_batch(orders)
        again = sendable(attrs.evolve(orders[0].order, client_id=self._first))
        return super().place_batch([again, *orders[1:]])


class BatchTimeoutIsRejected(WrongVenue):
    """Takes a batch without an answer for refused."""

    case = "test_a_lost_batch_is_unknown_for_every_order"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        return tuple(_certain(one) for one in super().place_batch(orders))


def _certain(outcome: Outcome) -> Outcome:
    if not isinstance(outcome, Unknown):
        return outcome
    return Rejected(
        reason=RejectReason.OTHER, code=None, message=outcome.cause, time_ms=outcome.sent_ms
    )


class LostBatchIsSentAgain(WrongVenue):
    """Sends a batch without an answer again, under other ids."""

    case = "test_a_batch_without_its_answer_is_unknown_and_found"

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        outcomes = super().place_batch(orders)
        if any(isinstance(one, Unknown) for one in outcomes):
            super().place_batch([sendable(self._renamed(one)) for one in orders])
        return outcomes

    def _renamed(self, order: Approved | Reduction) -> OrderRequest:
        client_id = ClientId(f"again-{next(self._numbers)}")
        return attrs.evolve(order.order, client_id=client_id)


class AmendsOneForAll(WrongVenue):
    """Sends the first change of a batch for every order in it."""

    case = "test_a_batch_changes_each_order_as_it_was_told"

    def amend_batch(self, changes: Sequence[Amendment]) -> tuple[Outcome, ...]:
        first = changes[0] if changes else None
        same = [attrs.evolve(one, price=first.price, qty=first.qty) for one in changes if first]
        return super().amend_batch(same)


class ConditionalInABatch(WrongVenue):
    """Leaves conditional orders to a batch that does not change them, and takes that for done."""

    case = "test_conditional_orders_change_in_a_batch_too"

    def amend_batch(self, changes: Sequence[Amendment]) -> tuple[Outcome, ...]:
        return tuple(
            super(ConditionalInABatch, self).amend_batch([one])[0]
            if one.trigger_price is None
            else Accepted(venue_id=VenueOrderId("order-0"), time_ms=self.now_ms())
            for one in changes
        )


class CancelsByClientIdAlone(WrongVenue):
    """Takes every id of a batch for a client id."""

    case = "test_a_batch_cancels_by_either_id"

    def cancel_batch(self, cancels: Sequence[Cancellation]) -> tuple[Outcome, ...]:
        ours = {order.client_id for order in self.open_orders()}
        bent = [
            one if one.order_id in ours else attrs.evolve(one, order_id=ClientId("nobody"))
            for one in cancels
        ]
        return super().cancel_batch(bent)


class RoundsInABatch(WrongVenue):
    """Rounds a quantity off the step in a batch."""

    case = "test_a_batch_has_one_outcome_for_each_order_in_their_order"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        return super().place_batch([sendable(_rounded(one)) for one in orders])


def _rounded(order: Approved | Reduction) -> OrderRequest:
    step = BTCUSDT.qty_step
    qty = Qty(order.order.qty.value // step.value * step.value)
    return attrs.evolve(order.order, qty=qty)


class BatchOfNothing(WrongVenue):
    """Tells of one order when there was none."""

    case = "test_an_empty_batch_has_no_outcome"

    def cancel_batch(self, cancels: Sequence[Cancellation]) -> tuple[Outcome, ...]:
        if not cancels:
            return (Accepted(venue_id=VenueOrderId("order-0"), time_ms=self.now_ms()),)
        return super().cancel_batch(cancels)


class OneQuantityForABatch(WrongVenue):
    """Sends the quantity of the first order for every one of its batch."""

    case = "test_orders_of_a_batch_fill_as_single_ones_do"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        same = [sendable(attrs.evolve(one.order, qty=orders[0].order.qty)) for one in orders]
        return super().place_batch(same)
