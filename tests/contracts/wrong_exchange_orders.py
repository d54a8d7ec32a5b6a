"""Venues that send an order, a trigger or an amendment without the half of it."""

import attrs
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    Reduction,
    Symbol,
    TimeInForce,
    TriggerDirection,
    VenueOrderId,
)
from tidegate.domain.reports import CancelReason, OrderReport, RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import Accepted, Done, PositionStop, Rejected, Unknown

from .wrong_venue import Outcome, WrongVenue, sendable

__all__ = [
    "AmendNotSent",
    "AmendsWhatIsOver",
    "ClearingNotSent",
    "ClearsBeforeItSets",
    "ClientIdsOnly",
    "DirectionFixed",
    "FillOrKillRefused",
    "LateCancelCounts",
    "LimitIsMarket",
    "SameStopIsError",
    "StopNotSent",
    "TriggerDropped",
    "ValueAboveLimit",
]

_ENDED = {RejectReason.ORDER_NOT_FOUND, RejectReason.ORDER_FINISHED}
_CLEARED = Price.of(0)


class LimitIsMarket(WrongVenue):
    """Sends a resting limit order at market."""

    case = "test_a_limit_order_waits_for_its_price"

    def place(self, order: Approved | Reduction) -> Outcome:
        request = order.order
        if request.price is None or request.time_in_force is not TimeInForce.GTC:
            return super().place(order)
        market = attrs.evolve(request, kind=OrderKind.MARKET, price=None)
        return super().place(sendable(market))


class ValueAboveLimit(WrongVenue):
    """Counts both sides of a trade in the value that an order filled."""

    case = "test_a_limit_that_crosses_never_pays_more_than_its_price"

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        order = super().find_order(symbol, client_id)
        if order is None:
            return None
        return attrs.evolve(order, value_filled=order.value_filled.times(2))


class TriggerDropped(WrongVenue):
    """Sends a conditional order without its condition."""

    case = "test_a_stop_market_order_waits_for_its_trigger"

    def place(self, order: Approved | Reduction) -> Outcome:
        return super().place(sendable(attrs.evolve(order.order, trigger=None)))


class DirectionFixed(WrongVenue):
    """Takes every trigger for one that the price must rise to."""

    case = "test_a_falling_trigger_sells"

    def place(self, order: Approved | Reduction) -> Outcome:
        request = order.order
        if request.trigger is None:
            return super().place(order)
        rises = attrs.evolve(request.trigger, direction=TriggerDirection.RISES_TO)
        return super().place(sendable(attrs.evolve(request, trigger=rises)))


class FillOrKillRefused(WrongVenue):
    """Refuses fill-or-kill, and declares it."""

    case = "test_fill_or_kill_is_all"

    def place(self, order: Approved | Reduction) -> Outcome:
        if order.order.time_in_force is not TimeInForce.FOK:
            return super().place(order)
        return Rejected(
            reason=RejectReason.NOT_SUPPORTED, code=None, message="no", time_ms=self.now_ms()
        )


class AmendNotSent(WrongVenue):
    """Confirms an amendment and forgets to send it."""

    case = "test_an_amended_order_fills_at_its_new_price"

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
        del qty, price, trigger_price, stop_loss, take_profit
        return Accepted(venue_id=VenueOrderId(f"{symbol}-{client_id}"), time_ms=self.now_ms())


class AmendsWhatIsOver(WrongVenue):
    """Takes the amendment of an order that is over for accepted: it does no harm."""

    case = "test_what_is_over_cannot_be_amended"

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
        outcome = super().amend(
            symbol,
            client_id,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )
        if isinstance(outcome, Rejected) and outcome.reason in _ENDED:
            return Accepted(venue_id=VenueOrderId(client_id), time_ms=outcome.time_ms)
        return outcome


class ClientIdsOnly(WrongVenue):
    """Knows orders by their client ids alone."""

    case = "test_an_order_can_be_cancelled_by_its_venue_id"

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Outcome:
        if any(order.client_id == order_id for order in self.open_orders(symbol)):
            return super().cancel(symbol, order_id)
        return Rejected(
            reason=RejectReason.ORDER_NOT_FOUND, code=None, message="who?", time_ms=self.now_ms()
        )


class LateCancelCounts(WrongVenue):
    """Shows an order as cancelled as soon as anyone tried to cancel it."""

    case = "test_a_cancel_that_comes_too_late_loses_nothing"

    def __init__(self) -> None:
        super().__init__()
        self._tried: set[str] = set()

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Outcome:
        self._tried.add(order_id)
        return super().cancel(symbol, order_id)

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        order = super().find_order(symbol, client_id)
        if order is None or client_id not in self._tried:
            return order
        return attrs.evolve(order, status=Status.CANCELLED, cancel_reason=CancelReason.BY_USER)


class ClearingNotSent(WrongVenue):
    """Takes zero for "leave as it is" and confirms that the stop is cleared."""

    case = "test_a_cleared_stop_does_not_fire"

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        if stop.stop_loss == _CLEARED:
            return Done(time_ms=self.now_ms())
        return super().set_position_stop(stop)


class StopNotSent(WrongVenue):
    """Confirms a stop that it means to watch over by itself."""

    case = "test_a_position_stop_protects"

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        del stop
        return Done(time_ms=self.now_ms())


class ClearsBeforeItSets(WrongVenue):
    """Takes the old stop away first, and then asks for the new one."""

    case = "test_a_stop_on_the_wrong_side_keeps_the_old_one"

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        if stop.stop_loss is not None:
            super().set_position_stop(PositionStop(symbol=stop.symbol, stop_loss=_CLEARED))
        return super().set_position_stop(stop)


class SameStopIsError(WrongVenue):
    """Passes "not modified" on as a refusal, though the stop stands as it is wanted."""

    case = "test_the_same_stop_again_is_already_done"

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        outcome = super().set_position_stop(stop)
        if not isinstance(outcome, Done) or not outcome.was_already:
            return outcome
        return Rejected(
            reason=RejectReason.NOT_MODIFIED,
            code=34040,
            message="not modified",
            time_ms=outcome.time_ms,
        )
