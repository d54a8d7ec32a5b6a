"""Replies to requests that change something, as the outcomes of the exchange port."""

from types import MappingProxyType
from typing import assert_never

from tidegate.domain.orders import VenueOrderId
from tidegate.domain.reports import RejectReason
from tidegate.ports.exchange import Accepted, Done, Rejected, Unknown

from .codes import CodeClass, meaning_for_order
from .replies import Answered, BadStatus, NoAnswer, NotSent, Refused, Reply
from .wire.fields import Row, Unreadable

__all__ = ["accepted", "done", "not_modified"]

_REASON_OF_STATUS = MappingProxyType(
    {
        401: RejectReason.NOT_AUTHORISED,
        403: RejectReason.RATE_LIMITED,
        429: RejectReason.RATE_LIMITED,
    }
)


def accepted(reply: Reply, *, now_ms: int) -> Accepted | Rejected | Unknown:
    """Return the outcome of a request about one order; success is acceptance and no more."""
    if not isinstance(reply, Answered):
        return _failure(reply, now_ms)
    try:
        venue_id = Row.of("answer", reply.result).text("orderId")
    except Unreadable as error:
        return Unknown(sent_ms=reply.sent_ms, cause=str(error))
    return Accepted(venue_id=VenueOrderId(venue_id), time_ms=reply.time_ms)


def done(reply: Reply, *, now_ms: int) -> Done | Rejected | Unknown:
    """Return the outcome of a setting."""
    if isinstance(reply, Answered):
        return Done(time_ms=reply.time_ms)
    return _failure(reply, now_ms)


def not_modified(outcome: Accepted | Done | Rejected | Unknown) -> bool:
    """Tell whether the venue said that there was nothing to change; that is not yet success."""
    return isinstance(outcome, Rejected) and outcome.reason is RejectReason.NOT_MODIFIED


def _failure(reply: Refused | BadStatus | NoAnswer | NotSent, now_ms: int) -> Rejected | Unknown:
    match reply:
        case Refused():
            return _refusal(reply)
        case BadStatus(status=status, text=text, time_ms=time_ms):
            reason = _REASON_OF_STATUS.get(status, RejectReason.INVALID_PARAMETER)
            message = f"HTTP status {status}: {text}"
            return Rejected(reason=reason, code=None, message=message, time_ms=time_ms)
        case NoAnswer(cause=cause, sent_ms=sent_ms):
            return Unknown(sent_ms=sent_ms, cause=cause)
        case NotSent(cause=cause, is_rate=is_rate):
            reason = RejectReason.RATE_LIMITED if is_rate else RejectReason.OTHER
            message = f"not sent: {cause}"
            return Rejected(reason=reason, code=None, message=message, time_ms=now_ms)
        case _:
            assert_never(reply)


def _refusal(reply: Refused) -> Rejected | Unknown:
    meaning = meaning_for_order(reply.code, reply.message)
    if meaning.kind is CodeClass.UNKNOWN_OUTCOME:
        return Unknown(sent_ms=reply.sent_ms, cause=f"{reply.code} {reply.message}")
    return Rejected(
        reason=meaning.reason, code=reply.code, message=reply.message, time_ms=reply.time_ms
    )
