"""Panic, inventory by inventory: what is cancelled, what is closed, and what keeps it running."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import TakeInventory
from tidegate.domain.core.inputs import (
    Inventory,
    PanicRequest,
    PanicResetRequest,
    TimePassed,
)
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, step
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Role,
    Side,
    TimeInForce,
    VenueOrderId,
)
from tidegate.domain.reports import OrderReport, PositionReport

from tests.application.bench import BTC, Bench
from tests.domain.samples import BTCUSDT

from .scenes import LADDER, config, limit, opened, our_orders, placed, scripted

KEY = "panic01234567890"
T0 = 1_700_000_000_000
SETTINGS = config(poll_down_ms=None, panic_inventories_max=3)


def take(state: State, item: Any, at: int = 0) -> Step:
    return step(state, item, SETTINGS, T0 + at)


def panicked(bench: Bench | None = None) -> State:
    """Return the state right after panic began at T0 on a protected long position of 0.010."""
    bench = opened(ladder=()) if bench is None else bench
    return take(bench.runner.state, PanicRequest(cause="drill", key=KEY)).state


def position(qty: str = "0.010") -> PositionReport:
    report = opened(ladder=()).venue.position(BTC)
    return attrs.evolve(report, qty=Qty.of(qty), mark=Price.of("65020"), sequence=10_000)


def foreign(**changes: Any) -> OrderReport:
    """Return somebody else's resting order."""
    bench = scripted()
    placed(bench, entry=limit("64900"))
    (report,) = our_orders(bench)
    return attrs.evolve(report, client_id=None, venue_id=VenueOrderId("theirs"), **changes)


def closing(number: int, qty: str, side: Side = Side.SELL) -> ev.OrderIntended:
    return ev.OrderIntended(
        trade_key=KEY,
        order=OrderRequest(
            client_id=ClientId(f"tg{KEY}-p-{number}"),
            symbol=BTC,
            side=side,
            qty=Qty.of(qty),
            kind=OrderKind.MARKET,
            purpose=Purpose(Role.PANIC),
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
        ),
        decision_price=Price.of("65020"),
        time_ms=T0 + 9,
    )


def test_panic_is_recorded_with_its_cause_and_looks_at_everything() -> None:
    bench = scripted()
    name = placed(bench, entry=limit("64900"), ladder=LADDER)
    order = bench.runner.state.books.orders[name]
    begun = take(bench.runner.state, PanicRequest(cause="drill", key=KEY), 3)
    assert begun.events == (
        ev.PanicStarted(cause="drill", key=KEY, time_ms=T0 + 3),
        ev.CancelIntended(symbol=BTC, client_id=name, venue_id=order.venue_id),
    )
    assert begun.effects[-1] == TakeInventory()
    view = begun.state.view
    assert (view.panic_inventories, view.inventory_asked_ms) == (0, T0 + 3)


def test_each_panic_counts_its_looks_from_none() -> None:
    state = opened(ladder=()).runner.state
    looked = attrs.evolve(state, view=attrs.evolve(state.view, panic_inventories=99))
    begun = take(looked, PanicRequest(cause="drill", key=KEY))
    assert begun.state.view.panic_inventories == 0


def test_rungs_are_left_to_the_venue_until_nothing_is_held() -> None:
    begun = take(opened().runner.state, PanicRequest(cause="drill", key=KEY))
    assert [type(event) for event in begun.events] == [ev.PanicStarted]


def test_a_second_request_looks_again_and_records_nothing() -> None:
    state = panicked()
    counted = attrs.evolve(state, view=attrs.evolve(state.view, panic_inventories=2))
    again = take(counted, PanicRequest(cause="other", key="other01234567890"), 5)
    assert (again.events, again.effects) == ((), (TakeInventory(),))
    assert again.state.view.panic_inventories == 2


@pytest.mark.parametrize(("qty", "side"), [("0.010", Side.SELL), ("-0.010", Side.BUY)])
def test_what_is_held_is_closed_once_at_market(qty: str, side: Side) -> None:
    held = Inventory(positions=(position(qty),), orders=())
    made = take(panicked(), held, 9)
    closes = tuple(event for event in made.events if isinstance(event, ev.OrderIntended))
    assert closes == (closing(0, "0.010", side),)
    assert made.state.view.positions[BTC].mark == Price.of("65020")
    again = take(made.state, held, 9)
    assert [event for event in again.events if isinstance(event, ev.OrderIntended)] == []


@pytest.mark.parametrize("has_session", [True, False])
def test_a_close_that_ended_is_waited_for_shortly_though_its_executions_never_come(
    has_session: bool,
) -> None:
    begun = State() if not has_session else opened(ladder=()).runner.state
    state = take(begun, PanicRequest(cause="drill", key=KEY)).state
    made = take(state, Inventory(positions=(position(),), orders=()), 9)
    (close,) = (event.order for event in made.events if isinstance(event, ev.OrderIntended))
    ended = foreign(side=Side.SELL, status=Status.CANCELLED, qty_filled=Qty.of("0.004"))
    shown = attrs.evolve(ended, client_id=close.client_id, reduce_only=True)
    state = take(made.state, shown, 10).state
    rest = Inventory(positions=(position("0.006"),), orders=())
    for at, sent in ((1_008, []), (1_009, [Qty.of("0.006")])):
        again = take(state, rest, at).events
        assert [e.order.qty for e in again if isinstance(e, ev.OrderIntended)] == sent


def test_a_large_position_is_closed_in_parts_with_ids_of_their_own() -> None:
    state = panicked()
    small = attrs.evolve(BTCUSDT, qty_max_market=Qty.of("0.006"))
    tight = attrs.evolve(state, view=attrs.evolve(state.view, instruments={BTC: small}))
    held = Inventory(positions=(position(),), orders=())
    parts = [e for e in take(tight, held, 9).events if isinstance(e, ev.OrderIntended)]
    assert parts == [closing(0, "0.006"), closing(1, "0.004")]
    blind = attrs.evolve(state, view=attrs.evolve(state.view, instruments={}))
    whole = [e for e in take(blind, held, 9).events if isinstance(e, ev.OrderIntended)]
    assert whole == [closing(0, "0.010")]


def test_foreign_orders_that_could_open_are_cancelled_by_the_venues_id() -> None:
    held = Inventory(
        positions=(position(),),
        orders=(foreign(), attrs.evolve(foreign(reduce_only=True), venue_id=VenueOrderId("stop"))),
    )
    made = take(panicked(), held, 9)
    cancels = [event for event in made.events if isinstance(event, ev.CancelIntended)]
    assert cancels == [
        ev.CancelIntended(symbol=BTC, client_id=None, venue_id=VenueOrderId("theirs"))
    ]


def test_when_nothing_is_held_what_protected_it_goes_too_and_panic_ends() -> None:
    protective = attrs.evolve(foreign(reduce_only=True), venue_id=VenueOrderId("stop"))
    made = take(panicked(), Inventory(positions=(position("0"),), orders=(protective,)), 9)
    assert made.events[-2:] == (
        ev.CancelIntended(symbol=BTC, client_id=None, venue_id=VenueOrderId("stop")),
        ev.PanicEnded(remaining=(), time_ms=T0 + 9),
    )
    assert not made.state.books.is_panic_running


def test_an_order_of_ours_in_the_inventory_is_cancelled_once_by_its_own_id() -> None:
    bench = scripted()
    name = placed(bench, entry=limit("64900"))
    (report,) = our_orders(bench)
    state = panicked(bench)
    made = take(state, Inventory(positions=(), orders=(report,)), 9)
    assert made.events == ()
    order = state.books.orders[name]
    assert order.cancel_wanted
    unasked = attrs.evolve(
        state,
        books=attrs.evolve(
            state.books,
            orders={name: attrs.evolve(order, cancel_wanted=False, cancel_intended=False)},
        ),
    )
    asked = take(unasked, Inventory(positions=(), orders=(report,)), 9)
    assert asked.events == (ev.CancelIntended(symbol=BTC, client_id=name, venue_id=order.venue_id),)


def test_an_order_under_an_id_that_the_books_do_not_know_is_cancelled_all_the_same() -> None:
    stranger = attrs.evolve(foreign(), client_id=ClientId("by-hand"))
    made = take(panicked(), Inventory(positions=(), orders=(stranger,)), 9)
    assert made.events == (
        ev.CancelIntended(
            symbol=BTC, client_id=ClientId("by-hand"), venue_id=VenueOrderId("theirs")
        ),
    )


def test_after_as_many_inventories_as_allowed_panic_names_what_remains() -> None:
    state = panicked()
    left = Inventory(positions=(position(),), orders=(foreign(), foreign(reduce_only=True)))
    for count, is_over in ((2, False), (3, True), (4, True)):
        counted = attrs.evolve(state, view=attrs.evolve(state.view, panic_inventories=count))
        made = take(counted, left, 9)
        ended = ev.PanicEnded(remaining=("BTCUSDT 0.010", "BTCUSDT order theirs"), time_ms=T0 + 9)
        assert (ended in made.events) is is_over


@pytest.mark.parametrize(
    ("changes", "remaining"),
    [
        ({"status": Status.UNKNOWN}, "unknown"),
        ({"status": Status.INTENDED}, "intended"),
        ({"status": Status.UNKNOWN, "is_released": False}, None),
        ({"status": Status.NEW}, None),
    ],
)
def test_an_entry_that_may_still_arrive_is_named(
    changes: dict[str, Any], remaining: str | None
) -> None:
    bench = scripted()
    name = placed(bench, entry=limit("64900"))
    state = panicked(bench)
    order = attrs.evolve(state.books.orders[name], **changes)
    doubtful = attrs.evolve(
        state,
        books=attrs.evolve(state.books, orders={name: order}),
        view=attrs.evolve(state.view, panic_inventories=3),
    )
    made = take(doubtful, Inventory(positions=(), orders=()), 9)
    named = () if remaining is None else (f"BTCUSDT order {name}, {remaining}",)
    assert made.events == (ev.PanicEnded(remaining=named, time_ms=T0 + 9),)


def test_an_inventory_outside_panic_changes_nothing() -> None:
    state = opened().runner.state
    made = take(state, Inventory(positions=(position(),), orders=(foreign(),)))
    assert made == Step(events=(), state=state, effects=())


def test_the_next_look_is_a_second_after_the_last_question() -> None:
    state = panicked()
    assert take(state, TimePassed(), 999).effects == ()
    due = take(state, TimePassed(), 1_000)
    assert due.effects == (TakeInventory(),)
    assert due.state.view.inventory_asked_ms == T0 + 1_000


def test_questions_that_nobody_answers_bring_panic_no_nearer_to_giving_up() -> None:
    state = panicked()
    for second in range(1, 200):
        state = take(state, TimePassed(), second * 1_000).state
    assert state.view.panic_inventories == 0
    made = take(state, Inventory(positions=(position(),), orders=()), 200_000)
    assert [type(event) for event in made.events] == [ev.OrderIntended]
    assert made.state.view.panic_inventories == 1


def test_answers_in_quick_succession_count_as_one() -> None:
    state, left = panicked(), Inventory(positions=(position(),), orders=())
    counts = []
    for at in (0, 999, 1_000, 1_001, 1_999, 2_000):
        state = take(state, left, at).state
        counts.append(state.view.panic_inventories)
    assert counts == [0, 0, 1, 1, 1, 2]


def test_panic_never_ends_in_the_step_that_sends_a_close() -> None:
    left = Inventory(positions=(position(),), orders=())
    for count in (1, 2, 3, 4):
        state = panicked()
        counted = attrs.evolve(state, view=attrs.evolve(state.view, panic_inventories=count))
        kinds = {type(event) for event in take(counted, left, 1_000).events}
        assert kinds == ({ev.OrderIntended} if count == 1 else {ev.PanicEnded})


def test_panic_can_be_left_when_it_is_over_and_not_before() -> None:
    state = panicked()
    assert take(state, PanicResetRequest(), 9).events == ()
    over = attrs.evolve(state, books=attrs.evolve(state.books, is_panic_running=False))
    assert take(over, PanicResetRequest(), 9).events == (ev.PanicReset(time_ms=T0 + 9),)
    assert take(opened().runner.state, PanicResetRequest(), 9).events == ()


def test_every_change_while_panic_runs_is_a_reason_to_look_again() -> None:
    bench = scripted()
    placed(bench, entry=limit("64900"))
    (report,) = our_orders(bench)
    gone = attrs.evolve(report, status=Status.CANCELLED)
    state = panicked(bench)
    assert TakeInventory() in take(state, gone).effects
    theirs = attrs.evolve(foreign(), status=Status.CANCELLED)
    assert take(state, theirs).effects == (TakeInventory(),)
    by_hand = attrs.evolve(theirs, client_id=ClientId("by-hand"))
    assert take(state, by_hand).effects == (TakeInventory(),)
    assert take(state, foreign()).effects == ()
    assert take(bench.runner.state, theirs).effects == ()
