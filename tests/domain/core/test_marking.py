"""What prices and time do: marks, excursions, the day's turn."""

import attrs
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import TimePassed
from tidegate.domain.core.step import step
from tidegate.domain.equity import Anchor, EquitySource
from tidegate.domain.money import Money, Price

from tests.application.bench import BTC, make_bench

from .scenes import config, only, opened, since


def test_the_same_prices_twice_are_recorded_once() -> None:
    bench = opened()
    bench.move("65400")
    start = len(bench.events())
    bench.runner.submit(bench.venue.ticker(BTC))
    bench.runner.submit(TimePassed())
    assert since(bench, start) == []


def test_excursions_widen_both_ways_and_never_narrow() -> None:
    bench = opened()
    for last in ("65400", "65200", "64500", "65000"):
        bench.move(last)
    # 0.010 x 400 and 0.010 x -500
    assert [event.profit for event in only(bench, ev.Excursion)] == [
        Money.of("4"),
        Money.of("-5"),
    ]


def test_older_prices_never_replace_newer_ones() -> None:
    bench = make_bench(config=config())
    old = bench.venue.ticker(BTC)
    bench.venue.script.advance(10)
    bench.move("66000")
    bench.runner.submit(old)
    assert bench.runner.state.view.tickers[BTC].last == Price.of("66000")


def test_older_reports_of_position_and_account_are_dropped() -> None:
    bench = make_bench(config=config())
    position, account = bench.venue.position(BTC), bench.venue.account()
    bench.pass_time(10)
    opened(bench)
    view = bench.runner.state.view
    bench.runner.submit(position)
    bench.runner.submit(attrs.evolve(account, time_ms=account.time_ms - 1))
    assert bench.runner.state.view.positions == view.positions
    assert bench.runner.state.view.account == view.account


def test_the_day_turns_once_with_the_first_mark_after_its_end() -> None:
    bench = opened()
    bench.pass_time(86_400_000)
    bench.move("65100")
    bench.move("65200")
    assert len(only(bench, ev.DayRolled)) == 1
    ledger = bench.runner.state.books.ledger
    assert ledger is not None
    assert ledger.days_closed == 1
    assert bench.runner.state.books.sends_today == 0


def test_a_step_on_the_same_state_gives_the_same_result() -> None:
    bench = opened()
    state, now_ms = bench.runner.state, bench.venue.now_ms()
    ticker = attrs.evolve(bench.venue.ticker(BTC), mark=Price.of("64900"))
    assert step(state, ticker, config(), now_ms) == step(state, ticker, config(), now_ms)


def test_a_new_mark_says_how_many_transfers_its_equity_stands_on() -> None:
    bench = opened()
    bench.venue.script.advance(5_000)
    bench.venue.script.transfer(Money.of("250"))
    assert bench.desk.reconcile().is_clean
    bench.move("65900")
    ledger = bench.runner.state.books.ledger
    assert ledger is not None
    last = only(bench, ev.EquityMarked)[-1]
    # 9,999.6425 after the fee, 250 moved in, and 0.010 x 900
    assert (last.equity, ledger.high_water) == (Money.of("10258.6425"),) * 2
    assert last.anchor == Anchor(source=EquitySource.LEDGER, basis=1)
