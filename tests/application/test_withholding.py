"""What never left is answered all the same: a request as refused, a query not at all."""

from collections.abc import Callable

import attrs
import pytest
from tidegate.application.lanes import LaneHost, Lanes
from tidegate.application.objections import objection_to
from tidegate.application.performing import perform
from tidegate.application.withholding import withheld
from tidegate.domain.account_settings import LeverageSetting
from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import (
    AmendOrder,
    ApplySetting,
    Cancel,
    Effect,
    FindOrder,
    Place,
    ReadActivity,
    ReadPosition,
    SetLeverage,
    SetProtection,
    SetStop,
    TakeInventory,
)
from tidegate.domain.core.events_account import SettingCause
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Reduction,
    Role,
    Side,
    VenueOrderId,
)
from tidegate.domain.protection import ProtectionChange
from tidegate.domain.reports import RejectReason, Ticker
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import VenueError

from .bench import BTC, Bench, MemoryClock, make_bench, signal
from .threaded_bench import GatedVenue, make_runner_bench, memory_venue, own_threads, running, until

WHY = "the reason"
STOP = Price.of("64000")
CLOSE = Place(
    order=Reduction(
        OrderRequest(
            client_id=ClientId("c1"),
            symbol=BTC,
            side=Side.SELL,
            qty=Qty.of("0.010"),
            kind=OrderKind.MARKET,
            purpose=Purpose(Role.CLOSE),
            reduce_only=True,
        )
    ),
    urgent=True,
)
OURS = Cancel(symbol=BTC, client_id=ClientId("c1"), venue_id=None)
FOREIGN = Cancel(symbol=BTC, client_id=None, venue_id=VenueOrderId("v1"))
LEVERAGE = SetLeverage(symbol=BTC, leverage=Rate.of(3))
MOVE = SetStop(symbol=BTC, price=STOP)
QUERIES: tuple[Effect, ...] = (
    FindOrder(symbol=BTC, client_id=ClientId("c1")),
    ReadPosition(symbol=BTC),
    ReadActivity(since_ms=0),
    TakeInventory(),
)

_STAYED = given.StopAnswered(symbol=BTC, price=STOP, refusal=WHY)
DECLINED: tuple[tuple[Effect, given.Input], ...] = (
    (OURS, given.CancelAnswered(symbol=BTC, client_id=ClientId("c1"), venue_id=None, refusal=WHY)),
    (
        FOREIGN,
        given.CancelAnswered(symbol=BTC, client_id=None, venue_id=VenueOrderId("v1"), refusal=WHY),
    ),
    (LEVERAGE, given.LeverageAnswered(symbol=BTC, leverage=Rate.of(3), refusal=WHY)),
)
BROKEN = (*DECLINED, (MOVE, attrs.evolve(_STAYED, is_unknown=True)))

_CHANGE = AmendOrder(symbol=BTC, client_id=ClientId("c1"), price=STOP)
_SETTING = ApplySetting(key="s1", setting=LeverageSetting(symbol=BTC, leverage=Rate.of(5)))
_GUARD = SetProtection(symbol=BTC, key="p1", change=ProtectionChange(take_profit=STOP))
HELD_BACK: tuple[tuple[Effect, given.Input], ...] = (
    *DECLINED,
    (MOVE, _STAYED),
    (_CHANGE, given.AmendAnswered(asked=_CHANGE, refusal=WHY)),
    (_SETTING, given.SettingAnswered(key="s1", cause=SettingCause.NOT_SENT, message=WHY)),
    (_GUARD, given.ProtectionAnswered(symbol=BTC, key="p1", refusal=WHY)),
)


def _name(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize(("effect", "answer"), HELD_BACK, ids=_name)
def test_a_request_that_is_held_back_is_answered_as_refused_with_the_reason(
    effect: Effect, answer: given.Input
) -> None:
    assert withheld(effect, WHY) == (answer,)


def test_an_order_that_is_held_back_is_refused_and_nobody_asks_the_venue_for_it() -> None:
    assert withheld(CLOSE, WHY) == (
        given.PlaceRefused(
            client_id=ClientId("c1"), reason=RejectReason.OTHER, code=None, message=WHY
        ),
    )


@pytest.mark.parametrize("effect", QUERIES, ids=_name)
def test_a_query_that_is_held_back_says_nothing(effect: Effect) -> None:
    assert withheld(effect, WHY) == ()


class _BrokenWire(GatedVenue):
    """A venue whose connection breaks in the middle of every request."""

    def _break(self, *_: object) -> None:
        raise VenueError(WHY)

    place = cancel = set_leverage = set_position_stop = _break  # type: ignore[assignment]  # never return


def _broken() -> _BrokenWire:
    return _BrokenWire((make_bench().venue.instrument(BTC),))


@pytest.mark.parametrize(("effect", "answer"), BROKEN, ids=_name)
def test_a_request_whose_connection_broke_is_answered_with_the_cause(
    effect: Effect, answer: given.Input
) -> None:
    venue = _broken()
    assert perform(effect, venue, MemoryClock(venue)) == (answer,)


def test_an_order_whose_connection_broke_may_have_arrived_and_is_not_called_refused() -> None:
    venue = _broken()
    assert perform(CLOSE, venue, MemoryClock(venue)) == (
        given.PlaceUnknown(client_id=ClientId("c1"), sent_ms=venue.now_ms(), cause=WHY),
    )


class _Host(LaneHost):
    """Collects what lanes bring back; objects to what it is told to."""

    def __init__(self, objects: Callable[[Effect], bool]) -> None:
        self.answers: list[given.Input] = []
        self.faults: list[BaseException] = []
        self._objects = objects

    def deliver(self, item: given.Input) -> None:
        self.answers.append(item)

    def objection(self, effect: Effect) -> str | None:
        return WHY if self._objects(effect) else None

    def lane_failed(self, fault: BaseException) -> None:
        self.faults.append(fault)

    def effect_done(self) -> None:
        """Nobody waits for it here."""


def _lanes(objects: Callable[[Effect], bool]) -> tuple[Lanes, _Host]:
    venue, host = memory_venue({"BTCUSDT": "65000"}), _Host(objects)
    return Lanes(venue, MemoryClock(venue), host), host


def test_lanes_that_never_started_stop_at_once() -> None:
    lanes, host = _lanes(lambda _: False)
    assert lanes.stop(timeout_s=0)
    assert host.answers == []
    assert own_threads() == []


@pytest.mark.parametrize(("effect", "answer"), DECLINED, ids=_name)
def test_what_the_desk_objects_to_does_not_reach_the_venue(
    effect: Effect, answer: given.Input
) -> None:
    lanes, host = _lanes(lambda _: True)
    lanes.start()
    try:
        assert lanes.submit(effect)
        until(lambda: lanes.is_idle)
    finally:
        assert lanes.stop(timeout_s=5)
    assert host.answers == [answer]
    assert host.faults == []


def test_a_leverage_change_does_not_leave_a_desk_that_is_not_active() -> None:
    bench = make_runner_bench()
    with running(bench):
        assert bench.runner.objection(LEVERAGE) is None
        bench.desk.set_trading_state(TradingState.HALTED, "operator")
        assert bench.runner.objection(LEVERAGE) == "the desk was HALTED before it was sent"
        for safe in (CLOSE, OURS, *QUERIES):
            assert bench.runner.objection(safe) is None, "what reduces risk is never held back"


def test_a_stop_leaves_while_it_is_wanted_and_not_for_a_position_that_came_after() -> None:
    bench = make_runner_bench()
    why = "it was not wanted any more before it was sent"
    with running(bench):
        assert bench.runner.objection(MOVE) == why
        assert isinstance(bench.desk.open_with_rr(signal()), Placed)
        assert bench.runner.objection(MOVE) is None
        bench.desk.set_trading_state(TradingState.HALTED, "operator")
        assert bench.runner.objection(MOVE) is None, "a halted desk keeps its stops"
        earlier = SetStop(symbol=BTC, price=Price.of("64100"))
        assert bench.runner.objection(earlier) == why


class _Hanging(GatedVenue):
    """A venue on which everything but orders hangs until its gate opens."""

    def hang_all(self) -> None:
        for name in _CALLS:
            setattr(self, name, self._hang)

    def _hang(self, *_: object) -> None:
        assert self.gate.wait(30), "the test forgot to open the gate"
        raise VenueError(WHY)


_CALLS = (
    "cancel",
    "set_leverage",
    "set_position_stop",
    "find_order",
    "position",
    "executions",
    "holdings",
)


def _kind(effect: Effect) -> str:
    """Name what effects have in common that hang together."""
    together: dict[type[Effect], str] = {
        FindOrder: "one order or position",
        ReadPosition: "one order or position",
    }
    return together.get(type(effect), type(effect).__name__)


@pytest.mark.parametrize("hanging", [FOREIGN, LEVERAGE, MOVE, *QUERIES], ids=_name)
def test_what_hangs_holds_up_its_own_kind_alone(hanging: Effect) -> None:
    """A close is sent at once, and everything of another kind has its turn."""
    venue = _Hanging((make_bench().venue.instrument(BTC),))
    venue.script.move(BTC, last=Price.of("65000"))
    turns: list[Effect] = []

    def objects(effect: Effect) -> bool:
        turns.append(effect)
        return effect is not hanging

    host = _Host(objects)
    lanes = Lanes(venue, MemoryClock(venue), host)
    others = [e for e in (FOREIGN, LEVERAGE, MOVE, *QUERIES) if _kind(e) != _kind(hanging)]
    venue.gate.clear()
    venue.hang_all()
    lanes.start()
    try:
        lanes.submit(hanging)
        until(lambda: turns == [hanging])
        for effect in (CLOSE, *others):
            lanes.submit(effect)
        until(lambda: len(turns) == 2 + len(others))
        assert not lanes.is_idle
    finally:
        venue.gate.set()
        assert lanes.stop(timeout_s=5)
    assert host.faults == []


def test_what_waits_when_recovery_ends_goes_on_to_the_next_runner_in_its_order() -> None:
    first, second = make_bench(), make_bench()
    prices = [_ticker(first, last) for last in ("65001", "65002", "65003")]
    for price in prices:
        first.runner.deliver(price)
    first.runner.hand_over(second.runner)
    first.runner.stop()
    assert first.runner.state.view.tickers[BTC].last == Price.of("65000"), "nothing stayed behind"
    second.runner.stop()
    assert second.runner.state.view.tickers[BTC].last == Price.of("65003")


def _ticker(bench: Bench, last: str) -> Ticker:
    import attrs

    return attrs.evolve(bench.venue.ticker(BTC), last=Price.of(last))


def test_without_a_writer_nothing_leaves_that_adds_risk_and_all_that_reduces_it_does() -> None:
    bench = make_runner_bench()
    with running(bench):
        assert isinstance(bench.desk.open_with_rr(signal(leverage="3")), Placed)
        held = SetLeverage(symbol=BTC, leverage=Rate.of(3))
        other = SetLeverage(symbol=BTC, leverage=Rate.of(9))
        bench.desk.set_trading_state(TradingState.HALTED, "operator")
        assert bench.runner.objection(held) is None, "a position is to have it"
        state, config = bench.engine.state, bench.engine.config

    def said(effect: Effect) -> str | None:
        return objection_to(effect, state, config, bench.venue, now_ms=0, has_failed=True)

    assert said(other) == "the writer stopped before it was sent"
    assert said(held) is None
    assert said(CLOSE) is None
