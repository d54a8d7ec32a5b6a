"""Market scripts of orders: every family, and what an operator does to them."""

from typing import Any

from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import OrderKind, ProtectiveLeg, Side, TimeInForce
from tidegate.domain.signal import Entry
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.orders import Amended, Cancels, CancelScope, Placed, Reduced

from .scenarios import flat, held, scenario, wish
from .world import BTC, START, WAIT_MS, World, until

__all__: list[str] = []

HALF = Qty.of("0.005")


def _placed(world: World, name: str, entry: Entry, **more: Any) -> Placed:
    outcome = world.desk.orders.execute(wish(name, entry=entry, **more), timeout_ms=WAIT_MS)
    assert isinstance(outcome, Placed), outcome
    world.settle()
    return outcome


def _filled(world: World) -> None:
    until(lambda: not world.books.position(BTC).is_flat, "the entry filled")
    world.settle()


@scenario("F1", "B3")
def a_stop_market_entry_fires_and_fills_as_a_taker(world: World) -> None:
    _placed(world, "breakout", Entry(trigger=TriggerSpec(price=Price.of("65500"))))
    world.price("65400.0")
    assert world.position().qty.sign == 0
    world.price("65500.0")
    _filled(world)
    world.price("64000.0")
    flat(world)


@scenario("F1")
def a_stop_limit_entry_rests_after_it_fired(world: World) -> None:
    entry = Entry(
        kind=OrderKind.LIMIT,
        price=Price.of("65450"),
        trigger=TriggerSpec(price=Price.of("65500")),
    )
    _placed(world, "pullback", entry)
    world.price("65500.0")
    assert world.position().qty.sign == 0
    world.price("65450.0")
    _filled(world)
    world.price("64000.0")
    flat(world)


@scenario("F1")
def a_conditional_entry_waits_for_a_fall(world: World) -> None:
    _placed(world, "dip", Entry(trigger=TriggerSpec(price=Price.of("64500"))))
    world.price("64500.0")
    _filled(world)
    world.price("64000.0")
    flat(world)


@scenario("F1")
def a_post_only_entry_rests_and_one_that_would_take_ends(world: World) -> None:
    makes = Entry(
        kind=OrderKind.LIMIT, price=Price.of("64900"), time_in_force=TimeInForce.POST_ONLY
    )
    _placed(world, "makes", makes)
    world.price("64900.0")
    _filled(world)
    world.price("64000.0")
    flat(world)
    world.price(START)
    takes = Entry(
        kind=OrderKind.LIMIT, price=Price.of("65100"), time_in_force=TimeInForce.POST_ONLY
    )
    world.desk.orders.execute(wish("takes", entry=takes), timeout_ms=WAIT_MS)
    flat(world)


@scenario("F1")
def entries_that_must_fill_at_once_do_or_end(world: World) -> None:
    for number, force in enumerate((TimeInForce.IOC, TimeInForce.FOK)):
        away = Entry(kind=OrderKind.LIMIT, price=Price.of("64900"), time_in_force=force)
        world.desk.orders.execute(wish(f"away {number}", entry=away), timeout_ms=WAIT_MS)
        flat(world)
        through = Entry(kind=OrderKind.LIMIT, price=Price.of("65050"), time_in_force=force)
        _placed(world, f"through {number}", through)
        _filled(world)
        world.desk.orders.close_position(BTC, timeout_ms=WAIT_MS)
        flat(world)


@scenario("F1", "F5")
def an_entry_carries_its_take_profit(world: World) -> None:
    _placed(world, "bracket", Entry(take_profit=Price.of("66000")), ladder=())
    _filled(world)
    world.price("66000.0")
    flat(world)


@scenario("F7")
def a_signal_at_another_leverage(world: World) -> None:
    outcome = world.desk.orders.execute_with_leverage(
        wish("levered"), Rate.of("5"), timeout_ms=WAIT_MS
    )
    assert isinstance(outcome, Placed), outcome
    _filled(world)
    assert world.position().leverage == Rate.of("5")
    world.price("64000.0")
    flat(world)


@scenario("F6", "F7")
def a_batch_of_signals_gives_one_outcome_each(world: World) -> None:
    rests = Entry(kind=OrderKind.LIMIT, price=Price.of("64500"))
    signals = [wish(f"batch {number}", entry=rests) for number in range(3)]
    outcomes = world.desk.orders.execute_batch(
        [*signals, wish("wrong side", stop="66000")], timeout_ms=WAIT_MS
    )
    assert [isinstance(outcome, Placed) for outcome in outcomes] == [True, True, True, False]
    world.settle()
    assert len(world.orders()) == 3
    cancelled = world.desk.orders.cancel_all(BTC, timeout_ms=WAIT_MS)
    assert isinstance(cancelled, Cancels), cancelled
    flat(world)


@scenario("F5", "F11", "E9")
def an_entry_is_amended_in_each_of_its_values(world: World) -> None:
    entry = Entry(kind=OrderKind.LIMIT, price=Price.of("64900"))
    order_id = _placed(world, "changes", entry).client_id
    orders = world.desk.orders
    for change in (
        orders.amend(order_id, qty=HALF, timeout_ms=WAIT_MS),
        orders.amend(order_id, price=Price.of("64800"), timeout_ms=WAIT_MS),
        orders.amend(
            order_id, stop_loss=ProtectiveLeg(price=Price.of("64200")), timeout_ms=WAIT_MS
        ),
        orders.amend(
            order_id, take_profit=ProtectiveLeg(price=Price.of("66200")), timeout_ms=WAIT_MS
        ),
    ):
        assert isinstance(change, Amended), change
    world.settle()
    world.price("64800.0")
    _filled(world)
    assert world.position().qty == HALF
    world.price("64200.0")
    flat(world)


@scenario("F5")
def a_trigger_is_amended(world: World) -> None:
    entry = Entry(trigger=TriggerSpec(price=Price.of("65500")))
    order_id = _placed(world, "later", entry).client_id
    amended = world.desk.orders.amend(order_id, trigger_price=Price.of("65600"), timeout_ms=WAIT_MS)
    assert isinstance(amended, Amended), amended
    world.price("65500.0")
    assert world.position().qty.sign == 0
    world.price("65600.0")
    _filled(world)
    world.price("64000.0")
    flat(world)


@scenario("F1", "E5")
def an_operator_reduces_by_every_family(world: World) -> None:
    held(world)
    small, orders = Qty.of("0.002"), world.desk.orders
    ways: tuple[dict[str, Any], ...] = (
        {},
        {"price": Price.of("65500")},
        {"trigger": TriggerSpec(price=Price.of("64800"))},
    )
    for way in ways:
        outcome = orders.reduce(BTC, qty=small, timeout_ms=WAIT_MS, **way)
        assert isinstance(outcome, Reduced), outcome
        world.settle()
    world.price("65500.0")
    world.price("64800.0")
    world.price("64000.0")
    flat(world)


@scenario("F5")
def one_order_is_cancelled_and_the_rest_stays(world: World) -> None:
    held(world)
    first = next(iter(world.books.orders))
    cancelled = world.desk.orders.cancel(first, timeout_ms=WAIT_MS)
    assert isinstance(cancelled, Cancels), cancelled
    world.settle()
    assert len(world.books.orders) == 1
    world.price("64000.0")
    flat(world)


@scenario("F5", "H1")
def an_explicit_cancel_all_takes_foreign_orders_and_no_stop(world: World) -> None:
    world.foreign_limit(Side.BUY, Qty.of("0.010"), Price.of("60000"))
    held(world)
    cancelled = world.desk.orders.cancel_all(BTC, scope=CancelScope.EVERYONES, timeout_ms=WAIT_MS)
    assert isinstance(cancelled, Cancels), cancelled
    world.settle()
    assert world.position().stop_loss == Price.of("64000")
    assert all(order.client_id is None and order.reduce_only for order in world.orders())
    world.price("64000.0")
    flat(world)


@scenario("G4")
def everything_is_closed_at_once(world: World) -> None:
    held(world)
    world.desk.orders.close_all(timeout_ms=WAIT_MS)
    flat(world)
    assert world.orders() == ()
