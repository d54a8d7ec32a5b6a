"""The market scripts, each with the requirements that it shows."""

from collections.abc import Callable
from typing import Any

import attrs
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Role, Side
from tidegate.domain.signal import Entry, ExactQty, RungSpec, Signal, StopAtPrice
from tidegate.ports.desk import OpenOutcome, Placed

from tests.application.bench import signal

from .world import BTC, START, WAIT_MS, World, until

__all__ = ["Scenario", "held", "scenario", "scenarios", "wish"]

Act = Callable[[World], None]


@attrs.frozen
class Scenario:
    """One market script; ``shows`` are the requirements whose capability it exercises."""

    name: str
    shows: tuple[str, ...]
    run: Act


_ALL: list[Scenario] = []


def scenario(*shows: str) -> Callable[[Act], Act]:
    """Register a market script."""

    def take(run: Act) -> Act:
        _ALL.append(Scenario(name=run.__name__, shows=shows, run=run))
        return run

    return take


def scenarios() -> tuple[Scenario, ...]:
    """Return every market script."""
    return tuple(_ALL)


QTY = Qty.of("0.010")
HALVES = (
    RungSpec(Rate.of("1"), Rate.of("0.5")),
    RungSpec(Rate.of("2"), Rate.of("0.5")),
)


def wish(name: str, *, stop: str = "64000", side: Side = Side.BUY, **more: Any) -> Signal:
    """Return a wish for 0.010 BTC with two targets, at one and two times the stop distance."""
    made = signal(
        name, side=side, sizing=ExactQty(QTY), stop=StopAtPrice(Price.of(stop)), ladder=HALVES
    )
    return attrs.evolve(made, **more)


def opened(world: World, made: Signal) -> OpenOutcome:
    """Open with the ladder placed, and let everything settle."""
    outcome = world.desk.open_with_rr(made, timeout_ms=WAIT_MS)
    world.settle()
    return outcome


def held(world: World, name: str = "held", **more: Any) -> None:
    """Hold a position with its stop seen at the venue and its targets resting."""
    made = wish(name, **more)
    outcome = opened(world, made)
    assert isinstance(outcome, Placed), outcome
    until(lambda: world.books.trades[BTC].is_stop_confirmed, "the stop was seen at the venue")
    targets = [o for o in world.books.orders.values() if o.role is Role.TAKE_PROFIT]
    assert len(targets) == len(made.ladder)


def flat(world: World) -> None:
    """See that nothing is held, at the desk and at the venue."""
    until(lambda: world.books.position(BTC).is_flat, "the desk knows that it is flat")
    until(lambda: not world.books.orders, "no order is left at the desk")
    until(lambda: world.position().qty.sign == 0, "the venue holds nothing")
    world.settle()


@scenario("F1", "F7", "F8", "F12", "H5")
def a_long_trade_runs_up_its_ladder(world: World) -> None:
    held(world)
    world.price("66000.0")
    world.price("67000.0")
    flat(world)


@scenario("F1", "F8")
def a_short_trade_runs_down_its_ladder(world: World) -> None:
    held(world, stop="66000", side=Side.SELL)
    world.price("64000.0")
    world.price("63000.0")
    flat(world)


@scenario("F8", "H5", "G5")
def a_stop_at_the_venue_ends_the_trade_and_its_orders(world: World) -> None:
    held(world)
    world.price("64000.0")
    flat(world)
    assert world.orders() == ()


@scenario("F1", "F11", "D2")
def a_limit_entry_rests_and_fills_as_a_maker(world: World) -> None:
    entry = Entry(kind=OrderKind.LIMIT, price=Price.of("64900"))
    placed = world.desk.execute(wish("rests", entry=entry), timeout_ms=WAIT_MS)
    assert isinstance(placed, Placed), placed
    world.settle()
    assert world.position().qty.sign == 0
    world.price("64900.0")
    until(lambda: not world.books.position(BTC).is_flat, "the entry filled")
    world.settle()
    world.price("65800.0")
    world.price("66700.0")
    flat(world)


@scenario("F7", "G4", "E5")
def a_close_takes_the_orders_off_first(world: World) -> None:
    held(world)
    world.price("65500.0")
    world.desk.close_position(BTC, timeout_ms=WAIT_MS)
    flat(world)
    assert world.orders() == ()


@scenario("F8", "G8")
def funding_is_paid_once_and_booked(world: World) -> None:
    held(world)
    world.fund("0.0001")
    until(lambda: world.books.trades[BTC].funding.sign > 0, "funding was booked")
    world.price("64000.0")
    flat(world)


@scenario("G5", "G6")
def a_close_by_hand_leaves_nothing_of_ours(world: World) -> None:
    world.foreign_limit(Side.BUY, Qty.of("0.010"), Price.of("60000"))
    held(world)
    world.close_by_hand()
    flat(world)
    assert len(world.orders()) == 1, "the order of somebody else stays"


@scenario("H1", "H2", "E2")
def panic_takes_everything_and_halts(world: World) -> None:
    world.foreign_limit(Side.BUY, Qty.of("0.010"), Price.of("60000"))
    held(world)
    assert world.desk.panic("a test says so", timeout_ms=WAIT_MS) == ()
    flat(world)
    assert world.orders() == ()
    opened(world, wish("after"))
    world.desk.reset_panic(confirmation="RESET")
    world.desk.set_trading_state(TradingState.ACTIVE, "a test looked")
    world.price(START)
    held(world, "again")
    world.price("64000.0")
    flat(world)


@scenario("H3", "E5")
def reducing_lets_nothing_in_and_everything_out(world: World) -> None:
    held(world)
    world.desk.set_trading_state(TradingState.REDUCING, "a test says so")
    opened(world, wish("more"))
    world.price("66000.0")
    world.desk.close_position(BTC, timeout_ms=WAIT_MS)
    flat(world)
    opened(world, wish("from flat"))
    assert world.position().qty.sign == 0


@scenario("H3", "H1")
def halted_still_lets_an_operator_out(world: World) -> None:
    held(world)
    world.desk.set_trading_state(TradingState.HALTED, "a test says so")
    opened(world, wish("more"))
    world.desk.close_position(BTC, timeout_ms=WAIT_MS)
    flat(world)


@scenario("A7", "F3", "G6")
def fills_while_the_streams_are_down_are_found_over_queries(world: World) -> None:
    held(world)
    world.disconnect()
    world.move(Price.of("66000.0"))
    until(lambda: len(world.books.orders) == 1, "the first target's fill was found")
    world.reconnect()
    world.price("67000.0")
    flat(world)


@scenario("G5", "E2")
def a_liquidation_is_booked_with_its_cause(world: World) -> None:
    held(world, stop="60000", leverage=Rate.of("10"))
    world.liquidate()
    flat(world)
