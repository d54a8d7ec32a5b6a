"""A day of a market in a few minutes, with trouble all the time: what a desk holds stays flat.

``python -m tests.wire.soak --minutes 5`` plays 1,440 bars through the served venue to a desk in a
process of its own, which trades without pause while streams are cut and answers are lost. The
desk's memory, threads, descriptors and bytes of journal for each event are sampled; it ends with 1
when one of them grew, or when a compaction does not bring the journal back to its snapshot's size.
"""

import argparse
import gc
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
from tidegate.adapters.feeds import bundled_btcusd_hours
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.adapters.v5server.accounts import AccountSpec
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.levels import LimitLevel
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.domain.core.events import Event, Filled, TradeClosed
from tidegate.domain.mode import TradingMode
from tidegate.domain.money import Money, Price, Rate
from tidegate.domain.reports import Bar
from tidegate.domain.signal import StopPercent
from tidegate.ports.notifier import NotifierPort

from tests.acceptance.bounded import GROWTH_KIB_MAX, resident_kib
from tests.acceptance.sessions import DEMO
from tests.adapters.cli.running import tidegate
from tests.adapters.v5server.bench import KEY, SECRET, Bench

from .desk_bench import BTC, until
from .sweep.life import Life, LifeAsked

__all__ = ["Report", "Sample", "Shrunk", "grown", "soak"]

BARS = 1_440
BYTES_GROWTH_MAX = 1.2
EMPTY_BYTES_MAX = 64 * 1024
"""How much a journal may hold beside its snapshot: the pages of its tables, which are empty."""
_WALLET = "1000000"
_FD_FOLDER = Path("/proc/self/fd")


@attrs.frozen(kw_only=True)
class Sample:
    """What the desk's process held at a moment; ``journal_bytes`` without the log of the writes."""

    seconds: float
    rss_kib: int
    threads: int
    descriptors: int
    events: int
    journal_bytes: int


@attrs.frozen(kw_only=True)
class Shrunk:
    """The sizes of a journal in bytes around its compaction, and of the snapshot that is left."""

    before: int
    after: int
    snapshot: int


@attrs.frozen(kw_only=True)
class Report:
    """What a desk did and held; ``troubles`` is how often something was broken for it."""

    samples: tuple[Sample, ...]
    happened: dict[str, int]
    outcomes: dict[str, int]
    troubles: int = 0
    shrunk: Shrunk | None = None


# The desk's process


class _Ear(NotifierPort):
    """A listener that hands each event on."""

    def __init__(self, take: Callable[[Event], None]) -> None:
        self._hand_on = take

    def notify(self, event: Event, *, time_ms: int) -> None:
        del time_ms
        self._hand_on(event)


class _Trading:
    """Trades until the standard input ends, and looks at its own process now and then."""

    def __init__(self, asked: LifeAsked) -> None:
        self._life = Life(asked)
        self._folder = Path(asked.folder)
        self._began = time.monotonic()
        self._happened: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._events = 0
        self._over = threading.Event()
        self._life.application.events.add("soak", _Ear(self._take))

    def _take(self, event: Event) -> None:
        self._events += 1
        if isinstance(event, Filled | TradeClosed):
            self._happened[type(event).__name__] += 1

    def run(self) -> Report:
        samples: list[Sample] = []
        self._life.application.start()
        threading.Thread(target=self._await_end, daemon=True).start()
        try:
            for number in itertools.count():
                if self._over.is_set():
                    break
                self._trade(number)
                if number % 10 == 0:
                    samples.append(self._sample())
            self._life.desk.close_position(BTC)
            samples.append(self._sample())
        finally:
            self._life.application.stop()
        return Report(
            samples=tuple(samples), happened=dict(self._happened), outcomes=dict(self._outcomes)
        )

    def _await_end(self) -> None:
        sys.stdin.read()
        self._over.set()

    def _trade(self, number: int) -> None:
        stop = StopPercent(Rate.of("0.01"))
        outcome = self._life.open(f"soak {number}", stop=stop, leverage="3")
        self._outcomes[type(outcome).__name__] += 1
        # A third is left to its stop and its targets.
        if number % 3:
            self._life.desk.close_position(BTC, timeout_ms=5_000)
        else:
            self._over.wait(0.2)

    def _sample(self) -> Sample:
        gc.collect()
        return Sample(
            seconds=round(time.monotonic() - self._began, 1),
            rss_kib=resident_kib(),
            threads=threading.active_count(),
            descriptors=len(list(_FD_FOLDER.iterdir())),
            events=self._events,
            journal_bytes=(self._folder / "journal.sqlite").stat().st_size,
        )


def _child() -> None:
    report = _Trading(LifeAsked(**json.loads(os.environ["SOAK"]))).run()
    sys.stdout.write(json.dumps(attrs.asdict(report)))


# The venue's process


def _prices(count: int) -> Iterator[Price]:
    """Give open, low, high and close of bars, on the tick of 0.1."""
    bars = itertools.islice(bundled_btcusd_hours(symbol=DEMO).items(), 5_000, 5_000 + count)
    for bar in bars:
        assert isinstance(bar, Bar)
        for price in (bar.open, bar.low, bar.high, bar.close):
            yield Price.of(f"{price.value:.1f}")


def _troubles(control: Control) -> Sequence[Callable[[], object]]:
    return (
        lambda: control.abort_streams(StreamKind.PRIVATE),
        lambda: control.lose_next_answer("/v5/order/create"),
        lambda: control.lose_next_request("/v5/order/create"),
        lambda: control.abort_streams(StreamKind.PUBLIC),
        lambda: control.fail_next_query(2),
        lambda: control.lose_next_push("execution"),
        lambda: control.repeat_next_push("execution"),
        lambda: control.delay_next_answer(200),
        control.cut_next_answer,
        lambda: control.refuse_next(10016, "Internal System Error"),
        control.stale_next_position,
        lambda: control.lose_next_answer("/v5/order/cancel"),
        lambda: control.close_streams(StreamKind.PRIVATE),
        lambda: control.pay_funding(BTC, Rate.of("0.0001")),
        control.double_next_filled,
    )


def soak(folder: Path, seconds: float, *, bars: int = BARS) -> Report:
    """Play ``bars`` of the day in ``seconds`` to a desk whose journal is in ``folder``."""
    spec = AccountSpec(
        key=KEY, secret=SECRET, uid=1001, wallet=Money.of(_WALLET), level=LimitLevel.PRO1
    )
    prices = tuple(_prices(bars))
    with Bench([spec]) as bench:
        control = Control(bench.server.call)
        control.price(BTC, prices[0])
        asked = LifeAsked(
            folder=str(folder),
            rest_url=bench.server.rest_url,
            ws_url=bench.server.ws_url,
            key=KEY,
            secret=SECRET,
            part="soak",
        )
        desk = subprocess.Popen(
            [sys.executable, "-m", "tests.wire.soak", "--child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "SOAK": json.dumps(attrs.asdict(asked))},
            text=True,
        )
        until(lambda: control.connections(StreamKind.PRIVATE) == 1, "the desk is up", seconds=60)
        made = _play(control, prices, seconds)
        said, _ = desk.communicate(timeout=120)
    assert desk.returncode == 0, f"the desk ended with {desk.returncode}"
    read: dict[str, Any] = json.loads(said)
    samples = tuple(Sample(**one) for one in read["samples"])
    shrunk = _compacted(folder)
    return Report(**{**read, "samples": samples, "troubles": made, "shrunk": shrunk})


def _compacted(folder: Path) -> Shrunk:
    """Compact the journal that the desk left, and verify what there is then, archive and all."""
    env = {"TIDEGATE_MODE": TradingMode.TESTNET.value}
    done = tidegate("state", "compact", "--state", str(folder), "--json", home=folder, env=env)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    verified = tidegate("state", "verify", "--state", str(folder), home=folder, env=env)
    assert verified.returncode == 0, verified.stderr
    with closing(SqliteState(folder / "journal.sqlite")) as journal:
        snapshot = journal.load_snapshot()
    assert snapshot is not None
    return Shrunk(
        before=said["bytes_before"],
        after=said["bytes_after"],
        snapshot=len(snapshot.body.encode()),
    )


def _play(control: Control, prices: Sequence[Price], seconds: float) -> int:
    """Move the price evenly, and make trouble twice a second; return how often."""
    began, troubles = time.monotonic(), itertools.cycle(_troubles(control))
    next_trouble, made = 2.0, 0
    pause = threading.Event()
    for number, price in enumerate(prices):
        due = seconds * number / len(prices)
        pause.wait(max(0.0, due - (time.monotonic() - began)))
        control.price(BTC, price)
        if due >= next_trouble:
            next(troubles)()
            next_trouble, made = next_trouble + 0.5, made + 1
    control.clear_faults()
    return made


def grown(report: Report) -> list[str]:
    """Return what was not flat over the second half of the time."""
    last = report.samples[-1]
    late = [one for one in report.samples if one.seconds >= last.seconds / 2]
    first = late[0]
    found = []
    if last.rss_kib > first.rss_kib + GROWTH_KIB_MAX:
        found.append(f"resident memory: {first.rss_kib} -> {last.rss_kib} KiB")
    if last.threads > first.threads:
        found.append(f"threads: {first.threads} -> {last.threads}")
    # A connection that is being made anew is there for a moment.
    if min(one.descriptors for one in late[-3:]) > max(one.descriptors for one in late[:3]):
        found.append(f"descriptors: {first.descriptors} -> {last.descriptors}")
    each, each_last = (one.journal_bytes / one.events for one in (first, last))
    if each_last > each * BYTES_GROWTH_MAX:
        found.append(f"bytes of journal for each event: {each:.0f} -> {each_last:.0f}")
    shrunk = report.shrunk
    if shrunk is not None and shrunk.after > shrunk.snapshot + EMPTY_BYTES_MAX:
        found.append(f"compacted journal: {shrunk.after} bytes, its snapshot {shrunk.snapshot}")
    return found


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        _child()
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = soak(Path(folder), asked.minutes * 60)
    step = max(1, len(report.samples) // 12)
    for one in report.samples[::step]:
        sys.stdout.write(json.dumps(attrs.asdict(one)) + "\n")
    told: dict[str, Any] = {
        "happened": report.happened,
        "outcomes": report.outcomes,
        "troubles": report.troubles,
    }
    told["compaction"] = None if report.shrunk is None else attrs.asdict(report.shrunk)
    sys.stdout.write(json.dumps(told) + "\n")
    found = grown(report)
    if report.outcomes.get("Placed", 0) < asked.minutes * 30:
        found.append(f"nothing: it traded too little to tell, {report.outcomes}")
    sys.stdout.write("".join(f"GREW {one}\n" for one in found) or "nothing grew\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(_main())
