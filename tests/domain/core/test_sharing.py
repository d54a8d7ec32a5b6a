"""Several processes on one journal: what each believes, and when."""

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import FindOrder, ReadActivity
from tidegate.domain.core.inputs import (
    ActivityRead,
    InstrumentRead,
    OpenRequest,
    OrderNotFound,
    TimePassed,
)
from tidegate.domain.core.sharing import seen_elsewhere
from tidegate.domain.core.state import State, frozen
from tidegate.domain.core.step import deadline_ms, step
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Price
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import MarginMode, StreamReport, StreamState
from tidegate.domain.risk.verdict import Rule

from tests.application.bench import BTC, signal
from tests.domain.samples import BTCUSDT

from .scenes import config, limit, opened, placed, scripted, trade

T0 = 1_700_000_000_000
ETH = Symbol("ETHUSDT")
FINAL_MS, SEND_MS, LAG_MS = 4_000, 2_000, 1_000
ALONE = config(poll_down_ms=None, not_found_final_ms=FINAL_MS)
SHARED = attrs.evolve(ALONE, send_within_ms=SEND_MS, report_lag_ms=LAG_MS)


def of_another(status: Status = Status.INTENDED) -> State:
    """Return a state with an entry that another process intended, and is perhaps sending."""
    bench = scripted()
    name = placed(bench, entry=limit("64900"))
    state = bench.runner.state
    order = attrs.evolve(state.books.orders[name], status=status, venue_id=None)
    return attrs.evolve(state, books=attrs.evolve(state.books, orders={name: order}))


def test_an_order_that_another_process_may_still_send_is_not_given_up() -> None:
    state = of_another()
    (order,) = state.books.orders.values()
    name, since_ms = order.request.client_id, order.intended_ms

    def told(asked_ms: int) -> tuple[ev.Event, ...]:
        answer = OrderNotFound(client_id=name, asked_ms=asked_ms)
        return step(state, answer, SHARED, asked_ms).events

    assert told(since_ms + FINAL_MS) == ()
    assert told(since_ms + FINAL_MS + SEND_MS - 1) == ()
    late_ms = since_ms + FINAL_MS + SEND_MS
    assert told(late_ms) == (ev.OrderLapsed(client_id=name, time_ms=late_ms),)
    alone = OrderNotFound(client_id=name, asked_ms=since_ms + FINAL_MS)
    assert step(state, alone, ALONE, since_ms + FINAL_MS).events != ()


def test_an_order_of_another_process_is_asked_for_like_one_of_our_own() -> None:
    state = of_another()
    (order,) = state.books.orders.values()
    due = step(state, TimePassed(), SHARED, order.intended_ms + SHARED.ask_again_ms)
    assert [e.client_id for e in due.effects if isinstance(e, FindOrder)] == [
        order.request.client_id
    ]


def test_a_blind_process_opens_nothing_and_writes_nothing_about_it() -> None:
    blind = attrs.evolve(SHARED, streams_needed=True)
    down = StreamReport(state=StreamState.DOWN, time_ms=T0)
    state = step(scripted().runner.state, down, blind, T0).state
    late_ms = T0 + blind.limits.stream_grace_ms + 1_000
    assert deadline_ms(state, blind, late_ms) is None
    assert step(state, TimePassed(), blind, late_ms).events == ()
    asked = step(state, OpenRequest(signal=signal(), key="k" * 16), blind, late_ms)
    (refused,) = (event for event in asked.events if isinstance(event, ev.SignalRefused))
    assert Rule.STREAM_HEALTHY in {breach.rule for breach in refused.breaches}
    assert asked.state.books.effective_state is TradingState.ACTIVE


@pytest.mark.parametrize(
    ("after_ms", "is_believed"), [(0, False), (LAG_MS - 1, False), (LAG_MS, True)]
)
def test_a_report_that_may_be_older_than_what_another_wrote_contradicts_nothing(
    after_ms: int, is_believed: bool
) -> None:
    bench = opened()
    state = bench.runner.state
    now_ms = bench.venue.now_ms()
    written = ev.StopConfirmed(symbol=BTC, price=Price.of("64000"), time_ms=now_ms)
    view = seen_elsewhere(state.view, written, now_ms)
    shown = attrs.evolve(bench.venue.position(BTC), stop_loss=Price.of("63000"))
    told = step(attrs.evolve(state, view=view), shown, SHARED, now_ms + after_ms)
    assert (told.events != ()) is is_believed
    assert (told.state.view.positions[BTC] == shown) is is_believed


def test_a_report_that_agrees_is_always_taken() -> None:
    bench = opened()
    state, now_ms = bench.runner.state, bench.venue.now_ms()
    live = attrs.evolve(trade(bench), stop_confirmed=None)
    books = attrs.evolve(state.books, trades=frozen({BTC: live}))
    written = ev.StopMoveIntended(symbol=BTC, price=Price.of("64000"))
    view = seen_elsewhere(state.view, written, now_ms)
    told = step(State(books=books, view=view), bench.venue.position(BTC), SHARED, now_ms)
    assert [type(event) for event in told.events] == [ev.StopConfirmed]


def test_what_another_did_not_understand_is_cleared_by_a_later_reading_alone() -> None:
    state = scripted().runner.state
    raised = ev.FindingRaised(
        finding_id="unreadable:private", symbol=None, text="?", blocks_entries=True, time_ms=T0
    )
    books = attrs.evolve(state.books, findings=frozen({raised.finding_id: raised}))
    heard = State(books=books, view=seen_elsewhere(state.view, raised, T0))
    early = ReadActivity(since_ms=0, unreadable_count=state.view.unreadable_count, stream_changes=0)
    later = attrs.evolve(early, unreadable_count=heard.view.unreadable_count)

    def settled(question: ReadActivity) -> bool:
        answer = ActivityRead(
            positions=(),
            orders=(),
            unreadable_count=question.unreadable_count,
            stream_changes=0,
        )
        events = step(heard, answer, SHARED, T0 + 1).events
        return any(isinstance(event, ev.FindingSettled) for event in events)

    assert not settled(early)
    assert settled(later)


def test_a_fill_that_came_before_the_specification_is_planned_when_it_comes() -> None:
    bench = opened()
    state = bench.runner.state
    bare = attrs.evolve(trade(bench), rungs=(), risk=None)
    books = attrs.evolve(state.books, trades=frozen({BTC: bare}), orders=frozen({}))
    view = attrs.evolve(state.view, instruments=frozen({}))
    read = InstrumentRead(instrument=BTCUSDT)
    told = step(State(books=books, view=view), read, SHARED, bench.venue.now_ms())
    kinds = [type(event) for event in told.events]
    assert kinds[0] is ev.Replanned
    assert kinds.count(ev.OrderIntended) == 2
    assert step(State(books=books, view=view), read, ALONE, bench.venue.now_ms()).events == ()


@pytest.mark.parametrize("lacking", ["fees", "instruments"])
def test_an_entry_of_another_process_that_cannot_be_weighed_refuses_ours(lacking: str) -> None:
    state = of_another()
    (order,) = state.books.orders.values()
    elsewhere = attrs.evolve(order.request, symbol=ETH)
    assert order.signal is not None
    foreign = attrs.evolve(order, request=elsewhere, signal=attrs.evolve(order.signal, symbol=ETH))
    books = attrs.evolve(state.books, orders=frozen({foreign.request.client_id: foreign}))
    known = getattr(state.view, lacking)
    both = {"fees": state.view.fees, "instruments": state.view.instruments}
    both = {name: frozen({**found, ETH: found[BTC]}) for name, found in both.items()}
    view = attrs.evolve(state.view, **{**both, lacking: known})
    request = OpenRequest(signal=signal("other"), key="k" * 16)
    assert view.account is not None
    # With cross margin the whole account's maintenance counts.
    account = attrs.evolve(view.account, margin_mode=MarginMode.CROSS)
    state = State(books=books, view=attrs.evolve(view, account=account))
    asked = step(state, request, SHARED, order.intended_ms)
    (refused,) = (event for event in asked.events if isinstance(event, ev.SignalRefused))
    assert refused.missing
