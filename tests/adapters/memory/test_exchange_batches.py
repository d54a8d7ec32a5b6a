"""Batches, cancel-all and amended legs of the scripted venue, beyond what the contracts ask."""

from collections.abc import Sequence

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, MemoryOptions, RequestKind, ScriptError
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Distance
from tidegate.domain.orders import (
    ClientId,
    OrderRequest,
    ProtectiveLeg,
    Reduction,
    Side,
    Symbol,
    TimeInForce,
)
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import (
    Accepted,
    Capability,
    Done,
    NotSupported,
    PositionStop,
    Rejected,
    Unknown,
)

from .scenes import SYMBOL, Scene, price, qty


def _orders(scene: Scene, count: int) -> list[OrderRequest]:
    return [scene.order(Side.BUY, "0.1", "59000") for _ in range(count)]


def _place(scene: Scene, orders: Sequence[OrderRequest]) -> tuple[Outcome, ...]:
    ways: list[Approved | Reduction] = [scene.approved(order) for order in orders]
    return scene.venue.place_batch(ways)


def test_orders_of_a_batch_meet_faults_of_their_own() -> None:
    """One is refused, one has no answer although it arrived, the others are taken."""
    scene = Scene()
    scene.script.reject_items([2], RejectReason.INSUFFICIENT_MARGIN, 110007, "ab not enough")
    scene.script.time_out_next(Arrival.REACHED, request=RequestKind.PLACE)
    orders = _orders(scene, 4)
    first, second, third, fourth = _place(scene, orders)
    assert isinstance(first, Unknown)
    assert isinstance(second, Accepted)
    assert isinstance(third, Rejected)
    assert (third.reason, third.code) == (RejectReason.INSUFFICIENT_MARGIN, 110007)
    assert isinstance(fourth, Accepted)
    found = [scene.venue.find_order(SYMBOL, order.client_id) for order in orders]
    assert [report is not None for report in found] == [True, True, False, True]


def test_a_whole_batch_can_be_refused() -> None:
    scene = Scene()
    scene.script.reject_next(
        RejectReason.RATE_LIMITED, 10006, "too many visits", request=RequestKind.PLACE_BATCH
    )
    orders = _orders(scene, 2)
    outcomes = _place(scene, orders)
    assert [one.code for one in outcomes if isinstance(one, Rejected)] == [10006, 10006]
    assert scene.venue.open_orders() == ()
    assert all(isinstance(one, Accepted) for one in _place(scene, orders))


def test_a_late_batch_takes_effect_when_it_arrives() -> None:
    scene = Scene()
    scene.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE_BATCH)
    outcomes = _place(scene, _orders(scene, 3))
    assert [type(one) for one in outcomes] == [Unknown] * 3
    assert scene.venue.open_orders() == ()
    assert scene.script.arrive() == 1
    assert len(scene.venue.open_orders()) == 3


@pytest.mark.parametrize("places", [[], [-1], [0, -2]])
def test_places_of_a_batch_count_from_zero(places: list[int]) -> None:
    with pytest.raises(ScriptError, match="counted from 0"):
        Scene().script.reject_items(places, RejectReason.OTHER)


def test_nothing_of_a_batch_is_sent_when_one_order_is_not_supported() -> None:
    supported = frozenset(Capability) - {Capability.POST_ONLY}
    scene = Scene(MemoryOptions(supported=supported))
    plain, other = _orders(scene, 2)
    post_only = attrs.evolve(other, time_in_force=TimeInForce.POST_ONLY)
    with pytest.raises(NotSupported):
        _place(scene, [plain, post_only])
    assert scene.venue.open_orders() == ()


def test_cancel_all_spares_other_symbols_and_knows_its_own() -> None:
    scene = Scene()
    order = scene.buy("0.1", "59000")
    refused = scene.venue.cancel_all(Symbol("NOSUCHUSDT"))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.INVALID_PARAMETER
    assert scene.found(order).status is Status.NEW


def test_cancel_all_ends_a_trailing_stop_that_waits_for_its_activation() -> None:
    scene = Scene()
    scene.buy("0.1")
    stop = PositionStop(
        symbol=SYMBOL, trailing_distance=Distance.of(100), trailing_activation=price("61000")
    )
    assert isinstance(scene.venue.set_position_stop(stop), Done)
    outcome = scene.venue.cancel_all()
    assert isinstance(outcome, Done)
    assert not outcome.was_already
    assert scene.venue.position(SYMBOL).trailing_distance is None
    scene.script.move(SYMBOL, last=price("62000"))
    scene.script.move(SYMBOL, last=price("61000"))
    assert scene.venue.position(SYMBOL).qty == qty("0.1")


def _leg(text: str) -> ProtectiveLeg:
    return ProtectiveLeg(price=price(text))


def test_legs_of_a_partly_filled_order_are_not_changed() -> None:
    """They protect a position by now, and move with its stop."""
    scene = Scene()
    order = scene.buy("0.2", "59000")
    scene.script.fill(order, qty("0.1"))
    before = scene.found(order)
    refused = scene.venue.amend(SYMBOL, order, stop_loss=_leg("58000"))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.INVALID_PARAMETER
    assert "0.1 is filled" in refused.message
    assert scene.found(order) == before


def test_a_limit_is_not_moved_beyond_its_own_stop() -> None:
    """Bybit V5 order/amend: the legs are checked against the new price."""
    scene = Scene()
    order = scene.buy("0.1", "59000")
    assert isinstance(scene.venue.amend(SYMBOL, order, stop_loss=_leg("58500")), Accepted)
    refused = scene.venue.amend(SYMBOL, order, price=price("58400"))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.STOP_ON_WRONG_SIDE
    both = scene.venue.amend(SYMBOL, order, price=price("58400"), stop_loss=_leg("58000"))
    assert isinstance(both, Accepted)
    report = scene.found(order)
    assert (report.price, report.stop_loss) == (price("58400"), _leg("58000"))


def test_legs_are_a_capability_of_their_own() -> None:
    scene = Scene(MemoryOptions(supported=frozenset(Capability) - {Capability.AMEND_LEGS}))
    order = scene.buy("0.1", "59000")
    with pytest.raises(NotSupported):
        scene.venue.amend(SYMBOL, order, take_profit=_leg("61000"))
    assert isinstance(scene.venue.amend(SYMBOL, order, price=price("58000")), Accepted)
    assert scene.found(ClientId(order)).price == price("58000")
