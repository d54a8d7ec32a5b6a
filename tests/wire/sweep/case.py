"""One case: a desk lives, is killed, starts again, and is compared with what the venue knows."""

import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from signal import SIGKILL
from typing import Self

import attrs
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.adapters.v5server.accounts import AccountSpec
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.exchange import Exchange
from tidegate.adapters.v5server.levels import LimitLevel
from tidegate.application.codec import decode
from tidegate.application.engine import fold
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.events import EntryIntended, Event, Filled, OrderIntended
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money
from tidegate.domain.reports import PositionReport
from tidegate.ports.exchange import TimeRange

from tests.adapters.v5server.bench import KEY, SECRET, Bench
from tests.domain.samples import FEES
from tests.wire.desk_bench import BTC, LIMITS, START
from tests.wire.oracle_tap import judge
from tests.wire.tap import Tap

from .boundaries import Kill
from .life import LifeAsked
from .nursery import Nursery
from .wire_kill import WireKill

__all__ = ["NAKED_S_MAX", "Outcome", "run_case"]

NAKED_S_MAX = 5.0
"""For how long after a restart the venue may show a position without a stop."""

_WALLET = "20000"
_EVERYTHING = TimeRange(start_ms=0, end_ms=2**53)
_LOOK_S = 0.05


@attrs.define
class Outcome:
    """What became of a case. ``faults`` is empty when nothing was doubled, lost or left bare."""

    ends: list[int] = attrs.field(factory=list)
    passed: Counter[str] = attrs.field(factory=Counter)
    naked_s: float = 0
    executions: int = 0
    entries: int = 0
    seconds: float = 0
    faults: list[str] = attrs.field(factory=list)


class _Watch:
    """Looks at the venue's position all the time: how long is it there without a stop?"""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._over = threading.Event()
        self._since: float | None = None
        self.longest_s = 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def begin_again(self) -> None:
        """Count from here: a desk was started."""
        self._since, self.longest_s = None, 0.0

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S):
            held, now = _position(self._bench), time.monotonic()
            if held.qty.sign == 0 or held.stop_loss is not None:
                self._since = None
                continue
            self._since = self._since or now
            self.longest_s = max(self.longest_s, now - self._since)


def _position(bench: Bench) -> PositionReport:
    def read(exchange: Exchange) -> PositionReport:
        return exchange.accounts.first.venue.position(BTC)

    return bench.server.call(read)


def run_case(folder: Path, nursery: Nursery, kills: Sequence[Kill]) -> Outcome:
    """Live through ``kills``, one after the other, and then to the end."""
    outcome, began = Outcome(), time.monotonic()
    wire = next((kill for kill in kills if kill.is_on_wire), None)
    gate = WireKill(wire.place if wire else None, wire.ordinal if wire else 1)
    spec = AccountSpec(
        key=KEY, secret=SECRET, uid=1001, wallet=Money.of(_WALLET), level=LimitLevel.PRO1
    )
    with ExitStack() as stack:
        bench = stack.enter_context(Bench([spec]))
        control = Control(bench.server.call)
        control.price(BTC, START)
        tap = stack.enter_context(Tap(bench.server.rest_url, gate=gate))
        watch = stack.enter_context(_Watch(bench))

        def born(pid: int) -> None:
            gate.pid = pid

        for number in range(len(kills) + 1):
            kill = kills[number] if number < len(kills) else None
            is_own = kill is not None and not kill.is_on_wire
            asked = LifeAsked(
                folder=str(folder),
                rest_url=tap.rest_url,
                ws_url=tap.ws_url,
                key=KEY,
                secret=SECRET,
                part="script" if number == 0 else "resume",
                place=kill.place if kill is not None and is_own else None,
                ordinal=1 if kill is None else kill.ordinal,
            )
            control.price(BTC, START)
            watch.begin_again()
            outcome.ends.append(nursery.run(asked, born))
            outcome.naked_s = max(outcome.naked_s, watch.longest_s)
            if kill is not None and kill.is_on_wire:
                outcome.passed[kill.place] += gate.has_killed
                gate.revive()
        outcome.passed += gate.passed
        control.settle()
        _judge(outcome, folder, bench, tap)
    _judge_ends(outcome, folder, len(kills))
    outcome.seconds = time.monotonic() - began
    return outcome


def _judge_ends(outcome: Outcome, folder: Path, kills: int) -> None:
    for path in sorted(folder.glob("passed-*.json")):
        outcome.passed += Counter(json.loads(path.read_text(encoding="utf-8")))
    expected = [-SIGKILL] * kills + [0]
    if outcome.ends != expected:
        said = [path.read_text(encoding="utf-8")[-3_000:] for path in sorted(folder.glob("*.txt"))]
        outcome.faults.append(f"lives ended {outcome.ends}, not {expected}: {said}")
    if outcome.naked_s > NAKED_S_MAX:
        outcome.faults.append(f"held without a stop for {outcome.naked_s:.2f} s")


def _judge(outcome: Outcome, folder: Path, bench: Bench, tap: Tap) -> None:
    """Compare the journal with the venue and with what crossed the wire."""
    path = folder / "journal.sqlite"
    journal = SqliteState(path)
    try:
        events: list[Event] = [decode(row.record) for row in journal.read()]
        config = CoreConfig(mode=TradingMode.TESTNET, venue=VenueKind.BYBIT_TESTNET, limits=LIMITS)
        books, _ = fold(journal, config)
    finally:
        journal.close()
    booked = Counter(e.execution.execution_id for e in events if isinstance(e, Filled))
    at_venue = _venue_executions(bench)
    outcome.executions = len(at_venue)
    faults = outcome.faults
    if set(booked) != at_venue:
        faults.append(f"booked {sorted(booked)}, the venue has {sorted(at_venue)}")
    faults += [f"booked {count} times: {name}" for name, count in booked.items() if count > 1]
    _judge_orders(outcome, events, tap)
    oracle = judge(tap, opening=_WALLET, taker=str(FEES.taker), maker=str(FEES.maker))
    assert books.ledger is not None
    if Fraction(books.ledger.wallet.value) != oracle.wallet:
        faults.append(f"the ledger's wallet is {books.ledger.wallet}, the judge's {oracle.wallet}")
    held = _position(bench).qty
    if held.sign or not books.position(BTC).is_flat:
        faults.append(f"the venue holds {held}, the books {books.position(BTC)}")


def _judge_orders(outcome: Outcome, events: Sequence[Event], tap: Tap) -> None:
    """Every order that crossed was meant, was sent once, and a signal opened once at most."""
    meant = {e.order.client_id for e in events if isinstance(e, EntryIntended | OrderIntended)}
    signals = Counter(e.signal.signal_id for e in events if isinstance(e, EntryIntended))
    sent = Counter(str(r.json["orderLinkId"]) for r in tap.requests("/v5/order/create"))
    outcome.entries = sum(signals.values())
    faults = outcome.faults
    faults += [f"signal {name} was opened {n} times" for name, n in signals.items() if n > 1]
    faults += [f"order {name} was sent {n} times" for name, n in sent.items() if n > 1]
    faults += [f"order {name} was sent and not meant" for name in set(sent) - meant]


def _venue_executions(bench: Bench) -> set[str]:
    def read(exchange: Exchange) -> set[str]:
        venue = exchange.accounts.first.venue
        return {row.execution_id for row in venue.executions(None, _EVERYTHING).rows}

    return bench.server.call(read)
