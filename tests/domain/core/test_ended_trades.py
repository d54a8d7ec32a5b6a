"""What came with an ended trade is none of the next one's in its symbol."""

from typing import Any

import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.step import step
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side
from tidegate.domain.protection import ManualChanges
from tidegate.domain.signal import Entry, StopAtPrice
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, Bench, make_bench, signal

from .protection_scenes import by_hand, policy, shown_stop
from .scenes import config, only, scripted, trade
from .test_protecting import QUIET, T0, fill


def after_another(settings: CoreConfig | None = None, **levels: Any) -> Bench:
    """Return a desk that holds 0.010 after a trade of the levels named had come and gone."""
    bench = make_bench(config=settings or config())
    assert isinstance(bench.desk.execute(signal("s1", **levels)), Placed)
    bench.desk.close_position(BTC)
    bench.runner.drain()
    assert bench.venue.position(BTC).qty == Qty.of(0)
    assert isinstance(bench.desk.execute(signal("s2")), Placed)
    bench.runner.drain()
    return bench


def test_a_stop_by_hand_where_an_ended_trade_had_its_own_is_somebodys_doing() -> None:
    bench = after_another(stop=StopAtPrice(Price.of("64500")))
    by_hand(bench, stop_loss=Price.of("64500"))
    bench.pass_time(2_000)
    (event,) = only(bench, ev.StopChangedByHand)
    assert (event.before, event.after) == (Price.of("64000"), Price.of("64500"))
    assert event.decision is ev.HandDecision.ADOPTED
    assert shown_stop(bench) == trade(bench).stop_wanted == Price.of("64500")


@pytest.mark.parametrize(
    ("settings", "kept"), [(config(), "70000"), (policy(manual_changes=ManualChanges.REVERT), None)]
)
def test_a_take_profit_by_hand_where_an_ended_trade_had_its_own_is_somebodys_doing(
    settings: CoreConfig, kept: str | None
) -> None:
    bench = after_another(settings, entry=Entry(take_profit=Price.of("70000")))
    by_hand(bench, take_profit=Price.of("70000"))
    bench.pass_time(2_000)
    (event,) = only(bench, ev.TargetChangedByHand)
    assert (event.before, event.after) == (None, Price.of("70000"))
    wanted = None if kept is None else Price.of(kept)
    assert bench.venue.position(BTC).take_profit == trade(bench).managed.take_profit == wanted


def test_the_stop_of_an_ended_trade_is_none_of_the_next_ones_within_the_same_millisecond() -> None:
    bench = scripted()
    (was, wide) = (StopAtPrice(Price.of(price)) for price in ("64500", "64000"))
    first = bench.desk.execute(signal("s1", stop=was))
    assert isinstance(first, Placed), first
    second = bench.desk.execute(signal("s2", stop=wide))
    assert isinstance(second, Placed), second
    state = bench.runner.state
    closing = fill(None, "0.010", "65000", Side.SELL)
    for execution in (
        fill(first.client_id, "0.010", "65000"),
        closing,
        fill(second.client_id, "0.004", "65000"),
    ):
        state = step(state, execution, QUIET, T0).state
    trade = state.books.trades[BTC]
    ended = state.books.order(first.client_id)
    assert ended is not None
    assert (ended.intended_ms, ended.trade_key != trade.key) == (trade.opened_ms, True)
    assert trade.stop_wanted == Price.of("64000")
