"""A whole desk on Bybit's protocol: writer thread, SQLite journal, sockets, and a tap between.

The venue behind the server is a paper venue. What the desk booked is compared with what crossed the
wire, by a judge that knows bytes alone, and with the venue.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from dependency_injector import providers
from tidegate.adapters.v5server.accounts import AccountSpec
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.levels import LimitLevel
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.bybit_container import BybitContainer
from tidegate.application.settings import Settings, TimingSettings
from tidegate.application.settings_bybit import BybitSettings, OrderEntry
from tidegate.domain.core.events import (
    Event,
    Filled,
    FundingBooked,
    TradeClosed,
)
from tidegate.domain.core.events_desk import FindingRaised
from tidegate.domain.core.state import Books
from tidegate.domain.mode import TradingMode
from tidegate.domain.money import Amount, Money, Price, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import ExactQty, Signal
from tidegate.ports.desk import OpenOutcome, Placed
from tidegate.ports.exchange import TimeRange

from tests.acceptance.oracle import Oracle
from tests.adapters.v5server.bench import KEY, SECRET, Bench
from tests.application.bench import signal
from tests.domain.core.scenes import LADDER
from tests.domain.samples import FEES

from .oracle_tap import execution_rows, judge
from .tap import Tap

__all__ = [
    "BTC",
    "LIMITS",
    "QTY",
    "QUICK",
    "QUICK_TIMINGS",
    "START",
    "WAIT_MS",
    "DeskBench",
    "stays",
    "until",
]

BTC = Symbol("BTCUSDT")
START = Price.of("65000.3")
"""A price at which fees have nine decimals, so that the venue rounds them."""

END = Price.of("65100.7")
QTY = Qty.of("0.013")
WALLET = "20000"
WAIT_MS = 20_000
LIMITS = RiskLimits(
    market_age_ms_max=30_000,
    loss_cooldown_ms=0,
    symbol_losses_in_row_max=10_000,
    stops_in_window_max=10_000,
    orders_per_second_max=1_000,
    orders_per_minute_max=100_000,
    orders_per_day_max=1_000_000,
)
"""Limits that stay out of the way."""

QUICK_TIMINGS = TimingSettings(ask_again_ms=100, close_retry_ms=200)
QUICK: dict[str, Any] = {
    "recv_window_ms": 3_000,
    "history_lag_ms": 0,
    "order_timeout_ms": 5_000,
    "query_timeout_ms": 5_000,
    "ping_interval_ms": 250,
    "pong_wait_ms": 5_000,
    "poll_down_ms": 100,
    "poll_up_ms": 500,
    "reconnect_delay_ms_min": 20,
    "reconnect_delay_ms_max": 100,
}


def until(holds: Callable[[], bool], what: str, *, seconds: float = 20) -> None:
    """Wait for what another thread does; fails when it does not."""
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up, f"not within {seconds} s: {what}"
        time.sleep(0.005)


def stays(holds: Callable[[], bool], what: str, *, seconds: float = 0.3) -> None:
    """See that nothing changes it for a while."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        assert holds(), f"no longer so: {what}"
        time.sleep(0.005)


def exact(amount: Amount) -> Fraction:
    """Return an amount as a fraction."""
    return Fraction(amount.value)


class DeskBench:
    """Server, tap and desk. Leaving it stops all three."""

    def __init__(
        self,
        folder: Path,
        *,
        level: LimitLevel = LimitLevel.PRO1,
        limits: RiskLimits = LIMITS,
        start: Price = START,
        key: str = KEY,
        secret: str = SECRET,
        timings: TimingSettings = QUICK_TIMINGS,
        with_signals: bool = False,
        **bybit: Any,
    ) -> None:
        spec = AccountSpec(key=key, secret=secret, uid=1001, wallet=Money.of(WALLET), level=level)
        self.server = Bench([spec])
        self.control = Control(self.server.server.call)
        self.folder = folder
        self.env = {"TIDEGATE_BYBIT_KEY": key, "TIDEGATE_BYBIT_SECRET": secret}
        self.events: list[Event] = []
        self._start, self._limits, self._timings = start, limits, timings
        self._bybit, self._with_signals = {**QUICK, **bybit}, with_signals
        self.prepare: Callable[[], object] = lambda: None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.server)
            self.prepare()
            self.control.price(BTC, self._start)
            self.tap = stack.enter_context(Tap(self.server.server.rest_url))
            self._build()
            stack.callback(self._stop)
            self.application.start(with_signals=self._with_signals)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _stop(self) -> None:
        self.application.stop()

    @property
    def settings(self) -> Settings:
        """The desk's settings."""
        return Settings(
            mode=TradingMode.TESTNET,
            state_path=self.folder / "journal.sqlite",
            limits=self._limits,
            timings=self._timings,
            bybit=BybitSettings(
                allow_loopback=True,
                rest_url=self.tap.rest_url,
                ws_url=self.tap.ws_url,
                **self._bybit,
            ),
        )

    @property
    def sends_by_stream(self) -> bool:
        """Tell whether orders go by the venue's order stream."""
        return self.settings.bybit.order_entry is OrderEntry.STREAM

    def restart(self) -> None:
        """Stop the desk, and start another one on the same journal."""
        self.application.stop()
        self._build()
        self.application.start()

    def _build(self) -> None:
        self.parts = parts = BybitContainer(settings=self.settings, env=self.env)
        with parts.preflight.override(providers.Object(None)):
            self.application = parts.application()
        self.venue, self.engine = parts.venue(), parts.engine()
        self.engine.listen(lambda event, _: self.events.append(event))
        self.desk = self.application.desk

    # What a test does

    @property
    def books(self) -> Books:
        """What the desk has written down."""
        return self.engine.state.books

    def open(self, name: str, *, timeout_ms: int = WAIT_MS, **wish: Any) -> OpenOutcome:
        """Trade a signal at a fresh price, and wait for stop and ladder."""
        self.control.price(BTC, self._start)
        self.application._runner.sink(self.venue.ticker(BTC))
        return self.desk.open_with_rr(self.signal(name, **wish), timeout_ms=timeout_ms)

    def signal(self, name: str, **wish: Any) -> Signal:
        """Return a wish to buy, with stop and ladder."""
        return signal(name, **{"ladder": LADDER, "sizing": ExactQty(QTY), **wish})

    def placed(self, name: str, **wish: Any) -> Placed:
        """Trade a signal, which must be possible."""
        outcome = self.open(name, **wish)
        assert isinstance(outcome, Placed), outcome
        return outcome

    def close(self) -> None:
        """Close the position at a profit, and see that nothing is left at the desk."""
        self.control.price(BTC, END)
        self.desk.close_position(BTC, timeout_ms=WAIT_MS)
        until(lambda: self.is_flat, f"flat; still {dict(self.books.orders)}")
        lanes = self.application._runner._lanes
        until(lambda: lanes.is_idle, "nothing of this trade is under way")

    @property
    def is_flat(self) -> bool:
        """Tell whether the desk holds nothing and waits for no order."""
        return self.books.position(BTC).is_flat and not self.books.orders

    def happened(self, kind: type[Event]) -> int:
        """Count events of a kind."""
        return sum(isinstance(event, kind) for event in tuple(self.events))

    def wait_up(self) -> None:
        """Wait until the desk itself knows that its streams are up."""
        until(lambda: self.engine.state.view.stream_down_since_ms is None, "streams up")
        assert self.venue.streams.wait_up(WAIT_MS), "the streams came back"

    # What is judged

    def judge(self) -> Oracle:
        """Return the judge after everything that crossed the wire so far."""
        return judge(self.tap, opening=WALLET, taker=str(FEES.taker), maker=str(FEES.maker))

    def venue_ids(self) -> set[str]:
        """Return the names of all executions and payments that the venue has."""
        everything = TimeRange(start_ms=0, end_ms=2**53)
        account = self.server.server.call(lambda exchange: exchange.accounts.first.venue)

        def read(_: object) -> set[str]:
            fills = account.executions(None, everything).rows
            payments = account.funding_payments(None, everything).rows
            return {row.execution_id for row in fills} | {row.payment_id for row in payments}

        return self.server.server.call(read)

    def agree(self) -> Oracle:
        """Nothing doubled, nothing lost: desk, wire and venue say the same; and the desk lives."""
        self.control.settle()
        until(lambda: set(self._booked()) == self.venue_ids(), "everything was booked")
        booked, oracle = self._booked(), self.judge()
        assert set(booked.values()) <= {1}, f"booked more than once: {booked}"
        assert {str(row["execId"]) for row in execution_rows(self.tap)} == set(booked)
        ledger = self.books.ledger
        assert ledger is not None
        assert exact(ledger.realised) == oracle.realised
        assert exact(ledger.fees) == oracle.fees
        assert exact(ledger.funding) == oracle.funding
        assert exact(ledger.wallet) == oracle.wallet
        assert exact(self.books.position(BTC).qty) == oracle.position(BTC)
        self._compare_trades(oracle)
        held = self.server.server.call(lambda exchange: exchange.accounts.first.venue.position(BTC))
        assert held.qty == self.books.position(BTC).qty
        assert self.application._runner.failure is None
        assert self.engine.listener_errors == 0
        return oracle

    def _compare_trades(self, oracle: Oracle) -> None:
        closed = [event.trade for event in tuple(self.events) if isinstance(event, TradeClosed)]
        assert len(closed) == len(oracle.trades)
        for trade, judged in zip(closed, oracle.trades, strict=True):
            assert exact(trade.profit) == judged.profit
            assert exact(trade.fees) == judged.fees
            assert exact(trade.funding) == judged.funding

    def _booked(self) -> Counter[str]:
        ids: Counter[str] = Counter()
        for event in tuple(self.events):
            if isinstance(event, Filled):
                ids[event.execution.execution_id] += 1
            elif isinstance(event, FundingBooked):
                ids[event.payment.payment_id] += 1
        return ids

    def sent_ids(self) -> Counter[str]:
        """Return how often each client id was sent as a new order, over REST and by stream."""
        bodies = [request.json for request in self.tap.requests("/v5/order/create")]
        for push in self.tap.sent("/v5/trade"):
            frame = push.json
            args = frame.get("args")
            if frame.get("op") == "order.create" and isinstance(args, list):
                bodies += args
        return Counter(str(body["orderLinkId"]) for body in bodies)

    def findings(self) -> list[str]:
        """Return the findings that were raised, for a test that expects none."""
        return [repr(event) for event in tuple(self.events) if isinstance(event, FindingRaised)]

    def lives(self) -> None:
        """The streams carry, and a whole new trade goes through them: nothing is dead."""
        self.wait_up()
        assert self.control.connections(StreamKind.PRIVATE) == 1
        before = self.happened(Filled)
        self.placed("afterwards")
        self.close()
        assert self.happened(Filled) > before
