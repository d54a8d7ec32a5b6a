"""A loss of the new day is a loss of that day, for a desk that ran and for one that was down."""

import attrs
import pytest
from tidegate.application.clocks import SeededKeys
from tidegate.application.desk import Desk
from tidegate.application.engine import Engine
from tidegate.application.recovery import load_view, recover
from tidegate.application.runner import InlineRunner
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.inputs import StartRequest
from tidegate.domain.day import DAY_MS, day_start_ms
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import ExactQty, StopAtPrice
from tidegate.ports.desk import Placed, Refused

from tests.domain.core.scenes import config

from .bench import BTC, Bench, make_bench, signal

HALF_HOUR_MS = 1_800_000


def wide() -> CoreConfig:
    """Return settings that let one trade lose more than a day may: 3 %."""
    settings = config()
    limits = attrs.evolve(
        settings.limits, risk_per_trade_max=Rate.of("0.2"), drawdown_max=Rate.of("0.5")
    )
    return attrs.evolve(settings, limits=limits)


def holding_at_midnight(*, runs: bool) -> Bench:
    """Return a desk that held 0.070 over midnight, with the last price at its first second."""
    bench = make_bench(config=wide())
    stop = StopAtPrice(Price.of("55000"))
    placed = bench.desk.execute(signal("a", sizing=ExactQty(Qty.of("0.070")), stop=stop))
    assert isinstance(placed, Placed)
    bench.pass_time(1_000)
    if not runs:
        bench.venue.connect(lambda _: None)
    now_ms = bench.venue.now_ms()
    turn_ms = day_start_ms(now_ms, bench.runner.engine.config.day) + DAY_MS
    bench.venue.script.advance(turn_ms - now_ms + 1_000)
    bench.venue.script.move(BTC, last=Price.of("65000"))
    if runs:
        bench.runner.drain()
        bench.runner.check_time()
    return bench


def started_again(bench: Bench) -> tuple[InlineRunner, Desk]:
    """Return what goes on with the journal of a desk that was killed."""
    old, venue = bench.runner.engine, bench.venue
    engine = Engine(config=old.config, clock=old.clock, state_port=bench.state_port)
    runner = InlineRunner(engine, venue)
    venue.connect(runner.sink)
    request = StartRequest(
        mode=old.config.mode, venue=old.config.venue, wallet=venue.account().wallet
    )
    runner.submit(request)
    load_view(runner, frozenset({BTC}))
    recover(runner, frozenset({BTC}))
    return runner, Desk(runner=runner, state_port=bench.state_port, keys=SeededKeys(9))


@pytest.mark.parametrize("runs", [True, False])
def test_a_stop_of_the_new_day_counts_against_the_loss_of_that_day(*, runs: bool) -> None:
    bench = holding_at_midnight(runs=runs)
    bench.venue.script.advance(HALF_HOUR_MS)
    bench.venue.script.trigger_stop(BTC, Price.of("55000"))
    bench.venue.script.advance(1_000)
    runner, desk = (bench.runner, bench.desk) if runs else started_again(bench)
    bench.venue.script.move(BTC, last=Price.of("55000"))
    runner.drain()
    runner.check_time()
    ledger = runner.state.books.ledger
    assert ledger is not None
    assert (ledger.today.realised, ledger.today.trades) == (Money.of(-700), 1)
    assert [(day.realised, day.trades) for day in ledger.days] == [(Money.of(0), 0)]
    stop = StopAtPrice(Price.of("54000"))
    answer = desk.execute(signal("b", sizing=ExactQty(Qty.of("0.001")), stop=stop))
    assert isinstance(answer, Refused)
    assert Rule.DAY_LOSS in {breach.rule for breach in answer.breaches}


def test_a_stop_that_is_the_first_word_of_the_new_day_is_a_loss_of_it() -> None:
    bench = make_bench(config=wide())
    assert isinstance(bench.desk.execute(signal()), Placed)
    now_ms = bench.venue.now_ms()
    turn_ms = day_start_ms(now_ms, bench.runner.engine.config.day) + DAY_MS
    bench.pass_time(turn_ms - now_ms - 1_000)
    bench.move("65000")
    bench.venue.script.advance(3_000)
    bench.venue.script.trigger_stop(BTC, Price.of("64000"))
    bench.runner.drain()
    bench.runner.check_time()
    ledger = bench.runner.state.books.ledger
    assert ledger is not None
    assert (ledger.today.realised, ledger.today.trades) == (Money.of(-10), 1)
