"""An addition is refused where the whole position would be liquidated too near or too soon."""

import attrs
import pytest
from tidegate.adapters.memory.options import MemoryOptions
from tidegate.application.risk_manager import Allowed, RiskManager
from tidegate.domain.core.events import SignalRefused
from tidegate.domain.core.inputs import OpenRequest
from tidegate.domain.core.step import step
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side
from tidegate.domain.reports import MarginMode
from tidegate.domain.risk.limits import Oversize, RiskLimits
from tidegate.domain.risk.verdict import Breach, Rule
from tidegate.domain.signal import Entry, ExactQty, StopAtPrice
from tidegate.ports.desk import Placed, Refused

from tests.application.bench import BTC, Bench, make_bench, signal

WIDE = attrs.evolve(
    RiskLimits(),
    risk_per_trade_max=Rate.of("0.5"),
    exposure_max=Rate.of(50),
    concentration_max=Rate.of(50),
    position_notional_max=Money.of(1_000_000),
    leverage_max=Rate.of(50),
)
CROSS = MemoryOptions(margin_mode=MarginMode.CROSS)


def ask(
    bench: Bench, name: str, side: Side, qty: str, stop: str, *, leverage: str, at: str = ""
) -> Placed | Refused:
    entry = Entry(kind=OrderKind.LIMIT, price=Price.of(at)) if at else None
    wish = signal(
        name,
        side=side,
        sizing=ExactQty(Qty.of(qty)),
        stop=StopAtPrice(Price.of(stop)),
        leverage=leverage,
        entry=entry,
    )
    outcome = bench.desk.execute(wish)
    assert isinstance(outcome, Placed | Refused), outcome
    return outcome


def distance(outcome: Placed | Allowed | Refused) -> Breach:
    assert isinstance(outcome, Refused), outcome
    (breach,) = [found for found in outcome.breaches if found.rule is Rule.LIQUIDATION_DISTANCE]
    return breach


@pytest.mark.parametrize(
    ("side", "then", "stop", "observed"),
    [(Side.BUY, "55000", "54300", "1.8055 %"), (Side.SELL, "65000", "65600", "1.5255 %")],
)
def test_adding_to_a_loser_is_refused_where_the_whole_would_be_liquidated_near(
    side: Side, then: str, stop: str, observed: str
) -> None:
    """Worst fill 55,027.5; 1855.0275 / 0.031 x 0.9 / 0.9967 = 54,033.95: 1.8055 % from it."""
    bench = make_bench(last="60000")
    assert isinstance(ask(bench, "s1", side, "0.03", stop, leverage="10"), Placed)
    bench.move(then)
    breach = distance(ask(bench, "s2", side, "0.001", stop, leverage="10"))
    assert (breach.observed, breach.limit) == (observed, "3 %")


@pytest.mark.parametrize(("side", "stop"), [(Side.BUY, "59900"), (Side.SELL, "60100")])
def test_two_halves_are_refused_where_one_order_is(side: Side, stop: str) -> None:
    at_once = make_bench(last="60000", options=CROSS, limits=WIDE)
    distance(ask(at_once, "s1", side, "6.6", stop, leverage="50"))
    bench = make_bench(last="60000", options=CROSS, limits=WIDE)
    assert isinstance(ask(bench, "s1", side, "3.3", stop, leverage="50"), Placed)
    distance(ask(bench, "s2", side, "3.3", stop, leverage="50"))


def test_the_first_half_counts_while_it_is_in_flight() -> None:
    bench = make_bench(last="60000", options=CROSS, limits=WIDE)
    first = ask(bench, "s1", Side.BUY, "3.3", "59700", leverage="50", at="59900")
    assert isinstance(first, Placed)
    assert bench.runner.state.books.position(BTC).is_flat
    distance(ask(bench, "s2", Side.BUY, "3.3", "59700", leverage="50", at="59900"))


def test_the_stop_of_an_addition_lies_before_the_liquidation_of_the_whole() -> None:
    """Alone the addition would be liquidated at 49,688; with 0.03 from 60,000 at 54,034."""
    bench = make_bench(last="60000")
    assert isinstance(ask(bench, "s1", Side.BUY, "0.03", "54300", leverage="10"), Placed)
    bench.move("55000")
    books = bench.runner.state.books
    loose = attrs.evolve(books.trades[BTC], stop_wanted=Price.of("54000"))
    state = attrs.evolve(bench.runner.state, books=attrs.evolve(books, trades={BTC: loose}))
    wish = signal(
        "s2",
        sizing=ExactQty(Qty.of("0.001")),
        stop=StopAtPrice(Price.of("54000")),
        leverage="10",
    )
    made = step(
        state,
        OpenRequest(signal=wish, key="k" * 16),
        bench.runner.engine.config,
        bench.venue.now_ms(),
    )
    (refusal,) = [event for event in made.events if isinstance(event, SignalRefused)]
    assert refusal.fault is not None
    assert "stop 54000" in refusal.fault
    assert "above the liquidation price 54033.9" in refusal.fault


def test_a_stated_largest_size_passes_with_its_own_liquidation() -> None:
    """A size larger than the plan's moves the liquidation nearer: what is named must still pass."""
    few = attrs.evolve(WIDE, oversize=Oversize.REFUSE)
    bench = make_bench(last="60000", options=CROSS, limits=few)
    assert isinstance(ask(bench, "s1", Side.BUY, "3", "59900", leverage="50"), Placed)
    small = signal(
        "q", sizing=ExactQty(Qty.of("0.1")), stop=StopAtPrice(Price.of("59900")), leverage="50"
    )
    desk = RiskManager(bench.runner)
    largest = desk.largest_position(small)
    assert Qty.of("0.1") < largest < Qty.of("3.6")
    passing = desk.check(attrs.evolve(small, sizing=ExactQty(largest)))
    assert not isinstance(passing, Refused), passing
    more = desk.check(attrs.evolve(small, sizing=ExactQty(largest + Qty.of("0.001"))))
    distance(more)
