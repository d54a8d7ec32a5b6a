"""Positions without a stop: ours get it back, foreign ones as the policy says."""

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.effects import ReadInstrument
from tidegate.domain.core.inputs import InstrumentRead, StartRequest, TimePassed
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, deadline_ms, step
from tidegate.domain.management import Management
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.protection import NakedPositions, ProtectionSource
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC, Bench, make_bench
from tests.domain.samples import BTCUSDT

from .protection_scenes import by_hand, managed, policy, shown_stop
from .scenes import config, limit, only, placed, scripted

GUARD = "guard00000000000"


def foreign(
    naked: NakedPositions, *, side: Side = Side.BUY, settings: CoreConfig | None = None
) -> Bench:
    """Return a desk on whose account somebody else opened 0.005 without a stop."""
    bench = make_bench(config=settings or policy(naked_positions=naked, poll_down_ms=None))
    request = StartRequest(
        mode=bench.runner.engine.config.mode,
        venue=bench.runner.engine.config.venue,
        wallet=bench.venue.account().wallet,
        guard_key=GUARD,
    )
    bench.runner.submit(request)
    bench.venue.script.foreign_order(BTC, side=side, qty=Qty.of("0.005"))
    bench.runner.drain()
    return bench


def test_a_foreign_position_is_reported_once_after_a_grace_time_and_left_alone() -> None:
    bench = foreign(NakedPositions.REPORT)
    bench.pass_time(4_999)
    assert only(bench, ev.FindingRaised) == []
    bench.pass_time(1)
    (raised,) = only(bench, ev.FindingRaised)
    assert (raised.finding_id, raised.blocks_entries) == ("unprotected:BTCUSDT", False)
    assert raised.symbol == BTC
    assert "0.005" in raised.text
    bench.pass_time(600_000)
    assert shown_stop(bench) is None
    assert len(only(bench, ev.FindingRaised)) == 1
    assert bench.venue.position(BTC).qty == Qty.of("0.005")
    state, now_ms = bench.runner.state, bench.venue.now_ms()
    assert deadline_ms(state, policy(poll_down_ms=None), now_ms) is None
    by_hand(bench, stop_loss=Price.of("64000"))
    (settled,) = only(bench, ev.FindingSettled)
    assert settled.finding_id == "unprotected:BTCUSDT"


@pytest.mark.parametrize(("side", "stop"), [(Side.BUY, "61750"), (Side.SELL, "68250")])
def test_a_foreign_position_gets_a_stop_where_the_policy_says_so(side: Side, stop: str) -> None:
    """5 % from the mark of 65,000 are 3,250."""
    bench = foreign(NakedPositions.PROTECT, side=side)
    bench.pass_time(5_000)
    assert shown_stop(bench) == Price.of(stop)
    (intended,) = only(bench, ev.ProtectionIntended)
    assert (intended.source, intended.trade_key) == (ProtectionSource.UNPROTECTED, None)
    assert [e.finding_id for e in only(bench, ev.FindingSettled)] == ["unprotected:BTCUSDT"]
    assert bench.runner.state.books.protecting == {}


def test_a_stop_is_put_before_the_liquidation() -> None:
    bench = foreign(NakedPositions.PROTECT)
    state, report = bench.runner.state, bench.runner.state.view.positions[BTC]
    near = attrs.evolve(report, liquidation_price=Price.of("63000"))
    state = attrs.evolve(state, view=attrs.evolve(state.view, positions={BTC: near}))
    made = woken(state, bench, NakedPositions.PROTECT)
    (intended,) = [e for e in made.events if isinstance(e, ev.ProtectionIntended)]
    assert intended.change.stop_loss == Price.of("64000")


def woken(state: State, bench: Bench, naked: NakedPositions, at: int = 5_000) -> Step:
    settings = policy(naked_positions=naked, poll_down_ms=None)
    return step(state, TimePassed(), settings, bench.venue.now_ms() + at)


def test_a_symbol_that_is_not_known_is_asked_for_first() -> None:
    bench = foreign(NakedPositions.PROTECT)
    state = bench.runner.state
    state = attrs.evolve(state, view=attrs.evolve(state.view, instruments={}))
    asked = woken(state, bench, NakedPositions.PROTECT)
    assert ReadInstrument(symbol=BTC) in asked.effects
    assert not [e for e in asked.events if isinstance(e, ev.ProtectionIntended)]
    known = step(asked.state, InstrumentRead(instrument=BTCUSDT), config(), bench.venue.now_ms())
    later = woken(known.state, bench, NakedPositions.PROTECT, 10_000)
    assert [e for e in later.events if isinstance(e, ev.ProtectionIntended)]


def test_a_foreign_position_is_closed_where_the_policy_says_so() -> None:
    bench = foreign(NakedPositions.CLOSE)
    bench.pass_time(5_000)
    assert bench.venue.position(BTC).qty == Qty.of(0)
    (sent,) = only(bench, ev.OrderIntended)
    assert sent.order.reduce_only
    assert (sent.order.side, sent.order.qty) == (Side.SELL, Qty.of("0.005"))
    assert GUARD in sent.order.client_id
    assert [e.finding_id for e in only(bench, ev.FindingSettled)] == ["unprotected:BTCUSDT"]
    bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.002"))
    bench.runner.drain()
    bench.pass_time(5_000)
    names = [event.order.client_id for event in only(bench, ev.OrderIntended)]
    assert len(set(names)) == 2
    assert bench.venue.position(BTC).qty == Qty.of(0)


def test_a_halted_desk_protects_and_closes_all_the_same() -> None:
    for naked in (NakedPositions.PROTECT, NakedPositions.CLOSE):
        bench = foreign(naked)
        bench.desk.set_trading_state(TradingState.HALTED, "test")
        bench.pass_time(5_000)
        shown = bench.venue.position(BTC)
        assert shown.qty == Qty.of(0) or shown.stop_loss is not None


def test_a_position_that_an_entry_of_ours_may_have_filled_is_not_foreign() -> None:
    bench = scripted()
    placed(bench, entry=limit("64900"))
    report = bench.venue.position(BTC)
    held = attrs.evolve(
        report, qty=Qty.of("0.010"), entry_price=Price.of("64900"), time_ms=report.time_ms + 1
    )
    seen = step(bench.runner.state, held, policy(naked_positions=NakedPositions.CLOSE), 1)
    assert seen.state.view.naked_since_ms == {}


def test_a_running_panic_leaves_it_to_the_panic() -> None:
    bench = foreign(NakedPositions.CLOSE)
    books = attrs.evolve(bench.runner.state.books, is_panic_running=True)
    state = attrs.evolve(bench.runner.state, books=books)
    assert not [
        event
        for event in woken(state, bench, NakedPositions.CLOSE).events
        if isinstance(event, ev.OrderIntended)
    ]


def test_a_position_of_ours_that_lost_its_stop_is_closed_at_once_where_that_is_the_policy() -> None:
    bench = managed(Management(), settings=policy(naked_positions=NakedPositions.CLOSE))
    by_hand(bench, stop_loss=Price.of(0))
    (closed,) = only(bench, ev.TradeClosed)
    assert closed.trade.reason is CloseReason.UNPROTECTED
    assert bench.venue.open_orders() == ()


def test_the_distance_is_a_setting() -> None:
    settings = policy(
        naked_positions=NakedPositions.PROTECT, naked_stop=Rate.of("0.03"), poll_down_ms=None
    )
    bench = foreign(NakedPositions.PROTECT, settings=settings)
    bench.pass_time(5_000)
    assert shown_stop(bench) == Price.of("63050")


def test_one_that_a_list_of_what_is_held_lacks_is_neither_reported_nor_closed() -> None:
    bench = foreign(NakedPositions.CLOSE)
    state, report = bench.runner.state, bench.runner.state.view.positions[BTC]
    flat = attrs.evolve(report, qty=Qty.of(0))
    state = attrs.evolve(state, view=attrs.evolve(state.view, positions={BTC: flat}))
    made = woken(state, bench, NakedPositions.CLOSE)
    assert not [e for e in made.events if isinstance(e, ev.OrderIntended | ev.FindingRaised)]
    assert made.state.view.naked_since_ms == {}


def test_a_foreign_short_is_bought_back() -> None:
    bench = foreign(NakedPositions.CLOSE, side=Side.SELL)
    bench.pass_time(5_000)
    (sent,) = only(bench, ev.OrderIntended)
    assert (sent.order.side, sent.order.qty) == (Side.BUY, Qty.of("0.005"))
    assert sent.order.reduce_only
    assert bench.venue.position(BTC).qty == Qty.of(0)


def test_a_close_that_is_under_way_is_not_sent_twice() -> None:
    bench = foreign(NakedPositions.CLOSE)
    first = woken(bench.runner.state, bench, NakedPositions.CLOSE)
    assert len([e for e in first.events if isinstance(e, ev.OrderIntended)]) == 1
    again = woken(first.state, bench, NakedPositions.CLOSE, at=10_000)
    assert not [e for e in again.events if isinstance(e, ev.OrderIntended)]


def test_a_desk_without_a_key_of_its_own_closes_nothing_of_others() -> None:
    bench = foreign(NakedPositions.CLOSE)
    books = attrs.evolve(bench.runner.state.books, guard_key=None)
    made = woken(attrs.evolve(bench.runner.state, books=books), bench, NakedPositions.CLOSE)
    assert [e.finding_id for e in made.events if isinstance(e, ev.FindingRaised)] == [
        "unprotected:BTCUSDT"
    ]
    assert not [e for e in made.events if isinstance(e, ev.OrderIntended)]


# When, and to which


def asked_again(state: State, bench: Bench, at: int) -> Step:
    """Let time pass where a protection waits for the specification of its symbol."""
    return woken(state, bench, NakedPositions.PROTECT, at)


def test_it_is_tried_again_at_the_interval_and_not_before() -> None:
    bench = foreign(NakedPositions.PROTECT)
    state = bench.runner.state
    state = attrs.evolve(state, view=attrs.evolve(state.view, instruments={}))
    first = asked_again(state, bench, 5_000)
    question = ReadInstrument(symbol=BTC)
    assert question in first.effects
    assert question not in asked_again(first.state, bench, 9_999).effects
    assert question in asked_again(first.state, bench, 10_000).effects


def test_without_a_grace_time_it_is_acted_on_a_millisecond_later() -> None:
    bench = foreign(NakedPositions.REPORT)
    settings = policy(stop_verify_ms=0, poll_down_ms=None)
    since_ms = bench.runner.state.view.naked_since_ms[BTC]
    early = step(bench.runner.state, TimePassed(), settings, since_ms)
    assert not [e for e in early.events if isinstance(e, ev.FindingRaised)]
    made = step(bench.runner.state, TimePassed(), settings, since_ms + 1)
    assert [e for e in made.events if isinstance(e, ev.FindingRaised)]


def beside(bench: Bench, qty: str, later_ms: int = 0) -> State:
    """Return the same account with another position without a stop, the first of both."""
    state, other = bench.runner.state, Symbol("ETHUSDT")
    view = state.view
    report = attrs.evolve(view.positions[BTC], symbol=other, qty=Qty.of(qty))
    return attrs.evolve(
        state,
        view=attrs.evolve(
            view,
            positions={other: report, **view.positions},
            naked_since_ms={other: view.naked_since_ms[BTC] + later_ms, **view.naked_since_ms},
        ),
    )


@pytest.mark.parametrize(
    ("qty", "later_ms", "reported"),
    [
        ("0.2", 0, ["unprotected:ETHUSDT", "unprotected:BTCUSDT"]),
        ("0.2", 1, ["unprotected:BTCUSDT"]),
        ("0", 0, ["unprotected:BTCUSDT"]),
    ],
)
def test_each_of_several_positions_is_looked_at(
    qty: str, later_ms: int, reported: list[str]
) -> None:
    bench = foreign(NakedPositions.REPORT)
    made = woken(beside(bench, qty, later_ms), bench, NakedPositions.REPORT)
    raised = [e for e in made.events if isinstance(e, ev.FindingRaised)]
    assert [e.finding_id for e in raised] == reported
    assert [e.blocks_entries for e in raised] == [False] * len(reported)


def test_one_of_ours_without_a_stop_is_not_taken_for_a_foreign_one() -> None:
    state = managed(Management()).runner.state
    report = state.view.positions[BTC]
    bare = attrs.evolve(report, stop_loss=None, time_ms=report.time_ms + 1)
    seen = step(state, bare, policy(naked_positions=NakedPositions.REPORT), report.time_ms + 1)
    assert seen.state.view.positions[BTC].stop_loss is None
    assert seen.state.view.naked_since_ms == {}


def test_what_is_done_to_it_is_named_for_the_trade_or_the_position() -> None:
    bench = managed(Management(), settings=policy(naked_positions=NakedPositions.CLOSE))
    key = bench.runner.state.books.trades[BTC].key
    by_hand(bench, stop_loss=Price.of(0))
    assert [e.key for e in only(bench, ev.CloseStarted)] == [key]
    other = foreign(NakedPositions.PROTECT)
    other.pass_time(5_000)
    (intended,) = only(other, ev.ProtectionIntended)
    assert intended.key == f"naked BTCUSDT {intended.time_ms}"


@pytest.mark.parametrize(("side", "stop"), [(Side.BUY, "62985.1"), (Side.SELL, "67014.9")])
def test_its_stop_is_rounded_toward_the_price(side: Side, stop: str) -> None:
    """3.1 % and a bit from the mark of 65,000 are 2014.935, which lies between two ticks."""
    settings = policy(
        naked_positions=NakedPositions.PROTECT, naked_stop=Rate.of("0.030999"), poll_down_ms=None
    )
    bench = foreign(NakedPositions.PROTECT, side=side, settings=settings)
    bench.pass_time(5_000)
    assert shown_stop(bench) == Price.of(stop)
