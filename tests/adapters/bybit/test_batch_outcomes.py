"""What a batch's two arrays say of each order (Bybit V5 order/create-batch)."""

from collections.abc import Mapping

import pytest
from tidegate.adapters.bybit.outcomes import accepted_each
from tidegate.adapters.bybit.replies import Answered, BadStatus, NoAnswer, NotSent, Refused, Reply
from tidegate.domain.orders import VenueOrderId
from tidegate.domain.reports import RejectReason
from tidegate.ports.exchange import Accepted, Rejected, Unknown

ONE: Mapping[str, object] = {"symbol": "BTCUSDT", "orderLinkId": "one"}
TWO: Mapping[str, object] = {"symbol": "BTCUSDT", "orderLinkId": "two"}
OK = {"code": 0, "msg": "OK"}


def _row(link_id: str, order_id: str) -> dict[str, object]:
    return {"category": "linear", "symbol": "BTCUSDT", "orderId": order_id, "orderLinkId": link_id}


def _answered(rows: object, codes: object) -> Answered:
    return Answered(result={"list": rows}, ext={"list": codes}, time_ms=7_000, sent_ms=6_000)


def test_each_order_has_the_code_in_its_place() -> None:
    """The sample of the documentation: one taken, one refused, the outer code is 0."""
    reply = _answered(
        [_row("one", "1672217093460209152"), _row("", "")],
        [OK, {"code": 10001, "msg": "position idx not match position mode"}],
    )
    assert accepted_each(reply, [ONE, TWO], now_ms=0) == (
        Accepted(venue_id=VenueOrderId("1672217093460209152"), time_ms=7_000),
        Rejected(
            reason=RejectReason.INVALID_PARAMETER,
            code=10001,
            message="position idx not match position mode",
            time_ms=7_000,
        ),
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (110007, RejectReason.INSUFFICIENT_MARGIN),
        (110072, RejectReason.DUPLICATE_CLIENT_ID),
        (110001, RejectReason.ORDER_NOT_FOUND),
        (10006, RejectReason.RATE_LIMITED),
        (10404, RejectReason.INVALID_PARAMETER),
    ],
)
def test_a_refused_order_has_the_reason_of_its_own_code(code: int, reason: RejectReason) -> None:
    reply = _answered([_row("one", "a"), _row("two", "")], [OK, {"code": code, "msg": "no"}])
    first, second = accepted_each(reply, [ONE, TWO], now_ms=0)
    assert isinstance(first, Accepted)
    assert isinstance(second, Rejected)
    assert (second.reason, second.code) == (reason, code)


@pytest.mark.parametrize("code", [10000, 10016, 10014, 999_999])
def test_a_code_that_proves_nothing_leaves_its_order_unknown(code: int) -> None:
    reply = _answered([_row("one", "a"), _row("two", "")], [OK, {"code": code, "msg": "?"}])
    first, second = accepted_each(reply, [ONE, TWO], now_ms=0)
    assert isinstance(first, Accepted)
    assert second == Unknown(sent_ms=6_000, cause=f"{code} ?")


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([_row("one", "a")], [OK]),
        ([_row("one", "a"), _row("two", "b")], [OK]),
        ([_row("one", "a")], [OK, OK]),
        ([_row("one", "a")] * 3, [OK] * 3),
        ([], []),
        (None, [OK, OK]),
        ([_row("one", "a"), _row("two", "b")], None),
        ("ab", [OK, OK]),
        ([_row("one", "a"), "b"], [OK, OK]),
    ],
)
def test_arrays_that_do_not_fit_leave_every_order_unknown(rows: object, codes: object) -> None:
    outcomes = accepted_each(_answered(rows, codes), [ONE, TWO], now_ms=0)
    assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown]
    assert all(one.sent_ms == 6_000 for one in outcomes if isinstance(one, Unknown))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (_row("one", "b"), OK),
        (_row("two", ""), OK),
        (_row("one", ""), {"code": 110007, "msg": "no"}),
        (_row("two", "b"), {"code": None, "msg": "no"}),
        (_row("two", "b"), {"msg": "OK"}),
    ],
)
def test_a_row_that_cannot_be_told_leaves_its_order_unknown(
    row: dict[str, object], code: dict[str, object]
) -> None:
    """Another order's id in its place, an acceptance without an id, no code."""
    reply = _answered([_row("one", "a"), row], [OK, code])
    first, second = accepted_each(reply, [ONE, TWO], now_ms=0)
    assert isinstance(first, Accepted)
    assert isinstance(second, Unknown)


def test_a_cancel_is_compared_by_the_id_that_it_named() -> None:
    orders = [{"symbol": "BTCUSDT", "orderId": "a"}, {"symbol": "BTCUSDT", "orderId": "b"}]
    reply = _answered([_row("one", "a"), _row("two", "c")], [OK, OK])
    first, second = accepted_each(reply, orders, now_ms=0)
    assert first == Accepted(venue_id=VenueOrderId("a"), time_ms=7_000)
    assert isinstance(second, Unknown)


_WHOLE: dict[str, tuple[Reply, type[Rejected | Unknown]]] = {
    "no answer": (NoAnswer(cause="closed", sent_ms=1), Unknown),
    "not sent": (NotSent(cause="no room", is_rate=True), Rejected),
    "a status": (BadStatus(status=403, text="", time_ms=1, sent_ms=1), Rejected),
    "a refusal": (
        Refused(code=10006, message="", result={}, ext={}, time_ms=1, sent_ms=1),
        Rejected,
    ),
    "a timeout": (
        Refused(code=10016, message="", result={}, ext={}, time_ms=1, sent_ms=1),
        Unknown,
    ),
}


@pytest.mark.parametrize("name", sorted(_WHOLE))
def test_what_is_said_of_the_batch_is_said_of_every_order(name: str) -> None:
    reply, kind = _WHOLE[name]
    outcomes = accepted_each(reply, [ONE, TWO, ONE], now_ms=5)
    assert [type(outcome) for outcome in outcomes] == [kind] * 3
