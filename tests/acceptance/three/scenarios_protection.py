"""Market scripts of protection: managed stops, an operator's requests, changes by hand."""

from tidegate.domain.management import BreakEven, Management, TrailingStop
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import ProtectiveLeg
from tidegate.domain.protection import PartialPair
from tidegate.ports.protection import Protected, ProtectRefused

from .scenarios import flat, held, scenario
from .world import BTC, WAIT_MS, World, until

__all__: list[str] = []


@scenario("F8", "D3")
def the_stop_goes_to_break_even_after_the_first_rung(world: World) -> None:
    held(world, management=Management(break_even=BreakEven()))
    world.price("66000.0")
    until(lambda: world.books.trades[BTC].managed.is_break_even_set, "break-even is shown")
    stop = world.position().stop_loss
    assert stop is not None
    assert stop > Price.of("65000")
    world.note("break-even", stop)
    world.price("65000.0")
    flat(world)


@scenario("F8", "G3")
def a_trailing_stop_begins_at_its_activation_and_follows(world: World) -> None:
    trailing = TrailingStop(distance=Distance.of(300), activation_price=Price.of("65500"))
    held(world, management=Management(trailing=trailing))
    until(lambda: world.books.trades[BTC].managed.is_trail_shown, "the trailing stop is shown")
    world.price("65100.0")
    world.price("65600.0")
    world.price("65900.0")
    world.price("65600.0")
    flat(world)


@scenario("F8")
def a_trailing_stop_begins_at_a_reward(world: World) -> None:
    trailing = TrailingStop(distance=Distance.of(300), activation_reward=Rate.of("0.5"))
    held(world, management=Management(trailing=trailing))
    until(lambda: world.books.trades[BTC].managed.is_trail_shown, "the trailing stop is shown")
    world.price("65500.0")
    world.price("65200.0")
    flat(world)


@scenario("F8")
def a_trailing_stop_begins_after_a_rung(world: World) -> None:
    held(
        world, management=Management(trailing=TrailingStop(distance=Distance.of(300), after_rung=1))
    )
    world.price("66000.0")
    until(lambda: world.books.trades[BTC].managed.is_trail_shown, "the trailing stop is shown")
    world.price("66400.0")
    world.price("66100.0")
    flat(world)


@scenario("G3", "H3")
def an_operator_sets_and_clears_the_levels_of_a_position(world: World) -> None:
    held(world, ladder=())
    protection = world.desk.protection
    for outcome in (
        protection.set_stop(BTC, Price.of("64100"), timeout_ms=WAIT_MS),
        protection.set_take_profit(BTC, Price.of("67500"), timeout_ms=WAIT_MS),
        protection.set_trailing(
            BTC, Distance.of(500), activation=Price.of("67000"), timeout_ms=WAIT_MS
        ),
        protection.clear_trailing(BTC, timeout_ms=WAIT_MS),
        protection.clear_take_profit(BTC, timeout_ms=WAIT_MS),
    ):
        assert isinstance(outcome, Protected), outcome
        world.settle()
    for refused in (
        protection.set_stop(BTC, Price.of("65100"), timeout_ms=WAIT_MS),
        protection.set_take_profit(BTC, Price.of("64900"), timeout_ms=WAIT_MS),
        protection.clear_stop(BTC, timeout_ms=WAIT_MS),
    ):
        assert isinstance(refused, ProtectRefused), refused
    world.desk.set_trading_state(TradingState.HALTED, "a test says so")
    looser = protection.set_stop(BTC, Price.of("64000"), timeout_ms=WAIT_MS)
    assert isinstance(looser, ProtectRefused), looser
    tighter = protection.set_stop(BTC, Price.of("64200"), timeout_ms=WAIT_MS)
    assert isinstance(tighter, Protected), tighter
    world.price("64200.0")
    flat(world)


@scenario("G3")
def a_pair_of_levels_protects_a_part_of_a_position(world: World) -> None:
    held(world, ladder=())
    pair = PartialPair(
        qty=Qty.of("0.004"),
        stop_loss=ProtectiveLeg(price=Price.of("64500")),
        take_profit=ProtectiveLeg(price=Price.of("65500")),
    )
    outcome = world.desk.protection.add_partial(BTC, pair, timeout_ms=WAIT_MS)
    assert isinstance(outcome, Protected), outcome
    world.price("65500.0")
    until(lambda: world.books.position(BTC).qty == Qty.of("0.006"), "the part was closed")
    world.price("64000.0")
    flat(world)


@scenario("F8", "G6")
def a_stop_moved_by_hand_is_adopted_where_it_is_tighter_and_else_reverted(world: World) -> None:
    held(world, ladder=())
    world.stop_by_hand(Price.of("64100"))
    until(lambda: world.books.trades[BTC].stop_wanted == Price.of("64100"), "it was adopted")
    world.settle()
    world.stop_by_hand(Price.of("63000"))
    until(lambda: world.position().stop_loss == Price.of("64100"), "it was reverted")
    until(lambda: not world.books.findings, "every finding is settled")
    world.price("64100.0")
    flat(world)


@scenario("G6", "H5")
def a_stop_cleared_by_hand_comes_back(world: World) -> None:
    held(world, ladder=())
    world.stop_by_hand(Price.of("0"))
    until(lambda: world.position().stop_loss == Price.of("64000"), "the stop is back")
    until(lambda: not world.books.findings, "every finding is settled")
    world.price("64000.0")
    flat(world)
