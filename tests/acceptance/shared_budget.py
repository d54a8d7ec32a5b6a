"""Several processes on one account share one budget of risk, while some of them die or stall.

``python -m tests.acceptance.shared_budget --signals 5000`` is the long run; the tests do a short
one. One venue behind Bybit's protocol, one PostgreSQL, real processes. The judge reads the rows of
the journal and what crossed the wire, and nothing of a desk's own memory.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from tidegate.adapters.postgres import PostgresState, Target
from tidegate.adapters.v5server.accounts import AccountSpec
from tidegate.adapters.v5server.levels import LimitLevel
from tidegate.application.engine import fold
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.state import Books
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money
from tidegate.ports.exchange import TimeRange
from tidegate.ports.state import StoredRecord

from tests.acceptance.shared_judge import WALLET, Plan, Run, check
from tests.acceptance.storm import INSTRUMENTS, PRICES
from tests.adapters.postgres.server import shared_server
from tests.adapters.v5server.bench import KEY, SECRET, Bench
from tests.wire.oracle_tap import execution_rows
from tests.wire.tap import Json, Tap

__all__ = ["run"]

_UNREAD = frozenset({10002, 10006})
"""The venue's codes for a request that it did not look at: its time stamp, too many of them."""
_ROOT = Path(__file__).resolve().parents[2]
_CONFIG = CoreConfig(mode=TradingMode.TESTNET, venue=VenueKind.BYBIT_TESTNET)
_SETTLE_S_MAX = 120


class _Worker:
    """One process, and the thread that hands it signals one after the other."""

    def __init__(self, name: str, given: Mapping[str, Any], numbers: Iterator[int]) -> None:
        self.name = name
        self._numbers = numbers
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.shared_worker", json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        self.told: list[dict[str, Any]] = []
        self.was_killed = False
        self._may_end = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)

    def wait_ready(self) -> None:
        assert self._read() == {"ready": True}, f"{self.name} did not start"

    def start(self) -> None:
        self._thread.start()

    def _read(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            return None
        found: dict[str, Any] = json.loads(line)
        self.told.append(found)
        return found

    def _feed(self) -> None:
        assert self._process.stdin is not None
        for number in self._numbers:
            try:
                self._process.stdin.write(f"{number}\n")
                self._process.stdin.flush()
            except OSError:
                return
            answer = self._read()
            if answer is None or "outcome" not in answer:
                return
        self._may_end.wait()
        try:
            self._process.stdin.close()
        except OSError:
            return
        self._read()

    def finish_feeding(self) -> None:
        """Let the process end once it has no signal left."""
        self._may_end.set()

    def kill(self) -> None:
        self.was_killed = True
        self._process.kill()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def join(self) -> int:
        self._may_end.set()
        self._thread.join(180)
        code = self._process.wait(60)
        for end in (self._process.stdin, self._process.stdout):
            if end is not None and not end.closed:
                with _unbothered():
                    end.close()
        return code

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None


@contextmanager
def _unbothered() -> Iterator[None]:
    """Close a pipe whose other end is gone."""
    try:
        yield
    except BrokenPipeError:
        return


def run(plan: Plan, seed: int) -> Run:
    """Do it all, and return what it left."""
    spec = AccountSpec(
        key=KEY, secret=SECRET, uid=1001, wallet=Money.of(WALLET), level=LimitLevel.PRO6
    )
    bench = Bench([spec], instruments=INSTRUMENTS)
    server = shared_server()
    dsn = server.database()
    started = time.monotonic()
    with bench, Tap(bench.server.rest_url) as tap:
        for instrument in INSTRUMENTS:
            bench.price(PRICES[instrument.symbol], instrument=instrument)
        place = {"dsn": dsn, "rest_url": tap.rest_url, "ws_url": tap.ws_url}
        workers = _begin(plan, place)
        hit = _disturb(plan, workers, dsn, random.Random(seed))  # noqa: S311 - a plan, no secret
        _wait_until_settled(dsn, workers)
        codes = {worker.name: worker.join() for worker in workers}
        found = _left(bench, tap, dsn)
    server.give_back(dsn)
    return Run(
        plan=plan,
        codes=codes,
        killed=frozenset(worker.name for worker in workers if worker.was_killed),
        paused=hit,
        told={worker.name: worker.told for worker in workers},
        outcomes=Counter(
            str(told["outcome"]) for worker in workers for told in worker.told if "outcome" in told
        ),
        seconds=time.monotonic() - started,
        **found,
    )


def _begin(plan: Plan, place: Mapping[str, str]) -> list[_Worker]:
    numbers = _Numbers(plan.signals)
    workers = [
        _Worker(
            f"desk-{index}",
            {
                **place,
                "name": f"desk-{index}",
                "symbol": INSTRUMENTS[index % len(INSTRUMENTS)].symbol,
                "lease_ms": plan.lease_ms,
                "send_within_ms": plan.send_within_ms,
            },
            numbers,
        )
        for index in range(plan.processes)
    ]
    for worker in workers:
        worker.wait_ready()
    for worker in workers:
        worker.start()
    return workers


class _Numbers(Iterator[int]):
    """Hands out each number once, to whichever thread asks."""

    def __init__(self, count: int) -> None:
        self._left = iter(range(count))
        self._lock = threading.Lock()
        self.handed = 0

    def __next__(self) -> int:
        with self._lock:
            number = next(self._left)
            self.handed = number + 1
            return number


def _disturb(
    plan: Plan, workers: Sequence[_Worker], dsn: str, draw: random.Random
) -> frozenset[str]:
    """Kill and pause at random processes, each another one, once its share was handed out."""
    numbers = workers[0]._numbers
    assert isinstance(numbers, _Numbers)
    acts = sorted(
        [(share, True) for share in plan.kills] + [(share, False) for share in plan.pauses]
    )
    victims = draw.sample(list(workers), len(acts))
    paused: list[str] = []
    for (share, is_kill), victim in zip(acts, victims, strict=True):
        while numbers.handed < share * plan.signals:
            _require_life(workers)
            time.sleep(0.02)
        time.sleep(draw.uniform(0, 0.1))
        if is_kill:
            victim.kill()
        else:
            victim.pause()
            time.sleep(plan.lease_ms * 2.5 / 1_000)
            victim.go_on()
            paused.append(victim.name)
    while numbers.handed < plan.signals:
        _require_life(workers)
        time.sleep(0.05)
    return frozenset(paused)


def _require_life(workers: Sequence[_Worker]) -> None:
    last = {worker.name: worker.told[-1:] for worker in workers}
    assert any(worker.is_alive for worker in workers), f"every process ended: {last}"


def _wait_until_settled(dsn: str, workers: Sequence[_Worker]) -> None:
    """Wait until what the dead left half done was finished by the living."""
    give_up = time.monotonic() + _SETTLE_S_MAX
    while True:
        books, _ = _books(dsn)
        open_ones = [
            order.status
            for order in books.orders.values()
            if order.status in {Status.INTENDED, Status.UNKNOWN, Status.ACKNOWLEDGED}
        ]
        is_quiet = not open_ones and not books.findings
        if is_quiet:
            return
        assert time.monotonic() < give_up, f"still open: {open_ones}, {list(books.findings)}"
        time.sleep(0.5)


def _books(dsn: str) -> tuple[Books, Sequence[StoredRecord]]:
    with closing(PostgresState(Target(dsn, "account"))) as state:
        books, _ = fold(state, _CONFIG)
        return books, tuple(state.read())


def _left(bench: Bench, tap: Tap, dsn: str) -> dict[str, Any]:
    everything = TimeRange(start_ms=0, end_ms=2**53)
    venue = bench.server.call(lambda exchange: exchange.accounts.first.venue)
    fills = bench.server.call(lambda _: venue.executions(None, everything).rows)
    held = bench.server.call(lambda _: venue.positions())
    wallet = bench.server.call(lambda _: venue.account().wallet)
    books, rows = _books(dsn)
    bodies = [request.json for request in tap.requests("/v5/order/create")]
    unread = [
        str(answer.request.json["orderLinkId"])
        for answer in tap.answers("/v5/order/create")
        if answer.json is not None and answer.json["retCode"] in _UNREAD
    ]
    for request in tap.requests("/v5/order/create-batch"):
        bodies += cast("list[Json]", request.json["request"])
    return {
        "rows": rows,
        "books": books,
        "unread_ids": Counter(unread),
        "sent_ids": Counter(str(body["orderLinkId"]) for body in bodies),
        "executed": execution_rows(tap),
        "venue_ids": frozenset(row.execution_id for row in fills),
        "venue_held": {str(p.symbol): Fraction(p.qty.value) for p in held if p.qty.sign != 0},
        "venue_wallet": Fraction(wallet.value),
    }


def main() -> int:
    """Run the storm on eight processes, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=5_000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    sys.stdout.write(f"seed {seed}\n")
    draw = random.Random(seed)  # noqa: S311 - a plan, no secret
    plan = Plan(
        processes=chosen.processes,
        signals=chosen.signals,
        kills=(draw.uniform(0.1, 0.4), draw.uniform(0.5, 0.8)),
        pauses=(draw.uniform(0.2, 0.7),),
        lease_ms=5_000,
    )
    found = run(plan, seed)
    sys.stdout.write(f"{dict(found.outcomes.most_common(8))}\n")
    sys.stdout.write(check(found, approvals_min=min(500, chosen.signals // 10)) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
