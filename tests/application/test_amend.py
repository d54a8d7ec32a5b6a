"""Changing a resting order: each parameter alone, judged again, settled by the order's record."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    Role,
    Trigger,
    TriggerDirection,
)
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import Entry, StopAtPrice
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import Amended, Reduced, Refused

from tests.application.bench import BTC, Bench, signal
from tests.application.order_bench import (
    fault,
    holding,
    leg,
    order_at_venue,
    orders,
    reserved,
    resting,
    the_entry,
)
from tests.domain.core.scenes import LADDER, config, held, only, opened, trade

RISES, FALLS = TriggerDirection.RISES_TO, TriggerDirection.FALLS_TO
NONE = ProtectiveLeg(price=Price.of(0))


def conditional() -> Bench:
    """Return a desk whose stop-limit entry waits for 65500, to buy at 65600 at most."""
    return resting(
        Entry(
            kind=OrderKind.LIMIT,
            price=Price.of("65600"),
            trigger=TriggerSpec(price=Price.of("65500")),
            take_profit=Price.of("68000"),
        )
    )


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"qty": Qty.of("0.0129")}, {"qty": Qty.of("0.012")}),
    ({"qty": Qty.of("0.008")}, {"qty": Qty.of("0.008")}),
    ({"price": Price.of("65500.07")}, {"price": Price.of("65500.0")}),
    ({"price": Price.of("65700")}, {"price": Price.of("65700")}),
    (
        {"trigger_price": Price.of("65400.01")},
        {"trigger": Trigger(price=Price.of("65400.1"), direction=RISES)},
    ),
    ({"stop_loss": leg("64200.01")}, {"stop_loss": leg("64200.1")}),
    ({"stop_loss": leg("63900")}, {"stop_loss": leg("63900")}),
    ({"take_profit": leg("67000.07")}, {"take_profit": leg("67000.0")}),
    ({"take_profit": NONE}, {"take_profit": None}),
]


@pytest.mark.parametrize(("wish", "changed"), CHANGES, ids=str)
def test_each_parameter_alone_changes_the_entry_in_that(
    wish: dict[str, Any], changed: dict[str, Any]
) -> None:
    bench = conditional()
    before = the_entry(bench)
    outcome = orders(bench).amend(before.client_id, **wish)
    wanted = attrs.evolve(before, **changed)
    assert outcome == Amended(client_id=before.client_id, order=wanted)
    assert the_entry(bench) == wanted
    shown = order_at_venue(bench, before.client_id)
    assert (shown.qty, shown.price, shown.trigger) == (wanted.qty, wanted.price, wanted.trigger)
    assert (shown.stop_loss, shown.take_profit) == (wanted.stop_loss, wanted.take_profit)
    (settled,) = only(bench, ev.AmendSettled)
    assert settled.request == wanted


@pytest.mark.parametrize(
    ("wish", "changed"),
    [
        ({"qty": Qty.of("0.0049")}, {"qty": Qty.of("0.004")}),
        ({"qty": Qty.of("3")}, {"qty": Qty.of("0.010")}),
        ({"price": Price.of("64400.03")}, {"price": Price.of("64400.1")}),
        (
            {"trigger_price": Price.of("64600.01")},
            {"trigger": Trigger(price=Price.of("64600.1"), direction=FALLS)},
        ),
    ],
    ids=str,
)
def test_each_parameter_alone_changes_an_exit_in_that(
    wish: dict[str, Any], changed: dict[str, Any]
) -> None:
    bench = holding()
    placed_exit = orders(bench).reduce(
        BTC,
        qty=Qty.of("0.006"),
        price=Price.of("64300"),
        trigger=TriggerSpec(price=Price.of("64500")),
    )
    assert isinstance(placed_exit, Reduced)
    (name,) = placed_exit.client_ids
    before = bench.runner.state.books.orders[name].request
    wanted = attrs.evolve(before, **changed)
    assert orders(bench).amend(name, **wish) == Amended(client_id=name, order=wanted)
    shown = order_at_venue(bench, name)
    assert (shown.qty, shown.price, shown.trigger) == (wanted.qty, wanted.price, wanted.trigger)
    assert held(bench) == Qty.of("0.010")


def test_an_exit_is_changed_on_a_halted_desk() -> None:
    bench = holding()
    placed_exit = orders(bench).reduce(BTC, price=Price.of("66000"))
    assert isinstance(placed_exit, Reduced)
    bench.desk.set_trading_state(TradingState.HALTED, "test")
    outcome = orders(bench).amend(placed_exit.client_ids[0], price=Price.of("65900"))
    assert isinstance(outcome, Amended)


def test_the_plan_behind_a_changed_entry_is_that_of_its_trade() -> None:
    bench = resting()
    orders(bench).amend(the_entry(bench).client_id, stop_loss=leg("63900"))
    bench.move("64500")
    assert trade(bench).signal.stop == StopAtPrice(Price.of("63900"))
    assert trade(bench).stop_confirmed == Price.of("63900")
    assert trade(bench).stop_wanted == Price.of("63900")


def test_a_larger_quantity_reserves_more_and_a_smaller_one_less() -> None:
    bench = resting()
    name = the_entry(bench).client_id
    assert reserved(bench) == Money.of("645.000")
    orders(bench).amend(name, qty=Qty.of("0.012"))
    assert reserved(bench) == Money.of("774.000")
    orders(bench).amend(name, qty=Qty.of("0.008"))
    assert reserved(bench) == Money.of("516.000")
    orders(bench).amend(name, price=Price.of("64000.5"))
    assert reserved(bench) == Money.of("512.0040")


# What adds risk is judged again


def limited(**limits: Any) -> Bench:
    judged = RiskLimits(loss_cooldown_ms=0, market_age_ms_max=3_600_000, **limits)
    return resting(settings=attrs.evolve(config(), limits=judged))


def broken(outcome: object) -> set[str]:
    assert isinstance(outcome, Refused), outcome
    return {breach.rule.value for breach in outcome.breaches}


def test_more_quantity_is_judged_with_the_orders_own_reservation_left_out() -> None:
    # 0.015 x 64500 = 967.5 fits below 1000; beside its own 645 it would not.
    bench = limited(position_notional_max=Money.of(1000))
    name = the_entry(bench).client_id
    assert isinstance(orders(bench).amend(name, qty=Qty.of("0.015")), Amended)
    refused = orders(bench).amend(name, qty=Qty.of("0.016"))
    assert broken(refused) == {"size per position"}
    assert isinstance(refused, Refused)
    assert refused.largest == Qty.of("0.015")
    assert the_entry(bench).qty == order_at_venue(bench, name).qty == Qty.of("0.015")


@pytest.mark.parametrize(
    ("wish", "rule"),
    [
        ({"price": Price.of("67000")}, "price deviation"),
        ({"stop_loss": NONE}, "protective stop"),
        ({"stop_loss": leg("63000")}, "risk per trade"),
    ],
)
def test_a_worse_price_and_a_looser_stop_are_judged(wish: dict[str, Any], rule: str) -> None:
    bench = limited(risk_per_trade_max=Rate.of("0.001"))
    before = the_entry(bench)
    assert rule in broken(orders(bench).amend(before.client_id, **wish))
    assert the_entry(bench) == before
    assert only(bench, ev.AmendIntended) == []


@pytest.mark.parametrize(
    ("wish", "passes"),
    [
        ({"qty": Qty.of("0.009")}, True),
        ({"price": Price.of("64400")}, True),
        ({"stop_loss": leg("64100")}, True),
        ({"qty": Qty.of("0.011")}, False),
        ({"price": Price.of("64501")}, False),
        ({"stop_loss": leg("63999")}, False),
        ({"take_profit": leg("70000")}, False),
    ],
    ids=str,
)
def test_only_what_adds_risk_is_judged(wish: dict[str, Any], passes: bool) -> None:
    """A price grows old: a rule that knows nothing of size or level refuses what is judged."""
    bench = resting(settings=attrs.evolve(config(), limits=RiskLimits(loss_cooldown_ms=0)))
    name = the_entry(bench).client_id
    bench.venue.script.advance(2_600_000)
    bench.runner.drain()
    bench.venue.script.fail_queries(1)
    outcome = orders(bench).amend(name, **wish)
    assert isinstance(outcome, Amended) if passes else broken(outcome) == {"market data fresh"}


def test_a_changed_entry_is_no_duplicate_of_its_own_signal() -> None:
    bench = limited()
    assert isinstance(orders(bench).amend(the_entry(bench).client_id, qty=Qty.of("0.011")), Amended)
    assert isinstance(bench.desk.execute(signal()), Refused)


def test_a_reduction_of_the_quantity_below_the_minimum_is_refused_with_it() -> None:
    bench = resting()
    words = fault(orders(bench).amend(the_entry(bench).client_id, qty=Qty.of("0.0004")))
    assert words == (
        f"quantity 0.000 of {the_entry(bench).client_id} leaves nothing to fill: cancel it instead"
    )


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({}, "there is nothing to change"),
        ({"qty": Qty.of("0.010")}, "there is nothing to change"),
        ({"price": Price.of("64500.01")}, "there is nothing to change"),
        ({"trigger_price": Price.of("64000")}, "waits for no trigger"),
        ({"price": Price.of(0)}, "price 0; limit: above 0; give a price above zero, or none"),
        ({"qty": Qty.of(-1)}, "quantity -1"),
        ({"stop_loss": leg("-1")}, "stop-loss -1; limit: 0 or above; zero takes it away"),
        ({"stop_loss": leg("64600")}, "below the entry"),
        ({"take_profit": leg("64400")}, "give a take-profit above the entry"),
        ({"price": Price.of("63900")}, "below the entry"),
    ],
    ids=str,
)
def test_what_cannot_be_changed_is_refused_in_words(wish: dict[str, Any], words: str) -> None:
    bench = resting()
    before = the_entry(bench)
    assert words in fault(orders(bench).amend(before.client_id, **wish))
    assert the_entry(bench) == before
    assert only(bench, ev.AmendIntended) == []


def test_a_trigger_is_not_moved_to_where_the_price_has_been() -> None:
    bench = conditional()
    name = the_entry(bench).client_id
    words = fault(orders(bench).amend(name, trigger_price=Price.of("64900")))
    assert "trigger 64900.00 has been passed" in words


def test_an_order_that_is_over_or_unknown_is_not_changed() -> None:
    bench = holding()
    (entry,) = only(bench, ev.EntryIntended)
    words = fault(orders(bench).amend(entry.order.client_id, qty=Qty.of("0.02")))
    assert "is over (filled)" in words
    assert "is not known" in fault(orders(bench).amend(ClientId("nobody"), qty=Qty.of("0.02")))
    named = [(event.client_id, event.symbol) for event in only(bench, ev.RequestRefused)]
    assert named == [(entry.order.client_id, BTC), ("nobody", None)]


def test_a_rung_is_the_desks() -> None:
    bench = opened(ladder=LADDER)
    rung = next(o for o in bench.runner.state.books.orders.values() if o.role is Role.TAKE_PROFIT)
    words = fault(orders(bench).amend(rung.request.client_id, price=Price.of("70000")))
    assert "cancel the rung and reduce by an order of your own" in words


def test_an_exit_carries_no_legs_and_a_market_order_no_price() -> None:
    bench = holding()
    placed_exit = orders(bench).reduce(BTC, trigger=TriggerSpec(price=Price.of("64500")))
    assert isinstance(placed_exit, Reduced)
    (name,) = placed_exit.client_ids
    assert "orders that open" in fault(orders(bench).amend(name, stop_loss=leg("64000")))
    assert "it has no price to change" in fault(orders(bench).amend(name, price=Price.of(64400)))
