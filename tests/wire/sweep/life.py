"""One life of a desk: a process on Bybit's protocol with its journal in a file.

``script`` trades through everything that leaves something unsettled on its way; ``resume`` is what
an operator does after a crash: start, see that all is protected, and go flat.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from dependency_injector import providers
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.application.bybit_container import BybitContainer
from tidegate.application.desk import Desk
from tidegate.application.lifecycle import Application
from tidegate.application.settings import Settings, TimingSettings
from tidegate.application.settings_bybit import BybitSettings
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingMode, TradingState
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import OrderKind
from tidegate.domain.signal import Entry, ExactQty
from tidegate.ports.desk import OpenOutcome, Placed
from tidegate.ports.orders import Amended, Reduced

from tests.application.bench import signal
from tests.domain.core.scenes import LADDER
from tests.wire.desk_bench import BTC, LIMITS, QUICK, WAIT_MS, until

from .fuse import Fuse, fused

__all__ = ["Life", "LifeAsked", "live"]

QTY = Qty.of("0.013")
HALF = Qty.of("0.006")
STOP, TIGHTER = Price.of("64000"), Price.of("64500")
RESTING, NEARER = Price.of("64200"), Price.of("64300")
PROFIT = Price.of("66500")
_PATIENT_S = 60
_TIMINGS = TimingSettings(ask_again_ms=300, close_retry_ms=200)
_VENUE = {**QUICK, "recv_window_ms": 2_000}
"""An order that never arrived is asked for until it cannot come any more: for the receive window.
A longer one, or to ask more often, would take time and tell nothing new."""


@attrs.frozen(kw_only=True)
class LifeAsked:
    """What a life is to be. ``place`` and ``ordinal`` say where it ends before its time."""

    folder: str
    rest_url: str
    ws_url: str
    key: str
    secret: str
    part: str
    place: str | None = None
    ordinal: int = 1


class Life:
    """A desk that is built and not yet started, and what a life does with it."""

    def __init__(self, asked: LifeAsked) -> None:
        settings = Settings(
            mode=TradingMode.TESTNET,
            state_path=Path(asked.folder) / "journal.sqlite",
            limits=LIMITS,
            timings=_TIMINGS,
            bybit=BybitSettings(
                allow_loopback=True, rest_url=asked.rest_url, ws_url=asked.ws_url, **_VENUE
            ),
        )
        env = {"TIDEGATE_BYBIT_KEY": asked.key, "TIDEGATE_BYBIT_SECRET": asked.secret}
        parts = BybitContainer(settings=settings, env=env)
        self.fuse = Fuse(asked.place, asked.ordinal)
        journal = parts.state_port()
        assert isinstance(journal, SqliteState)
        fused(parts.venue(), journal, self.fuse)
        with parts.preflight.override(providers.Object(None)):
            self.application: Application = parts.application()
        self.desk: Desk = self.application.desk
        self._venue, self._engine = parts.venue(), parts.engine()

    @property
    def books(self) -> Books:
        """What the desk has written down."""
        return self._engine.state.books

    def open(self, name: str, **wish: Any) -> OpenOutcome:
        """Trade a signal at a fresh price, and wait for stop and ladder."""
        self.application._runner.sink(self._venue.ticker(BTC))
        return self.desk.open_with_rr(
            signal(name, **{"ladder": LADDER, "sizing": ExactQty(QTY), **wish}),
            timeout_ms=WAIT_MS,
        )

    def script(self) -> None:
        """Open, tighten, reduce, rest, change, cancel, close; open again, and panic."""
        orders = self.desk.orders
        self.application.start()
        assert isinstance(self.open("first"), Placed)
        self.desk.protection.set_stop(BTC, TIGHTER, timeout_ms=WAIT_MS)
        reduced = orders.reduce(BTC, qty=HALF, price=PROFIT, timeout_ms=WAIT_MS)
        assert isinstance(reduced, Reduced), reduced
        self._close()
        resting = Entry(kind=OrderKind.LIMIT, price=RESTING)
        self.application._runner.sink(self._venue.ticker(BTC))
        rests = self.desk.execute(
            signal("second", entry=resting, sizing=ExactQty(QTY)), timeout_ms=WAIT_MS
        )
        assert isinstance(rests, Placed), rests
        amended = orders.amend(rests.client_id, price=NEARER, timeout_ms=WAIT_MS)
        assert isinstance(amended, Amended), amended
        orders.cancel(rests.client_id, timeout_ms=WAIT_MS)
        assert isinstance(self.open("third"), Placed)
        self.desk.panic("drill", timeout_ms=WAIT_MS)
        self.quiet()
        self.application.stop()

    def resume(self) -> None:
        """Start after a crash, see that what is held has its stop, and go flat."""
        self.application.start()
        if self.books.panic is not None:
            until(
                lambda: not self.books.is_panic_running,
                "the panic went on to its end",
                seconds=_PATIENT_S,
            )
            self.desk.reset_panic(confirmation="RESET")
            self.desk.set_trading_state(TradingState.ACTIVE, "after the drill")
        if not self.books.position(BTC).is_flat:
            until(self._is_safe, "protected, or on its way out", seconds=_PATIENT_S)
        self._close()
        trades = self.open(f"after version {self._engine.version}")
        assert isinstance(trades, Placed), trades
        self._close()
        self.application.stop()

    def _is_safe(self) -> bool:
        trade = self.books.trades.get(BTC)
        return trade is None or trade.is_stop_confirmed or trade.closing is not None

    def _close(self) -> None:
        self.desk.close_position(BTC, timeout_ms=WAIT_MS)
        self.desk.orders.cancel_all(BTC, timeout_ms=WAIT_MS)
        self.quiet()

    def quiet(self) -> None:
        """Wait until nothing is held and no order is left."""
        until(
            lambda: self.books.position(BTC).is_flat and not self.books.orders,
            f"flat and without an order; still {dict(self.books.orders)}",
            seconds=_PATIENT_S,
        )


def live(asked: LifeAsked) -> None:
    """Live one life, and write down which places it passed."""
    life = Life(asked)
    acts: dict[str, Callable[[], None]] = {"script": life.script, "resume": life.resume}
    acts[asked.part]()
    Path(asked.folder, f"passed-{time.monotonic_ns()}.json").write_text(
        json.dumps(life.fuse.passed), encoding="utf-8"
    )


if __name__ == "__main__":
    live(LifeAsked(**json.loads(sys.argv[1])))
