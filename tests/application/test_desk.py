"""The facade: what a caller gets back, and what a wrong call is told."""

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.application.clocks import SeededKeys
from tidegate.application.codec import decode, encode
from tidegate.application.desk import Desk
from tidegate.application.risk_manager import RiskManager
from tidegate.application.runner import InlineRunner
from tidegate.domain.mode import TradingMode, TradingState
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, Symbol
from tidegate.domain.reports import Execution, Ticker
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import ExactQty, Notional, SizingMethod, StopAtPrice
from tidegate.ports.desk import Fill, Placed, Refused, TimedOut

from tests.application.bench import BTC, make_bench, signal
from tests.domain.core.scenes import LADDER, config, limit, opened, placed, scripted


def test_a_desk_on_the_wrong_venue_is_not_built_and_names_both() -> None:
    bench = make_bench(config=config())
    live = attrs.evolve(bench.runner.engine.config, mode=TradingMode.LIVE)
    bench.runner.engine.config = live
    runner = InlineRunner(bench.runner.engine, bench.venue)
    with pytest.raises(Exception, match=r"live.*memory"):
        Desk(runner=runner, state_port=bench.state_port, keys=SeededKeys(1))


def test_a_protected_position_is_returned_as_placed() -> None:
    bench = make_bench(config=config())
    outcome = bench.desk.open_with_rr(signal(ladder=LADDER))
    assert isinstance(outcome, Placed)
    assert outcome.ticket.qty == Qty.of("0.010")
    assert [rung.price for rung in outcome.ticket.rungs] == [
        Price.of("66000"),
        Price.of("67000"),
    ]


def test_an_entry_that_rests_is_not_protected_yet() -> None:
    bench = make_bench(config=config())
    outcome = bench.desk.open_with_rr(signal(entry=limit("64900")), timeout_ms=5)
    assert outcome == TimedOut(waited_ms=5)


def test_a_refused_signal_is_returned_with_its_reason_by_both_ways() -> None:
    bench = make_bench(config=config())
    bench.desk.set_trading_state(TradingState.HALTED, "test")
    assert isinstance(bench.desk.open_with_rr(signal("a")), Refused)
    assert isinstance(bench.desk.execute(signal("b")), Refused)


def test_a_symbol_that_the_venue_does_not_have_is_refused() -> None:
    bench = make_bench(config=config())
    outcome = bench.desk.execute(signal(symbol=Symbol("NOPEUSDT")))
    assert isinstance(outcome, Refused)
    assert outcome.fault is not None
    assert "NOPEUSDT" in outcome.fault


def test_waiting_for_a_fill_tells_what_filled() -> None:
    bench = make_bench(config=config())
    client_id = placed(bench)
    assert bench.desk.wait_for_fill(client_id, timeout_ms=1) == Fill(
        client_id=client_id,
        qty_filled=Qty.of("0.010"),
        value_filled=Money.of("650"),
        is_finished=True,
    )


def test_waiting_for_a_resting_order_ends_with_its_time() -> None:
    bench = scripted()
    client_id = placed(bench, entry=limit("64900"))
    assert bench.desk.wait_for_fill(client_id, timeout_ms=7) == TimedOut(waited_ms=7)


def test_waiting_for_an_order_that_nobody_knows_is_an_error_at_once() -> None:
    with pytest.raises(KeyError, match="never placed"):
        make_bench().desk.wait_for_fill(ClientId("x"), timeout_ms=60_000)


def test_the_status_agrees_with_the_venue() -> None:
    bench = opened()
    status = bench.desk.status()
    account = bench.venue.account()
    assert (status.wallet, status.equity) == (account.wallet, account.equity)
    assert [(symbol, held.qty) for symbol, held in status.positions] == [(BTC, Qty.of("0.010"))]
    assert status.version == bench.state_port.version()
    assert (status.trading_state, status.panic_cause) == (TradingState.ACTIVE, None)


def test_the_journal_is_told_from_where_it_is_asked() -> None:
    bench = opened()
    every = list(bench.desk.journal())
    assert [entry.version for entry in every] == list(range(1, len(every) + 1))
    later = list(bench.desk.journal(after_version=3))
    assert later == every[3:]
    assert [entry.event for entry in every] == bench.events()


def test_the_performance_counts_a_closed_trade() -> None:
    bench = opened()
    bench.desk.close_position(BTC)
    summary = bench.desk.performance()
    assert summary is not None
    assert summary.trades == 1


def test_panic_that_has_not_ended_says_so() -> None:
    bench = opened()
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    bench.venue.script.fail_queries(1)
    left = bench.desk.panic("drill")
    assert left == ("BTCUSDT 0.010", "panic still runs")


def test_questions_about_risk_change_nothing() -> None:
    bench = opened()
    risk = RiskManager(bench.runner)
    before, version = bench.runner.state, bench.state_port.version()
    equity = bench.venue.account().equity
    # Five times equity may be held in all; 650 of it is.
    assert risk.remaining_exposure(BTC) == equity * Rate.of(5) - Money.of("650")
    assert risk.overview(BTC).exposure_total == Money.of("650")
    assert risk.largest_position(signal("s2")) > Qty.of("0.010")
    assert risk.largest_position(signal("s3", symbol=Symbol("NOPEUSDT"))) == ZERO_QTY
    assert risk.check_leverage(BTC, Rate.of(3)) is not None
    assert bench.runner.state == before
    assert bench.state_port.version() == version


def test_the_largest_position_passes_and_a_step_more_does_not() -> None:
    from tidegate.domain.signal import ExactQty

    largest = RiskManager(make_bench(config=config()).runner).largest_position(signal("s2"))
    for qty, passes in ((largest, True), (largest + Qty.of("0.001"), False)):
        bench = make_bench(config=config())
        outcome = bench.desk.execute(signal("s2", sizing=ExactQty(qty)))
        assert isinstance(outcome, Placed) is passes, outcome


def test_no_size_passes_a_signal_that_asks_for_more_reward_than_its_ladder_has() -> None:
    risk = RiskManager(make_bench(config=config()).runner)
    assert risk.largest_position(signal("s1", ladder=LADDER)) > ZERO_QTY
    greedy = attrs.evolve(signal("s2", ladder=LADDER), reward_to_risk_min=Rate.of(50))
    assert isinstance(risk.check(greedy), Refused)
    assert risk.largest_position(greedy) == ZERO_QTY


def test_an_entry_whose_fill_was_reported_and_not_booked_is_not_taken_for_ended() -> None:
    bench = make_bench(config=config())
    bench.venue.script.drop_next(Execution)
    assert bench.desk.open_with_rr(signal(), timeout_ms=5) == TimedOut(waited_ms=5)


@pytest.mark.parametrize("is_down", [False, True])
def test_a_price_that_has_grown_old_is_read_before_a_signal_is_judged(*, is_down: bool) -> None:
    """Where no stream brings prices they are read; without an answer the signal is refused."""
    limits = RiskLimits(loss_cooldown_ms=0, market_age_ms_max=5_000)
    bench = make_bench(config=attrs.evolve(config(), limits=limits))
    bench.pass_time(60_000)
    bench.venue.script.drop_next(Ticker)
    bench.venue.script.move(BTC, last=Price.of("65100"))
    bench.pass_time(5_001)
    asked = bench.runner.state.view.tickers[BTC].time_ms
    assert bench.venue.now_ms() - asked > 5_000
    bench.venue.script.fail_queries(9 if is_down else 0)
    outcome = bench.desk.execute(signal(stop=StopAtPrice(Price.of("64000"))))
    if is_down:
        assert isinstance(outcome, Refused)
        assert Rule.MARKET_FRESH in {breach.rule for breach in outcome.breaches}
    else:
        assert isinstance(outcome, Placed)
        assert bench.runner.state.view.tickers[BTC].last == Price.of("65100")


@pytest.mark.parametrize("absurd", [ExactQty(Qty.of("9" * 30)), Notional(Money.of("9" * 30))])
def test_a_size_beyond_all_measure_is_refused_and_the_desk_goes_on(absurd: SizingMethod) -> None:
    bench = make_bench(config=config())
    outcome = bench.desk.execute(attrs.evolve(signal("a"), sizing=absurd))
    assert isinstance(outcome, Refused)
    assert outcome.fault is not None
    assert "limit: at most" in outcome.fault
    assert isinstance(bench.desk.execute(signal("b")), Placed)


def test_a_price_beyond_all_measure_is_refused_in_the_journal_too() -> None:
    bench = make_bench(config=config())
    far = Price.of("9" * 30)
    for number, bad in enumerate((signal(entry=limit(str(far))), signal(stop=StopAtPrice(far)))):
        outcome = bench.desk.execute(attrs.evolve(bad, signal_id=f"bad{number}"))
        assert isinstance(outcome, Refused)
    for event in bench.events():
        assert decode(encode(event, time_ms=1)) == event
