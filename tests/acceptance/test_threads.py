"""Sixteen threads fire at one desk: the exposure limit binds, and is never passed.

The judge is a fold of this file's own, over the text of journal rows alone: positions at mark, plus
entries in flight at their worst price. Marks are fixed by the test.
"""

import json
import random
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import attrs
import pytest
from tidegate.application.lifecycle import Application
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import ExactQty, RungSpec, Signal, StopAtPrice
from tidegate.ports.desk import OpenOutcome, Placed, Refused, Rejected
from tidegate.ports.state import StoredRecord

from tests.application.bench import signal
from tests.application.threaded_bench import (
    ETH,
    KeptState,
    RunningClock,
    make_application,
    memory_venue,
    own_threads,
    paper_venue,
    started,
)
from tests.domain.samples import BTCUSDT

SEED = 20
THREADS, SIGNALS_EACH = 16, 125
PRICES = {"BTCUSDT": "65000", "ETHUSDT": "3500", "XBTUSDT": "64000", "XETHUSDT": "3000"}
INSTRUMENTS = (
    BTCUSDT,
    ETH,
    attrs.evolve(BTCUSDT, symbol=Symbol("XBTUSDT"), base_coin="XBT"),
    attrs.evolve(ETH, symbol=Symbol("XETHUSDT"), base_coin="XETH"),
)
EXPOSURE_MAX = Fraction(1, 2)
"""Below one, so that a fee lowers the limit by less than the fill frees of the worst price."""

LIMITS = RiskLimits(
    exposure_max=Rate.of("0.5"),
    market_age_ms_max=3_600_000,
    loss_cooldown_ms=0,
    orders_per_second_max=1_000_000,
    orders_per_minute_max=1_000_000,
    orders_per_day_max=1_000_000,
    pending_orders_max=1_000,
    symbol_losses_in_row_max=1_000_000,
    day_loss_max=Rate.of("0.2"),
)


@attrs.define
class _InFlight:
    symbol: str
    worst: Fraction
    qty: Fraction
    filled: Fraction = Fraction(0)
    reported: Fraction = Fraction(0)
    is_open: bool = True

    def value(self) -> Fraction:
        bound = self.qty if self.is_open else max(self.reported, self.filled)
        return self.worst * (bound - self.filled)


_ENDED = {"filled", "cancelled", "deactivated", "rejected"}


class ExposureFold:
    """Exposure and limit after each journal row, from the rows' text alone."""

    def __init__(self, marks: Mapping[str, Fraction]) -> None:
        self._marks = marks
        self._qty: defaultdict[str, Fraction] = defaultdict(Fraction)
        self._cash = Fraction(0)
        self._entries: dict[str, _InFlight] = {}
        self._handlers: dict[str, Callable[[Any], None]] = {
            "account_opened": self._opened,
            "entry_intended": self._intended,
            "order_updated": self._updated,
            "order_refused": self._ended,
            "order_lapsed": self._ended,
            "filled": self._filled,
        }

    def take(self, row: StoredRecord) -> None:
        handler = self._handlers.get(row.record.kind.split(".")[0])
        if handler is not None:
            handler(json.loads(row.record.body))

    @property
    def exposure(self) -> Fraction:
        held = sum((abs(Fraction(q)) * self._marks[s] for s, q in self._qty.items()), Fraction(0))
        return held + sum((entry.value() for entry in self._entries.values()), Fraction(0))

    @property
    def limit(self) -> Fraction:
        value = sum(Fraction(q) * self._marks[s] for s, q in self._qty.items())
        return EXPOSURE_MAX * (self._cash + value)

    @property
    def positions(self) -> dict[str, Fraction]:
        return {symbol: Fraction(qty) for symbol, qty in self._qty.items() if qty != 0}

    def _opened(self, body: Any) -> None:
        self._cash = Fraction(body["wallet"])

    def _intended(self, body: Any) -> None:
        order = body["order"]
        self._entries[order["client_id"]] = _InFlight(
            order["symbol"], Fraction(body["worst_price"]), Fraction(order["qty"])
        )

    def _updated(self, body: Any) -> None:
        entry = self._entries.get(body["client_id"])
        if entry is not None:
            entry.reported = Fraction(body["qty_filled"])
            entry.is_open = body["status"] not in _ENDED
            self._forget_if_settled(body["client_id"], entry)

    def _ended(self, body: Any) -> None:
        entry = self._entries.get(body["client_id"])
        if entry is not None:
            entry.is_open = False
            self._forget_if_settled(body["client_id"], entry)

    def _filled(self, body: Any) -> None:
        fill = body["execution"]
        qty = Fraction(fill["qty"])
        sign = 1 if fill["side"] == "buy" else -1
        self._qty[fill["symbol"]] += sign * qty
        self._cash -= sign * qty * Fraction(fill["price"]) + Fraction(fill["fee"])
        entry = self._entries.get(fill["client_id"])
        if entry is not None:
            entry.filled += qty
            self._forget_if_settled(fill["client_id"], entry)

    def _forget_if_settled(self, name: str, entry: _InFlight) -> None:
        if not entry.is_open and entry.value() == 0:
            del self._entries[name]


@contextmanager
def _shaken() -> Iterator[None]:
    """Let threads change places as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


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
    with _shaken():
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
    fold = ExposureFold({symbol: Fraction(price) for symbol, price in PRICES.items()})
    peak = Fraction(0)
    for row in rows:
        fold.take(row)
        assert fold.exposure <= fold.limit or fold.limit == 0, f"row {row.version}"
        if fold.limit > 0:
            peak = max(peak, fold.exposure / fold.limit)
    assert peak >= Fraction(95, 100), f"the limit never bound: peak {float(peak):.3f} of it"
    assert fold.positions == held, "books and venue hold the same"


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
    fold = ExposureFold({"BTCUSDT": Fraction(65_000)})
    assert rows.rows() == ()
    fold._opened({"wallet": "1000"})
    fold._intended(
        {"order": {"client_id": "a", "symbol": "BTCUSDT", "qty": "0.01"}, "worst_price": "65000"}
    )
    # 0.01 x 65000 = 650 in flight, half of 1000 allowed.
    assert fold.exposure == Fraction(650)
    assert fold.limit == Fraction(500)
    with pytest.raises(KeyError):
        ExposureFold({})._filled({"execution": {}})
