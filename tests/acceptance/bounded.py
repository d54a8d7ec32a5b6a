"""Many orders through one desk, in a process of its own that tells how much it holds.

``python -m tests.acceptance.bounded 10000`` is the full measurement: it prints a row for every
thousand orders and ends with 1 when something grew that should not.
"""

import gc
import json
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import attrs
from tidegate.adapters.paper.config import PaperConfig
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.application.clocks import RandomKeys
from tidegate.application.engine import Engine
from tidegate.application.lifecycle import Application
from tidegate.application.positions import TRADES_KEPT
from tidegate.domain.closings import CLOSINGS_KEPT
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.core.draft import ASKED_KEPT
from tidegate.domain.core.events import Event
from tidegate.domain.core.state import (
    EXECUTIONS_REMEMBERED,
    FINISHED_KEPT,
    SIGNALS_REMEMBERED,
)
from tidegate.domain.mode import TradingMode
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import ExactQty, RungSpec, StopAtPrice
from tidegate.ports.desk import Closing, Placed
from tidegate.ports.feed import QuotePoint
from tidegate.ports.notifier import NotifierPort

from tests.application.bench import signal
from tests.application.threaded_bench import RunningClock, until
from tests.domain.samples import BTCUSDT, FEES

__all__ = ["BOUNDS", "GROWTH_KIB_MAX", "Mark", "grown", "measure", "resident_kib"]

GROWTH_KIB_MAX = 2 * 1_024
LIMITS = RiskLimits(
    loss_cooldown_ms=0,
    orders_per_second_max=1_000_000,
    orders_per_minute_max=20_000,
    orders_per_day_max=1_000_000,
    symbol_losses_in_row_max=1_000_000,
    stops_in_window_max=200,
    market_age_ms_max=60_000,
    day_loss_max=Rate.of("0.9"),
    drawdown_max=Rate.of("0.9"),
)
BOUNDS: Mapping[str, int] = MappingProxyType(
    {
        "Books.finished": FINISHED_KEPT,
        "Books.sends": LIMITS.orders_per_minute_max,
        "Closings.rows": CLOSINGS_KEPT,
        "PositionManager._recent": TRADES_KEPT,
        "Recent.old": max(SIGNALS_REMEMBERED, EXECUTIONS_REMEMBERED),
        "Recent.young": max(SIGNALS_REMEMBERED, EXECUTIONS_REMEMBERED),
        "View.asked_ms": ASKED_KEPT,
    }
)
"""What remembers so much at most, as the code declares; anything else must not grow at all."""

_SLACK = 8
"""How much a container may differ between two moments without growing."""

_LAST = 65_000
_OPAQUE = (str, bytes, int, float, type, ModuleType, FunctionType, MethodType, type(None))
_LOOK_INTO = 3
_STEP = 250


@attrs.frozen(kw_only=True)
class Mark:
    """What the process held after so many orders; ``sizes`` are lengths of containers by place."""

    orders: int
    rss_kib: int
    open_orders: int
    sizes: Mapping[str, int]


class _Counts(NotifierPort):
    """A listener that keeps nothing but a number."""

    count = 0

    def notify(self, event: Event, *, time_ms: int) -> None:
        del event, time_ms
        self.count += 1


def resident_kib() -> int:
    """Return the resident memory of this process, once its garbage is gone."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4


class _Desk:
    """A desk with its writer and its lanes, on a paper venue and a journal on the disk."""

    def __init__(self, folder: Path) -> None:
        self.clock = RunningClock()
        self.venue = PaperVenue(
            instruments={BTCUSDT.symbol: BTCUSDT},
            fees=FEES,
            wallet=Money.of("10000000"),
            config=PaperConfig(),
            store=PaperStore(folder / "venue.db"),
        )
        self.quote()
        state = SqliteState(folder / "journal.db")
        config = CoreConfig(mode=TradingMode.PAPER, venue=self.venue.kind, limits=LIMITS)
        self.application = Application(
            engine=Engine(config=config, clock=self.clock, state_port=state),
            port=self.venue,
            state_port=state,
            keys=RandomKeys(),
            symbols=frozenset({BTCUSDT.symbol}),
        )
        self.listener = _Counts()
        self.application.events.add("counts", self.listener)

    def quote(self) -> None:
        mid, size = Price.of(_LAST), Qty.of(100_000)
        quote = QuotePoint(
            symbol=BTCUSDT.symbol,
            time_ms=self.clock.now_ms(),
            bid=mid - BTCUSDT.tick,
            bid_size=size,
            ask=mid + BTCUSDT.tick,
            ask_size=size,
        )
        for _ in self.venue.offer(quote, index=self.venue.cursor()):
            continue

    def round_trip(self, number: int) -> int:
        """Open with a stop and one target, close by hand; return how many orders were ours."""
        self.quote()
        desk = self.application.desk
        wish = signal(
            f"s{number}",
            sizing=ExactQty(Qty.of("0.010")),
            stop=StopAtPrice(Price.of(64_000)),
            ladder=(RungSpec(Rate.of(3)),),
        )
        opened = desk.open_with_rr(wish, timeout_ms=30_000)
        assert isinstance(opened, Placed), opened
        closed = desk.close_position(BTCUSDT.symbol, timeout_ms=30_000)
        assert isinstance(closed, Closing), closed
        until(lambda: not self.application.desk.state.books.trades, seconds=30)
        return 3

    def mark(self, orders: int) -> Mark:
        books = self.application.desk.state.books
        return Mark(
            orders=orders,
            rss_kib=resident_kib(),
            open_orders=len(books.orders),
            sizes=dict(sizes_of(self.application)),
        )


def sizes_of(root: object) -> Mapping[str, int]:
    """Return the largest length of every container that can be reached, by class and field."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    waiting: deque[tuple[str, object]] = deque([("root", root)])
    while waiting:
        place, value = waiting.popleft()
        if isinstance(value, _OPAQUE) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (Mapping, MappingProxyType, list, tuple, Set, deque)):
            found[place] = max(found.get(place, 0), len(value))
            waiting.extend((f"{place}[]", item) for item in _some(value))
        elif type(value).__module__.startswith("tidegate"):
            waiting.extend(_fields(value))
    return found


def _some(value: Any) -> Iterator[object]:
    items = value.values() if isinstance(value, Mapping) else value
    for _, item in zip(range(_LOOK_INTO), tuple(items), strict=False):
        yield item


def _fields(value: object) -> Iterator[tuple[str, object]]:
    kind = type(value)
    names = {*getattr(value, "__dict__", ())}
    names.update(
        name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if name[:2] != "__"
    )
    for name in sorted(names):
        yield f"{kind.__name__}.{name}", getattr(value, name, None)


def measure(orders: int, folder: Path) -> Iterator[Mark]:
    """Send so many orders through a desk; yield what it held after every 250 or a few more."""
    desk = _Desk(folder)
    desk.application.start()
    try:
        sent, number, next_mark = 0, 0, _STEP
        while sent < orders:
            sent, number = sent + desk.round_trip(number), number + 1
            if sent >= next_mark or sent >= orders:
                until(lambda: _is_quiet(desk), seconds=30)
                yield desk.mark(sent)
                next_mark += _STEP
    finally:
        desk.application.stop()
    assert desk.listener.count > orders, "the listener was told of every order"


def _is_quiet(desk: _Desk) -> bool:
    books = desk.application.desk.state.books
    return not books.orders and not books.trades


def grown(early: Mark, late: Mark) -> list[str]:
    """Return what is larger than its declared bound, or has none and is larger late than early."""
    found = [
        f"{place}: {early.sizes.get(place, 0)} -> {size}"
        for place, size in late.sizes.items()
        if size > BOUNDS.get(place, early.sizes.get(place, 0) + _SLACK)
    ]
    growth = late.rss_kib - early.rss_kib
    if growth > GROWTH_KIB_MAX:
        found.append(f"resident memory: {early.rss_kib} -> {late.rss_kib} KiB")
    return found


def _say(row: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def main(orders: int, early: int) -> int:
    """Print every mark as JSON, without the sizes; return 1 when something grew."""
    began = time.monotonic()
    first: Mark | None = None
    last: Mark | None = None
    with tempfile.TemporaryDirectory() as folder:
        for mark in measure(orders, Path(folder)):
            last = mark
            first = mark if first is None and mark.orders >= early else first
            row = {"orders": mark.orders, "rss_kib": mark.rss_kib, "open": mark.open_orders}
            _say({**row, "seconds": round(time.monotonic() - began, 1)})
    assert first is not None
    assert last is not None
    found = grown(first, last)
    _say({"from": first.orders, "to": last.orders, "grown": found})
    return 1 if found else 0


if __name__ == "__main__":
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    sys.exit(main(total, int(sys.argv[2]) if len(sys.argv) > 2 else total // 5))
