"""What a change keeps of an order: who triggers it, what has filled, and the venue's own limits."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import (
    OrderKind,
    ProtectiveLeg,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import Entry, ExactQty, StopAtPrice, StopPercent
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.desk import Placed
from tidegate.ports.orders import Amended, Reduced, Refused

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.application.order_bench import (
    fault,
    holding,
    order_at_venue,
    orders,
    resting,
    the_entry,
)
from tests.domain.core.scenes import config, held, limit, only, placed, trade
from tests.domain.samples import BTCUSDT


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


# The plan that stands behind a changed entry


def intents(bench: Bench) -> list[ev.AmendIntended]:
    return only(bench, ev.AmendIntended)


def test_the_plan_behind_a_changed_entry_keeps_how_it_enters_and_has_the_levels_rounded() -> None:
    bench = resting(
        Entry(
            kind=OrderKind.LIMIT,
            price=Price.of("65600"),
            time_in_force=TimeInForce.POST_ONLY,
            trigger=TriggerSpec(price=Price.of("65500"), by=TriggerBy.MARK),
        )
    )
    name = the_entry(bench).client_id
    outcome = orders(bench).amend(
        name,
        stop_loss=ProtectiveLeg(price=Price.of("64200.01")),
        take_profit=ProtectiveLeg(price=Price.of("67000.07")),
    )
    assert isinstance(outcome, Amended), outcome
    (intended,) = intents(bench)
    assert intended.signal is not None
    assert intended.signal.entry == Entry(
        kind=OrderKind.LIMIT,
        price=Price.of("65600"),
        time_in_force=TimeInForce.POST_ONLY,
        trigger=TriggerSpec(
            price=Price.of("65500"), by=TriggerBy.MARK, direction=TriggerDirection.RISES_TO
        ),
        take_profit=Price.of("67000.0"),
    )
    assert intended.signal.stop == StopAtPrice(Price.of("64200.1"))


def test_a_stop_that_was_given_as_a_share_of_the_entry_moves_with_it() -> None:
    """Two per cent below 64,000 instead of 64,500: the stop falls from 63,210 to 62,720."""
    bench = make_bench(config=config())
    wish = signal(entry=limit("64500"), stop=StopPercent(Rate.of("0.02")))
    assert isinstance(bench.desk.execute(wish), Placed)
    before = the_entry(bench)
    assert before.stop_loss == ProtectiveLeg(price=Price.of("63210.0"))
    assert isinstance(orders(bench).amend(before.client_id, price=Price.of(64000)), Amended)
    shown = order_at_venue(bench, before.client_id)
    assert the_entry(bench).stop_loss == shown.stop_loss == ProtectiveLeg(price=Price.of("62720.0"))


def test_the_plan_behind_what_has_begun_to_fill_asks_for_the_whole_with_its_own_stop() -> None:
    bench = half_filled()
    name = the_entry(bench).client_id
    assert isinstance(orders(bench).amend(name, qty=Qty.of("0.012")), Amended)
    (intended,) = intents(bench)
    assert intended.signal is not None
    assert intended.signal.sizing == ExactQty(Qty.of("0.012"))
    assert intended.signal.stop == StopAtPrice(Price.of("64000"))


def test_what_has_filled_counts_towards_the_venues_largest_order() -> None:
    """0.004 have filled and 0.015 more fit: the order would be one of 0.019."""
    small = attrs.evolve(BTCUSDT, qty_max_limit=Qty.of("0.018"))
    bench = make_bench(instruments=(small,), config=config())
    name = placed(bench, entry=limit("64500"))
    bench.venue.script.fill(name, qty=Qty.of("0.004"))
    bench.runner.drain()
    words = fault(orders(bench).amend(name, qty=Qty.of("0.019")))
    assert words == (
        "maximum quantity of a limit order 0.019 BTC; limit: at most 0.018 BTC; give 0.018 or "
        "less, or several orders"
    )
    assert isinstance(orders(bench).amend(name, qty=Qty.of("0.018")), Amended)


UNSTOPPED = RiskLimits(loss_cooldown_ms=0, market_age_ms_max=3_600_000, stop_required=False)


def test_what_is_left_of_an_entry_without_a_stop_is_judged_with_the_positions() -> None:
    """Without any, 0.003 x 64,500 would be at risk; down to 64,000 it is 500 for each coin."""
    bench = make_bench(config=attrs.evolve(config(), limits=UNSTOPPED))
    sizing = ExactQty(Qty.of("0.003"))
    wish = attrs.evolve(signal(entry=limit("64500"), sizing=sizing), stop=None)
    assert isinstance(bench.desk.execute(wish), Placed)
    name = the_entry(bench).client_id
    bench.venue.script.fill(name, qty=Qty.of("0.001"))
    bench.runner.drain()
    refused = orders(bench).amend(name, qty=Qty.of("0.012"))
    assert isinstance(refused, Refused)
    assert [breach.rule.value for breach in refused.breaches] == ["risk per trade"]
    bench.desk.protection.set_stop(BTC, Price.of("64000"))
    outcome = orders(bench).amend(name, qty=Qty.of("0.012"))
    assert isinstance(outcome, Amended), outcome
    assert the_entry(bench).stop_loss is None


def test_a_trigger_that_has_fired_is_none_to_change() -> None:
    bench = resting(
        Entry(
            kind=OrderKind.LIMIT,
            price=Price.of("65400"),
            trigger=TriggerSpec(price=Price.of("65500")),
        )
    )
    bench.move("65500")
    before = the_entry(bench)
    words = fault(orders(bench).amend(before.client_id, trigger_price=Price.of("65800")))
    assert "waits for no trigger" in words
    assert the_entry(bench) == before
