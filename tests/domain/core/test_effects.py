"""What leaves the desk: each recorded intent exactly once, and after a restart what it needs."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import (
    AmendOrder,
    Cancel,
    Effect,
    FindOrder,
    Place,
    ReadPosition,
    SetLeverage,
    SetStop,
    TakeInventory,
)
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.inputs import (
    AmendRequest,
    CloseRequest,
    LeverageAnswered,
    OpenRequest,
    PanicRequest,
)
from tidegate.domain.core.react import question, send, unfinished, unsettled
from tidegate.domain.core.state import Books
from tidegate.domain.core.step import step
from tidegate.domain.day import DayBoundary
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderKind, Reduction, Symbol
from tidegate.domain.risk.approval import Approved
from tidegate.domain.signal import Entry
from tidegate.domain.trade import CloseReason
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import Reduced

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.application.order_bench import holding, orders

from .scenes import config, limit, opened, placed, scripted, trade

KEY = "close01234567890"
ETH = Symbol("ETHUSDT")


def books(bench: Bench) -> Books:
    return bench.runner.state.books


def folded(bench: Bench, *events: ev.Event) -> Books:
    """Return the desk's books after further events."""
    after = books(bench)
    for event in events:
        after = evolve(after, event, DayBoundary())
    return after


def sent(effect: Effect) -> ClientId:
    assert isinstance(effect, Place)
    return effect.order.order.client_id


def test_an_entry_waits_for_its_leverage_and_then_leaves_once_approved() -> None:
    bench, now_ms = make_bench(config=config()), 1_700_000_000_000
    first = step(
        bench.runner.state, OpenRequest(signal=signal(), key="first01234567890"), config(), now_ms
    )
    assert first.effects == (SetLeverage(symbol=BTC, leverage=Rate.of(3)),)
    assert first.state.view.in_flight == set(first.state.books.orders)
    answer = LeverageAnswered(symbol=BTC, leverage=Rate.of(3), refusal=None)
    then = step(first.state, answer, config(), now_ms)
    (place,) = then.effects
    assert isinstance(place, Place)
    assert isinstance(place.order, Approved)
    (intent,) = [event for event in first.events if isinstance(event, ev.EntryIntended)]
    assert (place.order.order, place.urgent) == (intent.order, False)
    assert place.order.order.client_id in then.state.view.in_flight


def test_an_entry_released_after_a_restart_is_on_its_way_again() -> None:
    bench, now_ms = make_bench(config=config()), 1_700_000_000_000
    wish = OpenRequest(signal=signal(), key="first01234567890")
    state = step(bench.runner.state, wish, config(), now_ms).state
    restarted = attrs.evolve(state, view=attrs.evolve(state.view, in_flight=frozenset()))
    answer = LeverageAnswered(symbol=BTC, leverage=Rate.of(3), refusal=None)
    released = step(restarted, answer, config(), now_ms).state
    assert released.view.in_flight == set(state.books.orders)


def test_two_entries_at_one_leverage_ask_for_it_once_in_a_step_of_their_own() -> None:
    bench, now_ms = make_bench(config=config()), 1_700_000_000_000
    state = bench.runner.state
    for name in ("first01234567890", "other01234567890"):
        wish = OpenRequest(signal=signal(name), key=name)
        made = step(state, wish, config(), now_ms)
        assert made.effects == (SetLeverage(symbol=BTC, leverage=Rate.of(3)),)
        state = made.state
    answer = LeverageAnswered(symbol=BTC, leverage=Rate.of(3), refusal=None)
    released = step(state, answer, config(), now_ms)
    assert [sent(effect) for effect in released.effects] == [
        "tgfirst01234567890-e-0",
        "tgother01234567890-e-0",
    ]


def test_of_a_leverage_only_the_entries_that_wait_for_it_hear() -> None:
    """Another leverage, another symbol: neither releases nor ends the entry."""
    bench, now_ms = make_bench(config=config()), 1_700_000_000_000
    waiting = step(
        bench.runner.state, OpenRequest(signal=signal(), key="first01234567890"), config(), now_ms
    ).state
    for refusal in (None, "no"):
        for symbol, leverage in ((BTC, Rate.of(4)), (ETH, Rate.of(3))):
            answer = LeverageAnswered(symbol=symbol, leverage=leverage, refusal=refusal)
            made = step(waiting, answer, config(), now_ms)
            assert made.effects == ()
            assert len(made.events) == 1
            assert made.state.books.orders == waiting.books.orders


def test_a_refused_leverage_is_recorded_with_its_words_and_ends_what_waits() -> None:
    bench, now_ms = make_bench(config=config()), 1_700_000_000_000
    waiting = step(
        bench.runner.state, OpenRequest(signal=signal(), key="first01234567890"), config(), now_ms
    ).state
    answer = LeverageAnswered(symbol=BTC, leverage=Rate.of(3), refusal="too much")
    made = step(waiting, answer, config(), now_ms + 9)
    name = ClientId("tgfirst01234567890-e-0")
    assert made.events == (
        ev.LeverageRefused(symbol=BTC, leverage=Rate.of(3), message="too much"),
        ev.OrderLapsed(client_id=name, time_ms=now_ms + 9),
    )
    assert made.state.view.in_flight == frozenset()
    order = made.state.books.order(name)
    assert order is not None
    assert order.status is Status.LAPSED


def test_a_close_leaves_as_an_urgent_reduction_and_rungs_are_not_urgent() -> None:
    bench = opened()
    request = CloseRequest(symbol=BTC, reason=CloseReason.OPERATOR, key=KEY)
    made = step(bench.runner.state, request, config(), bench.venue.now_ms())
    first, second, close = made.effects
    rungs = list(books(bench).orders.values())
    assert [first, second] == [
        Cancel(symbol=BTC, client_id=order.request.client_id, venue_id=order.venue_id)
        for order in rungs
    ]
    assert isinstance(close, Place)
    assert isinstance(close.order, Reduction)
    assert close.urgent
    assert close.order.order.client_id in made.state.view.in_flight
    waiting = [send(order) for order in rungs]
    assert [effect for effect in waiting if isinstance(effect, Place) and not effect.urgent] == (
        waiting
    )


def test_panic_closes_urgently_too() -> None:
    bench = opened(ladder=())
    state, now_ms = bench.runner.state, bench.venue.now_ms()
    begun = step(state, PanicRequest(cause="drill", key="panic01234567890"), config(), now_ms)
    assert begun.effects == (TakeInventory(),)
    bench.desk.panic("drill")
    intents = [event for event in bench.events() if isinstance(event, ev.OrderIntended)]
    assert [str(event.order.client_id)[-4:] for event in intents] == ["-p-0"]


def test_a_restart_asks_for_every_order_and_reads_every_position() -> None:
    bench = opened()
    first, second = books(bench).orders
    assert unsettled(books(bench)) == (
        FindOrder(symbol=BTC, client_id=first),
        FindOrder(symbol=BTC, client_id=second),
        ReadPosition(symbol=BTC),
    )
    assert unsettled(Books()) == ()


def test_a_restart_repeats_no_act_that_was_finished() -> None:
    assert unfinished(books(opened())) == ()


def test_a_restart_repeats_the_cancels_of_orders_that_are_still_open() -> None:
    bench = opened()
    first, second = books(bench).orders.values()
    name = first.request.client_id
    asked = ev.CancelIntended(symbol=BTC, client_id=name, venue_id=first.venue_id)
    refused = ev.CancelRefused(symbol=BTC, client_id=name, venue_id=None, message="no answer")
    again = (Cancel(symbol=BTC, client_id=name, venue_id=first.venue_id),)
    assert unfinished(folded(bench, asked)) == again
    assert unfinished(folded(bench, asked, refused)) == again
    ended = attrs.evolve(first, status=Status.CANCELLED, cancel_wanted=True)
    gone = attrs.evolve(books(bench), orders={name: ended, second.request.client_id: second})
    assert unfinished(gone) == ()


def test_a_restart_sets_the_stop_that_was_under_way_and_takes_a_running_panics_inventory() -> None:
    bench = opened()
    move = ev.StopMoveIntended(symbol=BTC, price=Price.of("64500"))
    shown = ev.StopConfirmed(symbol=BTC, price=Price.of("64500"), time_ms=2)
    panic = ev.PanicStarted(cause="drill", key="panic01234567890", time_ms=1)
    order = next(iter(books(bench).orders.values()))
    cancel = ev.CancelIntended(
        symbol=BTC, client_id=order.request.client_id, venue_id=order.venue_id
    )
    assert unfinished(folded(bench, cancel, move, panic)) == (
        Cancel(symbol=BTC, client_id=order.request.client_id, venue_id=order.venue_id),
        SetStop(symbol=BTC, price=Price.of("64500")),
        TakeInventory(),
    )
    assert unfinished(folded(bench, move, shown)) == ()
    again = attrs.evolve(trade(bench), stop_in_flight=trade(bench).stop_confirmed)
    assert unfinished(attrs.evolve(books(bench), trades={BTC: again})) == ()


def test_what_waits_for_a_leverage_and_is_no_entry_is_a_broken_book() -> None:
    order = next(iter(books(opened()).orders.values()))
    with pytest.raises(AssertionError, match=f"{order.request.client_id} waits and is no entry"):
        send(attrs.evolve(order, is_released=False))


# Changes of orders


def amended(bench: Bench, **wish: Any) -> AmendOrder:
    """Return what is sent when the only entry or rung that rests is changed."""
    (order,) = books(bench).orders.values()
    asked = AmendRequest(key="k" * 16, client_id=order.request.client_id, **wish)
    (effect,) = step(bench.runner.state, asked, config(), bench.venue.now_ms()).effects
    assert isinstance(effect, AmendOrder)
    return effect


def test_a_trigger_is_sent_only_where_it_moves() -> None:
    bench = make_bench(config=config())
    entry = Entry(
        kind=OrderKind.LIMIT,
        price=Price.of("65600"),
        trigger=TriggerSpec(price=Price.of("65500")),
    )
    placed(bench, entry=entry)
    smaller = amended(bench, qty=Qty.of("0.009"))
    assert (smaller.qty, smaller.price, smaller.trigger_price) == (Qty.of("0.009"), None, None)
    assert (smaller.conditional, smaller.urgent) == (True, False)
    moved = amended(bench, trigger_price=Price.of("65400"))
    assert (moved.qty, moved.trigger_price) == (None, Price.of("65400"))


def test_a_change_of_what_only_reduces_does_not_wait_behind_entries() -> None:
    bench = holding()
    outcome = orders(bench).reduce(BTC, price=Price.of("66000"))
    assert isinstance(outcome, Reduced), outcome
    (name,) = outcome.client_ids
    assert amended(bench, price=Price.of("66100")) == AmendOrder(
        symbol=BTC, client_id=name, price=Price.of("66100"), urgent=True
    )


@pytest.mark.parametrize(
    ("status", "is_asked"),
    [
        (Status.NEW, True),
        (Status.PARTIALLY_FILLED, True),
        (Status.INTENDED, False),
        (Status.UNKNOWN, False),
        (Status.FILLED, False),
    ],
)
def test_executions_are_asked_for_of_an_order_that_was_live(status: Status, is_asked: bool) -> None:
    bench = scripted()
    name = placed(bench, entry=limit("64500"))
    order = attrs.evolve(books(bench).orders[name], status=status)
    asked = question(order, books(bench))
    assert (asked.symbol, asked.client_id) == (BTC, name)
    assert asked.since_ms == (order.intended_ms if is_asked else None)
