"""Questions about risk: what the desk would say, at no cost and with no trace."""

from decimal import Decimal

import pytest
from tidegate.application.risk_manager import Allowed, NoLevels, TradeLevels
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side, Symbol, TimeInForce
from tidegate.domain.position import Position
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.queries import LeverageCapped, LeverageDenied, LeverageGranted
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import Entry, ExactQty, Signal, StopAtPrice
from tidegate.ports.desk import Placed, Refused
from tidegate.ports.exchange import QueryFailed

from tests.domain.core.scenes import LADDER, config, opened
from tests.domain.samples import BTCUSDT, COARSE, FEES

from .bench import BTC, Bench, make_bench, signal

SIGNALS = (
    signal("ok", ladder=LADDER),
    signal("short", side=Side.SELL, stop=StopAtPrice(Price.of("66000"))),
    signal("huge", sizing=ExactQty(Qty.of("90"))),
    signal("dust", sizing=ExactQty(Qty.of("0.00001"))),
    signal("wrong side", stop=StopAtPrice(Price.of("66000"))),
    signal("too much leverage", leverage="90"),
    signal("unknown", symbol=Symbol("NOPEUSDT")),
)


@pytest.mark.parametrize("wish", SIGNALS, ids=lambda wish: wish.signal_id)
def test_a_check_says_what_a_send_would_and_leaves_no_trace(wish: Signal) -> None:
    bench = make_bench(config=config())
    before, version = bench.runner.state, bench.state_port.version()
    said = bench.desk.risk.check(wish)
    assert (bench.runner.state, bench.state_port.version()) == (before, version)
    assert bench.venue.open_orders() == ()
    assert not bench.desk.safety.was_acted_on(wish.signal_id)
    outcome = bench.desk.execute(wish)
    match said:
        case Allowed(ticket=ticket):
            assert isinstance(outcome, Placed)
            assert outcome.ticket == ticket
        case Refused():
            assert said == outcome


def test_a_check_names_every_rule_that_fails() -> None:
    bench = opened(make_bench(limits=RiskLimits(market_age_ms_max=3_600_000, positions_max=1)))
    bench.desk.panic("drill")
    said = bench.desk.risk.check(signal("s1"))
    assert isinstance(said, Refused)
    rules = {breach.rule for breach in said.breaches}
    assert {Rule.PANIC, Rule.TRADING_STATE, Rule.DUPLICATE_SIGNAL} <= rules, said


def test_a_symbol_that_the_desk_does_not_know_is_asked_for_and_not_kept() -> None:
    bench = make_bench(instruments=(BTCUSDT, COARSE), config=config(), wallet="100000000")
    empty = make_bench(venue=bench.venue, instruments=(BTCUSDT,), config=config())
    assert COARSE.symbol not in empty.runner.state.view.instruments
    wish = signal("s1", symbol=COARSE.symbol, sizing=ExactQty(Qty.of(30)))
    before = empty.runner.state
    said = empty.desk.risk.check(wish)
    assert isinstance(said, Refused)
    assert said.missing == ()
    assert said.fault is None or "not known" not in said.fault
    assert empty.runner.state == before


def test_what_the_venue_does_not_say_stays_unknown_and_the_answer_says_so() -> None:
    bench = make_bench(config=config())
    bench.venue.script.fail_queries(5)
    said = bench.desk.risk.check(signal("s1", symbol=Symbol("NOPEUSDT")))
    assert isinstance(said, Refused)
    assert said.fault is not None
    assert "instrument specification" in said.fault


def levels(bench: Bench, wish: Signal) -> TradeLevels:
    found = bench.desk.risk.trade_levels(wish)
    assert isinstance(found, TradeLevels), found
    return found


def net(found: TradeLevels, price: Price, entry_rate: Rate) -> Money:
    """Return what leaving at ``price`` would earn after both fees, by the definition alone."""
    held = found.qty.times(found.side.sign)
    position = Position(qty=held, cost=found.entry * held)
    fees = found.entry * found.qty * entry_rate + price * found.qty * FEES.taker
    return position.unrealised(price) - fees


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("is_maker", [False, True])
def test_the_break_even_is_the_first_tick_that_is_no_loss(side: Side, is_maker: bool) -> None:
    entry = Entry()
    if is_maker:
        price = Price.of("64900" if side is Side.BUY else "65100")
        entry = Entry(kind=OrderKind.LIMIT, price=price, time_in_force=TimeInForce.POST_ONLY)
    stop = StopAtPrice(Price.of("64000" if side is Side.BUY else "66000"))
    bench = make_bench(config=config())
    found = levels(bench, signal("s1", side=side, stop=stop, entry=entry, ladder=LADDER))
    rate, tick = (FEES.maker if is_maker else FEES.taker), Decimal("0.1")
    assert net(found, found.break_even, rate).sign >= 0
    nearer = Price(found.break_even.value - tick * side.sign)
    assert net(found, nearer, rate).sign < 0
    assert found.stop == stop.price
    assert [rung.number for rung in found.rungs] == [1, 2]


def test_levels_are_told_whatever_the_rules_say_and_a_fault_is_told_as_one() -> None:
    bench = opened()
    bench.desk.panic("drill")
    assert levels(bench, signal("s2")).qty == Qty.of("0.010")
    fault = bench.desk.risk.trade_levels(signal("s3", stop=StopAtPrice(Price.of("66000"))))
    assert isinstance(fault, NoLevels)
    assert "66000" in fault.fault


def test_levels_for_a_symbol_that_the_venue_does_not_have_say_why_there_are_none() -> None:
    none = make_bench(config=config()).desk.risk.trade_levels(
        signal("s1", symbol=Symbol("NOPEUSDT"))
    )
    assert isinstance(none, NoLevels)
    assert "NOPEUSDT" in none.fault


def test_the_account_at_a_glance_is_the_same_from_every_symbol() -> None:
    bench = opened()
    account = bench.desk.risk.account()
    assert account == bench.desk.risk.overview(BTC)
    assert account.exposure_total == Money.of("650")
    assert account.exposure_remaining == bench.desk.risk.remaining_exposure(BTC)


def test_leverage_is_granted_capped_or_denied_by_what_is_known_here() -> None:
    bench = make_bench(config=config())
    bench.venue.script.fail_queries(1)
    risk = bench.desk.risk
    assert isinstance(risk.check_leverage(BTC, Rate.of(3)), LeverageGranted)
    assert isinstance(risk.check_leverage(BTC, Rate.of(90)), LeverageCapped)
    assert isinstance(risk.check_leverage(BTC, Rate.of("0.5")), LeverageDenied)
    with pytest.raises(QueryFailed):
        risk.check_leverage(Symbol("NOPEUSDT"), Rate.of(3))
