"""Adapters of Bybit that send or read requests wrongly, each in one way."""

import attrs
from tidegate.adapters.bybit.replies import Answered, Refused
from tidegate.adapters.bybit.rest import Call, Lane
from tidegate.adapters.bybit.wire.requests import leverage_body, order_body, stop_body
from tidegate.domain.money import Price, Rate
from tidegate.domain.orders import ClientId, Reduction, Symbol, VenueOrderId
from tidegate.domain.reports import PositionReport, RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    Accepted,
    Done,
    PositionStop,
    Rejected,
    Unknown,
)

from .wrong_adapter import WrongAdapter

__all__ = [
    "CancelAllForOne",
    "CancelTimeoutIsAccepted",
    "HttpStatusIsSuccess",
    "NotModifiedIsSet",
    "ResultIsNotRead",
    "SameLeverageIsRefused",
    "StopAsSent",
    "TimeoutIsRejected",
]

Outcome = Accepted | Rejected | Unknown


class HttpStatusIsSuccess(WrongAdapter):
    """Takes HTTP 200 for success, whatever the code in the body says."""

    case = "test_a_refused_order_leaves_no_trace"

    def place(self, order: Approved | Reduction) -> Outcome:
        reply = self.rest.change(Call.PLACE, order_body(order.order), lane=Lane.ORDERS)
        if isinstance(reply, Answered | Refused):
            venue_id = VenueOrderId(str(reply.result.get("orderId", "")))
            return Accepted(venue_id=venue_id, time_ms=reply.time_ms)
        return Unknown(sent_ms=0, cause="no answer")


class ResultIsNotRead(WrongAdapter):
    """Sends the order and answers with its own id, without a look at what the venue gave."""

    case = "test_the_acknowledged_venue_id_is_the_order_s"

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        if not isinstance(outcome, Accepted):
            return outcome
        return attrs.evolve(outcome, venue_id=VenueOrderId(order.order.client_id))


class TimeoutIsRejected(WrongAdapter):
    """Takes a connection that broke before the answer for a refusal."""

    case = "test_a_lost_answer_is_unknown_and_the_order_is_found"

    def place(self, order: Approved | Reduction) -> Outcome:
        outcome = super().place(order)
        if not isinstance(outcome, Unknown):
            return outcome
        return Rejected(
            reason=RejectReason.OTHER, code=None, message=outcome.cause, time_ms=outcome.sent_ms
        )


class CancelTimeoutIsAccepted(WrongAdapter):
    """Takes a cancel whose answer did not come for done."""

    case = "test_a_cancel_without_an_answer_resolves_both_ways"

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Outcome:
        outcome = super().cancel(symbol, order_id)
        if not isinstance(outcome, Unknown):
            return outcome
        return Accepted(venue_id=VenueOrderId(order_id), time_ms=outcome.sent_ms)


class CancelAllForOne(WrongAdapter):
    """Cancels with ``order/cancel-all``, which takes the position's protection along."""

    case = "test_a_cancel_leaves_the_protection"

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Outcome:
        body = {"category": "linear", "symbol": symbol}
        reply = self.rest.change(Call.CANCEL_ALL, body, lane=Lane.SAFETY)
        if isinstance(reply, Answered):
            return Accepted(venue_id=VenueOrderId(order_id), time_ms=reply.time_ms)
        return super().cancel(symbol, order_id)


_NOT_MODIFIED = (34040, 110043)


class NotModifiedIsSet(WrongAdapter):
    """Takes the codes 34040 and 110043 for success, without asking what stands."""

    case = "test_a_stop_not_modified_is_done_only_where_it_stands"

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        reply = self.rest.change(Call.TRADING_STOP, stop_body(stop), lane=Lane.SAFETY)
        if isinstance(reply, Refused) and reply.code in _NOT_MODIFIED:
            return Done(time_ms=reply.time_ms, was_already=True)
        if isinstance(reply, Answered):
            return Done(time_ms=reply.time_ms)
        return super().set_position_stop(stop)


class SameLeverageIsRefused(WrongAdapter):
    """Passes "leverage not modified" on as a refusal, though the leverage is as wanted."""

    case = "test_the_same_leverage_again_is_already_done"

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected | Unknown:
        reply = self.rest.change(
            Call.SET_LEVERAGE, leverage_body(symbol, leverage), lane=Lane.ORDERS
        )
        if isinstance(reply, Refused):
            return Rejected(
                reason=RejectReason.NOT_MODIFIED,
                code=reply.code,
                message=reply.message,
                time_ms=reply.time_ms,
            )
        assert isinstance(reply, Answered)
        return Done(time_ms=reply.time_ms)


class StopAsSent(WrongAdapter):
    """Shows the stop that was sent last instead of the one in the position's row."""

    case = "test_a_stop_that_is_gone_is_not_shown"
    sent: Price | None = None

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected | Unknown:
        outcome = super().set_position_stop(stop)
        if isinstance(outcome, Done):
            self.sent = stop.stop_loss
        return outcome

    def position(self, symbol: Symbol) -> PositionReport:
        report = super().position(symbol)
        return report if self.sent is None else attrs.evolve(report, stop_loss=self.sent)
