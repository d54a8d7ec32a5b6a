"""What a plan is made from: prices, costs, the position joined, and what stands beside it."""

from typing import Any

import attrs
import pytest
from tidegate.domain.account_settings import LeverageSetting
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.draft import Draft
from tidegate.domain.core.events import EntryIntended
from tidegate.domain.core.inputs import OpenRequest
from tidegate.domain.core.opening import plan_input
from tidegate.domain.core.order_state import Amendment
from tidegate.domain.core.snapshots import risk_snapshot
from tidegate.domain.core.state import State
from tidegate.domain.core.step import step
from tidegate.domain.costs import Costs
from tidegate.domain.liquidation import NOTHING_JOINED, Joined
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.planning import Plan, PlanInput, make_plan
from tidegate.domain.position import Position
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.snapshot import Proposal
from tidegate.domain.signal import RiskFraction, Signal, StopAtPrice, StopPercent
from tidegate.domain.trade import CloseReason

from tests.application.bench import BTC, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

from .scenes import config, limit, opened, placed, scripted

T0 = 1_700_000_000_000
ETH = Symbol("ETHUSDT")
SETTINGS = attrs.evolve(config(), entry_slippage=Rate.of("0.0007"), stop_slippage=Rate.of("0.0013"))


def asked(state: State, wish: Signal) -> PlanInput | str:
    draft = Draft(state, SETTINGS, T0 + 7)
    snapshot = risk_snapshot(state, wish.symbol, wish.signal_id, SETTINGS, T0 + 7)
    return plan_input(draft, wish, snapshot)


def given(state: State, wish: Signal) -> PlanInput:
    found = asked(state, wish)
    assert isinstance(found, PlanInput), found
    return found


def proposal_for(state: State, wish: Signal, settings: CoreConfig, now_ms: int) -> Proposal | None:
    """Return what ``wish`` would be judged as, ``None`` where no plan can be made."""
    snapshot = risk_snapshot(state, wish.symbol, wish.signal_id, settings, now_ms)
    found = plan_input(Draft(state, settings, now_ms), wish, snapshot)
    plan = found if isinstance(found, str) else make_plan(wish, found)
    return plan.proposal if isinstance(plan, Plan) else None


def in_view(state: State, **changes: Any) -> State:
    return attrs.evolve(state, view=attrs.evolve(state.view, **changes))


def fresh() -> State:
    bench = make_bench(config=config())
    bench.venue.script.move(
        BTC, last=Price.of("65000"), bid=Price.of("64990"), ask=Price.of("65010")
    )
    bench.runner.drain()
    return bench.runner.state


def beside() -> State:
    """Return a desk with bitcoin bought, 0.2 ether sold at 3,000 and ripples without a price."""
    state = opened(ladder=()).runner.state
    ripple = Symbol("XRPUSDT")
    positions = {
        **state.books.positions,
        ETH: Position(qty=Qty.of("-0.2"), cost=Money.of("-600")),
        ripple: Position(qty=Qty.of(5), cost=Money.of(10)),
    }
    ticker = attrs.evolve(state.view.tickers[BTC], symbol=ETH, mark=Price.of("2900"))
    report = attrs.evolve(state.view.positions[BTC], symbol=ETH, maintenance_margin=Money.of("3.5"))
    held = attrs.evolve(state, books=attrs.evolve(state.books, positions=positions))
    return in_view(
        held,
        tickers={**state.view.tickers, ETH: ticker},
        positions={**state.view.positions, ETH: report},
    )


def test_a_plan_of_a_fresh_desk_is_made_from_its_settings_and_the_venues_figures() -> None:
    assert given(fresh(), signal()) == PlanInput(
        instrument=BTCUSDT,
        costs=Costs(fees=FEES, entry_slippage=Rate.of("0.0007"), stop_slippage=Rate.of("0.0013")),
        equity=Money.of(10_000),
        wallet=Money.of(10_000),
        reference=Price.of("65010"),
        margin_mode=MarginMode.ISOLATED,
        notional_viable_min=SETTINGS.limits.notional_viable_min,
        exposure_symbol=ZERO_MONEY,
        held_stop=None,
        others_unrealised=ZERO_MONEY,
        others_maintenance=ZERO_MONEY,
    )


@pytest.mark.parametrize(
    ("wish", "reference"),
    [
        (signal(), "65010"),
        (signal(side=Side.SELL, stop=StopAtPrice(Price.of("66000"))), "64990"),
        (signal(entry=limit("64500")), "65010"),
    ],
)
def test_the_reference_of_a_plan_is_what_the_market_asks(wish: Signal, reference: str) -> None:
    assert given(fresh(), wish).reference == Price.of(reference)


def test_an_addition_knows_what_is_held_and_its_stop() -> None:
    state = opened(ladder=()).runner.state
    found = given(state, signal("s2"))
    assert found.held_stop == Price.of("64000")
    assert found.exposure_symbol == Money.of(650)
    assert found.equity == Money.of("9999.6425")
    assert found.joined == Joined(qty=Qty.of("0.01"), cost=Money.of(650))
    short = signal("s2", side=Side.SELL, stop=StopAtPrice(Price.of("66000")))
    assert given(state, short).held_stop is None
    assert given(state, short).joined == NOTHING_JOINED


@pytest.mark.parametrize(("changed", "worst"), [("64800", "64900"), ("64950", "64950")])
def test_an_entry_in_flight_is_joined_at_the_worse_of_a_change_under_way(
    changed: str, worst: str
) -> None:
    bench = scripted()
    order_id = placed(bench, entry=limit("64900"))
    assert given(bench.runner.state, signal("s2")).joined == Joined(
        in_flight=((Price.of("64900"), Qty.of("0.01")),)
    )
    state = bench.runner.state
    order = state.books.orders[order_id]
    change = Amendment(
        before=order.request,
        before_signal=order.signal,
        before_worst_price=order.worst_price,
        request=attrs.evolve(order.request, qty=Qty.of("0.02"), price=Price.of(changed)),
        signal=order.signal,
        worst_price=Price.of(changed),
        sent_ms=T0,
    )
    orders = {order_id: attrs.evolve(order, amendment=change)}
    busy = attrs.evolve(state, books=attrs.evolve(state.books, orders=orders))
    assert given(busy, signal("s2")).joined.in_flight == ((Price.of(worst), Qty.of("0.02")),)


def test_what_stands_beside_counts_with_its_profit_and_its_maintenance_margin() -> None:
    """0.2 ether sold at 3,000 and worth 2,900 are 20 ahead; a price that is not known counts 0."""
    state = in_view(beside())
    draft = Draft(state, SETTINGS, T0)
    snapshot = attrs.evolve(
        risk_snapshot(state, BTC, "s2", SETTINGS, T0), equity=Money.of("10019.6425")
    )
    found = plan_input(draft, signal("s2"), snapshot)
    assert isinstance(found, PlanInput)
    assert found.others_unrealised == Money.of(20)
    assert found.others_maintenance == Money.of("3.5")
    assert found.equity == Money.of("10019.6425")


@pytest.mark.parametrize(
    ("view", "missing"),
    [
        ({"instruments": {}}, "instrument specification"),
        ({"fees": {}}, "fee rates"),
        ({"tickers": {}}, "prices"),
        ({"account": None}, "margin mode"),
    ],
)
def test_what_is_missing_is_named(view: dict[str, Any], missing: str) -> None:
    text = f"{missing} of BTCUSDT not known: nothing is sent without"
    assert asked(in_view(fresh(), **view), signal()) == text


def test_the_leverage_in_use_is_that_of_the_trade_or_of_an_entry_on_its_way() -> None:
    text = (
        "leverage 4 of BTCUSDT asked, 3 in use there: a position has one leverage; close it "
        "first or ask for the same"
    )
    wish = signal("s2", leverage="4")
    assert asked(opened(ladder=()).runner.state, wish) == text
    waiting = scripted()
    placed(waiting, entry=limit("64900"))
    assert asked(waiting.runner.state, wish) == text
    assert isinstance(asked(waiting.runner.state, signal("s2")), PlanInput)
    rungs = opened().runner.state
    flat = attrs.evolve(rungs, books=attrs.evolve(rungs.books, trades={}, positions={}))
    assert isinstance(asked(flat, wish), PlanInput)


def test_a_position_that_is_being_closed_takes_no_addition() -> None:
    state = opened(ladder=()).runner.state
    trade = attrs.evolve(state.books.trades[BTC], closing=CloseReason.SIGNAL)
    busy = attrs.evolve(state, books=attrs.evolve(state.books, trades={BTC: trade}))
    assert asked(busy, signal("s2")) == (
        "position of BTCUSDT is being closed: wait until it is flat"
    )


def test_what_a_wish_would_be_judged_as_is_what_its_entry_is_judged_as() -> None:
    """The size comes from equity and risk, so every figure must be the desk's own."""
    state = opened(ladder=()).runner.state
    for sizing in (RiskFraction(Rate.of("0.001")), RiskFraction(Rate.of("0.002"))):
        wish = signal("s2", sizing=sizing, stop=StopPercent(Rate.of("0.02")))
        proposal = proposal_for(state, wish, config(), T0)
        assert proposal is not None
        made = step(state, OpenRequest(signal=wish, key="k" * 16), config(), T0)
        (intent,) = [event for event in made.events if isinstance(event, EntryIntended)]
        assert intent.order.qty == proposal.qty
        assert intent.ticket.leverage == proposal.leverage
        assert intent.ticket.reward_to_risk_net == proposal.reward_to_risk_net
    stale = proposal_for(state, signal("s2"), config(), T0 + 99_999_999)
    assert stale is None


def test_what_is_joined_is_none_of_what_stands_beside() -> None:
    """Ether is 20 ahead; the bitcoin that the signal adds to gained 1 by itself."""
    state = beside()
    ticker = attrs.evolve(state.view.tickers[BTC], mark=Price.of("65100"))
    moved = in_view(state, tickers={**state.view.tickers, BTC: ticker})
    snapshot = attrs.evolve(
        risk_snapshot(moved, BTC, "s2", SETTINGS, T0), equity=Money.of("10020.6425")
    )
    found = plan_input(Draft(moved, SETTINGS, T0), signal("s2"), snapshot)
    assert isinstance(found, PlanInput)
    assert found.others_unrealised == Money.of(20)


def test_a_leverage_that_is_being_set_is_waited_for_and_another_symbols_is_not() -> None:
    state = fresh()
    for symbol, leverage, is_free in (("BTCUSDT", 5, False), ("ETHUSDT", 3, True)):
        setting = LeverageSetting(symbol=Symbol(symbol), leverage=Rate.of(leverage))
        busy = attrs.evolve(state, books=attrs.evolve(state.books, settings={"k": setting}))
        found = asked(busy, signal())
        if is_free:
            assert isinstance(found, PlanInput), found
        else:
            assert found == f"{setting} is under way: wait until it is answered"


def test_a_wish_is_judged_beside_what_its_symbol_holds_already() -> None:
    """With 8 coins at 65,000 an addition is in the second tier: 0.5 % to maintain, less 510."""
    state = opened(ladder=()).runner.state
    large = Position(qty=Qty.of(8), cost=Money.of(520_000))
    held = attrs.evolve(state, books=attrs.evolve(state.books, positions={BTC: large}))
    plan = make_plan(signal("s2"), given(held, signal("s2")))
    assert isinstance(plan, Plan), plan
    proposal = proposal_for(held, signal("s2"), SETTINGS, T0)
    assert proposal == plan.proposal
    alone = proposal_for(state, signal("s2"), SETTINGS, T0)
    assert alone is not None
    assert proposal.maintenance_margin_per_unit != alone.maintenance_margin_per_unit
