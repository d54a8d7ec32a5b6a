"""Cancels by hand: one order, all of ours, everybody's; stops stay, and rungs are given up."""

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ClientId, Role, Side, Symbol, Trigger, TriggerDirection
from tidegate.domain.reports import CancelReason, RejectReason
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.account import PositionStop
from tidegate.ports.orders import (
    CancelledOrder,
    CancelOutcome,
    Cancels,
    CancelScope,
    Left,
    Reduced,
    TimedOut,
)

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.application.order_bench import fault, holding, orders, resting
from tests.domain.core.scenes import (
    LADDER,
    config,
    held,
    limit,
    only,
    opened,
    our_orders,
    placed,
    rungs,
    stop_legs,
    trade,
)
from tests.domain.samples import BTCUSDT

ETH = Symbol("ETHUSDT")
ETHUSDT = attrs.evolve(BTCUSDT, symbol=ETH, base_coin="ETH")
EVERYONES, AND_STOPS = CancelScope.EVERYONES, CancelScope.EVERYONES_AND_STOPS
FALLS, RISES = TriggerDirection.FALLS_TO, TriggerDirection.RISES_TO


def ids(outcome: CancelOutcome) -> list[ClientId]:
    assert isinstance(outcome, Cancels), outcome
    return [order.client_id for order in outcome.orders]


def with_exit(bench: Bench, *, price: str = "67000") -> ClientId:
    outcome = orders(bench).reduce(BTC, price=Price.of(price))
    assert isinstance(outcome, Reduced)
    return outcome.client_ids[0]


def foreign(bench: Bench, *, trigger: Trigger | None = None, reduce_only: bool = False) -> str:
    """Place an order of somebody else's: a limit to sell, far from the market."""
    return bench.venue.script.foreign_order(
        BTC,
        side=Side.SELL,
        qty=Qty.of("0.005"),
        price=None if trigger is not None else Price.of("66500"),
        trigger=trigger,
        reduce_only=reduce_only,
    )


def open_ids(bench: Bench) -> set[str]:
    return {order.venue_id for order in bench.venue.open_orders()}


def test_an_entry_is_cancelled_and_the_outcome_is_the_venues_record() -> None:
    bench = resting()
    (order,) = our_orders(bench)
    assert order.client_id is not None
    outcome = orders(bench).cancel(order.client_id)
    ended = CancelledOrder(client_id=order.client_id, status=Status.CANCELLED, qty_filled=Qty.of(0))
    assert outcome == Cancels(orders=(ended,))
    assert our_orders(bench) == []


def test_a_cancel_that_comes_too_late_says_what_filled() -> None:
    bench = resting()
    (order,) = our_orders(bench)
    assert order.client_id is not None
    bench.venue.script.outrun_cancel(order.client_id, Price.of("64500"))
    (ended,) = [
        found for found in [orders(bench).cancel(order.client_id)] if isinstance(found, Cancels)
    ]
    assert ended.orders == (
        CancelledOrder(client_id=order.client_id, status=Status.FILLED, qty_filled=Qty.of("0.010")),
    )
    assert held(bench) == Qty.of("0.010")


def test_a_cancel_is_no_end_before_the_record_says_so() -> None:
    bench = resting()
    (order,) = our_orders(bench)
    assert order.client_id is not None
    bench.venue.script.delay_messages()
    bench.venue.script.fail_queries(100)
    assert orders(bench).cancel(order.client_id, timeout_ms=7) == TimedOut(waited_ms=7)
    bench.venue.script.fail_queries(0)
    bench.venue.script.release()
    bench.runner.drain()
    assert "is over (cancelled)" in fault(orders(bench).cancel(order.client_id))


def test_a_rung_that_is_cancelled_is_given_up_and_the_others_stay() -> None:
    bench = opened(ladder=LADDER)
    first = next(o for o in our_orders(bench) if o.price == Price.of("66000"))
    assert first.client_id is not None
    assert ids(orders(bench).cancel(first.client_id)) == [first.client_id]
    assert rungs(bench) == [("67000.0", "0.007")]
    bench.pass_time(60_000)
    assert rungs(bench) == [("67000.0", "0.007")]
    assert [r.number for r in trade(bench).rungs] == [2]
    bench.move("67000")
    assert held(bench) == Qty.of("0.003")
    assert trade(bench).stop_confirmed == Price.of("64000")


def test_a_rung_that_was_given_up_stays_so_after_a_further_fill() -> None:
    bench = opened(ladder=LADDER)
    first = next(o for o in our_orders(bench) if o.price == Price.of("66000"))
    assert first.client_id is not None
    orders(bench).cancel(first.client_id)
    orders(bench).reduce(BTC, qty=Qty.of("0.002"))
    assert [r.number for r in trade(bench).rungs] == [2]
    assert len(rungs(bench)) == 1


def test_a_close_under_way_is_not_cancelled() -> None:
    bench = holding()
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    bench.venue.script.fail_queries(100)
    bench.desk.close_position(BTC)
    (close,) = [o for o in bench.runner.state.books.orders.values() if o.role is Role.CLOSE]
    assert "closes a position" in fault(orders(bench).cancel(close.request.client_id))
    assert ids(orders(bench).cancel_all()) == []


def test_an_order_that_nobody_knows_is_not_cancelled() -> None:
    assert "is not known" in fault(orders(holding()).cancel(ClientId("nobody")))


# All of ours


def two_symbols() -> Bench:
    bench = make_bench(config=config(), instruments=(BTCUSDT, ETHUSDT))
    bench.venue.script.move(ETH, last=Price.of("65000"))
    bench.runner.drain()
    placed(bench, entry=limit("64500"))
    bench.desk.execute(attrs.evolve(signal("s2", entry=limit("64400")), symbol=ETH))
    assert {order.symbol for order in our_orders(bench)} == {BTC, ETH}
    return bench


@pytest.mark.parametrize("scope", [CancelScope.OURS, EVERYONES, AND_STOPS])
@pytest.mark.parametrize("symbol", [BTC, ETH, None])
def test_all_of_a_symbol_or_of_the_account_end(scope: CancelScope, symbol: Symbol | None) -> None:
    bench = two_symbols()
    outcome = orders(bench).cancel_all(symbol, scope=scope)
    left = {BTC, ETH} - ({BTC, ETH} if symbol is None else {symbol})
    assert {order.symbol for order in our_orders(bench)} == left
    assert len(ids(outcome)) == 2 - len(left)


def test_ours_are_entries_exits_and_rungs_and_the_stop_is_not_among_them() -> None:
    bench = opened(ladder=LADDER)
    with_exit(bench)
    placed(bench, "s2", entry=limit("64500"))
    theirs = foreign(bench)
    assert len(ids(orders(bench).cancel_all())) == 4
    assert our_orders(bench) == []
    assert theirs in open_ids(bench)
    bench.pass_time(60_000)
    assert our_orders(bench) == []
    assert [leg.trigger.price for leg in stop_legs(bench) if leg.trigger] == [Price.of("64000")]


def test_nothing_to_cancel_is_an_answer() -> None:
    bench = make_bench(config=config())
    assert orders(bench).cancel_all() == Cancels(orders=())
    assert orders(bench).cancel_all(scope=EVERYONES) == Cancels(orders=())


# Everybody's


def test_everybodys_takes_foreign_orders_too_and_spares_the_stop() -> None:
    bench = opened(ladder=LADDER)
    with_exit(bench)
    theirs = foreign(bench)
    outcome = orders(bench).cancel_all(scope=EVERYONES)
    assert isinstance(outcome, Cancels)
    assert theirs not in open_ids(bench)
    assert open_ids(bench) == {leg.venue_id for leg in stop_legs(bench)} != set()
    (started,), (ended,) = only(bench, ev.MassCancelStarted), only(bench, ev.MassCancelEnded)
    assert (started.symbol, started.with_stops, ended.remaining) == (None, False, ())
    assert started.key == ended.key
    assert held(bench) == Qty.of("0.010")
    assert bench.runner.state.books.mass_cancel is None


@pytest.mark.parametrize(
    ("direction", "at", "stays"), [(FALLS, "64200", True), (RISES, "66200", False)]
)
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_reducing_stop_stays_whoever_placed_it_and_a_target_does_not(
    direction: TriggerDirection, at: str, stays: bool, is_ours: bool
) -> None:
    bench = holding()
    if is_ours:
        outcome = orders(bench).reduce(BTC, trigger=TriggerSpec(price=Price.of(at)))
        assert isinstance(outcome, Reduced)
        name: str = next(
            o.venue_id for o in our_orders(bench) if o.client_id == outcome.client_ids[0]
        )
    else:
        name = foreign(
            bench, trigger=Trigger(price=Price.of(at), direction=direction), reduce_only=True
        )
    assert isinstance(orders(bench).cancel_all(scope=EVERYONES), Cancels)
    assert (name in open_ids(bench)) is stays
    assert isinstance(orders(bench).cancel_all(scope=AND_STOPS), Cancels)
    assert name not in open_ids(bench)


def test_a_foreign_stop_that_could_open_is_no_protection() -> None:
    bench = holding()
    name = foreign(bench, trigger=Trigger(price=Price.of("64200"), direction=FALLS))
    assert isinstance(orders(bench).cancel_all(scope=EVERYONES), Cancels)
    assert name not in open_ids(bench)


@pytest.mark.parametrize(("direction", "at"), [(FALLS, "64200"), (RISES, "66200")])
def test_a_stop_of_no_position_is_no_protection(direction: TriggerDirection, at: str) -> None:
    bench = make_bench(config=config())
    name = foreign(
        bench, trigger=Trigger(price=Price.of(at), direction=direction), reduce_only=True
    )
    assert isinstance(orders(bench).cancel_all(scope=EVERYONES), Cancels)
    assert name not in open_ids(bench)


def test_the_stop_that_the_desk_keeps_stays_even_when_stops_are_asked_for() -> None:
    bench = holding()
    before = stop_legs(bench)
    assert isinstance(orders(bench).cancel_all(scope=AND_STOPS), Cancels)
    assert stop_legs(bench) == before != []
    assert only(bench, ev.StopLost) == []


def test_the_stop_of_somebody_elses_position_goes_only_when_it_is_asked_for_by_name() -> None:
    bench = make_bench(config=config())
    bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.005"))
    bench.venue.set_position_stop(PositionStop(symbol=BTC, stop_loss=Price.of("64000")))
    bench.runner.drain()
    assert isinstance(orders(bench).cancel_all(scope=EVERYONES), Cancels)
    assert len(stop_legs(bench)) == 1
    assert isinstance(orders(bench).cancel_all(scope=AND_STOPS), Cancels)
    assert stop_legs(bench) == []


def test_what_the_venue_does_not_let_go_is_tried_again_and_then_reported() -> None:
    bench = make_bench(config=config())
    name = foreign(bench)
    for _ in range(3):
        bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.CANCEL)
    assert orders(bench).cancel_all(scope=EVERYONES, timeout_ms=9) == TimedOut(waited_ms=9)
    assert "another cancel of every order runs" in fault(orders(bench).cancel_all(scope=EVERYONES))
    for _ in range(6):
        bench.pass_time(1_000)
    assert name not in open_ids(bench)
    assert [event.remaining for event in only(bench, ev.MassCancelEnded)] == [()]


def test_a_cancel_of_every_order_ends_at_its_deadline_and_names_what_is_left() -> None:
    bench = make_bench(config=config())
    name = foreign(bench)
    for _ in range(100):
        bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.CANCEL)
    orders(bench).cancel_all(scope=EVERYONES)
    for _ in range(40):
        bench.pass_time(1_000)
    (ended,) = only(bench, ev.MassCancelEnded)
    assert ended.remaining == (f"BTCUSDT order {name}",)
    assert bench.runner.state.books.mass_cancel is None


def test_what_is_left_at_the_deadline_is_the_outcome() -> None:
    bench = make_bench(config=attrs.evolve(config(), mass_cancel_wait_ms=0))
    name = foreign(bench)
    outcome = orders(bench).cancel_all(scope=EVERYONES)
    assert outcome == Left(remaining=(f"BTCUSDT order {name}",))


def test_panic_takes_a_cancel_of_every_order_over() -> None:
    bench = make_bench(config=config())
    foreign(bench)
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.CANCEL)
    orders(bench).cancel_all(scope=EVERYONES)
    assert bench.runner.state.books.mass_cancel is not None
    bench.desk.panic("drill")
    assert bench.runner.state.books.mass_cancel is None
    assert bench.venue.open_orders() == ()


def test_while_panic_runs_there_is_nothing_left_to_cancel_by_hand() -> None:
    bench = holding()
    bench.venue.script.fail_queries(1)
    bench.desk.panic("drill")
    assert "panic runs" in fault(orders(bench).cancel_all(scope=EVERYONES))


def test_an_order_that_ended_by_itself_is_over() -> None:
    bench = resting()
    (order,) = our_orders(bench)
    assert order.client_id is not None
    bench.venue.script.expire(order.client_id, CancelReason.BY_VENUE)
    bench.runner.drain()
    assert "is over (cancelled)" in fault(orders(bench).cancel(order.client_id))


def refused(bench: Bench) -> list[tuple[str, str | None, str | None]]:
    found = [event for event in bench.events() if isinstance(event, ev.RequestRefused)]
    return [(event.fault or "", event.client_id, event.symbol) for event in found]


def test_a_refusal_is_journaled_with_what_it_was_about() -> None:
    bench = holding()
    bench.desk.orders.cancel(ClientId("nobody"))
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.CANCEL)
    foreign(bench)
    bench.venue.script.fail_queries(1)
    orders(bench).cancel_all(BTC, scope=EVERYONES, timeout_ms=0)
    orders(bench).cancel_all(BTC, scope=EVERYONES, timeout_ms=0)
    assert refused(bench) == [
        ("order nobody is not known: it was never placed or is long over", "nobody", None),
        ("another cancel of every order runs: wait until it has ended", None, BTC),
    ]


@pytest.mark.parametrize("scope", [CancelScope.OURS, EVERYONES])
def test_the_ladder_of_another_symbol_goes_on(scope: CancelScope) -> None:
    bench = opened(make_bench(config=config()), ladder=LADDER)
    orders(bench).cancel_all(ETH, scope=scope)
    assert not [event for event in bench.events() if isinstance(event, ev.RungsDropped)]
    assert len(rungs(bench)) == len(LADDER)
