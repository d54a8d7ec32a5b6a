"""In cross margin every entry that may still fill is maintained, a resting one as well."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import FillMode, MemoryOptions
from tidegate.application.risk_manager import RiskManager
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.maintenance import of_account, of_others
from tidegate.domain.core.snapshots import risk_snapshot
from tidegate.domain.core.state import State
from tidegate.domain.costs import Costs
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import ONE, ZERO_MONEY, ZERO_RATE, Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderKind, Symbol
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import Entry, ExactQty, Signal, StopAtPrice
from tidegate.ports.desk import Placed

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES, FREE

OTHERS = tuple(Symbol(f"{name}USDT") for name in ("ETH", "SOL", "XRP"))
SPECS = (BTCUSDT, *(attrs.evolve(BTCUSDT, symbol=one) for one in OTHERS))
WIDE = RiskLimits(
    risk_per_trade_max=ONE,
    exposure_max=Rate.of(100),
    concentration_max=Rate.of(100),
    position_notional_max=Money.of(1_000_000),
    leverage_max=Rate.of(100),
    initial_margin_rate_max=ONE,
)


def desk(limits: RiskLimits = WIDE, *, costs: Costs = FREE) -> Bench:
    """Return a desk with 10,000 USDT in cross margin; four symbols at 65,000, nothing fills."""
    venue = MemoryVenue(
        instruments={spec.symbol: spec for spec in SPECS},
        fees=costs.fees,
        wallet=Money.of(10_000),
        options=MemoryOptions(margin_mode=MarginMode.CROSS, fill_mode=FillMode.SCRIPTED),
    )
    config = CoreConfig(
        mode=TradingMode.PAPER,
        venue=VenueKind.MEMORY,
        limits=limits,
        entry_slippage=costs.entry_slippage,
        stop_slippage=costs.stop_slippage,
    )
    return make_bench(venue=venue, instruments=SPECS, config=config)


def wish(name: str, symbol: Symbol, qty: Qty) -> Signal:
    """Return a limit buy at the market with a near stop."""
    return signal(
        name,
        symbol=symbol,
        sizing=ExactQty(qty),
        stop=StopAtPrice(Price.of(64_900)),
        entry=Entry(kind=OrderKind.LIMIT, price=Price.of(65_000)),
        leverage="100",
    )


def placed(bench: Bench, name: str, symbol: Symbol, qty: Qty) -> ClientId:
    outcome = bench.desk.execute(wish(name, symbol, qty))
    assert isinstance(outcome, Placed), outcome
    return outcome.client_id


def all_resting(bench: Bench) -> list[ClientId]:
    """Rest 1.5 coins in each of the other symbols, and the most that is allowed of bitcoin."""
    resting = [placed(bench, one, one, Qty.of("1.5")) for one in OTHERS]
    orders = bench.runner.state.books.orders
    assert {orders[one].status for one in resting} == {Status.NEW}
    most = RiskManager(bench.runner).largest_position(wish("q", BTC, Qty.of("0.1")))
    return [*resting, placed(bench, "most", BTC, most)]


def fill_all(bench: Bench, resting: list[ClientId]) -> None:
    for one in resting:
        bench.venue.script.fill(one)
    bench.runner.drain()
    assert not bench.runner.state.books.orders


def test_the_liquidation_keeps_its_distance_once_all_that_rests_has_filled() -> None:
    bench = desk()
    fill_all(bench, all_resting(bench))
    report = bench.venue.position(BTC)
    assert report.entry_price is not None
    assert report.liquidation_price is not None
    distance = (report.entry_price - report.liquidation_price) / report.entry_price
    # A step of 0.001 less than the limit permits, so hardly farther than the limit.
    assert Rate.of("0.03") <= distance < Rate.of("0.0301")


def test_the_maintenance_rate_keeps_its_limit_once_all_that_rests_has_filled() -> None:
    bench = desk(attrs.evolve(WIDE, maintenance_margin_rate_max=Rate.of("0.098")))
    fill_all(bench, all_resting(bench))
    rate = bench.venue.account().maintenance_margin_rate
    assert rate is not None
    assert Rate.of("0.0979") < rate <= Rate.of("0.098")
    state = bench.runner.state
    assert of_account(state) == bench.venue.account().equity * rate


def test_what_rests_is_maintained_at_the_tier_of_all_that_its_symbol_would_have() -> None:
    """Two of 3 coins are 390,000 at 0.5 %, and fees to close of 0.055 % at 65,000 x 0.99."""
    near = attrs.evolve(WIDE, liquidation_distance_min=ZERO_RATE)
    bench = desk(near, costs=attrs.evolve(FREE, fees=FEES))
    for name in ("one", "two"):
        placed(bench, name, OTHERS[0], Qty.of(3))
    state = bench.runner.state
    expected = Money.of(390_000) * (Rate.of("0.005") + Rate.of("0.99") * FEES.taker)
    assert of_account(state) == of_others(state, BTC) == expected
    assert of_others(state, OTHERS[0]) == ZERO_MONEY


def test_the_initial_margin_that_the_venue_reserved_is_not_counted_again() -> None:
    bench = desk()
    all_resting(bench)
    account = bench.venue.account()
    bench.runner.submit(account)
    state = bench.runner.state
    seen = risk_snapshot(state, BTC, "s", bench.runner.engine.config, bench.venue.now_ms())
    assert account.initial_margin_rate is not None
    assert seen.initial_margin == account.equity * account.initial_margin_rate
    assert seen.available == account.available


def test_a_fill_is_maintained_before_the_venue_reports_its_position() -> None:
    bench = desk()
    resting = placed(bench, "s", OTHERS[0], Qty.of("1.5"))
    before = of_others(bench.runner.state, BTC)
    bench.venue.script.fill(resting, Qty.of("0.5"))
    bench.runner.drain()
    state = bench.runner.state
    unreported = attrs.evolve(state, view=attrs.evolve(state.view, positions={}))
    assert of_others(unreported, BTC) == of_others(state, BTC) == before


@pytest.mark.parametrize("lacking", ["instruments", "fees"])
def test_what_cannot_be_weighed_is_not_known(lacking: str) -> None:
    bench = desk()
    placed(bench, "s", OTHERS[0], Qty.of("1.5"))
    state = without(bench.runner.state, lacking)
    assert (of_account(state), of_others(state, BTC)) == (None, None)
    assert of_others(state, OTHERS[0]) == ZERO_MONEY


def without(state: State, lacking: str) -> State:
    known: Any = {key: one for key, one in getattr(state.view, lacking).items() if key == BTC}
    changes: dict[str, Any] = {lacking: known}
    return attrs.evolve(state, view=attrs.evolve(state.view, **changes))
