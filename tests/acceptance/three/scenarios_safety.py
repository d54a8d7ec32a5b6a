"""Market scripts of safety and of trouble on the way: who is told, what is asked again."""

import attrs
import pytest
from tidegate.application.safety import PanicEvent
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Price
from tidegate.domain.orders import OrderKind, Symbol
from tidegate.domain.signal import Entry
from tidegate.ports.desk import Fill, Placed, Refused, TimedOut

from .scenarios import flat, held, scenario, wish
from .world import BTC, START, WAIT_MS, World, until

__all__: list[str] = []


@scenario("F3")
def an_answer_that_is_lost_is_asked_for_and_nothing_is_sent_twice(world: World) -> None:
    world.lose_next_answer()
    entry = Entry(kind=OrderKind.LIMIT, price=Price.of("64900"))
    world.desk.execute(wish("unheard", entry=entry), timeout_ms=WAIT_MS)
    until(lambda: len(world.orders()) == 1, "it is at the venue")
    until(lambda: all(o.is_open for o in world.books.orders.values()), "the desk knows")
    world.settle()
    assert len(world.orders()) == 1
    world.price("64900.0")
    until(lambda: not world.books.position(BTC).is_flat, "the entry filled")
    world.price("64000.0")
    flat(world)


@scenario("F2", "F7")
def a_signal_is_acted_on_once_and_its_fill_is_waited_for(world: World) -> None:
    entry = Entry(kind=OrderKind.LIMIT, price=Price.of("64900"))
    made = wish("once", entry=entry)
    placed = world.desk.execute(made, timeout_ms=WAIT_MS)
    assert isinstance(placed, Placed), placed
    assert isinstance(world.desk.execute(made, timeout_ms=WAIT_MS), Refused)
    assert isinstance(world.desk.wait_for_fill(placed.client_id, timeout_ms=1), TimedOut)
    world.price("64900.0")
    done = world.desk.wait_for_fill(placed.client_id, timeout_ms=WAIT_MS)
    assert isinstance(done, Fill), done
    world.note("filled", done.qty_filled, done.value_filled, done.is_finished)
    world.price("64000.0")
    flat(world)


@scenario("G7", "B2")
def an_unknown_symbol_is_refused_before_anything_is_sent(world: World) -> None:
    unknown = attrs.evolve(wish("unknown"), symbol=Symbol("NEVERUSDT"))
    outcome = world.desk.execute(unknown, timeout_ms=WAIT_MS)
    assert isinstance(outcome, Refused), outcome
    assert outcome.fault is not None
    assert "NEVERUSDT" in outcome.fault
    assert world.orders() == ()


@scenario("H1", "H2", "G10")
def a_panic_is_told_to_every_listener_and_reset_by_its_literal_alone(world: World) -> None:
    told: list[str] = []

    def hear(event: PanicEvent) -> None:
        told.append(type(event).__name__)

    def fail(event: PanicEvent) -> None:
        raise RuntimeError(f"cannot take {type(event).__name__}")

    safety = world.desk.safety
    safety.on_panic("bad", fail)
    safety.on_panic("good", hear)
    held(world)
    assert safety.panic("a test says so", timeout_ms=WAIT_MS) == ()
    assert safety.panic("and again", timeout_ms=WAIT_MS) == ()
    flat(world)
    with pytest.raises(ValueError, match="only by the literal 'RESET'"):
        safety.reset(confirmation="reset")
    assert safety.is_panicked
    safety.reset(confirmation="RESET")
    until(lambda: told[-1:] == ["PanicReset"], "the good listener was told of the reset")
    until(lambda: safety.listener_reports()["bad"].failed == len(told), "the bad one as well")
    world.note(*told)
    world.note(safety.states.effective, safety.was_acted_on("held"))


@scenario("H3")
def a_halt_lets_a_stop_be_tightened_and_nothing_in(world: World) -> None:
    held(world, ladder=())
    world.desk.safety.set_state(TradingState.HALTED, "a test says so")
    assert isinstance(world.desk.execute(wish("more"), timeout_ms=WAIT_MS), Refused)
    world.desk.protection.set_stop(BTC, Price.of("64500"), timeout_ms=WAIT_MS)
    world.settle()
    world.desk.safety.set_state(TradingState.ACTIVE, "a test looked")
    world.price("64500.0")
    flat(world)
    world.price(START)
    held(world, "again")
    world.price("64000.0")
    flat(world)


@scenario("A1", "I2", "G6")
def a_desk_that_starts_again_goes_on_with_what_it_holds(world: World) -> None:
    held(world)
    world.price("66000.0")
    world.restart()
    assert len(world.books.orders) == 1
    world.price("67000.0")
    flat(world)


@scenario("A1", "H5", "G6")
def what_happened_while_no_desk_ran_is_booked_at_the_next_start(world: World) -> None:
    held(world)
    world.halt()
    world.move(Price.of("64000.0"))
    world.begin()
    flat(world)
    assert world.orders() == ()


@scenario("H1", "A1")
def a_panic_lasts_over_a_restart(world: World) -> None:
    held(world)
    assert world.desk.panic("a test says so", timeout_ms=WAIT_MS) == ()
    flat(world)
    world.restart()
    assert world.desk.safety.is_panicked
    world.price(START)
    assert isinstance(world.desk.execute(wish("after"), timeout_ms=WAIT_MS), Refused)
    world.desk.reset_panic(confirmation="RESET")
    held(world, "again")
    world.price("64000.0")
    flat(world)
