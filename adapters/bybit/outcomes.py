"""Replies to requests that change something, as the outcomes of the exchange port."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import assert_never

from tidegate.domain.orders import VenueOrderId
from tidegate.domain.reports import RejectReason
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import Accepted, Done, Rejected, Unknown

from .codes import CodeClass, meaning_for_order
from .replies import Answered, BadStatus, NoAnswer, NotSent, Refused, Reply
from .wire.fields import Row, Unreadable

__all__ = ["accepted", "accepted_each", "done", "not_modified"]

_REASON_OF_STATUS = MappingProxyType(
    {
        401: RejectReason.NOT_AUTHORISED,
        403: RejectReason.RATE_LIMITED,
        429: RejectReason.RATE_LIMITED,
    }
)


def accepted(reply: Reply, *, now_ms: int) -> Accepted | Rejected | Unknown:
    """Return the outcome of a request about one order; success is acceptance and no more.

    ``Accepted``: acknowledged; ``Rejected``: refused, or turned away before it was looked at;
    ``Unknown``: perhaps executed, or an answer without an order id.
    """
    if not isinstance(reply, Answered):
        return _failure(reply, now_ms)
    try:
        venue_id = Row.of("answer", reply.result).text("orderId")
    except Unreadable as error:
        return Unknown(sent_ms=reply.sent_ms, cause=str(error))
    return Accepted(venue_id=VenueOrderId(venue_id), time_ms=reply.time_ms)


def accepted_each(
    reply: Reply, orders: Sequence[Mapping[str, object]], *, now_ms: int
) -> tuple[Outcome, ...]:
    """Return the outcome of each order of a batch; ``orders`` are their bodies as they were sent.

    Two arrays answer, in the order of the request: ids in ``result``, codes in ``retExtInfo``. The
    outer code is success although every order was refused (Bybit V5 order/create-batch). Where the
    arrays do not fit what was sent, nothing can be told of the orders.
    """
    if not isinstance(reply, Answered):
        return (_failure(reply, now_ms),) * len(orders)
    try:
        named = Row.of("batch", reply.result).rows("list")
        told = Row.of("batch codes", reply.ext).rows("list")
    except Unreadable as error:
        return (Unknown(sent_ms=reply.sent_ms, cause=str(error)),) * len(orders)
    if not len(named) == len(told) == len(orders):
        cause = f"a batch of {len(orders)} was answered with {len(named)} ids, {len(told)} codes"
        return (Unknown(sent_ms=reply.sent_ms, cause=cause),) * len(orders)
    return tuple(
        _of_batch(reply, order, row, code)
        for order, row, code in zip(orders, named, told, strict=True)
    )


def _of_batch(reply: Answered, order: Mapping[str, object], row: Row, told: Row) -> Outcome:
    try:
        _same_order(order, row)
        code = told.integer("code")
        if code == 0:
            return Accepted(venue_id=VenueOrderId(row.text("orderId")), time_ms=reply.time_ms)
        message = told.text_or_none("msg") or ""
    except Unreadable as error:
        return Unknown(sent_ms=reply.sent_ms, cause=str(error))
    return _refused(code, message, time_ms=reply.time_ms, sent_ms=reply.sent_ms)


def _same_order(order: Mapping[str, object], row: Row) -> None:
    """Refuse a row that names another order than was sent in its place."""
    for name in ("orderLinkId", "orderId"):
        if name in order and row.has(name) and row.fields[name] != order[name]:
            raise row.unreadable(name)


def done(reply: Reply, *, now_ms: int) -> Done | Rejected | Unknown:
    """Return the outcome of a setting.

    ``Done``: the venue confirmed it; ``Rejected``: refused, or not sent; ``Unknown``: perhaps in
    force.
    """
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
    return _refused(reply.code, reply.message, time_ms=reply.time_ms, sent_ms=reply.sent_ms)


def _refused(code: int, message: str, *, time_ms: int, sent_ms: int) -> Rejected | Unknown:
    meaning = meaning_for_order(code, message)
    if meaning.kind is CodeClass.UNKNOWN_OUTCOME:
        return Unknown(sent_ms=sent_ms, cause=f"{code} {message}")
    return Rejected(reason=meaning.reason, code=code, message=message, time_ms=time_ms)
