"""Changes of ours whose answer was lost and that arrive late: nobody's change by hand, put back."""

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import Arrival, FillMode, MemoryOptions, RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.inputs import ProtectionAnswered, ProtectRequest
from tidegate.domain.core.managed import LATE_KEPT, Managed
from tidegate.domain.core.step import step
from tidegate.domain.management import Management
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Distance, Money, Price, Rate
from tidegate.domain.orders import Side
from tidegate.domain.protection import ManualChanges, ProtectionChange
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import StopPercent
from tidegate.ports.desk import Placed
from tidegate.ports.protection import Protected, ProtectOutcome

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

from .protection_scenes import EVEN, by_hand, managed, policy, shown_stop, shown_trail
from .scenes import only, trade

PLAIN = Management()
CLEAR = ProtectionChange(stop_loss=Price.of(0))
LOOSE_LIMITS = RiskLimits(
    loss_cooldown_ms=0,
    market_age_ms_max=3_600_000,
    stop_required=False,
    risk_per_trade_max=Rate.of("0.05"),
)
POLICIES = [policy(manual_changes=one, limits=LOOSE_LIMITS) for one in ManualChanges]
ADOPT = policy(manual_changes=ManualChanges.ADOPT, limits=LOOSE_LIMITS)


def lose(bench: Bench, change: ProtectionChange) -> None:
    """Ask for a change whose request stays on its way, with no answer."""
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.POSITION_STOP)
    bench.desk.protection.change(BTC, change, timeout_ms=1)


def ask(bench: Bench, change: ProtectionChange) -> None:
    outcome: ProtectOutcome = bench.desk.protection.change(BTC, change)
    assert isinstance(outcome, Protected), outcome


def stop_at(price: str) -> ProtectionChange:
    return ProtectionChange(stop_loss=Price.of(price))


def arrive(bench: Bench) -> None:
    """Let what was on its way arrive, and the desk act on what it sees then."""
    assert bench.venue.script.arrive() == 1
    for _ in range(3):
        bench.pass_time(1_000)
        bench.move("65000")


def hands(bench: Bench) -> list[ev.Event]:
    """Return what was taken for somebody's change."""
    kinds = (ev.StopChangedByHand, ev.TargetChangedByHand, ev.TrailingChangedByHand)
    return [event for event in bench.events() if isinstance(event, kinds)]


def moved_after_its_fill(settings: CoreConfig) -> Bench:
    """Return a desk whose own move of the stop to the actual entry is still on its way."""
    venue = MemoryVenue(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of("10000"),
        options=MemoryOptions(fill_mode=FillMode.SCRIPTED),
    )
    bench = make_bench(venue=venue, config=settings)
    placed = bench.desk.execute(signal(stop=StopPercent(Rate.of("0.02"))))
    assert isinstance(placed, Placed), placed
    venue.script.time_out_next(Arrival.LATE, request=RequestKind.POSITION_STOP)
    venue.script.fill(placed.client_id, None, Price.of("64990"))
    bench.runner.drain()
    return bench


@pytest.mark.parametrize("settings", POLICIES, ids=lambda one: one.manual_changes.value)
def test_the_desks_own_move_that_arrives_late_loosens_no_stop(settings: CoreConfig) -> None:
    bench = moved_after_its_fill(settings)
    planned = trade(bench).stop_wanted
    assert shown_stop(bench) != planned
    ask(bench, stop_at("64800"))
    arrive(bench)
    assert [lost.shown for lost in only(bench, ev.StopLost)] == [planned]
    assert (trade(bench).stop_wanted, shown_stop(bench)) == (Price.of("64800"),) * 2
    assert hands(bench) == []
    assert only(bench, ev.FindingRaised) == []


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("settings", POLICIES, ids=lambda one: one.manual_changes.value)
@pytest.mark.parametrize(
    ("first", "then"), [("700", "300"), ("300", "700"), ("1500", "800")], ids=str
)
def test_a_request_that_a_later_one_replaced_arrives_late(
    settings: CoreConfig, side: Side, first: str, then: str
) -> None:
    bench = managed(PLAIN, settings=settings, side=side)
    lost, wanted = (
        Price.of("65000") - Distance.of(away).times(side.sign) for away in (first, then)
    )
    lose(bench, ProtectionChange(stop_loss=lost))
    ask(bench, ProtectionChange(stop_loss=wanted))
    arrive(bench)
    assert [event.shown for event in only(bench, ev.StopLost)] == [lost]
    assert (trade(bench).stop_wanted, shown_stop(bench)) == (wanted, wanted)
    assert hands(bench) == []


def test_a_removal_that_arrives_late_is_put_back() -> None:
    bench = managed(PLAIN, settings=ADOPT)
    lose(bench, CLEAR)
    ask(bench, stop_at("64500"))
    arrive(bench)
    assert (trade(bench).stop_wanted, shown_stop(bench)) == (Price.of("64500"),) * 2
    assert hands(bench) == []


@pytest.mark.parametrize(("waited_ms", "is_by_hand"), [(16_000, False), (18_000, True)])
def test_the_same_price_is_somebodys_once_no_request_can_arrive_any_more(
    waited_ms: int, is_by_hand: bool
) -> None:
    settings = attrs.evolve(ADOPT, not_found_final_ms=4_000, send_within_ms=3_000)
    bench = managed(PLAIN, settings=settings)
    lose(bench, stop_at("63900"))
    ask(bench, stop_at("64500"))
    bench.pass_time(waited_ms)
    by_hand(bench, stop_loss=Price.of("63900"))
    bench.pass_time(1_000)
    assert (hands(bench) != []) is is_by_hand
    kept = Price.of("63900" if is_by_hand else "64500")
    assert (trade(bench).stop_wanted, shown_stop(bench)) == (kept, kept)


def test_another_price_is_somebodys_at_once() -> None:
    bench = managed(PLAIN, settings=ADOPT)
    lose(bench, stop_at("63900"))
    ask(bench, stop_at("64500"))
    by_hand(bench, stop_loss=Price.of("63950"))
    assert shown_stop(bench) == trade(bench).stop_wanted == Price.of("63950")
    assert len(hands(bench)) == 1


def test_a_refused_request_never_arrives_so_its_price_is_somebodys() -> None:
    bench = managed(PLAIN, settings=ADOPT)
    bench.venue.script.reject_next(RejectReason.OTHER, request=RequestKind.POSITION_STOP)
    bench.desk.protection.change(BTC, stop_at("63900"))
    by_hand(bench, stop_loss=Price.of("63900"))
    assert shown_stop(bench) == trade(bench).stop_wanted == Price.of("63900")


def test_a_halted_desk_keeps_a_tighter_stop_that_arrives_late() -> None:
    bench = managed(PLAIN, settings=ADOPT)
    lose(bench, stop_at("64700"))
    ask(bench, stop_at("64500"))
    bench.desk.set_trading_state(TradingState.HALTED, "test")
    arrive(bench)
    assert (trade(bench).stop_wanted, shown_stop(bench)) == (Price.of("64700"),) * 2


def test_a_break_even_that_arrives_late_stays_while_it_is_due_and_never_loosens() -> None:
    for later in (None, "65500"):
        bench = managed(EVEN, settings=ADOPT)
        bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.POSITION_STOP)
        bench.move("66000")
        even = only(bench, ev.ProtectionIntended)[0].change.stop_loss
        if later is None:
            bench.pass_time(5_001)
            assert only(bench, ev.ProtectionFailed)
        else:
            ask(bench, stop_at(later))
        assert bench.venue.script.arrive() == 1
        bench.pass_time(1_000)
        bench.pass_time(1_000)
        kept = even if later is None else Price.of(later)
        assert (trade(bench).stop_wanted, shown_stop(bench)) == (kept, kept)
        assert only(bench, ev.StopLost) == [] or later is not None


def test_nothing_is_put_back_while_the_next_change_of_the_stop_is_on_its_way() -> None:
    bench = managed(PLAIN, settings=ADOPT)
    lose(bench, stop_at("63900"))
    wanted = ProtectRequest(symbol=BTC, key="next", change=stop_at("64500"))
    start_ms = bench.venue.now_ms()
    sent = step(bench.runner.state, wanted, ADOPT, start_ms)
    late = attrs.evolve(
        bench.venue.position(BTC), stop_loss=Price.of("63900"), time_ms=start_ms + 1
    )
    seen = step(sent.state, late, ADOPT, start_ms + 1)
    assert seen.events == ()
    answer = ProtectionAnswered(symbol=BTC, key="next", refusal="no answer", is_unknown=True)
    settings = attrs.evolve(ADOPT, not_found_final_ms=20_000)
    unknown = step(seen.state, answer, settings, start_ms + 2)
    again = attrs.evolve(late, time_ms=start_ms + 3)
    overdue = step(unknown.state, again, ADOPT, start_ms + 5_000)
    (lost, move) = overdue.events
    assert isinstance(lost, ev.StopLost)
    assert move == ev.StopMoveIntended(symbol=BTC, price=Price.of("64000"))


def test_a_take_profit_and_a_trailing_stop_that_arrive_late_are_put_back() -> None:
    target = managed(PLAIN, settings=ADOPT)
    lose(target, ProtectionChange(take_profit=Price.of("70000")))
    ask(target, ProtectionChange(take_profit=Price.of("68000")))
    arrive(target)
    assert target.venue.position(BTC).take_profit == Price.of("68000")
    assert trade(target).managed.take_profit == Price.of("68000")
    trail = managed(PLAIN, settings=ADOPT)
    lose(trail, ProtectionChange(trailing_distance=Distance.of("600")))
    ask(trail, ProtectionChange(trailing_distance=Distance.of("400")))
    arrive(trail)
    assert shown_trail(trail) == Distance.of("400")
    known = trade(trail).managed.trail
    assert known is not None
    assert known.distance == Distance.of("400")
    for bench in (target, trail):
        (event,) = hands(bench)
        assert isinstance(event, ev.TargetChangedByHand | ev.TrailingChangedByHand)
        assert (event.decision, event.why) == (
            ev.HandDecision.REVERTED,
            "an earlier request of ours arrived late",
        )
        assert bench.runner.state.books.findings == {}


def test_only_the_last_changes_are_remembered_each_once() -> None:
    managed_so_far = Managed()
    for number in range(LATE_KEPT + 3):
        managed_so_far = managed_so_far.with_late(stop_at(str(60_000 + number)), number)
    assert [one.time_ms for one in managed_so_far.late] == list(range(3, LATE_KEPT + 3))
    again = managed_so_far.with_late(stop_at("60005"), 99)
    assert len(again.late) == LATE_KEPT
    assert [one.time_ms for one in again.late if one.change == stop_at("60005")] == [99]
