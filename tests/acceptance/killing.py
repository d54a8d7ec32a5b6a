"""A session whose process kills itself at a chosen point, and the two stores that outlive it.

A point is named by where it lies and by how often that place was passed in this process. SIGKILL
leaves no chance to flush, roll back or say goodbye.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tidegate.adapters.paper.records import Head
from tidegate.adapters.paper.state import Changes
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.domain.money import Rate
from tidegate.domain.orders import ClientId, Reduction, Symbol, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    OrderReport,
    PositionReport,
    VenueMessage,
)
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    Accepted,
    Done,
    History,
    MessageSink,
    PositionStop,
    Rejected,
    TimeRange,
)
from tidegate.ports.feed import FeedItem
from tidegate.ports.state import Record, Snapshot

from .sessions import Parts, Plan, open_venue

__all__ = ["PLACES", "Fuse", "Kill", "parts_with_fuse"]

PLACES = (
    "before commit",
    "after commit",
    "before append",
    "after append",
    "before place",
    "after place",
    "before request",
    "after request",
    "message",
    "between pieces",
    "before query",
    "after query",
    "before snapshot",
    "after snapshot",
)
"""Where a process can die: around the venue's commits, around the journal's appends, around each
request, before a message is taken, between the pieces of an item, around a query (recovery makes
most of them), around the snapshot at the end."""


class Kill(NamedTuple):
    """Die when ``place`` is passed for the ``ordinal``-th time in a process."""

    place: str
    ordinal: int


class Fuse:
    """Counts how often each place is passed, and kills the process at its point."""

    def __init__(self, kill: Kill | None) -> None:
        if kill is not None and (kill.place not in PLACES or kill.ordinal < 1):
            raise ValueError(f"{kill}; accepted: an ordinal from 1 at one of {', '.join(PLACES)}")
        self._kill = kill
        self.passed: Counter[str] = Counter()

    def reach(self, place: str) -> None:
        """Pass a place, or die there."""
        self.passed[place] += 1
        if self._kill == (place, self.passed[place]):
            os.kill(os.getpid(), signal.SIGKILL)


class _Store(PaperStore):
    def __init__(self, path: Path, fuse: Fuse) -> None:
        self._fuse = fuse
        super().__init__(path)

    def commit(self, head: Head, changes: Changes) -> None:
        self._fuse.reach("before commit")
        super().commit(head, changes)
        self._fuse.reach("after commit")


class _State(SqliteState):
    def __init__(self, path: Path, fuse: Fuse) -> None:
        self._fuse = fuse
        super().__init__(path)

    def append(self, records: Sequence[Record], *, expected_version: int, durable: bool) -> int:
        self._fuse.reach("before append")
        version = super().append(records, expected_version=expected_version, durable=durable)
        self._fuse.reach("after append")
        return version

    def save_snapshot(self, snapshot: Snapshot) -> None:
        self._fuse.reach("before snapshot")
        super().save_snapshot(snapshot)
        self._fuse.reach("after snapshot")


class _Venue(PaperVenue):
    """The paper venue; the fuse is set right after construction."""

    fuse: Fuse

    def connect(self, sink: MessageSink) -> None:
        def pass_on(message: VenueMessage) -> None:
            self.fuse.reach("message")
            sink(message)

        super().connect(pass_on)

    def offer(self, item: FeedItem, *, index: int) -> Iterator[None]:
        for _ in super().offer(item, index=index):
            yield
            self.fuse.reach("between pieces")

    def place(self, order: Approved | Reduction) -> Accepted | Rejected:
        self.fuse.reach("before place")
        answer = super().place(order)
        self.fuse.reach("after place")
        return answer

    def cancel(self, symbol: Symbol, order_id: ClientId | VenueOrderId) -> Accepted | Rejected:
        self.fuse.reach("before request")
        answer = super().cancel(symbol, order_id)
        self.fuse.reach("after request")
        return answer

    def set_position_stop(self, stop: PositionStop) -> Done | Rejected:
        self.fuse.reach("before request")
        answer = super().set_position_stop(stop)
        self.fuse.reach("after request")
        return answer

    def set_leverage(self, symbol: Symbol, leverage: Rate) -> Done | Rejected:
        self.fuse.reach("before request")
        answer = super().set_leverage(symbol, leverage)
        self.fuse.reach("after request")
        return answer

    def account(self) -> AccountReport:
        self.fuse.reach("before query")
        return super().account()

    def position(self, symbol: Symbol) -> PositionReport:
        self.fuse.reach("before query")
        answer = super().position(symbol)
        self.fuse.reach("after query")
        return answer

    def find_order(self, symbol: Symbol, client_id: ClientId) -> OrderReport | None:
        self.fuse.reach("before query")
        answer = super().find_order(symbol, client_id)
        self.fuse.reach("after query")
        return answer

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        self.fuse.reach("before query")
        return super().open_orders(symbol)

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        self.fuse.reach("before query")
        answer = super().executions(symbol, within)
        self.fuse.reach("after query")
        return answer


def parts_with_fuse(plan: Plan, folder: Path, fuse: Fuse) -> Parts:
    """Keep both stores in files in ``folder``, in a process that may die at any place."""
    store = _Store(folder / "venue.sqlite", fuse)
    venue = open_venue(plan, store, _Venue)
    venue.fuse = fuse
    return Parts(venue=venue, state_port=_State(folder / "journal.sqlite", fuse))
