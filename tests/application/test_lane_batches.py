"""What waits together leaves together: one batch, and for each order its own fate and answer."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.application.batching import perform_all
from tidegate.application.lane_queue import LaneQueue
from tidegate.application.lanes import LaneHost, Lanes
from tidegate.contracts.exchange_approval import approve
from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import Cancel, Effect, Place, SetLeverage
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Reduction,
    Role,
    Side,
    TimeInForce,
    VenueOrderId,
)
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import Capabilities, Capability, VenueError

from tests.domain.samples import BTCUSDT

from .bench import BTC, MemoryClock
from .threaded_bench import GatedVenue, memory_venue, until

LEVERAGE = SetLeverage(symbol=BTC, leverage=Rate.of(3))
WHY = "the reason"


def _entry(name: str, time_in_force: TimeInForce = TimeInForce.GTC) -> Place:
    order = OrderRequest(
        client_id=ClientId(name),
        symbol=BTC,
        side=Side.BUY,
        qty=Qty.of("0.010"),
        kind=OrderKind.LIMIT,
        purpose=Purpose(Role.ENTRY),
        price=Price.of("60000"),
        time_in_force=time_in_force,
    )
    approved = approve(
        order, venue=VenueKind.MEMORY, instrument=BTCUSDT, price=Price.of("65000"), now_ms=0
    )
    return Place(order=approved, urgent=False)


def _close(name: str, *, urgent: bool = True) -> Place:
    order = OrderRequest(
        client_id=ClientId(name),
        symbol=BTC,
        side=Side.SELL,
        qty=Qty.of("0.010"),
        kind=OrderKind.MARKET,
        purpose=Purpose(Role.CLOSE),
        reduce_only=True,
    )
    return Place(order=Reduction(order), urgent=urgent)


def _cancel(name: str) -> Cancel:
    return Cancel(symbol=BTC, client_id=ClientId(name), venue_id=None)


ENTRIES = [_entry(f"e{number}") for number in range(6)]


# The queue

EFFECTS: Sequence[Effect] = (*ENTRIES, _close("c1"), _close("c2"), _cancel("x1"), _cancel("x2"))


@drawn(
    effects=st.lists(st.sampled_from([*EFFECTS, LEVERAGE]), max_size=30),
    size_max=st.integers(1, 5),
)
def test_a_lane_hands_out_everything_in_its_order(effects: list[Effect], size_max: int) -> None:
    """No batch mixes kinds, is too large, or holds an urgent order or a setting with others."""
    lane = LaneQueue()
    for effect in effects:
        lane.put(effect)
    lane.put(None)
    assert lane.waiting == len(effects) + 1
    batches: list[tuple[Effect, ...]] = []
    while taken := lane.take(batch_size_max=size_max):
        batches.append(taken)
        left = len(effects) + 1 - sum(map(len, batches))
        assert lane.waiting == left
    assert [effect for batch in batches for effect in batch] == effects
    for batch in batches:
        assert len(batch) <= size_max
        assert len({type(effect) for effect in batch}) == 1
        if len(batch) > 1:
            assert isinstance(batch[0], Place | Cancel)
            assert not any(isinstance(one, Place) and one.urgent for one in batch)


def test_what_waits_one_after_the_other_is_taken_together() -> None:
    lane = LaneQueue()
    for effect in (ENTRIES[0], ENTRIES[1], LEVERAGE, ENTRIES[2], ENTRIES[3], ENTRIES[4]):
        lane.put(effect)
    assert lane.take(batch_size_max=10) == (ENTRIES[0], ENTRIES[1])
    assert lane.take(batch_size_max=10) == (LEVERAGE,)
    assert lane.take(batch_size_max=2) == (ENTRIES[2], ENTRIES[3])
    assert lane.take(batch_size_max=2) == (ENTRIES[4],)


def test_an_order_that_waits_alone_does_not_wait_for_company() -> None:
    lane = LaneQueue()
    lane.put(ENTRIES[0])
    assert lane.take(batch_size_max=10) == (ENTRIES[0],)


# The lanes


class _Host(LaneHost):
    """Collects what lanes bring back; objects to what it is told to."""

    def __init__(self, objects: Callable[[Effect], bool]) -> None:
        self.answers: list[given.Input] = []
        self.faults: list[BaseException] = []
        self.done = 0
        self.asked: list[Effect] = []
        self._lock = threading.Lock()
        self._objects = objects

    def deliver(self, item: given.Input) -> None:
        with self._lock:
            self.answers.append(item)

    def objection(self, effect: Effect) -> str | None:
        self.asked.append(effect)
        return WHY if self._objects(effect) else None

    def lane_failed(self, fault: BaseException) -> None:
        self.faults.append(fault)

    def effect_done(self) -> None:
        with self._lock:
            self.done += 1


@attrs.frozen
class _Scene:
    venue: GatedVenue
    host: _Host
    lanes: Lanes

    def settle(self) -> None:
        self.venue.gate.set()
        until(lambda: self.lanes.is_idle)

    def ids(self) -> list[ClientId | None]:
        return [order.client_id for order in self.venue.open_orders()]


@contextmanager
def _scene(
    objects: Callable[[Effect], bool] = lambda _: False, venue: GatedVenue | None = None
) -> Iterator[_Scene]:
    """Run lanes whose first entry hangs at the venue until the scene settles."""
    venue = memory_venue({"BTCUSDT": "65000"}) if venue is None else venue
    host = _Host(objects)
    lanes = Lanes(venue, MemoryClock(venue), host)
    venue.gate.clear()
    lanes.start()
    try:
        lanes.submit(_entry("first"))
        assert venue.has_entered.wait(10)
        yield _Scene(venue, host, lanes)
    finally:
        venue.gate.set()
        assert lanes.stop(timeout_s=5)
    assert host.faults == []


def _answers(scene: _Scene) -> dict[str, type[given.Input]]:
    told = (given.PlaceAccepted, given.PlaceRefused, given.PlaceUnknown)
    return {str(one.client_id): type(one) for one in scene.host.answers if isinstance(one, told)}


def test_entries_that_waited_behind_a_slow_one_leave_as_one_batch() -> None:
    with _scene() as scene:
        for entry in ENTRIES:
            assert scene.lanes.submit(entry)
        scene.settle()
        assert scene.venue.batch_sizes == [1, 6]
        assert [order.client_id for order in scene.venue.sent] == [
            "first",
            *(entry.order.order.client_id for entry in ENTRIES),
        ]
        assert set(_answers(scene).values()) == {given.PlaceAccepted}
        assert len(scene.host.answers) == 7
        assert scene.host.done == 7


def test_no_batch_is_larger_than_the_venue_takes() -> None:
    with _scene() as scene:
        assert scene.venue.capabilities.batch_size_max == 10
        for number in range(23):
            scene.lanes.submit(_entry(f"n{number}"))
        scene.settle()
        assert scene.venue.batch_sizes == [1, 10, 10, 3]
        assert len(scene.ids()) == 24


def test_an_order_of_a_batch_that_was_cancelled_or_halted_meanwhile_stays() -> None:
    """Each is asked for at its turn: the others leave without it, and it is answered."""
    with _scene(lambda effect: effect is ENTRIES[3]) as scene:
        for entry in ENTRIES[:5]:
            scene.lanes.submit(entry)
        scene.lanes.submit(_cancel("e1"))
        until(lambda: "e1" in _answers(scene))
        scene.settle()
        assert scene.venue.batch_sizes == [1, 3]
        assert scene.ids() == ["first", "e0", "e2", "e4"]
        refused = [one for one in scene.host.answers if isinstance(one, given.PlaceRefused)]
        assert {one.client_id: one.message for one in refused} == {
            "e1": "it was cancelled before it was sent",
            "e3": WHY,
        }
        assert ENTRIES[1] not in scene.host.asked
        assert scene.host.done == 7


def test_a_refused_order_of_a_batch_is_refused_alone() -> None:
    with _scene() as scene:
        scene.venue.script.reject_items([1], RejectReason.INSUFFICIENT_MARGIN, 110007, "no margin")
        for entry in ENTRIES[:3]:
            scene.lanes.submit(entry)
        scene.settle()
        (refused,) = (one for one in scene.host.answers if isinstance(one, given.PlaceRefused))
        assert refused == given.PlaceRefused(
            client_id=ClientId("e1"),
            reason=RejectReason.INSUFFICIENT_MARGIN,
            code=110007,
            message="no margin",
        )
        assert scene.ids() == ["first", "e0", "e2"]


@pytest.mark.parametrize("arrival", [Arrival.LOST, Arrival.REACHED])
def test_a_batch_without_an_answer_leaves_every_order_of_it_unknown(arrival: Arrival) -> None:
    with _scene() as scene:
        scene.venue.script.time_out_next(arrival, request=RequestKind.PLACE_BATCH)
        for entry in ENTRIES[:3]:
            scene.lanes.submit(entry)
        scene.settle()
        assert _answers(scene) == {
            "first": given.PlaceAccepted,
            **dict.fromkeys(("e0", "e1", "e2"), given.PlaceUnknown),
        }


def test_an_urgent_order_does_not_wait_for_a_batch() -> None:
    with _scene() as scene:
        for entry in ENTRIES:
            scene.lanes.submit(entry)
        scene.lanes.submit(_close("c1"))
        until(lambda: "c1" in _answers(scene))
        assert _answers(scene) == {"c1": given.PlaceRefused}, "there is nothing to close"
        scene.settle()


def test_cancels_that_wait_leave_as_one_batch() -> None:
    with _scene() as scene:
        for entry in ENTRIES[:4]:
            scene.lanes.submit(entry)
        scene.settle()
    venue = scene.venue
    host = _Host(lambda effect: effect == _cancel("e3"))
    lanes = Lanes(venue, MemoryClock(venue), host)
    foreign = Cancel(symbol=BTC, client_id=None, venue_id=VenueOrderId("nobody"))
    for effect in (_cancel("e0"), foreign, _cancel("e2"), _cancel("e3")):
        lanes.submit(effect)
    lanes.start()
    assert lanes.stop(timeout_s=5)
    assert venue.cancel_sizes == [3]
    assert venue.log[-3:] == ["cancel e0", "cancel nobody", "cancel e2"]
    assert sorted(map(str, scene.ids())) == ["e1", "e3", "first"]
    answers = [one for one in host.answers if isinstance(one, given.CancelAnswered)]
    told = {one.client_id or one.venue_id: (one.refusal is None, one.is_gone) for one in answers}
    assert told == {
        "e0": (True, False),
        "nobody": (False, True),
        "e2": (True, False),
        "e3": (False, False),
    }


# One batch against the venue


class _WithoutPostOnly(GatedVenue):
    """A venue that takes no post-only orders."""

    @property
    def capabilities(self) -> Capabilities:
        whole = super().capabilities
        return attrs.evolve(whole, supported=whole.supported - {Capability.POST_ONLY})

    def _require(self, needs: Iterable[Capability]) -> None:
        for need in needs:
            self.capabilities.require(need)


def test_an_order_that_the_venue_cannot_carry_is_refused_alone() -> None:
    venue = _WithoutPostOnly((BTCUSDT,))
    venue.script.move(BTC, last=Price.of("65000"))
    post_only = _entry("p", TimeInForce.POST_ONLY)
    answers = perform_all([ENTRIES[0], post_only, ENTRIES[1]], venue, MemoryClock(venue))
    assert [type(one) for one in answers] == [
        given.PlaceAccepted,
        given.PlaceRefused,
        given.PlaceAccepted,
    ]
    refused = answers[1]
    assert isinstance(refused, given.PlaceRefused)
    assert (refused.client_id, refused.reason) == ("p", RejectReason.NOT_SUPPORTED)
    assert [order.client_id for order in venue.open_orders()] == ["e0", "e1"]


class _Stopped(GatedVenue):
    """A venue whose connection is gone."""

    def place_batch(self, orders: Sequence[Approved | Reduction]) -> tuple[Outcome, ...]:
        raise VenueError(f"{WHY}: {len(orders)} orders")


def test_a_batch_at_a_venue_that_stopped_is_unknown() -> None:
    """An error of the connection proves nothing: the orders are asked for."""
    venue = _Stopped((BTCUSDT,))
    answers = perform_all(ENTRIES[:2], venue, MemoryClock(venue))
    assert answers == tuple(
        given.PlaceUnknown(
            client_id=ClientId(name), sent_ms=venue.now_ms(), cause=f"{WHY}: 2 orders"
        )
        for name in ("e0", "e1")
    )
