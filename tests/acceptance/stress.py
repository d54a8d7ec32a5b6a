"""Many threads on one desk for a while: signals, cancels, closes, questions, updates, a panic.

``python -m tests.acceptance.stress --threads 64 --seconds 60`` prints what was counted and ends
with 1 when something was not as it must be. The journal is a file; the venue is the one in memory,
which takes a few milliseconds for each request and tells things late, twice and out of order.
Prices stand still, so that the judge of the exposure needs no more than the journal's text.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import attrs
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import MemoryOptions, ScriptError
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.application.clocks import RandomKeys
from tidegate.application.codec import decode
from tidegate.application.engine import Engine, fold
from tidegate.application.lifecycle import Application
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.events import EntryIntended, OrderIntended
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingMode, TradingState, VenueKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderKind, Reduction, Symbol, VenueOrderId
from tidegate.domain.risk.approval import Approved
from tidegate.domain.signal import Entry, ExactQty, RungSpec, Signal, StopAtPrice
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import Accepted, Holdings, Rejected, Unknown
from tidegate.ports.state import StoredRecord

from tests.application.bench import signal
from tests.application.threaded_bench import RunningClock, own_threads, started
from tests.domain.samples import FEES

from .exposure_fold import ExposureFold, shaken
from .storm import EXPOSURE_MAX, INSTRUMENTS, LIMITS, PRICES

__all__ = ["CALL_S_MAX", "FIRST_REQUEST_S_MAX", "Report", "stress", "too_slow"]

CALL_S_MAX = 5.0
"""How long a call may take until it has its outcome."""

FIRST_REQUEST_S_MAX = 0.25
"""How long after the call of a panic its first request may leave."""

_CONFIG = CoreConfig(mode=TradingMode.PAPER, venue=VenueKind.MEMORY, limits=LIMITS)
_SEED = 5
_WAIT_MS = 60_000
_REQUEST_S_MAX = 0.004


class SlowVenue(MemoryVenue):
    """A venue that takes a moment for what it is asked, and notes when a panic's lane asks."""

    def __init__(self, clock: RunningClock) -> None:
        super().__init__(
            instruments={spec.symbol: spec for spec in INSTRUMENTS},
            fees=FEES,
            wallet=Money.of("100000"),
            options=MemoryOptions(),
            clock=clock,
        )
        self.panic_asked: list[float] = []
        self._draw = random.Random(_SEED)  # noqa: S311 - a repeatable storm, no secret
        for symbol, last in PRICES.items():
            self.script.move(Symbol(symbol), last=Price.of(last))

    def _pass(self) -> None:
        if threading.current_thread().name == "tidegate-panic":
            self.panic_asked.append(time.monotonic())
        time.sleep(self._draw.uniform(0, _REQUEST_S_MAX))

    def place(self, order: Approved | Reduction) -> Accepted | Rejected | Unknown:
        self._pass()
        return super().place(order)

    def cancel(
        self, symbol: Symbol, order_id: ClientId | VenueOrderId
    ) -> Accepted | Rejected | Unknown:
        self._pass()
        return super().cancel(symbol, order_id)

    def holdings(self) -> Holdings:
        self._pass()
        return super().holdings()


@attrs.define
class Report:
    """What was seen. ``slowest_s`` is by kind of call; ``faults`` is empty when all was right."""

    calls: Counter[str] = attrs.field(factory=Counter)
    slowest_s: dict[str, float] = attrs.field(factory=dict)
    first_request_s: float | None = None
    left_after_panic: tuple[str, ...] = ()
    peak: float = 0
    rows: int = 0
    faults: list[str] = attrs.field(factory=list)


class _Storm:
    """The threads' acts on one desk, and what became of them."""

    def __init__(self, application: Application, venue: SlowVenue, report: Report) -> None:
        self._desk = application.desk
        self._venue = venue
        self._report = report
        self._lock = threading.Lock()
        self._over = threading.Event()

    def run(self, threads: int, seconds: float) -> None:
        workers = [
            threading.Thread(target=self._guarded, args=(self._work, number), daemon=True)
            for number in range(threads)
        ]
        workers.append(threading.Thread(target=self._guarded, args=(self._update, 0), daemon=True))
        with shaken():
            for worker in workers:
                worker.start()
            self._over.wait(seconds / 2)
            self._guarded(self._panic, 0)
            self._over.wait(seconds / 2)
            self._over.set()
            for worker in workers:
                worker.join(2 * CALL_S_MAX)
        if any(worker.is_alive() for worker in workers):
            self._report.faults.append("a call never came back")

    def _guarded(self, act: Callable[[int], None], number: int) -> None:
        try:
            act(number)
        except BaseException as fault:  # noqa: BLE001 - whatever a thread meets is a finding
            self._report.faults.append(f"{act.__name__}: {fault!r}")

    def _timed(self, name: str, act: Callable[[], object]) -> object:
        began = time.monotonic()
        outcome = act()
        took = time.monotonic() - began
        kind = f"{name}: {type(outcome).__name__}" if name == "execute" else name
        with self._lock:
            self._report.calls[kind] += 1
            slowest = self._report.slowest_s
            slowest[name] = max(took, slowest.get(name, 0))
        return outcome

    def _work(self, number: int) -> None:
        draw = random.Random(f"{_SEED} {number}")  # noqa: S311 - a repeatable storm, no secret
        desk, count = self._desk, 0
        mine: list[ClientId] = []
        acts: list[tuple[int, str, Callable[[], object]]] = [
            (4, "close", lambda: desk.close_position(_symbol(draw), timeout_ms=_WAIT_MS)),
            (4, "status", desk.status),
            (4, "risk", lambda: desk.risk.overview(_symbol(draw))),
            (4, "check", lambda: desk.risk.check(_wish(draw, "asked only"))),
            (4, "positions", desk.positions.positions),
            (2, "performance", desk.performance),
            (2, "cancel all", lambda: desk.orders.cancel_all(_symbol(draw), timeout_ms=_WAIT_MS)),
        ]
        while not self._over.is_set():
            if draw.random() < 0.6:
                count += 1
                wish = _wish(draw, f"{number}-{count}")
                placed = self._timed("execute", lambda: desk.execute(wish, timeout_ms=_WAIT_MS))  # noqa: B023 - called at once
                if isinstance(placed, Placed):
                    mine.append(placed.client_id)
            elif mine and draw.random() < 0.4:
                name = mine.pop(draw.randrange(len(mine)))
                self._timed("cancel", lambda: desk.orders.cancel(name, timeout_ms=_WAIT_MS))  # noqa: B023 - called at once
            else:
                ((_, kind, act),) = draw.choices(acts, [weight for weight, _, _ in acts])
                self._timed(kind, act)

    def _update(self, _: int) -> None:
        """Fill what rests, and tell things late, twice and out of order."""
        draw = random.Random(_SEED)  # noqa: S311 - a repeatable storm, no secret
        script = self._venue.script
        while not self._over.wait(0.002):
            resting = [o for o in self._venue.open_orders() if o.price is not None]
            act = draw.choice(["fill", "twice", "late", "mixed", "price", "foreign"])
            try:
                if act == "fill" and resting:
                    order = draw.choice(resting)
                    script.fill(order.venue_id, order.qty - order.qty_filled, order.price)
                elif act == "twice":
                    script.duplicate_next()
                elif act == "late":
                    script.delay_messages()
                    self._over.wait(0.005)
                elif act == "mixed":
                    script.reorder()
                elif act == "price":
                    symbol = _symbol(draw)
                    script.move(symbol, last=Price.of(PRICES[symbol]))
                script.release()
            except ScriptError:
                continue  # it ended meanwhile

    def _panic(self, _: int) -> None:
        asked = time.monotonic()
        left = self._timed("panic", lambda: self._desk.panic("drill", timeout_ms=_WAIT_MS))
        requests = [at for at in self._venue.panic_asked if at >= asked]
        self._report.first_request_s = requests[0] - asked if requests else None
        held = [f"{one.symbol} {one.qty}" for one in self._venue.positions() if one.qty.sign]
        orders = [f"order {one.client_id}" for one in self._venue.open_orders()]
        assert isinstance(left, tuple)
        self._report.left_after_panic = (*left, *held, *orders)
        self._desk.reset_panic(confirmation="RESET")
        self._desk.set_trading_state(TradingState.ACTIVE, "the drill is over")


def _symbol(draw: random.Random) -> Symbol:
    return draw.choice(INSTRUMENTS).symbol


def _wish(draw: random.Random, name: str) -> Signal:
    spec = draw.choice(INSTRUMENTS)
    last = float(PRICES[spec.symbol])
    steps = max(1, int(draw.uniform(300, 2_500) / last / float(spec.qty_step.value)))
    resting = Entry(kind=OrderKind.LIMIT, price=Price.of(f"{last * 0.99:.0f}"))
    return signal(
        name,
        symbol=spec.symbol,
        sizing=ExactQty(Qty(spec.qty_step.value * steps)),
        stop=StopAtPrice(Price.of(f"{last * 0.96:.0f}")),
        ladder=(RungSpec(Rate.of(2)),) if draw.random() < 0.1 else (),
        entry=resting if draw.random() < 0.3 else Entry(),
    )


def stress(folder: Path, *, threads: int, seconds: float) -> Report:
    """Let ``threads`` act on one desk for ``seconds``, then judge its journal."""
    clock, report = RunningClock(), Report()
    venue = SlowVenue(clock)
    path = folder / "journal.sqlite"
    state_port = SqliteState(path)
    engine = Engine(config=_CONFIG, clock=clock, state_port=state_port)
    application = Application(
        engine=engine,
        port=venue,
        state_port=state_port,
        keys=RandomKeys(),
        symbols=frozenset(map(Symbol, PRICES)),
    )
    with started(application):
        _Storm(application, venue, report).run(threads, seconds)
        application.desk.reconcile()
    _judge(report, path, engine.state.books, venue)
    if report.first_request_s is None:
        report.faults.append("the panic sent no request")
    if report.left_after_panic:
        report.faults.append(f"after the panic there was still {report.left_after_panic}")
    if left := own_threads():
        report.faults.append(f"threads are left: {left}")
    return report


def _judge(report: Report, path: Path, books: Books, venue: SlowVenue) -> None:
    journal = SqliteState(path)
    try:
        rows = tuple(journal.read())
        folded, _ = fold(journal, _CONFIG)
    finally:
        journal.close()
    held = {str(p.symbol): Fraction(p.qty.value) for p in venue.positions() if p.qty.sign}
    _judge_exposure(report, rows, held)
    _judge_ids(report, rows)
    report.rows = len(rows)
    if folded != books:
        report.faults.append("the journal does not fold to the books of the desk")


def _judge_exposure(
    report: Report, rows: Sequence[StoredRecord], held: dict[str, Fraction]
) -> None:
    marks = {symbol: Fraction(price) for symbol, price in PRICES.items()}
    judge = ExposureFold(marks, EXPOSURE_MAX)
    for row in rows:
        judge.take(row)
        # Only an entry is a decision: what rests below the mark is worth more once it has filled.
        if row.record.kind.startswith("entry_intended."):
            report.peak = max(report.peak, float(judge.exposure / judge.limit))
            if judge.exposure > judge.limit:
                report.faults.append(f"row {row.version}: {judge.exposure} > {judge.limit}")
    if judge.positions != held:
        report.faults.append(f"the journal holds {judge.positions}, the venue {held}")


def _judge_ids(report: Report, rows: Sequence[StoredRecord]) -> None:
    events = (decode(row.record) for row in rows)
    sent = Counter(
        event.order.client_id
        for event in events
        if isinstance(event, EntryIntended | OrderIntended)
    )
    twice = [name for name, count in sent.items() if count > 1]
    if twice:
        report.faults.append(f"ids were used twice: {twice}")


def too_slow(report: Report) -> list[str]:
    """Return what took longer than it may, on a machine that has little else to do."""
    slow = [
        f"{name} took {took:.2f} s, at most {CALL_S_MAX} s are allowed"
        for name, took in report.slowest_s.items()
        if took > CALL_S_MAX
    ]
    first_s = report.first_request_s
    if first_s is not None and first_s > FIRST_REQUEST_S_MAX:
        slow.append(
            f"the panic's first request left after {first_s:.3f} s, at most "
            f"{FIRST_REQUEST_S_MAX} s are allowed"
        )
    return slow


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--approvals-min", type=int, default=1_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = stress(Path(folder), threads=asked.threads, seconds=asked.seconds)
    report.faults += too_slow(report)
    approvals = report.calls["execute: Placed"]
    if approvals < asked.approvals_min:
        report.faults.append(f"{approvals} approvals, at least {asked.approvals_min} are needed")
    for name, count in sorted(report.calls.items()):
        sys.stdout.write(f"{name:28} {count:8}\n")
    for name, took in sorted(report.slowest_s.items()):
        sys.stdout.write(f"slowest {name:20} {took:8.3f} s\n")
    sys.stdout.write(f"first request of the panic   {report.first_request_s} s\n")
    sys.stdout.write(f"peak of the exposure limit   {report.peak:8.4f}\n")
    sys.stdout.write(f"journal rows                 {report.rows:8}\n")
    sys.stdout.write("".join(f"FAULT {fault}\n" for fault in report.faults))
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(_main())
