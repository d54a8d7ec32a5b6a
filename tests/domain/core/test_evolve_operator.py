"""How an operator's requests change the books, event by event, and what a mass cancel asks when."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import AmendOrder, TakeInventory
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.react import react, unfinished
from tidegate.domain.core.state import Amendment, Books, Order
from tidegate.domain.core.step import deadline_ms
from tidegate.domain.day import DayBoundary
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import ClientId, ProtectiveLeg, Symbol, Trigger, TriggerDirection

from tests.application.bench import BTC
from tests.application.order_bench import resting

from .scenes import LADDER, config, opened, trade

DAY = DayBoundary()


def books() -> Books:
    return resting().runner.state.books


def entry(of: Books) -> Order:
    (order,) = of.orders.values()
    return order


def intended(of: Books, **changes: Any) -> ev.AmendIntended:
    order = entry(of)
    assert order.signal is not None
    return ev.AmendIntended(
        key="k",
        client_id=order.request.client_id,
        request=attrs.evolve(order.request, **changes),
        signal=attrs.evolve(order.signal, signal_id="amended"),
        worst_price=Price.of("65100"),
        time_ms=7,
    )


def settled(of: Books, **changes: Any) -> ev.AmendSettled:
    order = entry(of)
    return ev.AmendSettled(
        client_id=order.request.client_id,
        request=attrs.evolve(order.request, **changes),
        shown_ms=9,
        time_ms=10,
    )


def test_an_intended_change_stands_beside_the_order_and_counts_as_a_request() -> None:
    before = books()
    order, event = entry(before), intended(before, qty=Qty.of("0.012"))
    after = evolve(before, event, DAY)
    assert entry(after) == attrs.evolve(
        order,
        amendment=Amendment(
            before=order.request,
            before_signal=order.signal,
            before_worst_price=order.worst_price,
            request=event.request,
            signal=event.signal,
            worst_price=event.worst_price,
            sent_ms=7,
            approved_ms=7,
            approved_before_ms=order.intended_ms,
        ),
    )
    assert after.sends_today == before.sends_today + 1
    assert after.sends[-1] == 7
    # 65100 x 0.012 is more than 64500 x 0.010.
    assert entry(after).reserved == Money.of("781.2")
    assert entry(after).qty_left == Qty.of("0.012")


def test_the_larger_reservation_counts_in_both_directions() -> None:
    before = books()
    after = evolve(before, intended(before, qty=Qty.of("0.002")), DAY)
    assert entry(after).reserved == Money.of("645.000")
    assert entry(after).qty_left == Qty.of("0.010")


def test_a_change_that_the_record_shows_brings_its_plan() -> None:
    before = books()
    event = intended(before, qty=Qty.of("0.012"))
    after = evolve(evolve(before, event, DAY), settled(before, qty=Qty.of("0.012")), DAY)
    order = entry(after)
    assert (order.request, order.signal, order.worst_price) == (
        event.request,
        event.signal,
        Price.of("65100"),
    )
    assert order.pending is None
    assert order.amendment is not None
    assert (order.amendment.is_settled, order.amendment.shown_ms) == (True, 9)


def test_a_change_that_the_record_does_not_show_leaves_what_was() -> None:
    before = books()
    changed = evolve(before, intended(before, qty=Qty.of("0.012")), DAY)
    order = entry(evolve(changed, settled(before), DAY))
    was = entry(before)
    assert (order.request, order.signal, order.worst_price) == (
        was.request,
        was.signal,
        was.worst_price,
    )
    assert order.pending is None


def test_what_is_neither_reserves_at_the_worse_price() -> None:
    before = books()
    changed = evolve(before, intended(before, qty=Qty.of("0.012")), DAY)
    order = entry(evolve(changed, settled(before, qty=Qty.of("0.011")), DAY))
    assert (order.request.qty, order.worst_price) == (Qty.of("0.011"), Price.of("65100"))
    assert order.signal == entry(before).signal


def test_a_second_change_keeps_the_time_of_the_last_record() -> None:
    before = books()
    once = evolve(evolve(before, intended(before, qty=Qty.of("0.012")), DAY), settled(before), DAY)
    twice = entry(evolve(once, intended(once, qty=Qty.of("0.013")), DAY))
    assert twice.amendment is not None
    assert (twice.amendment.shown_ms, twice.amendment.is_settled) == (9, False)


def test_a_refusal_is_noted_and_only_that() -> None:
    before = books()
    changed = evolve(before, intended(before, qty=Qty.of("0.012")), DAY)
    name = entry(before).request.client_id
    refused = entry(evolve(changed, ev.AmendRejected(client_id=name, message="no"), DAY))
    amendment = entry(changed).amendment
    assert amendment is not None
    assert refused == attrs.evolve(
        entry(changed), amendment=attrs.evolve(amendment, is_refused=True)
    )


def test_an_order_that_ended_has_no_change_pending_and_none_is_begun() -> None:
    before = books()
    changed = evolve(before, intended(before, qty=Qty.of("0.012")), DAY)
    order = entry(changed)
    assert attrs.evolve(order, status=Status.CANCELLED).pending is None
    empty = attrs.evolve(before, orders={})
    event = intended(before, qty=Qty.of("0.012"))
    assert evolve(empty, event, DAY) == empty
    assert react(event, empty) == ()
    ended = attrs.evolve(entry(before), status=Status.CANCELLED)
    over = attrs.evolve(empty, finished={ended.request.client_id: ended})
    assert evolve(over, event, DAY) == over
    assert react(event, over) == ()


def test_events_about_orders_that_are_not_known_change_nothing() -> None:
    before, name = books(), ClientId("nobody")
    for event in (
        ev.AmendRejected(client_id=name, message="no"),
        attrs.evolve(settled(before), client_id=name),
        settled(before),
        ev.AmendRejected(client_id=entry(before).request.client_id, message="never asked"),
        ev.RungsDropped(symbol=Symbol("ETHUSDT"), numbers=(1,), time_ms=1),
        ev.RequestRefused(key="k", symbol=None, client_id=name, fault="no", time_ms=1),
    ):
        assert evolve(before, event, DAY) == before


RISES = TriggerDirection.RISES_TO


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"qty": Qty.of("0.012")}, {"qty": Qty.of("0.012")}),
        ({"price": Price.of("64400")}, {"price": Price.of("64400")}),
        (
            {"trigger": Trigger(price=Price.of("66000"), direction=RISES)},
            {"trigger_price": Price.of("66000"), "conditional": True},
        ),
        (
            {"stop_loss": ProtectiveLeg(price=Price.of("64100"))},
            {"stop_loss": ProtectiveLeg(price=Price.of("64100"))},
        ),
        ({"stop_loss": None}, {"stop_loss": ProtectiveLeg(price=Price.of(0))}),
        (
            {"take_profit": ProtectiveLeg(price=Price.of("67000"))},
            {"take_profit": ProtectiveLeg(price=Price.of("67000"))},
        ),
    ],
    ids=str,
)
def test_only_what_differs_is_asked_for(changes: dict[str, Any], asked: dict[str, Any]) -> None:
    before = books()
    event = intended(before, **changes)
    (effect,) = react(event, evolve(before, event, DAY))
    assert effect == attrs.evolve(
        AmendOrder(symbol=BTC, client_id=event.client_id, urgent=False), **asked
    )


def test_rungs_that_are_dropped_are_remembered_in_order() -> None:
    bench = opened(ladder=LADDER)
    before = bench.runner.state.books
    first = evolve(before, ev.RungsDropped(symbol=BTC, numbers=(2,), time_ms=1), DAY)
    assert [rung.number for rung in first.trades[BTC].rungs] == [1]
    assert first.trades[BTC].rungs_dropped == (2,)
    second = evolve(first, ev.RungsDropped(symbol=BTC, numbers=(1, 2), time_ms=1), DAY)
    assert second.trades[BTC].rungs == ()
    assert second.trades[BTC].rungs_dropped == (1, 2)
    assert trade(bench).rungs_dropped == ()


def test_a_mass_cancel_is_remembered_until_it_ends_and_repeated_after_a_restart() -> None:
    started = ev.MassCancelStarted(key="k", symbol=BTC, with_stops=False, time_ms=3)
    state = resting().runner.state
    running = evolve(state.books, started, DAY)
    assert running.mass_cancel == started
    assert unfinished(running) == (TakeInventory(),)
    assert unfinished(state.books) == ()
    ended = ev.MassCancelEnded(key="k", remaining=(), time_ms=4)
    assert evolve(running, ended, DAY) == state.books
    panicked = ev.PanicStarted(cause="drill", key="p", time_ms=5)
    assert evolve(running, panicked, DAY).mass_cancel is None


def test_a_mass_cancel_looks_again_after_a_while() -> None:
    state = resting().runner.state
    started = ev.MassCancelStarted(key="k", symbol=BTC, with_stops=False, time_ms=3)
    running = attrs.evolve(state, books=evolve(state.books, started, DAY))
    assert deadline_ms(running, config(), 50) == 50
    looked = attrs.evolve(running, view=attrs.evolve(running.view, inventory_asked_ms=50))
    assert deadline_ms(looked, config(), 50) == 1_050
