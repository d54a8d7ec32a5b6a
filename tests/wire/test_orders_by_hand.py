"""Orders by hand over the wire: the stock client, the venue's server, and what the venue shows."""

from pathlib import Path

import pytest
from tidegate.application.settings_bybit import OrderEntry
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    ProtectiveLeg,
    Side,
    TimeInForce,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.reports import OrderReport
from tidegate.domain.signal import Entry
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import Amended, Cancels, CancelScope, Placed, Reduced, Refused

from .desk_bench import BTC, QTY, START, WAIT_MS, DeskBench, until

RISES = TriggerDirection.RISES_TO


def at(per_mille: int) -> Price:
    """Return a price so many parts of a thousand above the one that the venue starts at."""
    return Price.of(int(START.value) * (1_000 + per_mille) // 1_000)


def shown(bench: DeskBench, name: ClientId) -> OrderReport:
    """Return an order as the venue shows it, by its own query."""
    found = bench.venue.find_order(BTC, name)
    assert found is not None, name
    return found


@pytest.mark.parametrize("way", list(OrderEntry), ids=lambda way: way.value)
def test_a_stop_limit_entry_is_placed_changed_and_opens_as_changed(
    tmp_path: Path, way: OrderEntry
) -> None:
    with DeskBench(tmp_path, order_entry=way) as bench:
        bench.wait_up()
        entry = Entry(
            kind=OrderKind.LIMIT,
            price=at(12),
            time_in_force=TimeInForce.GTC,
            trigger=TriggerSpec(price=at(10), by=TriggerBy.LAST),
        )
        placed = bench.desk.orders.execute(
            bench.signal("waits", entry=entry, ladder=()), timeout_ms=WAIT_MS
        )
        assert isinstance(placed, Placed), placed
        name = placed.client_id
        until(lambda: shown(bench, name).status is Status.UNTRIGGERED, "it waits at the venue")
        assert shown(bench, name).trigger == Trigger(price=at(10), direction=RISES)
        legs = shown(bench, name).stop_loss
        assert legs is not None
        changed = bench.desk.orders.amend(
            name,
            qty=QTY + QTY,
            trigger_price=at(11),
            price=at(13),
            stop_loss=ProtectiveLeg(price=legs.price + (at(1) - at(0))),
            timeout_ms=WAIT_MS,
        )
        assert isinstance(changed, Amended), changed
        now = shown(bench, name)
        assert (now.qty, now.price) == (QTY + QTY, at(13))
        assert now.trigger == Trigger(price=at(11), direction=RISES)
        assert now.stop_loss == changed.order.stop_loss
        bench.control.price(BTC, at(11))
        until(lambda: bench.books.position(BTC).qty == QTY + QTY, "it opened as it was changed")
        until(lambda: bench.books.trades[BTC].is_stop_confirmed, "its stop is confirmed")
        assert now.stop_loss is not None
        assert bench.books.trades[BTC].stop_confirmed == now.stop_loss.price
        bench.close()
        bench.agree()


def test_a_position_is_reduced_by_hand_and_what_is_left_is_cancelled(tmp_path: Path) -> None:
    with DeskBench(tmp_path) as bench:
        bench.wait_up()
        bench.placed("held", ladder=())
        until(lambda: bench.books.position(BTC).qty == QTY, "the position is held")
        orders = bench.desk.orders
        stop = orders.reduce(
            BTC, trigger=TriggerSpec(price=at(-5), by=TriggerBy.MARK), timeout_ms=WAIT_MS
        )
        target = orders.reduce(BTC, qty=Qty.of("0.001"), price=at(20), timeout_ms=WAIT_MS)
        assert isinstance(stop, Reduced), stop
        assert isinstance(target, Reduced), target
        there = shown(bench, stop.client_ids[0])
        assert (there.side, there.reduce_only, there.status) == (
            Side.SELL,
            True,
            Status.UNTRIGGERED,
        )
        assert there.trigger is not None
        assert (there.trigger.price, there.trigger.by) == (at(-5), TriggerBy.MARK)
        everyone = orders.cancel_all(scope=CancelScope.EVERYONES, timeout_ms=WAIT_MS)
        assert isinstance(everyone, Cancels), everyone
        assert shown(bench, target.client_ids[0]).status is Status.CANCELLED
        assert shown(bench, stop.client_ids[0]).status is Status.UNTRIGGERED
        assert isinstance(orders.cancel(stop.client_ids[0], timeout_ms=WAIT_MS), Cancels)
        half = orders.reduce(BTC, qty=Qty.of("0.001"), timeout_ms=WAIT_MS)
        assert isinstance(half, Reduced), half
        until(lambda: bench.books.position(BTC).qty == QTY - Qty.of("0.001"), "reduced")
        bench.close()
        assert isinstance(orders.reduce(BTC, timeout_ms=WAIT_MS), Refused)
        bench.agree()
