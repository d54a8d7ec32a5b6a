"""Entries of every family at the venue: what was sent, what it reserves, and what it becomes."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import (
    OrderKind,
    ProtectiveLeg,
    Role,
    Side,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.signal import Entry, RungSpec, Signal, StopAtPrice
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.desk import Placed, Refused

from tests.application.bench import BTC, Bench, make_bench, signal

from .scenes import LADDER, config, held, limit, only, orders_of, our_orders, placed, rungs, trade

RISES, FALLS = TriggerDirection.RISES_TO, TriggerDirection.FALLS_TO


def bench() -> Bench:
    return make_bench(config=config())


def above(at: str = "65500", **changes: Any) -> Entry:
    """Return an entry that waits for the price to rise."""
    return attrs.evolve(Entry(trigger=TriggerSpec(price=Price.of(at))), **changes)


def refusal(made: Bench, wish: Signal) -> str:
    outcome = made.desk.execute(wish)
    assert isinstance(outcome, Refused), outcome
    assert our_orders(made) == []
    return outcome.fault or ""


@pytest.mark.parametrize(
    ("entry", "kind", "price", "trigger", "in_force"),
    [
        (limit("64500"), OrderKind.LIMIT, "64500", None, TimeInForce.GTC),
        (above(), OrderKind.MARKET, None, ("65500", RISES), TimeInForce.IOC),
        (above("64500"), OrderKind.MARKET, None, ("64500", FALLS), TimeInForce.IOC),
        (
            above(kind=OrderKind.LIMIT, price=Price.of("65600")),
            OrderKind.LIMIT,
            "65600",
            ("65500", RISES),
            TimeInForce.GTC,
        ),
        (
            attrs.evolve(limit("64500"), time_in_force=TimeInForce.POST_ONLY),
            OrderKind.LIMIT,
            "64500",
            None,
            TimeInForce.POST_ONLY,
        ),
    ],
)
def test_each_family_rests_at_the_venue_as_it_was_asked(
    entry: Entry,
    kind: OrderKind,
    price: str | None,
    trigger: tuple[str, TriggerDirection] | None,
    in_force: TimeInForce,
) -> None:
    made = bench()
    placed(made, entry=attrs.evolve(entry, take_profit=Price.of("67000")))
    (order,) = our_orders(made)
    assert (order.kind, order.time_in_force, order.side) == (kind, in_force, Side.BUY)
    assert order.price == (None if price is None else Price.of(price))
    assert order.trigger == (
        None if trigger is None else Trigger(price=Price.of(trigger[0]), direction=trigger[1])
    )
    assert order.stop_loss == ProtectiveLeg(price=Price.of("64000"))
    assert order.take_profit == ProtectiveLeg(price=Price.of("67000"))
    assert not order.reduce_only


@pytest.mark.parametrize("in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_entry_that_may_not_rest_ends_at_once(in_force: TimeInForce) -> None:
    made = bench()
    placed(made, entry=attrs.evolve(limit("64500"), time_in_force=in_force))
    assert our_orders(made) == []
    assert orders_of(made, Role.ENTRY) == []
    (intent,) = only(made, ev.EntryIntended)
    assert intent.order.time_in_force is in_force


def test_a_triggered_entry_is_sized_and_reserved_at_its_trigger_plus_slippage() -> None:
    made = bench()
    placed(made, entry=above())
    (intent,) = only(made, ev.EntryIntended)
    # 65500 x 1.0005 = 65532.75; 0.010 of it is 655.3275.
    assert intent.worst_price == Price.of("65532.75")
    assert intent.ticket.entry == Price.of("65500")
    assert intent.ticket.trigger == Trigger(price=Price.of("65500"), direction=RISES)
    reserved = made.runner.state.books.order(intent.order.client_id)
    assert reserved is not None
    assert reserved.worst_price is not None
    assert reserved.worst_price * reserved.qty_left == Money.of("655.3275")


def test_a_triggered_entry_opens_its_trade_with_stop_and_ladder() -> None:
    made = bench()
    placed(made, entry=above(), ladder=LADDER)
    assert rungs(made) == []
    made.move("65500")
    assert held(made) == Qty.of("0.010")
    assert trade(made).stop_confirmed == Price.of("64000")
    assert [price for price, _ in rungs(made)] == ["67000.0", "68500.0"]


def test_an_attached_take_profit_closes_the_whole_position() -> None:
    made = bench()
    placed(made, entry=Entry(take_profit=Price.of("66000")))
    assert held(made) == Qty.of("0.010")
    made.move("66000")
    assert held(made) == Qty.of(0)
    (closed,) = only(made, ev.TradeClosed)
    assert closed.trade.reason.value == "target"


def test_a_waiting_addition_does_not_keep_the_ladder_of_its_position_back() -> None:
    made = bench()
    placed(made, ladder=LADDER)
    before = rungs(made)
    placed(made, "s2", entry=above("66500"))
    made.venue.cancel(BTC, next(o for o in our_orders(made) if o.reduce_only).venue_id)
    made.runner.drain()
    made.pass_time(10_000)
    assert [o.status for o in our_orders(made) if not o.reduce_only] == [Status.UNTRIGGERED]
    assert rungs(made) == before


@pytest.mark.parametrize(
    ("by", "now"),
    [(TriggerBy.LAST, "65000"), (TriggerBy.MARK, "65020"), (TriggerBy.INDEX, "64990")],
)
def test_a_trigger_that_has_been_passed_is_refused_by_the_price_that_it_watches(
    by: TriggerBy, now: str
) -> None:
    made = bench()
    made.venue.script.move(
        BTC, last=Price.of("65000"), mark=Price.of("65020"), index=Price.of("64990")
    )
    made.runner.drain()
    spec = TriggerSpec(price=Price.of("64000"), by=by, direction=RISES)
    fault = refusal(made, signal(entry=Entry(trigger=spec)))
    assert f"the {by.value} price is {now}" in fault
    assert "has been passed" in fault


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (Entry(price=Price.of("65000")), "a market entry has no price"),
        (Entry(kind=OrderKind.LIMIT), "a limit entry has a price"),
        (Entry(time_in_force=TimeInForce.FOK), "a market entry is ioc"),
        (Entry(take_profit=Price.of("64900")), "above 6"),
        (Entry(take_profit=Price.of("65000")), "above 6"),
        (limit("0"), "above 0"),
    ],
)
def test_what_contradicts_itself_is_refused_and_nothing_is_sent(entry: Entry, word: str) -> None:
    assert word in refusal(bench(), signal(entry=entry))


def test_a_take_profit_before_a_rung_is_refused() -> None:
    wish = signal(entry=Entry(take_profit=Price.of("66500")), ladder=LADDER)
    fault = refusal(bench(), wish)
    assert "target 2 at" in fault
    assert "beyond the take-profit 66500" in fault
    at_the_last = signal(
        entry=attrs.evolve(limit("65000"), take_profit=Price.of("67000")), ladder=LADDER
    )
    assert isinstance(bench().desk.execute(at_the_last), Placed)


def test_a_take_profit_counts_toward_the_reward_to_risk() -> None:
    wish = signal(entry=attrs.evolve(limit("65000"), take_profit=Price.of("65500")))
    demanding = attrs.evolve(wish, reward_to_risk_min=Rate.of(1))
    outcome = bench().desk.execute(demanding)
    assert isinstance(outcome, Refused)
    assert [breach.rule.value for breach in outcome.breaches] == ["reward-to-risk after costs"]
    farther = attrs.evolve(wish.entry, take_profit=Price.of("67000"))
    assert isinstance(bench().desk.execute(attrs.evolve(demanding, entry=farther)), Placed)


def test_the_stop_of_a_triggered_entry_may_lie_beyond_the_present_price() -> None:
    made = bench()
    wish = signal(entry=above("66500"), stop=StopAtPrice(Price.of("65500")))
    assert isinstance(made.desk.execute(wish), Placed)
    made.move("66500")
    assert trade(made).stop_confirmed == Price.of("65500")


def test_a_halt_takes_a_waiting_entry_off_the_venue() -> None:
    made = bench()
    placed(made, entry=above())
    made.desk.set_trading_state(TradingState.HALTED, "test")
    assert our_orders(made) == []


def test_a_signal_keeps_its_ladder_fractions_beside_a_take_profit() -> None:
    made = bench()
    half = (RungSpec(Rate.of(1), Rate.of("0.5")),)
    placed(made, entry=Entry(take_profit=Price.of("67500")), ladder=half)
    assert rungs(made) == [("66000.0", "0.005")]
    made.move("67500")
    assert held(made) == Qty.of(0)


@pytest.mark.parametrize(
    ("entry", "in_force"),
    [
        (Entry(), TimeInForce.IOC),
        (limit("64500"), TimeInForce.GTC),
        (attrs.evolve(limit("64500"), time_in_force=TimeInForce.POST_ONLY), TimeInForce.POST_ONLY),
    ],
)
def test_the_ticket_says_how_long_an_entry_rests_and_where_it_takes_profit(
    entry: Entry, in_force: TimeInForce
) -> None:
    outcome = bench().desk.execute(signal(entry=attrs.evolve(entry, take_profit=Price.of("67000"))))
    assert isinstance(outcome, Placed), outcome
    ticket = outcome.ticket
    assert (ticket.kind, ticket.time_in_force) == (entry.kind, in_force)
    assert ticket.take_profit == Price.of("67000")
