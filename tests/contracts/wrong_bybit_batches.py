"""Adapters of Bybit that send or read batches and cancel-all wrongly, each in one way."""

from collections.abc import Sequence

from tidegate.adapters.bybit.channels import Act
from tidegate.adapters.bybit.outcomes import done
from tidegate.adapters.bybit.replies import Answered
from tidegate.adapters.bybit.rest import Call, Lane
from tidegate.adapters.bybit.wire.fields import Row
from tidegate.adapters.bybit.wire.requests import (
    amend_body,
    batch_body,
    cancel_all_body,
    cancel_body,
    order_body,
)
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, ProtectiveLeg, Reduction, Symbol, VenueOrderId
from tidegate.domain.risk.approval import Approved
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import (
    Accepted,
    Amendment,
    Cancellation,
    Done,
    Rejected,
    Unknown,
)

from .wrong_adapter import WrongAdapter

__all__ = [
    "BatchHasOneOutcome",
    "BatchIdIsAlwaysOurs",
    "BatchLimitIsTheVenues",
    "CancelAllOfOrdersAlone",
    "CancelAllOfPlainOrders",
    "ConditionalsInTheBatch",
    "LostBatchIsRefused",
    "OuterCodeIsEachCode",
    "ZeroLegIsLeftOut",
]

Orders = Sequence[Approved | Reduction]


class OuterCodeIsEachCode(WrongAdapter):
    """Reads ``retCode`` of a batch and not the codes of its orders."""

    case = "test_the_answer_of_a_batch_is_not_that_of_its_orders"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        body = batch_body([order_body(one.order) for one in orders])
        reply = self.rest.change(Call.PLACE_BATCH, body, lane=Lane.ORDERS)
        if not isinstance(reply, Answered):
            return tuple(Unknown(sent_ms=0, cause="no answer") for _ in orders)
        rows = Row.of("batch", reply.result).rows("list")
        ids = (VenueOrderId(str(row.fields["orderId"])) for row in rows)
        return tuple(Accepted(venue_id=one, time_ms=reply.time_ms) for one in ids)


class BatchHasOneOutcome(WrongAdapter):
    """Gives the first order's outcome to all of its batch."""

    case = "test_a_batch_has_one_outcome_for_each_order_in_their_order"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        return super().place_batch(orders)[:1] * len(orders)


class LostBatchIsRefused(WrongAdapter):
    """Takes a batch whose answer broke off for one that did not arrive, and sends it singly."""

    case = "test_a_batch_without_its_answer_is_unknown_and_found"

    def place_batch(self, orders: Orders) -> tuple[Outcome, ...]:
        outcomes = super().place_batch(orders)
        if any(isinstance(one, Unknown) for one in outcomes):
            return tuple(self.place(order) for order in orders)
        return outcomes


class BatchLimitIsTheVenues(WrongAdapter):
    """Leaves it to the venue to refuse a batch that is too large."""

    case = "test_a_batch_beyond_the_limit_is_an_error[cancel]"

    def cancel_batch(self, cancels: Sequence[Cancellation]) -> tuple[Outcome, ...]:
        return self._batches.cancel(cancels)


class ConditionalsInTheBatch(WrongAdapter):
    """Sends conditional orders with the others to ``order/amend-batch``."""

    case = "test_conditional_orders_change_in_a_batch_too"

    def amend_batch(self, changes: Sequence[Amendment]) -> tuple[Outcome, ...]:
        bodies = [amend_body(change) for change in changes]
        return tuple(self._batches._send(Act.AMEND_BATCH, bodies, Lane.ORDERS))


class BatchIdIsAlwaysOurs(WrongAdapter):
    """Sends every id of a batch as ``orderLinkId``."""

    case = "test_a_batch_cancels_by_either_id"

    def cancel_batch(self, cancels: Sequence[Cancellation]) -> tuple[Outcome, ...]:
        bodies = [
            cancel_body(one.symbol, client_id=ClientId(one.order_id), venue_id=None)
            for one in cancels
        ]
        return tuple(self._batches._send(Act.CANCEL_BATCH, bodies, Lane.SAFETY))


class _Filtered(WrongAdapter):
    """Sends ``order/cancel-all`` with a filter and takes its answer for the end."""

    word: str

    def cancel_all(self, symbol: Symbol | None = None) -> Done | Rejected | Unknown:
        body = {**cancel_all_body(symbol), "orderFilter": self.word}
        reply = self.rest.change(Call.CANCEL_ALL, body, lane=Lane.SAFETY)
        return done(reply, now_ms=0)


class CancelAllOfOrdersAlone(_Filtered):
    """Leaves what waits for a trigger."""

    case = "test_cancel_all_ends_what_waits_for_a_trigger"
    word = "Order"


class CancelAllOfPlainOrders(_Filtered):
    """Leaves what protects a position."""

    case = "test_cancel_all_bares_the_position"
    word = "OpenOrder"


class ZeroLegIsLeftOut(WrongAdapter):
    """Leaves a leg at zero out of the request, since zero is no price."""

    case = "test_a_leg_at_zero_is_cleared"

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
    ) -> Outcome:
        kept = [leg if leg and leg.price.sign else None for leg in (stop_loss, take_profit)]
        return super().amend(
            symbol,
            client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=kept[0],
            take_profit=kept[1],
        )
