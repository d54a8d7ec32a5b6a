"""Market scripts of the account: its settings, and what can be asked about it."""

from tidegate.domain.money import Money, Price, Rate
from tidegate.domain.orders import OrderKind
from tidegate.domain.reports import MarginMode
from tidegate.domain.signal import Entry
from tidegate.ports.account_desk import (
    SettingApplied,
    SettingOutcome,
    SettingRefused,
    SettingRejected,
)
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import QueryFailed, TimeRange

from .scenarios import flat, held, scenario, wish
from .world import BTC, WAIT_MS, World

__all__: list[str] = []

EVERYTHING = TimeRange(start_ms=0, end_ms=2**53)


def _note(world: World, outcome: SettingOutcome) -> None:
    world.settle()
    note = outcome.note if isinstance(outcome, SettingApplied) else ""
    world.note(type(outcome).__name__, outcome.setting, note or "")


@scenario("G3", "F11")
def leverage_is_capped_and_read_back(world: World) -> None:
    account = world.desk.account
    for leverage in ("4", "4", "60"):
        outcome = account.set_leverage(BTC, Rate.of(leverage), timeout_ms=WAIT_MS)
        assert isinstance(outcome, SettingApplied), outcome
        _note(world, outcome)
        world.note(world.port.position(BTC).leverage)


@scenario("G3")
def the_margin_mode_changes_only_when_flat(world: World) -> None:
    account = world.desk.account
    for mode in (MarginMode.CROSS, MarginMode.ISOLATED):
        _note(world, account.set_margin_mode(mode, timeout_ms=WAIT_MS))
        world.note(world.port.account().margin_mode)
    entry = Entry(kind=OrderKind.LIMIT, price=Price.of("64900"))
    placed = world.desk.execute(wish("rests", entry=entry), timeout_ms=WAIT_MS)
    assert isinstance(placed, Placed), placed
    world.settle()
    refused = account.set_margin_mode(MarginMode.CROSS, timeout_ms=WAIT_MS)
    assert isinstance(refused, SettingRefused), refused
    world.price("64900.0")
    refused = account.set_margin_mode(MarginMode.CROSS, timeout_ms=WAIT_MS)
    assert isinstance(refused, SettingRefused), refused
    world.price("64000.0")
    flat(world)


@scenario("G3")
def margin_is_added_to_a_position(world: World) -> None:
    held(world)
    account, before = world.desk.account, world.port.account().available
    _note(world, account.add_margin(BTC, Money.of("20.5"), timeout_ms=WAIT_MS))
    world.note("moved to the position", before - world.port.account().available)
    _note(world, account.set_auto_add_margin(BTC, on=True, timeout_ms=WAIT_MS))
    world.note(world.port.position(BTC).auto_add_margin)
    _note(world, account.set_auto_add_margin(BTC, on=False, timeout_ms=WAIT_MS))
    world.price("64000.0")
    flat(world)


@scenario("G3")
def collateral_that_cannot_be_switched_is_rejected(world: World) -> None:
    outcome = world.desk.account.set_collateral("USDT", on=False, timeout_ms=WAIT_MS)
    assert isinstance(outcome, SettingRejected), outcome
    for row in world.desk.account.collateral():
        world.note(row.coin, row.is_on)


@scenario("G2", "G3")
def what_an_account_says_of_itself(world: World) -> None:
    held(world)
    world.price("65500.0")
    account = world.desk.account
    value = account.value()
    world.note(value.wallet, value.equity, value.margin_mode)
    coin = account.balance("USDT")
    world.note(coin.coin, coin.wallet)
    world.note(len(account.balances()))
    try:
        account.balance("BTC")
    except QueryFailed:
        world.note("a coin that is not there is an error")
    rates = account.fee_rates(BTC)
    world.note(rates.taker, rates.maker)
    mode = account.check_position_mode(BTC)
    world.note(mode.mode, mode.is_usable)
    for tier in account.risk_tiers(BTC):
        world.note(tier.notional_max, tier.maintenance_rate, tier.leverage_max)
    world.note(len(account.borrowings("USDT", EVERYTHING).rows))
    portfolio = world.desk.positions.portfolio()
    world.note(portfolio.equity, len(portfolio.positions))
    world.price("64000.0")
    flat(world)
