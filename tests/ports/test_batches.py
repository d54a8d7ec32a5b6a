"""Any number of requests goes in batches, and each comes back with an outcome of its own."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.domain.orders import VenueOrderId
from tidegate.domain.reports import RejectReason
from tidegate.ports.batches import Outcome, one_by_one, send_all
from tidegate.ports.exchange import (
    Accepted,
    Capability,
    NotSupported,
    QueryFailed,
    Rejected,
    Unknown,
)

NOW_MS = 5_000


def _accepted(item: int) -> Accepted:
    return Accepted(venue_id=VenueOrderId(f"order-{item}"), time_ms=NOW_MS + item)


def _refused(item: int) -> Rejected:
    return Rejected(reason=RejectReason.OTHER, code=item, message="no", time_ms=NOW_MS + item)


def _outcome(item: int) -> Outcome:
    return _refused(item) if item % 3 == 2 else _accepted(item)


def _send_all(
    items: Sequence[int], send: Callable[[Sequence[int]], Sequence[Outcome]], *, size_max: int
) -> tuple[Outcome, ...]:
    return send_all(items, send, size_max=size_max, now_ms=lambda: NOW_MS)


@given(count=st.integers(0, 60), size_max=st.integers(1, 25))
def test_each_item_is_sent_once_in_order_and_has_its_outcome(count: int, size_max: int) -> None:
    batches: list[list[int]] = []

    def send(part: Sequence[int]) -> list[Outcome]:
        batches.append(list(part))
        return [_outcome(item) for item in part]

    outcomes = _send_all(range(count), send, size_max=size_max)
    assert [item for part in batches for item in part] == list(range(count))
    assert all(1 <= len(part) <= size_max for part in batches)
    assert len(batches) == -(-count // size_max)
    assert outcomes == tuple(_outcome(item) for item in range(count))


def test_ten_thousand_batches_need_no_deep_stack() -> None:
    outcomes = _send_all(range(10_000), lambda part: [_accepted(part[0])], size_max=1)
    assert outcomes[-1] == _accepted(9_999)
    assert len(outcomes) == 10_000


@pytest.mark.parametrize("size_max", [0, -1])
def test_a_batch_of_nothing_is_no_batch(size_max: int) -> None:
    with pytest.raises(ValueError, match=f"at most {size_max}"):
        _send_all([1], lambda part: [_accepted(item) for item in part], size_max=size_max)


def test_a_batch_that_breaks_is_unknown_and_the_others_are_sent() -> None:
    """What was answered before is kept; nothing of the broken batch is sent again."""
    sent: list[int] = []

    def send(part: Sequence[int]) -> list[Outcome]:
        sent.extend(part)
        if 2 in part:
            raise QueryFailed("the venue stopped")
        return [_accepted(item) for item in part]

    unknown = Unknown(sent_ms=NOW_MS, cause="the venue stopped")
    assert _send_all(range(6), send, size_max=2) == (
        _accepted(0),
        _accepted(1),
        unknown,
        unknown,
        _accepted(4),
        _accepted(5),
    )
    assert sent == [0, 1, 2, 3, 4, 5]


def test_what_is_not_supported_is_refused_alone() -> None:
    """A batch that holds one is not sent; the others of it are, singly."""
    sent: list[int] = []

    def send(part: Sequence[int]) -> list[Outcome]:
        if 1 in part:
            raise NotSupported(Capability.POST_ONLY)
        sent.extend(part)
        return [_accepted(item) for item in part]

    outcomes = _send_all(range(3), send, size_max=3)
    assert sent == [0, 2]
    assert outcomes == (
        _accepted(0),
        Rejected(
            reason=RejectReason.NOT_SUPPORTED,
            code=None,
            message="this venue does not support post-only orders",
            time_ms=NOW_MS,
        ),
        _accepted(2),
    )


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_with_another_number_of_outcomes_is_unknown(count: int) -> None:
    """Which outcome belongs to which order cannot be told."""
    outcomes = _send_all([1, 2], lambda _: [_accepted(1)] * count, size_max=2)
    assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown]
    assert all("2" in one.cause for one in outcomes if isinstance(one, Unknown))


def _raising(error: Exception) -> Callable[[], Outcome]:
    def act() -> Outcome:
        raise error

    return act


def test_one_by_one_raises_only_before_anything_was_sent() -> None:
    with pytest.raises(NotSupported):
        one_by_one([_raising(NotSupported(Capability.AMEND)), lambda: _accepted(1)])


def test_one_by_one_loses_no_outcome_to_a_later_error() -> None:
    outcomes = one_by_one(
        [
            lambda: _refused(1),
            _raising(NotSupported(Capability.AMEND)),
            lambda: Unknown(sent_ms=9, cause="lost"),
            _raising(QueryFailed("closed")),
            lambda: _accepted(4),
        ]
    )
    assert outcomes == (
        _refused(1),
        Rejected(
            reason=RejectReason.NOT_SUPPORTED,
            code=None,
            message="this venue does not support amending an order",
            time_ms=NOW_MS + 1,
        ),
        Unknown(sent_ms=9, cause="lost"),
        Unknown(sent_ms=9, cause="closed"),
        _accepted(4),
    )
