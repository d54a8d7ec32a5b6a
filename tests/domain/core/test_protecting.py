"""Levels of a held position: from its own average, never looser than an approved stop."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.draft import Draft
from tidegate.domain.core.effects import ReadPosition
from tidegate.domain.core.evolve_orders import put_order
from tidegate.domain.core.inputs import TimePassed
from tidegate.domain.core.managed import Managed, StopChoice
from tidegate.domain.core.protecting import plan_again
from tidegate.domain.core.state import Order, State
from tidegate.domain.core.step import Step, step
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import ClientId, OrderKind, Role, Side, Symbol, VenueOrderId
from tidegate.domain.reports import Execution, OrderReport, Origin
from tidegate.domain.signal import Entry, StopAtPrice
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, signal

from .scenes import LADDER, config, limit, opened, placed, scripted, stop_legs

T0 = 1_700_000_000_000
QUIET = config(poll_down_ms=None)
ETH = Symbol("ETHUSDT")


def in_books(state: State, **changes: Any) -> State:
    return attrs.evolve(state, books=attrs.evolve(state.books, **changes))


def in_view(state: State, **changes: Any) -> State:
    return attrs.evolve(state, view=attrs.evolve(state.view, **changes))


def with_trade(state: State, **changes: Any) -> State:
    trade = attrs.evolve(state.books.trades[BTC], **changes)
    return in_books(state, trades={BTC: trade})


def woken(state: State, at: int = 0) -> Step:
    return step(state, TimePassed(), QUIET, T0 + at)


def of_kind(made: Step, kind: type) -> list[Any]:
    return [event for event in made.events if isinstance(event, kind)]


def fill(name: ClientId | None, qty: str, price: str, side: Side = Side.BUY) -> Execution:
    return Execution(
        execution_id=f"{name} {qty} {price}",
        symbol=BTC,
        venue_id=VenueOrderId("v-9"),
        client_id=name,
        side=side,
        qty=Qty.of(qty),
        price=Price.of(price),
        fee=Money.of(0),
        is_maker=False,
        time_ms=T0,
    )


def waiting(stop: str, *, side: Side = Side.BUY) -> tuple[State, ClientId]:
    """Return a held 0.010 at 65,000 with its stop at 64,000 or 66,000, and a resting addition."""
    bench = scripted()
    far = "64000" if side is Side.BUY else "66000"
    first = bench.desk.execute(signal("s1", side=side, stop=StopAtPrice(Price.of(far))))
    assert isinstance(first, Placed), first
    bench.venue.script.fill(first.client_id)
    bench.runner.drain()
    entry = limit("65000")
    second = bench.desk.execute(
        signal("s2", side=side, entry=entry, stop=StopAtPrice(Price.of(stop)))
    )
    assert isinstance(second, Placed), second
    return bench.runner.state, second.client_id


@pytest.mark.parametrize(
    ("side", "asked", "kept"),
    [
        (Side.BUY, "64500", "64500"),
        (Side.BUY, "63500", "64000"),
        (Side.SELL, "65500", "65500"),
        (Side.SELL, "66500", "66000"),
    ],
)
def test_an_addition_that_filled_keeps_the_tighter_of_both_stops(
    side: Side, asked: str, kept: str
) -> None:
    state, name = waiting(asked, side=side)
    made = step(state, fill(name, "0.004", "65000", side), QUIET, T0)
    (levels,) = of_kind(made, ev.Replanned)
    assert levels.stop == Price.of(kept)
    assert levels.risk == (Price.of("65000") - Price.of(kept)).times(side.sign) * Qty.of("0.014")


def changed(state: State, name: ClientId, **fields: Any) -> State:
    order = attrs.evolve(state.books.orders[name], **fields)
    return in_books(state, orders={**state.books.orders, name: order})


def stop_after(state: State) -> Price | None:
    """Return the stop that is wanted once a little more of the first entry came."""
    key = state.books.trades[BTC].key
    first = next(
        order.request.client_id
        for order in (*state.books.orders.values(), *state.books.finished.values())
        if order.trade_key == key and order.role is Role.ENTRY
    )
    return step(state, fill(first, "0.001", "65000"), QUIET, T0).state.books.trades[BTC].stop_wanted


def joined(state: State, name: ClientId) -> State:
    """Return the state after a little of an addition filled."""
    return step(state, fill(name, "0.002", "65000"), QUIET, T0).state


def test_only_an_addition_that_filled_tightens_the_stop_of_its_position() -> None:
    state, name = waiting("64500")
    assert stop_after(state) == Price.of("64000")
    filled = joined(state, name)
    assert stop_after(filled) == Price.of("64500")
    request = filled.books.orders[name].request
    for fields in (
        {"request": attrs.evolve(request, stop_loss=None)},
        {"trade_key": filled.books.trades[BTC].key},
    ):
        assert stop_after(changed(filled, name, **fields)) == Price.of("64000")
    done: Order = filled.books.orders[name]
    over = in_books(
        filled,
        orders={},
        finished={**filled.books.finished, name: attrs.evolve(done, status=Status.CANCELLED)},
    )
    assert stop_after(over) == Price.of("64500")


def test_an_addition_approved_before_the_trade_began_bounds_its_stop_once_it_fills() -> None:
    state, name = waiting("64500")
    earlier = changed(state, name, intended_ms=T0 - 60_000)
    assert stop_after(joined(earlier, name)) == Price.of("64500")


def test_an_addition_is_not_forgotten_while_its_position_is_held() -> None:
    """Without it the stop would go back to the looser one, which its approval did not count on."""
    state, name = waiting("64500")
    state = joined(state, name)
    joining = state.books.orders[name]
    ended = attrs.evolve(joining, status=Status.CANCELLED, qty_reported=joining.qty_filled)
    books = attrs.evolve(state.books, finished_kept=2)
    for number in range(3):
        request = attrs.evolve(joining.request, client_id=ClientId(f"tgA-{number}"))
        other = attrs.evolve(ended, request=request, trade_key=f"other {number}")
        books = put_order(put_order(books, ended) if number == 0 else books, other)
    entries = books.trades[BTC].entries
    assert list(books.finished) == [*entries[:1], name]
    assert stop_after(attrs.evolve(state, books=books)) == Price.of("64500")


@pytest.mark.parametrize(
    ("choice", "alone", "with_addition"),
    [
        ("64200", "64200", "64500"),
        ("64800", "64800", "64800"),
        (None, None, "64500"),
    ],
)
def test_where_a_stop_was_put_stays_beside_what_additions_were_approved_with(
    choice: str | None, alone: str | None, with_addition: str
) -> None:
    """The plan would have it at 64,000."""
    state, name = waiting("64500")
    price = None if choice is None else Price.of(choice)
    put = Managed(stop_choice=StopChoice(price=price, time_ms=T0))
    state = with_trade(state, managed=put, stop_wanted=price)
    assert stop_after(state) == (None if alone is None else Price.of(alone))
    filled = joined(state, name)
    assert stop_after(filled) == Price.of(with_addition)
    earlier = changed(filled, name, intended_ms=T0 - 1)
    assert stop_after(earlier) == (None if alone is None else Price.of(alone))


def test_a_trade_whose_orders_are_forgotten_keeps_the_stop_that_is_wanted() -> None:
    state = in_books(opened(ladder=()).runner.state, orders={}, finished={})
    draft = Draft(with_trade(state, value_opened=Money.of("639")), QUIET, T0)
    plan_again(draft, BTC)
    (levels,) = draft.events
    assert isinstance(levels, ev.Replanned)
    assert (levels.entry_price, levels.stop) == (Price.of("63900"), Price.of("64000"))


def test_a_fill_beyond_its_stop_keeps_the_stop_that_came_with_the_entry() -> None:
    bench = scripted()
    name = placed(bench, ladder=LADDER)
    made = step(bench.runner.state, fill(name, "0.010", "63900"), QUIET, T0)
    (levels,) = of_kind(made, ev.Replanned)
    assert (levels.stop, levels.rungs) == (Price.of("64000"), ())
    assert levels.risk == Money.of(-1)


def test_without_a_specification_nothing_is_planned_again() -> None:
    bench = scripted()
    name = placed(bench, ladder=LADDER)
    blind = in_view(bench.runner.state, instruments={})
    assert of_kind(step(blind, fill(name, "0.010", "65000"), QUIET, T0), ev.Replanned) == []


def test_levels_that_are_known_stay_while_the_specification_is_not() -> None:
    blind = in_view(opened().runner.state, instruments={})
    made = step(blind, fill(None, "0.001", "65000"), QUIET, T0)
    assert of_kind(made, ev.Replanned) == []


def test_a_trade_without_a_stop_of_its_own_has_no_levels() -> None:
    state = opened().runner.state
    bare = attrs.evolve(state.books.trades[BTC].signal, stop=None)
    made = step(with_trade(state, signal=bare), fill(None, "0.001", "65000"), QUIET, T0)
    (levels,) = of_kind(made, ev.Replanned)
    assert (levels.stop, levels.rungs, levels.risk) == (None, (), None)


def test_what_closed_otherwise_shrinks_the_ladder_and_what_a_rung_closed_does_not() -> None:
    """Of 0.010, 0.002 were sold by hand: 0.008 are left for rungs of 0.3 and 0.7."""
    state = opened().runner.state
    made = step(state, fill(None, "0.002", "65000", Side.SELL), QUIET, T0)
    (levels,) = of_kind(made, ev.Replanned)
    assert sum((rung.qty for rung in levels.rungs), start=Qty.of(0)) == Qty.of("0.008")
    rung = next(iter(state.books.orders))
    taken = step(state, fill(rung, "0.002", "66000", Side.SELL), QUIET, T0)
    assert of_kind(taken, ev.Replanned) == []
    both = step(taken.state, fill(None, "0.002", "65000", Side.SELL), QUIET, T0)
    (again,) = of_kind(both, ev.Replanned)
    assert sum((rung.qty for rung in again.rungs), start=Qty.of(0)) == Qty.of("0.008")


def test_rungs_wait_for_a_market_entry_to_fill_whole_and_not_for_a_limit() -> None:
    for entry, count in ((limit("65000"), 1), (Entry(kind=OrderKind.MARKET), 0)):
        bench = scripted()
        name = placed(bench, entry=entry, ladder=LADDER)
        made = step(bench.runner.state, fill(name, "0.004", "65000"), QUIET, T0)
        assert bool(of_kind(made, ev.OrderIntended)) is bool(count)


def unplaced() -> State:
    """Return a protected position none of whose two rungs is at the venue."""
    return in_books(opened().runner.state, orders={})


def test_missing_rungs_are_sent_and_a_halted_or_panicking_desk_sends_none() -> None:
    state = unplaced()
    sent = of_kind(woken(state), ev.OrderIntended)
    assert [(e.order.purpose.rung, e.order.qty) for e in sent] == [
        (1, Qty.of("0.003")),
        (2, Qty.of("0.007")),
    ]
    for held_back in (
        in_books(state, trading_state=TradingState.HALTED),
        in_books(state, is_panic_running=True),
    ):
        assert of_kind(woken(held_back), ev.OrderIntended) == []
    reducing = in_books(state, trading_state=TradingState.REDUCING)
    assert len(of_kind(woken(reducing), ev.OrderIntended)) == 2


def test_a_rung_is_sent_for_what_it_has_not_closed_and_never_for_more_than_is_held() -> None:
    part = with_trade(unplaced(), rung_closed={1: Qty.of("0.001"), 2: Qty.of("0.007")})
    assert [e.order.qty for e in of_kind(woken(part), ev.OrderIntended)] == [Qty.of("0.002")]
    position = attrs.evolve(unplaced().books.position(BTC), qty=Qty.of("0.002"))
    small = in_books(unplaced(), positions={BTC: position})
    assert [e.order.qty for e in of_kind(woken(small), ev.OrderIntended)] == [
        Qty.of("0.002"),
        Qty.of("0.002"),
    ]


@pytest.mark.parametrize(
    "rung",
    [
        ev.PlannedRung(number=1, price=Price.of("66100"), qty=Qty.of("0.003")),
        ev.PlannedRung(number=1, price=Price.of("66000"), qty=Qty.of("0.004")),
        ev.PlannedRung(number=3, price=Price.of("66000"), qty=Qty.of("0.003")),
    ],
    ids=["price", "quantity", "number"],
)
def test_a_rung_at_the_venue_that_is_not_as_wanted_is_cancelled(rung: ev.PlannedRung) -> None:
    state = opened().runner.state
    first, second = state.books.orders
    keeps = state.books.trades[BTC].rungs[1]
    made = woken(with_trade(state, rungs=(rung, keeps)))
    assert [e.client_id for e in of_kind(made, ev.CancelIntended)] == [first]
    assert second not in [e.client_id for e in of_kind(made, ev.CancelIntended)]
    assert of_kind(woken(state), ev.CancelIntended) == []


# Evidence of the stop


def leg(**changes: Any) -> tuple[State, OrderReport]:
    """Return a position whose stop is not confirmed, and the venue's own stop order."""
    bench = opened(ladder=())
    (found,) = stop_legs(bench)
    state = with_trade(bench.runner.state, stop_confirmed=None, verify_by_ms=T0 + 5_000)
    return state, attrs.evolve(found, **changes)


def test_the_venues_own_stop_order_proves_the_stop() -> None:
    state, found = leg()
    made = step(state, found, QUIET, T0 + 3)
    assert made.events == (ev.StopConfirmed(symbol=BTC, price=Price.of("64000"), time_ms=T0 + 3),)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": Origin.TAKE_PROFIT},
        {"status": Status.CANCELLED},
        {"trigger": None},
        {"updated_ms": T0 - 1},
        {"symbol": ETH},
    ],
    ids=str,
)
def test_no_other_order_proves_a_stop(changes: dict[str, Any]) -> None:
    state, found = leg(**changes)
    assert of_kind(step(state, found, QUIET, T0 + 3), ev.StopConfirmed) == []


def test_a_stop_order_at_another_price_has_the_position_read_once_the_stop_is_known() -> None:
    waiting_for, found = leg()
    assert found.trigger is not None
    other = attrs.evolve(found, trigger=attrs.evolve(found.trigger, price=Price.of("63000")))
    known = with_trade(waiting_for, stop_confirmed=Price.of("64000"), verify_by_ms=None)
    made = step(known, other, QUIET, T0 + 3)
    assert (made.events, made.effects) == ((), (ReadPosition(symbol=BTC),))
    assert step(known, found, QUIET, T0 + 3).effects == ()
    unconfirmed = step(waiting_for, other, QUIET, T0 + 3)
    assert of_kind(unconfirmed, ev.StopConfirmed) == [
        ev.StopConfirmed(symbol=BTC, price=Price.of("63000"), time_ms=T0 + 3)
    ]


def test_a_flat_report_says_nothing_about_a_stop() -> None:
    state = opened(ladder=()).runner.state
    flat = attrs.evolve(state.view.positions[BTC], qty=Qty.of(0), stop_loss=None)
    assert step(state, flat, QUIET, T0).events == ()


def test_a_stop_is_read_back_first_and_set_only_when_the_venue_shows_none() -> None:
    state, _ = leg()
    bare = in_view(state, asked_ms={})
    subject_known = woken(bare)
    assert subject_known.effects == (ReadPosition(symbol=BTC),)
    shown = subject_known.state
    again = woken(shown, 1_000)
    assert again.effects == (ReadPosition(symbol=BTC),)
    report = attrs.evolve(shown.view.positions[BTC], stop_loss=None)
    naked = in_view(shown, positions={BTC: report})
    assert of_kind(woken(naked, 1_000), ev.StopMoveIntended) == [
        ev.StopMoveIntended(symbol=BTC, price=Price.of("64000"))
    ]
    flat = in_view(shown, positions={BTC: attrs.evolve(report, qty=Qty.of(0))})
    assert of_kind(woken(flat, 1_000), ev.StopMoveIntended) == []
    unknown = in_view(shown, positions={})
    assert of_kind(woken(unknown, 1_000), ev.StopMoveIntended) == []


def test_a_stop_that_did_not_come_with_the_entry_is_set_at_once() -> None:
    state, _ = leg()
    moved = in_view(with_trade(state, stop_wanted=Price.of("64500")), asked_ms={})
    price = Price.of("64500")
    assert woken(moved).events == (ev.StopMoveIntended(symbol=BTC, price=price),)
    under_way = with_trade(moved, stop_in_flight=price)
    assert woken(under_way).effects == (ReadPosition(symbol=BTC),)
