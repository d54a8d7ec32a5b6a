"""Venues that change more, less or something else than they were asked to."""

import attrs
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    ProtectiveLeg,
    Reduction,
    Symbol,
    TimeInForce,
    TriggerBy,
    VenueOrderId,
)
from tidegate.domain.reports import Origin, RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import Accepted, Done, PositionStop, Rejected, Unknown

from tests.domain.samples import BTCUSDT

from .wrong_venue import Outcome, WrongVenue, sendable

__all__ = [
    "ActivationDropped",
    "AmendsTheRest",
    "CancelStripsStop",
    "CancelTimeoutIsCancelled",
    "ClearsUnnamedLeg",
    "ImmediateRests",
    "LeverageNotModifiedIsDone",
    "OwnVenueIds",
    "StopNotModifiedIsDone",
    "TriggerKindDropped",
    "TrimsReductions",
]

_ZERO = Price.of(0)


class CancelStripsStop(WrongVenue):
    """Cancels with the venue's cancel-all, which removes protective orders too."""

    case = "test_a_cancel_leaves_the_protection"

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Outcome:
        outcome = super().cancel(symbol, order_id)
        for order in self.open_orders(symbol):
            if order.origin is not Origin.USER:
                super().cancel(symbol, order.venue_id)
        return outcome


class CancelTimeoutIsCancelled(WrongVenue):
    """Takes a cancel without an answer for done."""

    case = "test_a_cancel_without_an_answer_resolves_both_ways"

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Outcome:
        outcome = super().cancel(symbol, order_id)
        if isinstance(outcome, Unknown):
            return Accepted(venue_id=VenueOrderId(order_id), time_ms=outcome.sent_ms)
        return outcome


class StopNotModifiedIsDone(WrongVenue):
    """Takes "not modified" for success without looking at the position."""

    case = "test_a_stop_not_modified_is_done_only_where_it_stands"

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        return _already_done(super().set_position_stop(stop))


class LeverageNotModifiedIsDone(WrongVenue):
    """Takes "not modified" for success without looking at the leverage."""

    case = "test_a_leverage_not_modified_is_done_only_where_it_stands"

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        return _already_done(super().set_leverage(symbol, leverage))


def _already_done(outcome: Done | Rejected | Unknown) -> Done | Rejected | Unknown:
    if isinstance(outcome, Rejected) and outcome.reason is RejectReason.NOT_MODIFIED:
        return Done(time_ms=outcome.time_ms, was_already=True)
    return outcome


class AmendsTheRest(WrongVenue):
    """Takes the new quantity for what is still to be filled."""

    case = "test_an_amended_quantity_counts_what_was_filled"

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
        order = self.find_order(symbol, client_id)
        if qty is not None and order is not None:
            qty = qty + order.qty_filled
        return super().amend(
            symbol,
            client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )


class TrimsReductions(WrongVenue):
    """Trims a reduction to what no other closing order covers, the stop included."""

    case = "test_reductions_within_the_position_keep_their_quantities"

    def place(self, order: Approved | Reduction) -> Outcome:
        request = order.order
        if not request.reduce_only:
            return super().place(order)
        free = abs(self.position(request.symbol).qty)
        for other in self.open_orders(request.symbol):
            if other.reduce_only:
                free = free - other.qty
        qty = max(min(request.qty, free), BTCUSDT.qty_step)
        return super().place(sendable(attrs.evolve(request, qty=qty)))


class ActivationDropped(WrongVenue):
    """Does not pass the activation price of a trailing stop on."""

    case = "test_a_trailing_stop_waits_for_its_activation"

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        return super().set_position_stop(attrs.evolve(stop, trailing_activation=None))


class ClearsUnnamedLeg(WrongVenue):
    """Sends zero for a leg that was not named, which clears it."""

    case = "test_each_leg_is_left_alone_unless_named"

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        full = attrs.evolve(
            stop,
            stop_loss=_ZERO if stop.stop_loss is None else stop.stop_loss,
            take_profit=_ZERO if stop.take_profit is None else stop.take_profit,
        )
        return super().set_position_stop(full)


class TriggerKindDropped(WrongVenue):
    """Does not say which price fires a trigger, so that the last price does."""

    case = "test_a_trigger_by_mark_ignores_the_last_price"

    def place(self, order: Approved | Reduction) -> Outcome:
        request = order.order
        if request.trigger is None:
            return super().place(order)
        trigger = attrs.evolve(request.trigger, by=TriggerBy.LAST)
        return super().place(sendable(attrs.evolve(request, trigger=trigger)))


class ImmediateRests(WrongVenue):
    """Does not pass immediate-or-cancel on."""

    case = "test_immediate_or_cancel_never_rests"

    def place(self, order: Approved | Reduction) -> Outcome:
        request = order.order
        if request.price is not None and request.time_in_force is TimeInForce.IOC:
            request = attrs.evolve(request, time_in_force=TimeInForce.GTC)
        return super().place(sendable(request))


class OwnVenueIds(WrongVenue):
    """Makes up the venue id of an acknowledgement."""

    case = "test_the_acknowledged_venue_id_is_the_order_s"

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        if isinstance(outcome, Accepted):
            return attrs.evolve(outcome, venue_id=VenueOrderId(order.order.client_id))
        return outcome
