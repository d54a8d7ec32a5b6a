"""Connect, authenticate, subscribe, order, acknowledgement, fill, close: many times, none lost.

The venue answers without any delay. ``python -m tests.wire.test_cycles --cycles 1000`` runs more
than the tests do.
"""

import argparse
import gc
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.settings_bybit import OrderEntry
from tidegate.domain.core.events import Filled, TradeClosed

from .desk_bench import DeskBench, until

__all__ = ["cycle_many"]

CYCLES = 12
_CYCLES_EACH = 50
"""On one journal and venue: a start reads the last hour again, so many take ever longer."""

_FD_FOLDER = Path("/proc/self/fd")


def _descriptors() -> int:
    return len(list(_FD_FOLDER.iterdir())) if _FD_FOLDER.is_dir() else 0


def _rest(bench: DeskBench) -> tuple[int, int]:
    """Stop the desk, and count threads and descriptors once the server has noticed."""
    bench.application.stop()
    kinds = (StreamKind.PRIVATE, StreamKind.PUBLIC, StreamKind.TRADE)
    until(lambda: not any(map(bench.control.connections, kinds)), "no stream is left")
    gc.collect()
    return threading.active_count(), _descriptors()


def cycle_many(cycles: int, folder: Path, entry: OrderEntry) -> None:
    """Run the cycles; raises AssertionError for one that lost something, or left something."""
    patient: dict[str, Any] = {
        "order_timeout_ms": 20_000,
        "pong_wait_ms": 20_000,
        "recv_window_ms": 20_000,
    }
    with DeskBench(folder, order_entry=entry, **patient) as bench:
        first = _cycle(bench, 0)
        for number in range(1, cycles):
            bench.restart()
            _cycle(bench, number)
        bench.agree()
        assert set(bench.sent_ids().values()) == {1}
        by_rest = [request.json for request in bench.tap.requests("/v5/order/create")]
        entries = [row for row in by_rest if not row.get("reduceOnly")]
        assert (not entries) is (entry is OrderEntry.STREAM), "what closes goes over REST always"
        until(lambda: _rest(bench) <= first, f"{_rest(bench)} is more than {first}")
        assert bench.happened(TradeClosed) == cycles


def _cycle(bench: DeskBench, number: int) -> tuple[int, int]:
    before = bench.happened(Filled)
    socket = bench.venue.streams.trade_socket() if bench.sends_by_stream else None
    if socket is not None:
        until(lambda: socket.is_up, "the order stream")
    bench.placed(f"cycle {number}")
    bench.close()
    assert bench.happened(Filled) == before + 2
    return _rest(bench) if number == 0 else (0, 0)


@pytest.mark.parametrize(
    "entry",
    [OrderEntry.STREAM, pytest.param(OrderEntry.REST, marks=pytest.mark.sweep)],
    ids=lambda entry: entry.value,
)
def test_no_cycle_loses_or_leaves_anything(entry: OrderEntry, tmp_path: Path) -> None:
    cycle_many(CYCLES, tmp_path, entry)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=1_000)
    asked = parser.parse_args()
    for entry in OrderEntry:
        started_s = time.monotonic()
        left = asked.cycles
        while left > 0:
            with tempfile.TemporaryDirectory() as folder:
                cycle_many(min(left, _CYCLES_EACH), Path(folder), entry)
            left -= _CYCLES_EACH
            sys.stdout.write(f"{entry.value}: {max(left, 0)} cycles left\n")
            sys.stdout.flush()
        took_s = time.monotonic() - started_s
        sys.stdout.write(f"{asked.cycles} cycles, orders over {entry.value}: {took_s:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
