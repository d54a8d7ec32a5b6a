"""What an operator sets is recorded with its cause, and what rests is taken off the venue."""

import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import StateRequest
from tidegate.domain.core.step import step
from tidegate.domain.mode import TradingState
from tidegate.domain.orders import Role

from tests.application.bench import BTC, Bench

from .scenes import LADDER, config, limit, orders_of, our_orders, placed, scripted


def half_filled() -> Bench:
    """Return a desk with one entry half filled, its two rungs, and a second entry that rests."""
    bench = scripted()
    first = placed(bench, "s1", entry=limit("64900"), ladder=LADDER)
    placed(bench, "s2", entry=limit("64800"), ladder=LADDER)
    bench.venue.script.fill(first)
    bench.runner.drain()
    return bench


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_a_stricter_state_takes_resting_entries_off_and_leaves_the_rungs(
    state: TradingState,
) -> None:
    bench = half_filled()
    (entry,) = orders_of(bench, Role.ENTRY)
    rungs = orders_of(bench, Role.TAKE_PROFIT)
    assert len(rungs) == 2
    made = step(
        bench.runner.state, StateRequest(state=state, cause="news"), config(), bench.venue.now_ms()
    )
    assert made.events == (
        ev.TradingStateChanged(state=state, cause="news"),
        ev.CancelIntended(symbol=BTC, client_id=entry.request.client_id, venue_id=entry.venue_id),
    )
    bench.desk.set_trading_state(state, "news")
    assert {order.client_id for order in our_orders(bench)} == {
        order.request.client_id for order in rungs
    }


def test_leave_to_trade_again_cancels_nothing() -> None:
    bench = half_filled()
    wish = StateRequest(state=TradingState.ACTIVE, cause="calm")
    made = step(bench.runner.state, wish, config(), bench.venue.now_ms())
    assert made.events == (ev.TradingStateChanged(state=TradingState.ACTIVE, cause="calm"),)
    assert made.effects == ()
