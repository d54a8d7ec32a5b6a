"""The risk of one trade, from flat to flat: additions, changed entries and loosened stops."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import Arrival, FillMode, MemoryOptions, RequestKind
from tidegate.domain.core.snapshots import risk_snapshot
from tidegate.domain.core.trade_loss import entries_at_risk
from tidegate.domain.costs import Costs, Liquidity, worst_loss_per_unit
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side, TimeInForce
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import Entry, ExactQty, StopAtPrice
from tidegate.ports.desk import Placed, Refused
from tidegate.ports.orders import Amended, NotAmended
from tidegate.ports.protection import Protected, ProtectRefused, ProtectUnresolved

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

from .scenes import config, limit, trade

COSTS = Costs(fees=FEES, entry_slippage=Rate.of("0.0005"), stop_slippage=Rate.of("0.001"))


def desk(mode: FillMode = FillMode.SCRIPTED, **limits: Any) -> Bench:
    """Return a desk of 10000 USDT that may lose 100 in one trade."""
    venue = MemoryVenue(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of(10_000),
        options=MemoryOptions(fill_mode=mode),
    )
    settings = config()
    judged = attrs.evolve(settings.limits, risk_per_trade_max=Rate.of("0.01"), **limits)
    return make_bench(venue=venue, config=attrs.evolve(settings, limits=judged))


def ask(bench: Bench, name: str, qty: str, **changes: Any) -> Placed | Refused:
    wish = attrs.evolve(signal(name, sizing=ExactQty(Qty.of(qty))), **changes)
    outcome = bench.desk.execute(wish)
    assert isinstance(outcome, Placed | Refused), outcome
    bench.pass_time(10)
    return outcome


def rested(bench: Bench, name: str, qty: str, price: str = "64900", **changes: Any) -> Placed:
    outcome = ask(bench, name, qty, entry=limit(price), **changes)
    assert isinstance(outcome, Placed), outcome
    return outcome


def fill(bench: Bench, order: Placed, qty: str | None, price: str = "64900") -> None:
    amount = None if qty is None else Qty.of(qty)
    bench.venue.script.fill(order.client_id, amount, Price.of(price))
    bench.pass_time(10)


def loss(entry: str, qty: str, stop: str, liquidity: Liquidity = Liquidity.TAKER) -> Money:
    """Return the worst loss of a long, both fees and the slippage of the stop included."""
    per_unit = worst_loss_per_unit(
        side=Side.BUY,
        entry=Price.of(entry),
        stop=Price.of(stop),
        costs=COSTS,
        entry_liquidity=liquidity,
    )
    return per_unit * Rate.of(qty)


def known(bench: Bench) -> Money | None:
    engine = bench.runner.engine
    state, now_ms = bench.runner.state, engine.clock.now_ms()
    return risk_snapshot(state, BTC, "new", engine.config, now_ms).trade_loss


def worst(bench: Bench) -> Money:
    """Return what the live trade loses at the stop that it wants."""
    held = trade(bench)
    assert held.stop_wanted is not None
    entry = held.value_opened / held.qty_opened
    return loss(str(entry.value), str(held.qty_opened), str(held.stop_wanted))


def rules(outcome: object) -> set[str]:
    assert isinstance(outcome, Refused | ProtectRefused), outcome
    return {breach.rule.value for breach in outcome.breaches}


# Additions


def test_additions_count_with_what_is_held() -> None:
    bench = desk(FillMode.AT_ONCE)
    assert isinstance(ask(bench, "a", "0.050"), Placed)
    assert known(bench) == loss("65000", "0.050", "64000")
    refused = ask(bench, "b", "0.050")
    assert rules(refused) == {"risk per trade"}
    assert isinstance(refused, Refused)
    largest = refused.largest
    assert largest is not None
    assert rules(ask(bench, "c", str(largest + BTCUSDT.qty_step))) == {"risk per trade"}
    assert isinstance(ask(bench, "d", str(largest)), Placed)
    assert worst(bench) <= Money.of(100)
    assert rules(ask(bench, "e", "0.010")) == {"risk per trade"}


def test_entries_in_flight_are_one_trade_as_well() -> None:
    bench = desk()
    rested(bench, "a", "0.050")
    assert known(bench) == loss("64900", "0.050", "64000")
    assert rules(ask(bench, "b", "0.060", entry=limit("64900"))) == {"risk per trade"}
    fill(bench, rested(bench, "c", "0.030"), "0.010")
    assert known(bench) == loss("64900", "0.080", "64000")


def test_a_post_only_entry_counts_with_the_fee_of_a_maker() -> None:
    bench = desk()
    entry = Entry(
        kind=OrderKind.LIMIT, price=Price.of("64900"), time_in_force=TimeInForce.POST_ONLY
    )
    assert isinstance(ask(bench, "a", "0.050", entry=entry), Placed)
    assert known(bench) == loss("64900", "0.050", "64000", Liquidity.MAKER)


def test_a_short_counts_as_a_long_does() -> None:
    bench = desk()
    short = StopAtPrice(Price.of("66000"))
    held = rested(bench, "a", "0.050", price="65100", side=Side.SELL, stop=short)
    fill(bench, held, "0.020", "65100")
    per_unit = worst_loss_per_unit(
        side=Side.SELL, entry=Price.of(65_100), stop=Price.of(66_000), costs=COSTS
    )
    assert known(bench) == per_unit * Rate.of("0.050")


def test_a_stop_that_locks_a_profit_in_frees_the_trade_but_makes_no_room() -> None:
    bench = desk(FillMode.AT_ONCE)
    assert isinstance(ask(bench, "a", "0.080"), Placed)
    bench.move("68000")
    stop = StopAtPrice(Price.of("67000"))
    assert rules(ask(bench, "b", "0.060", stop=stop)) == {"risk per trade"}
    assert isinstance(bench.desk.protection.set_stop(BTC, Price.of("67000")), Protected)
    assert known(bench) == ZERO_MONEY
    assert rules(ask(bench, "c", "0.100", stop=stop)) == {"risk per trade"}
    assert isinstance(ask(bench, "d", "0.060", stop=stop), Placed)


def test_a_position_without_a_stop_counts_with_its_whole_value() -> None:
    bench = desk(FillMode.AT_ONCE, stop_required=False)
    assert rules(ask(bench, "a", "0.002", stop=None)) == {"risk per trade"}
    assert isinstance(ask(bench, "b", "0.001", stop=None), Placed)
    assert known(bench) == Money.of(65)
    assert rules(ask(bench, "c", "0.030")) == {"risk per trade"}


def test_a_position_that_is_not_ours_counts_with_the_stop_that_it_shows() -> None:
    bench = desk(FillMode.AT_ONCE)
    bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.010"))
    bench.runner.drain()
    assert known(bench) == Money.of(650)
    assert isinstance(bench.desk.protection.set_stop(BTC, Price.of("64000")), Protected)
    assert known(bench) == loss("65000", "0.010", "64000")


def test_what_a_trade_may_lose_is_not_known_without_fees() -> None:
    bench = desk(FillMode.AT_ONCE)
    state, settings = bench.runner.state, bench.runner.engine.config
    bare = attrs.evolve(state, view=attrs.evolve(state.view, fees={}))
    assert risk_snapshot(bare, BTC, "new", settings, 0).trade_loss == ZERO_MONEY
    ask(bench, "a", "0.010")
    held = bench.runner.state
    bare = attrs.evolve(held, view=attrs.evolve(held.view, fees={}))
    assert risk_snapshot(bare, BTC, "new", settings, 0).trade_loss is None


# Changed entries


def test_more_of_an_entry_that_filled_in_part_counts_with_what_filled() -> None:
    bench = desk()
    order = rested(bench, "a", "0.080")
    fill(bench, order, "0.079")
    refused = bench.desk.orders.amend(order.client_id, qty=Qty.of("0.150"))
    assert rules(refused) == {"risk per trade"}
    assert isinstance(refused, Refused)
    assert refused.largest is not None
    most = Qty.of("0.079") + refused.largest
    step = BTCUSDT.qty_step
    assert rules(bench.desk.orders.amend(order.client_id, qty=most + step)) == {"risk per trade"}
    assert isinstance(bench.desk.orders.amend(order.client_id, qty=most), Amended)
    bench.pass_time(10)
    fill(bench, order, None)
    assert trade(bench).qty_opened == most
    assert worst(bench) <= Money.of(100)


def test_a_changed_entry_is_not_counted_twice() -> None:
    bench = desk()
    order = rested(bench, "a", "0.050")
    assert isinstance(bench.desk.orders.amend(order.client_id, qty=Qty.of("0.090")), Amended)


def test_while_a_change_is_under_way_the_worse_of_both_counts() -> None:
    bench = desk()
    order = rested(bench, "a", "0.050", stop=StopAtPrice(Price.of("64200")))
    assert isinstance(bench.desk.orders.amend(order.client_id, qty=Qty.of("0.060")), Amended)
    books = bench.runner.state.books
    placed = books.orders[order.client_id]
    change = placed.amendment
    assert change is not None
    lower = attrs.evolve(
        change,
        is_settled=False,
        worst_price=Price.of("64800"),
        request=attrs.evolve(placed.request, qty=Qty.of("0.030"), stop_loss=None),
    )
    pending = attrs.evolve(placed, amendment=lower)
    (part,) = entries_at_risk(attrs.evolve(books, orders={order.client_id: pending}), BTC)
    assert (part.qty, part.entry, part.stop) == (Qty.of("0.060"), Price.of("64900"), None)
    assert placed.request.stop_loss is not None
    leg = attrs.evolve(placed.request.stop_loss, price=Price.of("63900"))
    looser = attrs.evolve(lower, request=attrs.evolve(lower.request, stop_loss=leg))
    pending = attrs.evolve(placed, amendment=looser)
    (part,) = entries_at_risk(attrs.evolve(books, orders={order.client_id: pending}), BTC)
    assert part.stop == Price.of("63900")


# Loosened stops


def test_a_loosened_stop_is_judged_with_the_rest_of_its_entry() -> None:
    bench = desk()
    order = rested(bench, "a", "0.080")
    fill(bench, order, "0.001")
    assert rules(bench.desk.protection.set_stop(BTC, Price.of("60000"))) == {"risk per trade"}
    fill(bench, order, None)
    bench.pass_time(10_000)
    assert trade(bench).stop_wanted == Price.of("64000")
    assert worst(bench) <= Money.of(100)


@pytest.mark.parametrize("own", ["64000", "64300"])
def test_a_loosened_stop_is_judged_with_an_addition_that_rests(own: str) -> None:
    bench = desk()
    fill(bench, rested(bench, "a", "0.010"), None)
    order = rested(bench, "b", "0.060", price="64800", stop=StopAtPrice(Price.of(own)))
    refused = bench.desk.protection.set_stop(BTC, Price.of("60000"))
    assert rules(refused) == {"risk per trade"}
    assert isinstance(refused, ProtectRefused)
    assert "cancel its entries" in refused.breaches[0].remedy
    assert isinstance(bench.desk.protection.set_stop(BTC, Price.of("63700")), Protected)
    bench.pass_time(10)
    fill(bench, order, None, "64800")
    bench.pass_time(10_000)
    assert trade(bench).stop_wanted == Price.of("63700")
    assert worst(bench) <= Money.of(100)


def test_nothing_more_is_approved_while_a_looser_stop_is_under_way() -> None:
    bench = desk(FillMode.AT_ONCE)
    ask(bench, "a", "0.010")
    assert known(bench) is not None
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.POSITION_STOP)
    waiting = bench.desk.protection.set_stop(BTC, Price.of("63000"))
    assert isinstance(waiting, ProtectUnresolved), waiting
    assert known(bench) is None
    refused = ask(bench, "b", "0.010")
    assert isinstance(refused, Refused)
    assert {missing.rule for missing in refused.missing} == {Rule.TRADE_RISK}


def test_an_addition_changed_after_the_stop_was_loosened_keeps_its_own_stop() -> None:
    bench = desk()
    fill(bench, rested(bench, "a", "0.010"), None)
    order = rested(bench, "b", "0.010", stop=StopAtPrice(Price.of("64300")))
    assert isinstance(bench.desk.protection.set_stop(BTC, Price.of("61000")), Protected)
    bench.pass_time(10)
    assert isinstance(bench.desk.orders.amend(order.client_id, qty=Qty.of("0.060")), Amended)
    bench.pass_time(10)
    fill(bench, order, None)
    bench.pass_time(10_000)
    assert trade(bench).stop_wanted == Price.of("64300")
    assert worst(bench) <= Money.of(100)


def test_a_change_that_is_refused_takes_no_approval_away() -> None:
    bench = desk()
    fill(bench, rested(bench, "a", "0.010"), None)
    order = rested(bench, "b", "0.010", stop=StopAtPrice(Price.of("64300")))
    assert isinstance(bench.desk.protection.set_stop(BTC, Price.of("61000")), Protected)
    bench.pass_time(10)
    assert isinstance(bench.desk.orders.amend(order.client_id, qty=Qty.of("0.060")), Amended)
    bench.pass_time(10)
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.AMEND)
    again = bench.desk.orders.amend(order.client_id, price=Price.of("64850"))
    assert isinstance(again, NotAmended), again
    fill(bench, order, None)
    bench.pass_time(10_000)
    assert trade(bench).stop_wanted == Price.of("64300")
    assert worst(bench) <= Money.of(100)


@pytest.mark.parametrize("is_changed", [False, True])
def test_an_addition_that_filled_in_part_is_changed_under_the_loosened_stop(
    is_changed: bool,
) -> None:
    bench = desk()
    fill(bench, rested(bench, "a", "0.010"), None)
    order = rested(bench, "b", "0.020", price="64800", stop=StopAtPrice(Price.of("64300")))
    fill(bench, order, "0.005", "64800")
    assert trade(bench).stop_wanted == Price.of("64300")
    assert isinstance(bench.desk.protection.set_stop(BTC, Price.of("63700")), Protected)
    bench.pass_time(10)
    if is_changed:
        nearer = bench.desk.orders.amend(order.client_id, price=Price.of("64750"))
        assert isinstance(nearer, Amended), nearer
    fill(bench, order, None, "64750")
    bench.pass_time(10_000)
    assert trade(bench).stop_wanted == Price.of("63700")
    assert worst(bench) <= Money.of(100)
