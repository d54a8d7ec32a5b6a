"""Entries at the limits of venue and rules: refused with evidence, or reduced where wanted."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.application.check import check_trade
from tidegate.application.risk_manager import NoLevels, RiskManager, TradeLevels
from tidegate.application.settings import Settings
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import ONE, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side, Symbol
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.limits import Oversize, RiskLimits
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import ExactQty, RungSpec, Signal, StopAtPrice
from tidegate.domain.ticket import Ticket
from tidegate.ports.commands import CheckRequest
from tidegate.ports.desk import Closing, Placed, Refused

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

from .scenes import LADDER, limit, only, opened, placed, scripted

ETH = Symbol("ETHUSDT")
ETHUSDT = attrs.evolve(BTCUSDT, symbol=ETH, base_coin="ETH")
SMALL = attrs.evolve(BTCUSDT, qty_max_market=Qty.of("0.020"))
"""A venue that takes 0.020 coins at most in one market order."""
THINNED = (RungSpec(Rate.of(1), Rate.of("0.50")), RungSpec(Rate.of(20), Rate.of("0.04")))
"""Of 0.025 coins: 0.012 at one R, 0.001 at twenty. Of fewer, the far rung has less than a step."""


def desk(*specs: Instrument, options: MemoryOptions | None = None, **limits: Any) -> Bench:
    """Return a desk with 10,000 USDT at a price of 65,000 and these limits."""
    specs = specs or (BTCUSDT,)
    venue = MemoryVenue(
        instruments={spec.symbol: spec for spec in specs},
        fees=FEES,
        wallet=Money.of("10000"),
        options=options,
    )
    config = CoreConfig(mode=TradingMode.PAPER, venue=VenueKind.MEMORY, limits=RiskLimits(**limits))
    return make_bench(venue=venue, instruments=specs, config=config)


def of(qty: str, **changes: Any) -> Signal:
    """Return a market buy of a quantity at leverage 3 with its stop at 64,000."""
    return attrs.evolve(signal(sizing=ExactQty(Qty.of(qty))), **changes)


def refused(bench: Bench, wish: Signal) -> Refused:
    """Execute a wish that must be refused, and of which nothing may reach the venue."""
    sent = len(only(bench, ev.EntryIntended))
    outcome = bench.desk.execute(wish)
    assert isinstance(outcome, Refused), outcome
    assert len(only(bench, ev.EntryIntended)) == sent
    return outcome


def ticket(bench: Bench, wish: Signal) -> Ticket:
    outcome = bench.desk.execute(wish)
    assert isinstance(outcome, Placed), outcome
    return outcome.ticket


def test_a_price_that_the_venue_does_not_take_is_refused_with_its_range() -> None:
    wish = of("0.010", entry=limit("2000000"), stop=StopAtPrice(Price.of("1990000")))
    outcome = refused(desk(), wish)
    assert outcome.fault == (
        "price range price 2000000.00; limit: from 0.10 to 1999999.80; give a price in that range"
    )
    assert (outcome.breaches, outcome.missing) == ((), ())


def test_where_no_stop_is_demanded_an_entry_without_one_risks_all_of_it() -> None:
    """195.0975 at the worst fill are at risk, within the 200 allowed; 0.004 would be 260."""
    made = ticket(desk(stop_required=False), of("0.003", stop=None))
    assert (made.stop, made.price_risk, made.cost_risk) == (None, None, None)
    bench = desk(stop_required=False)
    bench.desk.execute(of("0.003", stop=None))
    (entry,) = only(bench, ev.EntryIntended)
    assert entry.order.stop_loss is None
    assert bench.runner.state.books.trades[BTC].stop_wanted is None


def test_above_the_venues_maximum_an_entry_is_refused_with_the_largest_it_takes() -> None:
    outcome = refused(desk(SMALL), of("0.050"))
    assert outcome.fault == (
        "0.050 BTC; limit: at most 0.020 BTC in one market order; above the venue's maximum "
        "quantity: use another size or stop"
    )
    assert outcome.largest == Qty.of("0.020")


def test_above_the_venues_maximum_an_entry_is_reduced_where_that_is_wanted() -> None:
    bench = desk(SMALL, oversize=Oversize.REDUCE)
    made = ticket(bench, of("0.050"))
    assert (made.qty, made.reduced_from) == (Qty.of("0.020"), Qty.of("0.050"))
    assert bench.venue.position(BTC).qty == Qty.of("0.020")


def test_above_a_risk_limit_an_entry_is_refused_with_the_largest_that_passes() -> None:
    """2 % of 10,000 is 200; one coin loses 1,167.432675 at worst: 0.1713..., down to 0.171."""
    outcome = refused(desk(), of("0.500"))
    risk = next(breach for breach in outcome.breaches if breach.rule is Rule.TRADE_RISK)
    assert (risk.observed, risk.limit) == ("583.7163375 USDT", "200 USDT")
    assert risk.remedy == "reduce the quantity to 0.171 BTC or less"
    assert outcome.largest == Qty.of("0.171")


def test_above_a_risk_limit_an_entry_is_reduced_where_that_is_wanted() -> None:
    bench = desk(oversize=Oversize.REDUCE)
    made = ticket(bench, of("0.500"))
    assert (made.qty, made.reduced_from) == (Qty.of("0.171"), Qty.of("0.500"))
    assert bench.venue.position(BTC).qty == Qty.of("0.171")


def test_an_entry_reduced_twice_tells_what_was_asked_first() -> None:
    """0.020 is the venue's maximum; 1,000 at the worst entry of 65,032.50 is 0.0153...: 0.015."""
    bench = desk(SMALL, oversize=Oversize.REDUCE, position_notional_max=Money.of(1_000))
    made = ticket(bench, of("0.050"))
    assert (made.qty, made.reduced_from) == (Qty.of("0.015"), Qty.of("0.050"))


def test_an_entry_that_fits_is_not_reduced() -> None:
    made = ticket(desk(oversize=Oversize.REDUCE), of("0.171"))
    assert (made.qty, made.reduced_from) == (Qty.of("0.171"), None)


def test_where_no_size_passes_nothing_is_reduced() -> None:
    """One step of 0.001 is worth 65 USDT, more than the 60 allowed."""
    bench = desk(oversize=Oversize.REDUCE, position_notional_max=Money.of(60))
    outcome = refused(bench, of("0.010"))
    assert [breach.rule for breach in outcome.breaches] == [Rule.POSITION_SIZE]
    assert outcome.breaches[0].remedy == "reduce what is held or in flight in BTCUSDT"
    assert outcome.largest == Qty.of(0)


def test_a_reduced_entry_is_judged_again_and_refused_for_what_was_asked() -> None:
    """1,400 at 65,032.50 is 0.021 coins, of which 4 % are no step: the far target is lost.

    With it the plan nets a little more than one R after costs, without it 0.4 R.
    """
    limits: dict[str, Any] = {"oversize": Oversize.REDUCE, "position_notional_max": Money.of(1_400)}
    wish = of("0.025", ladder=THINNED)
    without_demand = ticket(desk(**limits), wish)
    assert without_demand.qty == Qty.of("0.021")
    assert without_demand.notes == (
        "rung 2 of 0.000 is below the venue's minimum of 0.001: merged into rung 1",
    )
    assert without_demand.reward_to_risk_net is not None
    assert without_demand.reward_to_risk_net < ONE
    outcome = refused(desk(**limits, reward_to_risk_net_min=ONE), wish)
    assert [breach.rule for breach in outcome.breaches] == [Rule.POSITION_SIZE]
    in_full = ticket(desk(reward_to_risk_net_min=ONE), wish)
    assert in_full.qty == Qty.of("0.025")


def test_the_dry_check_refuses_what_the_desk_refuses_after_reducing() -> None:
    limits: dict[str, Any] = {"oversize": Oversize.REDUCE, "position_notional_max": Money.of(1_400)}
    asked = CheckRequest(
        symbol=BTC,
        side=Side.BUY,
        entry=Price.of("65000"),
        kind=OrderKind.MARKET,
        stop=StopAtPrice(Price.of("64000")),
        sizing=ExactQty(Qty.of("0.025")),
        ladder=THINNED,
        equity=Money.of("10000"),
        leverage=Rate.of(3),
    )
    kept = RiskLimits(**limits, reward_to_risk_net_min=ONE)
    report = check_trade(asked, Settings(limits=kept), BTCUSDT)
    assert not report.is_allowed
    assert [breach.rule for breach in report.breaches] == [Rule.POSITION_SIZE]
    assert report.ticket is not None
    assert (report.ticket.qty, report.ticket.reduced_from) == (Qty.of("0.025"), None)
    reduced = check_trade(asked, Settings(limits=RiskLimits(**limits)), BTCUSDT)
    assert reduced.is_allowed
    assert reduced.ticket is not None
    assert reduced.ticket.qty == Qty.of("0.021")


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (
            {"ladder": (RungSpec(ONE, Rate.of("0.6")), RungSpec(Rate.of(2), Rate.of("0.5")))},
            ["close fractions 0.6, 0.5: 1.1 in all", "at most 1 in all", "such as 0.5 and 0.5"],
        ),
        (
            {"leverage": Rate.of(10), "stop": StopAtPrice(Price.of("50000"))},
            ["stop 50000.00", "above the liquidation price 58723", "a lower leverage"],
        ),
        (
            {"stop": StopAtPrice(Price.of("66000"))},
            ["stop 66000", "limit: below the entry 65000", "give a stop below 65000"],
        ),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_value_limit_and_remedy(
    change: dict[str, Any], texts: list[str]
) -> None:
    outcome = refused(desk(), of("0.010", **change))
    assert outcome.fault is not None
    assert all(text in outcome.fault for text in texts), outcome.fault
    assert outcome.largest is None


def test_of_an_unknown_symbol_everything_missing_is_named() -> None:
    outcome = refused(desk(), of("0.010", symbol=ETH))
    assert outcome.fault == (
        "instrument specification, fee rates, prices of ETHUSDT not known: nothing is sent without "
        "(the venue: unknown symbol 'ETHUSDT'; this venue trades BTCUSDT)"
    )


def test_what_a_wish_would_be_judged_as_is_the_plan_of_its_entry() -> None:
    bench = desk()
    manager = RiskManager(bench.runner)
    levels = manager.trade_levels(of("0.010"))
    assert isinstance(levels, TradeLevels)
    # a market buy may slip by 0.05 %: 65,000 x 1.0005
    assert (levels.qty, levels.entry_worst) == (Qty.of("0.010"), Price.of("65032.5"))
    assert only(bench, ev.EntryIntended) == []
    wrong = of("0.010", stop=StopAtPrice(Price.of("66000")))
    for one in (wrong, of("0.010", symbol=ETH)):
        assert isinstance(manager.trade_levels(one), NoLevels)
        assert manager.largest_position(one) == Qty.of(0)


def test_nothing_is_added_to_a_position_that_is_being_closed() -> None:
    bench = scripted()
    bench.venue.script.fill(placed(bench))
    bench.runner.drain()
    assert isinstance(bench.desk.close_position(BTC), Closing)
    outcome = refused(bench, of("0.010", signal_id="s2"))
    assert outcome.fault == "position of BTCUSDT is being closed: wait until it is flat"


def test_an_addition_takes_the_ladder_of_the_position_it_joins() -> None:
    bench = opened()
    own = (RungSpec(Rate.of(5), ONE),)
    ticket(bench, of("0.010", signal_id="s2", ladder=own))
    first, second = only(bench, ev.EntryIntended)
    assert first.signal.ladder == second.signal.ladder == LADDER


def test_with_cross_margin_a_loss_elsewhere_brings_the_liquidation_price_nearer() -> None:
    """A loss elsewhere is margin that is missing here.

    0.500 coins lose 0.500 USDT for each USDT of price: 1,000 lost elsewhere are at least 2,000 of
    price nearer, and a little more for the fees paid and the other position's maintenance margin.
    """
    loose: dict[str, Any] = {
        "options": MemoryOptions(margin_mode=MarginMode.CROSS),
        "risk_per_trade_max": ONE,
        "day_loss_max": ONE,
        "concentration_max": Rate.of(10),
        "exposure_max": Rate.of(10),
        "initial_margin_rate_max": Rate.of(2),
    }
    wish = of("0.500", leverage=Rate.of(10), signal_id="s2")
    alone = ticket(desk(BTCUSDT, ETHUSDT, **loose), wish).liquidation
    bench = desk(BTCUSDT, ETHUSDT, **loose)
    other = StopAtPrice(Price.of("60000"))
    ticket(bench, of("0.250", symbol=ETH, leverage=Rate.of(10), stop=other))
    bench.venue.script.move(ETH, last=Price.of("61000"))
    bench.runner.drain()
    beside = ticket(bench, wish).liquidation
    assert alone is not None
    assert beside is not None
    nearer = beside - alone
    assert Price.of("2000").value < nearer.value < Price.of("2400").value
