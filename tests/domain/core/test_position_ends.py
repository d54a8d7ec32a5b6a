"""However a position ends, what tidegate placed for it is cancelled, and nothing else."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.state import MemoryState
from tidegate.application.clocks import SeededKeys
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.inline_runner import InlineRunner
from tidegate.application.recovery import recover
from tidegate.domain.core import events as ev
from tidegate.domain.core.draft import Draft
from tidegate.domain.core.inputs import ActivityRead, ReduceRequest
from tidegate.domain.core.position_ends import cancel_for_ended
from tidegate.domain.core.step import step
from tidegate.domain.management import Management, TrailingStop
from tidegate.domain.money import Distance, Money, Price, Qty
from tidegate.domain.orders import Role, Side, Symbol, VenueOrderId
from tidegate.domain.reports import Execution, OrderReport, PositionReport
from tidegate.domain.signal import StopAtPrice
from tidegate.domain.trade import CloseReason
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, Bench, MemoryClock, signal

from .protection_scenes import managed, policy
from .scenes import LADDER, config, limit, only, our_orders, placed, scripted

TRAILED = Management(trailing=TrailingStop(distance=Distance.of("300")))


def ladder_addition_and_stranger(management: Management | None = None) -> Bench:
    """Return a held 0.010 with two rungs, a resting addition of ours, and somebody else's order."""
    bench = managed(management or Management(), ladder=LADDER, settings=policy(poll_down_ms=2_000))
    more = bench.desk.execute(
        signal("s2", entry=limit("64500"), stop=StopAtPrice(Price.of("64100")))
    )
    assert isinstance(more, Placed), more
    bench.venue.script.foreign_order(
        BTC, side=Side.BUY, qty=Qty.of("0.003"), price=Price.of("60000")
    )
    bench.runner.drain()
    assert len(our_orders(bench)) == 3
    return bench


def stopped(bench: Bench) -> None:
    bench.venue.script.trigger_stop(BTC, Price.of("64000"))


def liquidated(bench: Bench) -> None:
    bench.venue.script.liquidate(BTC)


def closed_by_hand(bench: Bench) -> None:
    bench.venue.script.close_by_hand(BTC)


def sold_by_hand(bench: Bench) -> None:
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.010"))


def flipped_by_hand(bench: Bench) -> None:
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.015"))


def closed_by_the_desk(bench: Bench) -> None:
    bench.desk.close_position(BTC)


WAYS: tuple[tuple[Callable[[Bench], None], CloseReason], ...] = (
    (stopped, CloseReason.STOP),
    (liquidated, CloseReason.LIQUIDATION),
    (closed_by_hand, CloseReason.OUTSIDE),
    (sold_by_hand, CloseReason.OUTSIDE),
    (flipped_by_hand, CloseReason.OUTSIDE),
    (closed_by_the_desk, CloseReason.OPERATOR),
)


def is_over(bench: Bench, reason: CloseReason) -> None:
    (closed,) = only(bench, ev.TradeClosed)
    assert closed.trade.reason is reason
    assert our_orders(bench) == []
    # Before it liquidates, the venue cancels every order of the symbol itself.
    left = [] if reason is CloseReason.LIQUIDATION else [Price.of("60000")]
    assert [order.price for order in bench.venue.open_orders()] == left
    cancelled = {event.client_id for event in only(bench, ev.CancelIntended)}
    assert None not in cancelled


@pytest.mark.parametrize(("way", "reason"), WAYS)
def test_a_stream_tells_it(way: Callable[[Bench], None], reason: CloseReason) -> None:
    bench = ladder_addition_and_stranger()
    way(bench)
    bench.runner.drain()
    is_over(bench, reason)


def test_a_trailing_stop_ends_it_too() -> None:
    bench = ladder_addition_and_stranger(TRAILED)
    bench.move("64700")
    is_over(bench, CloseReason.TRAILING_STOP)


@pytest.mark.parametrize(("way", "reason"), WAYS[:5])
def test_without_any_message_a_reading_tells_it(
    way: Callable[[Bench], None], reason: CloseReason
) -> None:
    bench = ladder_addition_and_stranger()
    bench.venue.script.disconnect()
    bench.runner.drain()
    way(bench)
    bench.runner.drain()
    assert only(bench, ev.TradeClosed) == []
    bench.pass_time(2_000)
    is_over(bench, reason)


@pytest.mark.parametrize(("way", "reason"), WAYS[:5])
def test_a_start_tells_what_ended_while_nobody_listened(
    way: Callable[[Bench], None], reason: CloseReason
) -> None:
    bench = ladder_addition_and_stranger()
    bench.venue.connect(lambda _: None)
    way(bench)
    again = restarted(bench.venue, bench.state_port)
    recover(again.runner, frozenset({BTC}))
    again.runner.drain()
    is_over(again, reason)


def restarted(venue: MemoryVenue, journal: MemoryState) -> Bench:
    engine = Engine(config=config(), clock=MemoryClock(venue), state_port=journal)
    runner = InlineRunner(engine, venue)
    desk = Desk(runner=runner, state_port=journal, keys=SeededKeys(8))
    venue.connect(runner.sink)
    return Bench(venue=venue, state_port=journal, runner=runner, desk=desk)


# Where the executions never come


def gone(bench: Bench, **changes: Any) -> ActivityRead:
    """Return a reading that shows the orders of the venue and no position at all."""
    read = ActivityRead(positions=(), orders=bench.venue.open_orders(), unreadable_count=0)
    return attrs.evolve(read, **changes)


def cancelled(bench: Bench, *reads: ActivityRead) -> list[ev.CancelIntended]:
    state, found = bench.runner.state, []
    for number, read in enumerate(reads):
        made = step(state, read, config(), bench.venue.now_ms() + number)
        found += [event for event in made.events if isinstance(event, ev.CancelIntended)]
        state = made.state
    return found


def test_a_position_that_two_readings_lack_takes_our_orders_along() -> None:
    bench = ladder_addition_and_stranger()
    assert cancelled(bench, gone(bench)) == []
    both = cancelled(bench, gone(bench), gone(bench))
    assert {event.client_id for event in both} == {order.client_id for order in our_orders(bench)}


def test_a_position_that_is_only_smaller_there_keeps_them() -> None:
    bench = ladder_addition_and_stranger()
    (report,) = bench.venue.positions()
    smaller = gone(bench, positions=(attrs.evolve(report, qty=Qty.of("0.004")),))
    assert cancelled(bench, smaller, smaller) == []


def test_messages_of_all_kinds_may_be_lost() -> None:
    bench = ladder_addition_and_stranger()
    for kind in (OrderReport, Execution, PositionReport):
        bench.venue.script.drop_next(kind)
    closed_by_hand(bench)
    bench.runner.drain()
    bench.venue.script.disconnect()
    bench.venue.script.reconnect()
    bench.runner.drain()
    assert our_orders(bench) == []


def test_an_exit_from_somebody_elses_position_ends_with_it_and_an_entry_of_ours_stays() -> None:
    bench = scripted()
    entry = placed(bench, entry=limit("64900"))
    state, now_ms = bench.runner.state, bench.venue.now_ms()
    fill = Execution(
        execution_id="x1",
        symbol=BTC,
        venue_id=VenueOrderId("v-9"),
        client_id=None,
        side=Side.SELL,
        qty=Qty.of("0.005"),
        price=Price.of("65000"),
        fee=Money.of("0.10"),
        is_maker=False,
        time_ms=now_ms,
    )
    state = step(state, fill, config(), now_ms).state
    reduce = ReduceRequest(
        symbol=BTC, key="exit012345678901", price=Price.of("64000"), by_operator=True
    )
    state = step(state, reduce, config(), now_ms).state
    (exit_id,) = [name for name, order in state.books.orders.items() if order.role is Role.EXIT]
    for name, qty, cancelled in (("x2", "0.002", []), ("x3", "0.003", [exit_id])):
        back = attrs.evolve(fill, execution_id=name, side=Side.BUY, qty=Qty.of(qty))
        made = step(state, back, config(), now_ms)
        ids = [event.client_id for event in made.events if isinstance(event, ev.CancelIntended)]
        assert ids == cancelled
        state = made.state
    assert state.books.position(BTC).is_flat
    assert state.books.orders[entry].is_open


def test_of_several_positions_each_that_ended_has_its_orders_cancelled() -> None:
    bench = ladder_addition_and_stranger()
    state, ether = bench.runner.state, Symbol("ETHUSDT")
    (trade,) = state.books.trades.values()
    report = attrs.evolve(state.view.positions[BTC], symbol=ether)
    ended = f"position_qty:{BTC}"
    finding = ev.FindingRaised(
        finding_id=ended, symbol=BTC, text="differs", blocks_entries=True, time_ms=1
    )
    books = attrs.evolve(state.books, trades={ether: trade, BTC: trade}, findings={ended: finding})
    draft = Draft(attrs.evolve(state, books=books), config(), bench.venue.now_ms())
    cancel_for_ended(draft, ActivityRead(positions=(report,), orders=(), unreadable_count=0))
    cancelled = [event.client_id for event in draft.events if isinstance(event, ev.CancelIntended)]
    assert cancelled == [order.request.client_id for order in state.books.open_orders(BTC)]
    assert len(cancelled) == 3
