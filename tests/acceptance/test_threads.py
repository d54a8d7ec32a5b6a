"""Sixteen threads fire at one desk: the exposure limit binds, and is never passed.

The judge is a fold of this file's own, over the text of journal rows alone: positions at mark, plus
entries in flight at their worst price. Marks are fixed by the test.
"""

import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

import pytest
from tidegate.application.lifecycle import Application
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import ExactQty, RungSpec, Signal, StopAtPrice
from tidegate.ports.desk import OpenOutcome, Placed, Refused, Rejected
from tidegate.ports.state import StoredRecord

from tests.application.bench import signal
from tests.application.threaded_bench import (
    KeptState,
    RunningClock,
    make_application,
    memory_venue,
    own_threads,
    paper_venue,
    started,
)

from .exposure_fold import ExposureFold, shaken
from .storm import EXPOSURE_MAX, INSTRUMENTS, LIMITS, PRICES

SEED = 20
THREADS, SIGNALS_EACH = 16, 60


def _wish(draw: random.Random, name: str) -> Signal:
    spec = draw.choice(INSTRUMENTS)
    last = float(PRICES[spec.symbol])
    steps = max(1, int(draw.uniform(300, 2_500) / last / float(spec.qty_step.value)))
    return signal(
        name,
        symbol=spec.symbol,
        sizing=ExactQty(Qty(spec.qty_step.value * steps)),
        stop=StopAtPrice(Price.of(f"{last * 0.97:.0f}")),
        ladder=(RungSpec(Rate.of(2)),) if draw.random() < 0.1 else (),
    )


def _fire(application: Application, number: int, outcomes: list[OpenOutcome]) -> None:
    draw = random.Random(SEED * 1_000 + number)  # noqa: S311 - a repeatable storm, no secret
    for count in range(SIGNALS_EACH):
        outcomes.append(
            application.desk.execute(_wish(draw, f"{number}-{count}"), timeout_ms=60_000)
        )
        if draw.random() < 0.04:
            application.desk.close_position(draw.choice(INSTRUMENTS).symbol, timeout_ms=60_000)


def _storm(application: Application) -> list[OpenOutcome]:
    outcomes: list[list[OpenOutcome]] = [[] for _ in range(THREADS)]
    threads = [
        threading.Thread(target=_fire, args=(application, number, outcomes[number]))
        for number in range(THREADS)
    ]
    with shaken():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    return [outcome for of_thread in outcomes for outcome in of_thread]


def _is_exposure_refusal(outcome: OpenOutcome) -> bool:
    return isinstance(outcome, Refused) and any(
        breach.rule is Rule.EXPOSURE for breach in outcome.breaches
    )


def _check_outcomes(outcomes: Sequence[OpenOutcome]) -> None:
    kinds = Counter(type(outcome).__name__ for outcome in outcomes)
    assert len(outcomes) == THREADS * SIGNALS_EACH, kinds
    assert all(isinstance(outcome, Placed | Refused | Rejected) for outcome in outcomes), kinds
    assert kinds["Placed"] >= 200, kinds
    assert sum(map(_is_exposure_refusal, outcomes)) >= 200, kinds


def _check_rows(rows: Sequence[StoredRecord], held: Mapping[str, Fraction]) -> None:
    fold = ExposureFold({symbol: Fraction(price) for symbol, price in PRICES.items()}, EXPOSURE_MAX)
    peak = Fraction(0)
    for row in rows:
        fold.take(row)
        assert fold.exposure <= fold.limit or fold.limit == 0, f"row {row.version}"
        if fold.limit > 0:
            peak = max(peak, fold.exposure / fold.limit)
    assert peak >= Fraction(95, 100), f"the limit never bound: peak {float(peak):.3f} of it"
    assert fold.positions == held, "books and venue hold the same"


@pytest.mark.sweep
def test_many_threads_never_pass_the_exposure_limit_on_the_memory_venue() -> None:
    state = KeptState()
    venue = memory_venue(PRICES, instruments=INSTRUMENTS)
    application = make_application(venue, state, symbols=tuple(PRICES), limits=LIMITS)
    with started(application):
        outcomes = _storm(application)
    _check_outcomes(outcomes)
    held = {str(report.symbol): Fraction(report.qty.value) for report in venue.positions()}
    _check_rows(state.rows(), held)
    assert own_threads() == []


@pytest.mark.sweep
def test_many_threads_never_pass_the_exposure_limit_on_the_paper_venue() -> None:
    state = KeptState()
    venue = paper_venue(INSTRUMENTS, PRICES)
    application = make_application(
        venue, state, symbols=tuple(PRICES), limits=LIMITS, clock=RunningClock()
    )
    with started(application):
        outcomes = _storm(application)
    _check_outcomes(outcomes)
    assert venue.final is not None
    positions, _, account = venue.final
    held = {str(report.symbol): Fraction(report.qty.value) for report in positions}
    _check_rows(state.rows(), held)
    ledger = application.desk.performance()
    assert ledger is not None
    assert ledger.opening.value == 100_000
    assert account.wallet.value < 100_000, "fees were paid"
    assert own_threads() == []


def test_the_fold_sees_a_limit_that_is_passed() -> None:
    rows = KeptState()
    fold = ExposureFold({"BTCUSDT": Fraction(65_000)}, EXPOSURE_MAX)
    assert rows.rows() == ()
    fold._opened({"wallet": "1000"})
    fold._intended(
        {"order": {"client_id": "a", "symbol": "BTCUSDT", "qty": "0.01"}, "worst_price": "65000"}
    )
    # 0.01 x 65000 = 650 in flight, half of 1000 allowed.
    assert fold.exposure == Fraction(650)
    assert fold.limit == Fraction(500)
    with pytest.raises(KeyError):
        ExposureFold({}, EXPOSURE_MAX)._filled({"execution": {}})
