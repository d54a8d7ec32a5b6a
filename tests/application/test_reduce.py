"""An operator's reduce-only orders: every family, each parameter alone, capped, no opening."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.options import RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingState, VenueKind
from tidegate.domain.money import ONE, Price, Qty, Rate
from tidegate.domain.orders import (
    OrderKind,
    OrderRequest,
    Role,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.reports import RejectReason
from tidegate.domain.signal import ExactQty, RungSpec, StopAtPrice
from tidegate.domain.trade import CloseReason
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import Reduced, Rejected

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.application.order_bench import exit_order, fault, holding, orders
from tests.application.test_modes import venue
from tests.domain.core.scenes import LADDER, config, held, only, opened, rungs, trade
from tests.domain.samples import BTCUSDT

RISES, FALLS = TriggerDirection.RISES_TO, TriggerDirection.FALLS_TO
BASE: dict[str, Any] = {"price": Price.of("66000"), "trigger": TriggerSpec(price=Price.of("65500"))}


def sent(bench: Bench) -> OrderRequest:
    """Return the last recorded order of an operator."""
    return [e.order for e in only(bench, ev.OrderIntended) if e.order.purpose.role is Role.EXIT][-1]


def reduced(**wish: Any) -> OrderRequest:
    bench = holding()
    outcome = orders(bench).reduce(BTC, **{**BASE, **wish})
    assert isinstance(outcome, Reduced), outcome
    return sent(bench)


@pytest.mark.parametrize(
    ("wish", "changed"),
    [
        ({"qty": Qty.of("0.004")}, {"qty": Qty.of("0.004")}),
        ({"price": Price.of("66100")}, {"price": Price.of("66100")}),
        (
            {"price": None},
            {"price": None, "kind": OrderKind.MARKET, "time_in_force": TimeInForce.IOC},
        ),
        ({"time_in_force": TimeInForce.IOC}, {"time_in_force": TimeInForce.IOC}),
        ({"time_in_force": TimeInForce.FOK}, {"time_in_force": TimeInForce.FOK}),
        ({"time_in_force": TimeInForce.POST_ONLY}, {"time_in_force": TimeInForce.POST_ONLY}),
        ({"close_on_trigger": True}, {"close_on_trigger": True}),
        (
            {"trigger": TriggerSpec(price=Price.of("64900"), by=TriggerBy.MARK)},
            {"trigger": Trigger(price=Price.of("64900"), direction=FALLS, by=TriggerBy.MARK)},
        ),
        (
            {"trigger": TriggerSpec(price=Price.of("65500"), by=TriggerBy.INDEX)},
            {"trigger": Trigger(price=Price.of("65500"), direction=RISES, by=TriggerBy.INDEX)},
        ),
        ({"trigger": None}, {"trigger": None}),
    ],
    ids=str,
)
def test_each_parameter_alone_changes_the_order_in_that(
    wish: dict[str, Any], changed: dict[str, Any]
) -> None:
    assert reduced(**wish) == attrs.evolve(reduced(), **changed)


def test_the_symbol_is_the_one_that_is_asked() -> None:
    assert "no position of ETHUSDT" in fault(orders(holding()).reduce(Symbol("ETHUSDT")))


def test_what_is_sent_only_reduces_and_says_that_an_operator_placed_it() -> None:
    order = reduced()
    assert (order.side, order.reduce_only, order.qty) == (Side.SELL, True, Qty.of("0.010"))
    assert (order.stop_loss, order.take_profit) == (None, None)
    assert order.client_id.endswith("-x-0")
    assert order.purpose.role is Role.EXIT


def test_a_short_is_reduced_by_buying() -> None:
    bench = make_bench(config=config())
    bench.desk.execute(signal(side=Side.SELL, stop=StopAtPrice(Price.of("66000"))))
    outcome = orders(bench).reduce(BTC, price=Price.of("64000.03"))
    assert isinstance(outcome, Reduced)
    # A buy never pays more than asked: down to the tick of 0.1.
    assert (sent(bench).side, sent(bench).price) == (Side.BUY, Price.of("64000.0"))


@pytest.mark.parametrize(
    ("family", "price", "trigger", "at"),
    [
        ("market", None, None, "65000"),
        ("limit", "65200", None, "65200"),
        ("stop-market", None, "64500", "64500"),
        ("stop-limit", "64400", "64500", "64500"),
        ("take-profit market", None, "65500", "65500"),
        ("take-profit limit", "65600", "65500", "65600"),
    ],
)
def test_every_family_reduces_when_its_price_comes(
    family: str, price: str | None, trigger: str | None, at: str
) -> None:
    bench = holding()
    outcome = orders(bench).reduce(
        BTC,
        qty=Qty.of("0.004"),
        price=None if price is None else Price.of(price),
        trigger=None if trigger is None else TriggerSpec(price=Price.of(trigger)),
    )
    assert isinstance(outcome, Reduced), family
    assert (outcome.qty, outcome.asked) == (Qty.of("0.004"), Qty.of("0.004"))
    if family != "market":
        assert held(bench) == Qty.of("0.010")
        bench.move(at)
    assert held(bench) == Qty.of("0.006")
    order = bench.runner.state.books.order(outcome.client_ids[0])
    assert order is not None
    assert order.status is Status.FILLED


def test_more_than_is_held_is_capped_and_the_outcome_says_so() -> None:
    bench = holding()
    outcome = orders(bench).reduce(BTC, qty=Qty.of("5"), price=Price.of("66000"))
    assert isinstance(outcome, Reduced)
    assert (outcome.qty, outcome.asked) == (Qty.of("0.010"), Qty.of("5"))
    assert exit_order(bench).qty == Qty.of("0.010")


@pytest.mark.parametrize("qty", ["0.0049", "0.004"])
def test_a_quantity_rounds_down(qty: str) -> None:
    assert reduced(qty=Qty.of(qty)).qty == Qty.of("0.004")


def test_nothing_is_reduced_from_flat_and_nothing_is_sent() -> None:
    bench = make_bench(config=config())
    assert fault(orders(bench).reduce(BTC)) == (
        "no position of BTCUSDT is held: there is nothing to reduce"
    )
    assert only(bench, ev.OrderIntended) == []
    (refused,) = only(bench, ev.RequestRefused)
    assert (refused.symbol, refused.client_id, refused.breaches) == (BTC, None, ())


def test_a_reduction_never_flips_when_the_position_shrinks_meanwhile() -> None:
    bench = holding()
    orders(bench).reduce(BTC, price=Price.of("66000"))
    orders(bench).reduce(BTC, qty=Qty.of("0.006"))
    assert held(bench) == Qty.of("0.004")
    bench.move("66000")
    assert held(bench) == Qty.of(0)
    assert bench.runner.state.books.orders == {}


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_an_operator_reduces_whatever_the_state(state: TradingState) -> None:
    bench = holding()
    bench.desk.set_trading_state(state, "test")
    assert isinstance(orders(bench).reduce(BTC, qty=Qty.of("0.004")), Reduced)
    assert held(bench) == Qty.of("0.006")


def test_only_an_operator_reduces_on_a_halted_desk() -> None:
    bench = holding()
    bench.desk.set_trading_state(TradingState.REDUCING, "test")
    assert isinstance(orders(bench).reduce(BTC, qty=Qty.of("0.004"), by_operator=False), Reduced)
    bench.desk.set_trading_state(TradingState.HALTED, "test")
    assert "only an operator may reduce" in fault(orders(bench).reduce(BTC, by_operator=False))
    assert held(bench) == Qty.of("0.006")


def test_a_position_that_is_being_closed_is_left_to_its_close() -> None:
    bench = holding()
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.PLACE)
    bench.desk.close_position(BTC)
    assert held(bench) == Qty.of("0.010")
    assert "is being closed already" in fault(orders(bench).reduce(BTC))


def test_a_running_panic_is_not_competed_with() -> None:
    bench = holding()
    bench.venue.script.fail_queries(1)
    bench.desk.panic("drill")
    assert bench.runner.state.books.is_panic_running
    assert "is being closed already" in fault(orders(bench).reduce(BTC))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"price": None, "time_in_force": TimeInForce.GTC}, "a market order is ioc"),
        ({"trigger": None, "close_on_trigger": True}, "give a trigger"),
        ({"price": Price.of(0)}, "price 0; limit: above 0; give a price above zero"),
        ({"qty": Qty.of(-1)}, "quantity -1; limit: above 0; give a quantity above zero"),
        ({"qty": Qty.of("0.0004")}, "limit: a step of 0.001; give 0.001 or more, up to 0.010"),
        ({"trigger": TriggerSpec(price=Price.of("-5"))}, "trigger -5; limit: above 0"),
        (
            {"trigger": TriggerSpec(price=Price.of("65000"))},
            "trigger 65000.00 has been passed: the last price is 65000",
        ),
        (
            {"trigger": TriggerSpec(price=Price.of("64000"), direction=RISES)},
            "must lie above 65000",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_with_what_would_be_accepted(
    wish: dict[str, Any], words: str
) -> None:
    bench = holding()
    assert words in fault(orders(bench).reduce(BTC, **{**BASE, **wish}))
    assert [e for e in only(bench, ev.OrderIntended) if e.order.purpose.role is Role.EXIT] == []
    assert held(bench) == Qty.of("0.010")


def test_a_price_off_the_venues_range_is_refused_with_the_range() -> None:
    words = fault(orders(holding()).reduce(BTC, price=BTCUSDT.price_max + (BTCUSDT.tick)))
    assert str(BTCUSDT.price_max) in words


def test_a_market_order_above_the_venues_maximum_goes_in_parts() -> None:
    spec = attrs.evolve(BTCUSDT, qty_max_market=Qty.of("0.004"))
    bench = make_bench(config=config(), instruments=(spec,))
    for index in range(3):
        bench.desk.execute(signal(f"s{index}", sizing=ExactQty(Qty.of("0.003"))))
    assert held(bench) == Qty.of("0.009")
    outcome = orders(bench).reduce(BTC)
    assert isinstance(outcome, Reduced)
    assert [name[-4:] for name in outcome.client_ids] == ["-x-0", "-x-1", "-x-2"]
    assert (outcome.qty, held(bench)) == (Qty.of("0.009"), Qty.of(0))


def test_an_exit_that_fills_is_booked_as_the_operators_and_the_ladder_follows() -> None:
    bench = opened(ladder=LADDER)
    orders(bench).reduce(BTC, qty=Qty.of("0.005"))
    assert held(bench) == Qty.of("0.005")
    assert sum(Qty.of(qty).value for _, qty in rungs(bench)) == Qty.of("0.005").value
    orders(bench).reduce(BTC)
    (closed,) = only(bench, ev.TradeClosed)
    assert closed.trade.reason is CloseReason.OPERATOR
    assert bench.runner.state.books.orders == {}


def test_an_exit_that_ends_by_itself_delays_no_rung() -> None:
    bench = opened(ladder=(RungSpec(Rate.of(1), ONE),))
    orders(bench).reduce(BTC, price=Price.of("65900"), time_in_force=TimeInForce.IOC)
    assert held(bench) == Qty.of("0.010")
    assert (trade(bench).refusals, trade(bench).refused_ms) == (0, None)


def test_a_refusal_of_the_venue_is_the_outcome_and_an_end() -> None:
    bench = holding()
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.PLACE)
    outcome = orders(bench).reduce(BTC, price=Price.of("66000"))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.RATE_LIMITED
    assert bench.runner.state.books.orders == {}


def test_what_an_operator_placed_obeys_the_trading_mode() -> None:
    claiming = venue(VenueKind.MEMORY)
    bench = make_bench(venue=claiming, config=config())
    bench.desk.execute(signal())
    claiming.claimed = VenueKind.BYBIT_MAINNET
    outcome = orders(bench).reduce(BTC, price=Price.of("66000"))
    assert isinstance(outcome, Rejected)
    assert "this mode trades on" in outcome.message
    bench.desk.close_position(BTC)
    assert held(bench) == Qty.of(0)
