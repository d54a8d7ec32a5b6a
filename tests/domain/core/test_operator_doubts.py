"""What an operator asks while something is not known, is under way, or has just ended."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.application.clocks import SeededKeys
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.recovery import recover
from tidegate.application.runner import InlineRunner
from tidegate.domain.core import events as ev
from tidegate.domain.core.amending_entries import adds_risk
from tidegate.domain.core.draft import Draft
from tidegate.domain.core.effects import AmendOrder
from tidegate.domain.core.inputs import AmendAnswered, AmendRequest, Input, ReduceRequest
from tidegate.domain.core.refusing import refuse_request
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, step
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import ClientId, ProtectiveLeg, Side, TriggerBy
from tidegate.domain.position import Position
from tidegate.domain.risk.judge import Refused
from tidegate.domain.risk.verdict import Breach, Missing, Rule
from tidegate.domain.signal import Entry, StopAtPrice
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import Amended, NotAmended, Reduced, Unresolved

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.application.order_bench import (
    holding,
    leg,
    order_at_venue,
    orders,
    reserved,
    resting,
    the_entry,
)

from .scenes import config, limit, only, opened, our_orders, placed

KEY = "request012345678"
NOW = 1_700_000_000_000


def viewed(state: State, **changes: Any) -> State:
    return attrs.evolve(state, view=attrs.evolve(state.view, **changes))


def told(state: State, item: Input) -> Step:
    return step(state, item, config(), NOW)


def refused(state: State, item: Input) -> str:
    """Return why a request is refused: nothing else happens."""
    made = told(state, item)
    (event,) = made.events
    assert isinstance(event, ev.RequestRefused)
    assert event.key == KEY
    assert made.effects == ()
    assert event.fault is not None
    return event.fault


def amend(bench: Bench, **wish: Any) -> AmendRequest:
    (order,) = bench.runner.state.books.orders.values()
    return AmendRequest(key=KEY, client_id=order.request.client_id, **wish)


def conditional_exit() -> Bench:
    bench = holding()
    outcome = orders(bench).reduce(BTC, trigger=TriggerSpec(price=Price.of("64500")))
    assert isinstance(outcome, Reduced)
    return bench


# What is not known


def test_nothing_is_reduced_without_a_specification() -> None:
    state = viewed(holding().runner.state, instruments={})
    words = refused(state, ReduceRequest(key=KEY, symbol=BTC))
    assert words.startswith("the specification of BTCUSDT is not known")


def test_a_trigger_needs_a_price_and_a_market_exit_does_not() -> None:
    state = viewed(holding().runner.state, tickers={})
    asked = ReduceRequest(key=KEY, symbol=BTC, trigger=TriggerSpec(price=Price.of("64500")))
    assert refused(state, asked).startswith("the price of BTCUSDT is not known")
    (event,) = told(state, ReduceRequest(key=KEY, symbol=BTC)).events
    assert isinstance(event, ev.OrderIntended)
    assert event.decision_price is None


@pytest.mark.parametrize(
    ("side", "stop", "price"), [(Side.BUY, "64000", "64990"), (Side.SELL, "66000", "65010")]
)
def test_a_market_exit_is_decided_at_what_the_other_side_offers(
    side: Side, stop: str, price: str
) -> None:
    bench = make_bench(config=config())
    bench.desk.execute(signal(side=side, stop=StopAtPrice(Price.of(stop))))
    bench.venue.script.move(
        BTC, last=Price.of("65000"), bid=Price.of("64990"), ask=Price.of("65010")
    )
    bench.runner.drain()
    asked = ReduceRequest(key=KEY, symbol=BTC, qty=Qty.of("0.004"))
    (event,) = told(bench.runner.state, asked).events
    assert isinstance(event, ev.OrderIntended)
    assert event.decision_price == Price.of(price)


def test_nothing_is_changed_without_a_specification_or_a_trigger_without_a_price() -> None:
    bench = resting()
    words = refused(viewed(bench.runner.state, instruments={}), amend(bench, qty=Qty.of("0.009")))
    assert words.startswith("the specification of BTCUSDT is not known")
    waiting = conditional_exit()
    blind = viewed(waiting.runner.state, tickers={})
    words = refused(blind, amend(waiting, trigger_price=Price.of("64400")))
    assert words.startswith("the price of BTCUSDT is not known")


@pytest.mark.parametrize("gap", ["tickers", "fees"])
def test_an_entry_is_not_planned_again_with_something_missing(gap: str) -> None:
    bench = resting()
    words = refused(viewed(bench.runner.state, **{gap: {}}), amend(bench, qty=Qty.of("0.009")))
    assert "of BTCUSDT not known: nothing is sent without" in words


def test_a_changed_entry_keeps_the_venues_limits() -> None:
    bench = resting()
    state = bench.runner.state
    spec = attrs.evolve(state.view.instruments[BTC], price_min=Price.of("64450"))
    asked = amend(bench, price=Price.of("64400"), stop_loss=leg("64300"))
    words = refused(viewed(state, instruments={BTC: spec}), asked)
    assert "limit: from 64450" in words


def test_a_market_exit_behind_a_trigger_has_its_trigger_moved() -> None:
    waiting = conditional_exit()
    (order,) = waiting.runner.state.books.orders.values()
    name = order.request.client_id
    outcome = orders(waiting).amend(name, trigger_price=Price.of("64400"), qty=Qty.of("0.008"))
    assert isinstance(outcome, Amended)
    shown = order_at_venue(waiting, name)
    assert shown.trigger is not None
    assert (shown.trigger.price, shown.qty) == (Price.of("64400"), Qty.of("0.008"))


# What is under way


@pytest.mark.parametrize("status", [Status.INTENDED, Status.UNKNOWN])
def test_an_order_that_no_answer_or_record_has_shown_yet_is_not_changed(status: Status) -> None:
    bench = resting()
    (order,) = bench.runner.state.books.orders.values()
    orders_by_id = {order.request.client_id: attrs.evolve(order, status=status)}
    books = attrs.evolve(bench.runner.state.books, orders=orders_by_id)
    state = attrs.evolve(bench.runner.state, books=books)
    assert "has a request under way" in refused(state, amend(bench, qty=Qty.of("0.009")))


def test_an_order_whose_record_outran_its_answer_is_changed() -> None:
    bench = resting()
    state = viewed(bench.runner.state, in_flight=frozenset({the_entry(bench).client_id}))
    (event,) = told(state, amend(bench, qty=Qty.of("0.009"))).events
    assert isinstance(event, ev.AmendIntended)


def test_a_late_answer_to_the_change_before_says_nothing_of_the_one_under_way() -> None:
    bench = resting()
    name = the_entry(bench).client_id
    first = told(bench.runner.state, amend(bench, qty=Qty.of("0.012")))
    (asked,) = first.effects
    assert isinstance(asked, AmendOrder)
    shown = attrs.evolve(order_at_venue(bench, name), qty=Qty.of("0.012"))
    settled = told(first.state, shown)
    second = told(settled.state, amend(bench, qty=Qty.of("0.009")))
    (other,) = second.effects
    assert isinstance(other, AmendOrder)
    late = told(second.state, AmendAnswered(asked=asked, refusal="no"))
    assert late.events == ()
    (refusal,) = told(late.state, AmendAnswered(asked=other, refusal="no")).events
    assert isinstance(refusal, ev.AmendRejected)


def test_an_order_that_is_being_cancelled_is_not_changed() -> None:
    bench = resting()
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.CANCEL)
    orders(bench).cancel(the_entry(bench).client_id)
    words = refused(bench.runner.state, amend(bench, qty=Qty.of("0.009")))
    assert "is being cancelled" in words


def test_an_order_that_ends_by_itself_is_not_changed() -> None:
    bench = resting(Entry(trigger=TriggerSpec(price=Price.of("65500"))))
    state = bench.runner.state
    (order,) = state.books.orders.values()
    triggered = attrs.evolve(order, status=Status.TRIGGERED)
    books = attrs.evolve(state.books, orders={order.request.client_id: triggered})
    words = refused(attrs.evolve(state, books=books), amend(bench, qty=Qty.of("0.009")))
    assert "fills or ends by itself" in words


def test_a_record_that_comes_before_the_answer_proves_nothing_against_a_change() -> None:
    bench = resting()
    name = the_entry(bench).client_id
    before = order_at_venue(bench, name)
    intended = told(bench.runner.state, amend(bench, qty=Qty.of("0.012")))
    echoed = told(intended.state, before)
    assert echoed.events == ()
    assert echoed.state.books.orders[name].pending is not None
    (asked,) = intended.effects
    assert isinstance(asked, AmendOrder)
    answered = told(echoed.state, AmendAnswered(asked=asked, refusal=None))
    (settled,) = told(answered.state, before).events
    assert isinstance(settled, ev.AmendSettled)
    assert settled.request.qty == Qty.of("0.010")


def test_records_after_the_change_was_settled_say_nothing_new() -> None:
    bench = resting()
    name = the_entry(bench).client_id
    orders(bench).amend(name, qty=Qty.of("0.012"))
    again = told(bench.runner.state, order_at_venue(bench, name))
    assert again.events == ()


def test_a_record_older_than_the_one_that_settled_it_is_none() -> None:
    bench = resting()
    name = the_entry(bench).client_id
    before = order_at_venue(bench, name)
    bench.venue.script.advance(10)
    orders(bench).amend(name, qty=Qty.of("0.012"))
    assert order_at_venue(bench, name).updated_ms > before.updated_ms
    assert told(bench.runner.state, before).events == ()


def test_an_answer_to_nothing_changes_nothing() -> None:
    bench = resting()
    for name in (the_entry(bench).client_id, ClientId("nobody")):
        asked = AmendOrder(symbol=BTC, client_id=name)
        made = told(bench.runner.state, AmendAnswered(asked=asked, refusal="no"))
        assert (made.events, made.effects) == ((), ())


def test_an_exit_without_an_answer_that_arrived_is_found_by_its_own_id() -> None:
    bench = holding()
    bench.venue.script.time_out_next(Arrival.REACHED, request=RequestKind.PLACE)
    assert isinstance(orders(bench).reduce(BTC, price=Price.of("66000")), Reduced)
    assert len(our_orders(bench)) == 1


def test_an_exit_without_an_answer_is_unresolved_while_it_may_arrive() -> None:
    bench = opened(make_bench(config=config(not_found_final_ms=5_000)), ladder=())
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    outcome = orders(bench).reduce(BTC, price=Price.of("66000"))
    assert isinstance(outcome, Unresolved)
    assert outcome.client_id.endswith("-x-0")
    bench.venue.script.arrive()
    bench.pass_time(2_000)
    assert [order.client_id for order in our_orders(bench)] == [outcome.client_id]


def test_an_order_that_ends_before_its_change_says_so() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000))
    name = placed(bench, entry=limit("64500"))
    bench.venue.script.delay_messages()
    bench.venue.script.fill(name, qty=Qty.of("0.010"), price=Price.of("64500"))
    outcome = orders(bench).amend(name, qty=Qty.of("0.012"))
    assert isinstance(outcome, NotAmended)
    assert outcome.status is Status.FILLED
    bench.venue.script.release()


def test_a_restart_finds_what_became_of_a_change() -> None:
    bench = resting(settings=config(not_found_final_ms=5_000))
    name = the_entry(bench).client_id
    bench.venue.script.delay_messages()
    bench.venue.script.time_out_next(Arrival.REACHED, request=RequestKind.AMEND)
    bench.venue.script.fail_queries(1)
    orders(bench).amend(name, qty=Qty.of("0.012"))
    assert the_entry(bench).qty == Qty.of("0.010")
    engine = Engine(
        config=bench.runner.engine.config,
        clock=bench.runner.engine.clock,
        state_port=bench.state_port,
    )
    runner = InlineRunner(engine, bench.venue)
    desk = Desk(runner=runner, state_port=bench.state_port, keys=SeededKeys(8))
    assert runner.state.books.orders[name].reserved == reserved(bench)
    recover(runner, frozenset({BTC}))
    assert desk.status().books.orders[name].request.qty == Qty.of("0.012")
    assert desk.status().books.orders[name].pending is None
    assert only(bench, ev.AmendSettled)[-1].request.qty == Qty.of("0.012")


# What adds risk


@pytest.mark.parametrize(
    ("side", "present", "wanted", "adds"),
    [
        (Side.BUY, "64000", "64001", False),
        (Side.BUY, "64000", "63999", True),
        (Side.SELL, "66000", "65999", False),
        (Side.SELL, "66000", "66001", True),
        (Side.BUY, "64000", None, True),
        (Side.BUY, None, "64000", False),
        (Side.BUY, None, None, False),
    ],
)
def test_a_looser_stop_adds_risk_on_both_sides(
    side: Side, present: str | None, wanted: str | None, adds: bool
) -> None:
    order = the_entry(resting())

    def carrying(price: str | None) -> Any:
        return attrs.evolve(order, side=side, stop_loss=None if price is None else leg(price))

    assert adds_risk(carrying(present), carrying(wanted)) is adds


def test_a_stop_by_another_price_is_another_risk() -> None:
    order = the_entry(resting())
    marked = ProtectiveLeg(price=Price.of("64100"), by=TriggerBy.MARK)
    assert adds_risk(order, attrs.evolve(order, stop_loss=marked))


@pytest.mark.parametrize(("side", "better", "worse"), [(Side.BUY, -1, 1), (Side.SELL, 1, -1)])
def test_a_worse_price_adds_risk_on_both_sides(side: Side, better: int, worse: int) -> None:
    order = attrs.evolve(the_entry(resting()), side=side)
    for step_, adds in ((better, False), (0, False), (worse, True)):
        moved = attrs.evolve(order, price=Price.of(64500 + step_))
        assert adds_risk(order, moved) is adds


# What an exit is made of


def exits(state: State, **wish: Any) -> list[Qty]:
    """Return the quantities of the orders that a reduction is sent as."""
    made = told(state, ReduceRequest(key=KEY, symbol=BTC, **wish))
    found = [event.order for event in made.events if isinstance(event, ev.OrderIntended)]
    assert len(found) == len(made.events), made.events
    return [order.qty for order in found]


def test_all_of_a_position_off_the_grid_may_be_asked_for_by_its_quantity() -> None:
    """What is left below a step can only be closed whole; a part of it is rounded down."""
    state = holding().runner.state
    dust = Position(qty=Qty.of("0.0004"), cost=Money.of(26))
    state = attrs.evolve(state, books=attrs.evolve(state.books, positions={BTC: dust}))
    whole = fault_or_exits(state, Qty.of("0.0004"))
    assert whole == fault_or_exits(state, None) == fault_or_exits(state, Qty.of("0.5"))
    assert "give 0.001 or more" in str(fault_or_exits(state, Qty.of("0.0003")))


def fault_or_exits(state: State, qty: Qty | None) -> str | list[Qty]:
    made = told(state, ReduceRequest(key=KEY, symbol=BTC, qty=qty))
    (event,) = made.events
    if isinstance(event, ev.RequestRefused):
        return event.fault or ""
    assert isinstance(event, ev.OrderIntended)
    return [event.order.qty]


def test_only_a_market_exit_goes_in_parts() -> None:
    """The venue takes 0.004 in a market order; a limit has a maximum of its own."""
    state = holding().runner.state
    spec = attrs.evolve(state.view.instruments[BTC], qty_max_market=Qty.of("0.004"))
    small = viewed(state, instruments={BTC: spec})
    assert exits(small) == [Qty.of("0.004"), Qty.of("0.004"), Qty.of("0.002")]
    assert exits(small, price=Price.of("66000")) == [Qty.of("0.010")]


def test_a_refusal_of_the_judge_names_what_was_missing_too() -> None:
    gap = Missing(rule=Rule.EXPOSURE, what="prices")
    breach = Breach(rule=Rule.POSITION_SIZE, observed="2", limit="1", remedy="less")
    draft = Draft(State(), config(), NOW)
    refused_by = Refused(breaches=(breach,), missing=(gap,), largest=Qty.of("0.001"))
    refuse_request(draft, KEY, refused_by, symbol=BTC)
    (event,) = draft.events
    assert isinstance(event, ev.RequestRefused)
    assert (event.breaches, event.missing) == ((breach,), (gap,))
    assert (event.largest, event.fault) == (Qty.of("0.001"), None)
