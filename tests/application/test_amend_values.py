"""What a change keeps of an order: who triggers it, what has filled, and the venue's own limits."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import (
    OrderKind,
    ProtectiveLeg,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import Entry, StopAtPrice
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import Amended, Reduced, Refused

from tests.application.bench import BTC, Bench
from tests.application.order_bench import (
    fault,
    holding,
    order_at_venue,
    orders,
    resting,
    the_entry,
)
from tests.domain.core.scenes import config, held, only, trade


def by_mark(**entry: Any) -> Bench:
    """Return a desk whose stop-limit entry waits for a mark of 65500, to buy at 65600 at most."""
    return resting(
        Entry(
            kind=OrderKind.LIMIT,
            price=Price.of("65600"),
            trigger=TriggerSpec(price=Price.of("65500"), by=TriggerBy.MARK),
            **entry,
        )
    )


def test_a_moved_trigger_still_goes_by_the_same_price() -> None:
    bench = by_mark()
    name = the_entry(bench).client_id
    outcome = orders(bench).amend(name, trigger_price=Price.of("65550"))
    assert isinstance(outcome, Amended), outcome
    wanted = Trigger(
        price=Price.of("65550.00"), direction=TriggerDirection.RISES_TO, by=TriggerBy.MARK
    )
    assert the_entry(bench).trigger == order_at_venue(bench, name).trigger == wanted


@pytest.mark.parametrize("which", ["stop_loss", "take_profit"])
def test_a_leg_goes_by_the_price_it_was_given_with_through_later_changes(which: str) -> None:
    bench = by_mark()
    name = the_entry(bench).client_id
    at = {"stop_loss": "64200.1", "take_profit": "67000.0"}[which]
    leg = ProtectiveLeg(price=Price.of(at), by=TriggerBy.MARK)
    given: dict[str, Any] = {which: leg}
    assert isinstance(orders(bench).amend(name, **given), Amended)
    assert isinstance(orders(bench).amend(name, price=Price.of("65590")), Amended)
    assert isinstance(orders(bench).amend(name, qty=Qty.of("0.012")), Amended)
    assert getattr(the_entry(bench), which) == leg
    assert getattr(order_at_venue(bench, name), which) == leg


def test_a_trigger_of_an_entry_is_judged_at_where_it_fires() -> None:
    """From 65500 to 65900 the risk grows by 400 x 0.010 beside the 1,600 down to the stop."""
    bench = resting(Entry(trigger=TriggerSpec(price=Price.of("65500"))))
    name = the_entry(bench).client_id
    moved = orders(bench).amend(name, trigger_price=Price.of("65900"))
    assert isinstance(moved, Amended), moved
    refused = orders(bench).amend(name, trigger_price=Price.of("69000"))
    assert isinstance(refused, Refused)
    assert {breach.rule.value for breach in refused.breaches} == {"price deviation"}


def half_filled(limits: RiskLimits | None = None) -> Bench:
    """Return a desk whose entry of 0.010 at 64500 has filled 0.004 of it."""
    judged = limits or RiskLimits(loss_cooldown_ms=0, market_age_ms_max=3_600_000)
    bench = resting(settings=attrs.evolve(config(), limits=judged))
    bench.venue.script.fill(the_entry(bench).client_id, qty=Qty.of("0.004"))
    bench.runner.drain()
    assert held(bench) == Qty.of("0.004")
    return bench


def test_what_is_left_of_an_entry_is_judged_beside_what_has_filled() -> None:
    # 0.004 are held at a mark of 65000, which is 260; 0.008 x 64500 more are 516: 776 in all.
    for most, passes in ((776, True), (775, False)):
        limits = RiskLimits(loss_cooldown_ms=0, market_age_ms_max=3_600_000)
        bench = half_filled(attrs.evolve(limits, position_notional_max=Money.of(most)))
        outcome = orders(bench).amend(the_entry(bench).client_id, qty=Qty.of("0.012"))
        assert isinstance(outcome, Amended) is passes, outcome


def test_the_trade_of_a_changed_entry_that_has_begun_keeps_its_own_stop() -> None:
    bench = half_filled()
    name = the_entry(bench).client_id
    assert isinstance(orders(bench).amend(name, qty=Qty.of("0.012")), Amended)
    bench.venue.script.fill(name, qty=Qty.of("0.008"))
    bench.runner.drain()
    assert held(bench) == Qty.of("0.012")
    assert trade(bench).signal.stop == StopAtPrice(Price.of("64000"))
    assert trade(bench).stop_confirmed == Price.of("64000")


def test_a_quantity_that_has_filled_already_is_refused_with_both_figures() -> None:
    bench = half_filled()
    name = the_entry(bench).client_id
    assert fault(orders(bench).amend(name, qty=Qty.of("0.004"))) == (
        f"quantity 0.004 of order {name}; limit: above the 0.004 that has filled; cancel the order "
        "to end it"
    )


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (
            {"trigger_price": Price.of(0)},
            "trigger price 0; limit: above 0; give a trigger price above zero, or none",
        ),
        (
            {"take_profit": ProtectiveLeg(price=Price.of(-1))},
            "take-profit -1; limit: 0 or above; zero takes it away",
        ),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_is_named(wish: dict[str, Any], words: str) -> None:
    bench = by_mark()
    assert fault(orders(bench).amend(the_entry(bench).client_id, **wish)) == words


def test_the_venues_limits_hold_for_a_changed_exit_and_a_changed_entry() -> None:
    bench = holding()
    placed = orders(bench).reduce(BTC, price=Price.of("66000"))
    assert isinstance(placed, Reduced)
    (name,) = placed.client_ids
    assert "from 0.10 to 1999999.80" in fault(orders(bench).amend(name, price=Price.of("2000000")))
    (refused,) = only(bench, ev.RequestRefused)
    assert (refused.client_id, refused.symbol) == (name, BTC)
    assert order_at_venue(bench, name).price == Price.of("66000")
