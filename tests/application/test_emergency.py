"""An operator's panic where no desk runs: nothing that fails or waits stands before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tidegate.adapters.memory.options import RequestKind
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.bybit_container import bybit_application
from tidegate.application.clocks import RandomKeys
from tidegate.application.commands import Commands
from tidegate.application.emergency import panic_now
from tidegate.application.engine import Engine
from tidegate.application.runner import WriterStopped
from tidegate.application.settings import Settings
from tidegate.application.settings_bybit import BybitSettings
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.instrument import Instrument
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import OrderReport, PositionReport, RejectReason
from tidegate.ports.commands import PanicReport, Where
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import Holdings, QueryFailed
from tidegate.ports.state import StateUnavailable

from tests.adapters.v5server.bench import KEY, SECRET, Bench
from tests.domain.core.scenes import LADDER
from tests.domain.samples import BTCUSDT, FEES

from .bench import BTC, signal
from .threaded_bench import (
    LOOSE,
    START_MS,
    GatedVenue,
    KeptState,
    RunningClock,
    events_of,
    make_application,
    own_threads,
    started,
)

ENV = {"TIDEGATE_BYBIT_KEY": KEY, "TIDEGATE_BYBIT_SECRET": SECRET}
BESIDE_THE_POINT = (
    "/v5/account/fee-rate",
    "/v5/account/info",
    "/v5/account/wallet-balance",
    "/v5/execution/list",
    "/v5/market/instruments-info",
    "/v5/market/tickers",
    "/v5/market/time",
    "/v5/order/history",
    "/v5/user/query-api",
)


class BlindVenue(GatedVenue):
    """A venue that can be kept from telling what is held, or what an instrument is."""

    is_blind = False
    is_vague = False

    def holdings(self) -> Holdings:
        if self.is_blind:
            raise QueryFailed("the venue does not answer")
        return super().holdings()

    def positions(self) -> tuple[PositionReport, ...]:
        if self.is_blind:
            raise QueryFailed("the venue does not answer")
        return super().positions()

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        if self.is_blind:
            raise QueryFailed("the venue does not answer")
        return super().open_orders(symbol)

    def instrument(self, symbol: Symbol) -> Instrument:
        if self.is_vague:
            raise QueryFailed("the venue does not answer")
        return super().instrument(symbol)

    def account_id(self) -> str | None:
        if self.is_vague:
            raise QueryFailed("the venue does not answer")
        return super().account_id()


class KeptOpenState(KeptState):
    """A journal that the next desk of the same account goes on with."""

    def close(self) -> None:
        """Stay open."""


@pytest.fixture
def traded() -> tuple[BlindVenue, KeptOpenState]:
    """Return a venue and a journal that a desk left with a ladder of orders."""
    venue, state = BlindVenue((BTCUSDT,)), KeptOpenState()
    venue.script.move(BTC, last=Price.of("65000"))
    with started(make_application(venue, state)) as application:
        assert isinstance(application.desk.open_with_rr(signal(ladder=LADDER)), Placed)
    return venue, state


def panic(venue: BlindVenue, state: KeptState, *, timeout_ms: int = 20_000) -> PanicReport:
    config = CoreConfig(
        mode=TradingMode.PAPER,
        venue=VenueKind.MEMORY,
        limits=LOOSE,
        poll_up_ms=50,
        close_retry_ms=50,
        ask_again_ms=50,
    )
    return panic_now(
        engine=Engine(config=config, clock=RunningClock(), state_port=state),
        port=venue,
        state_port=state,
        keys=RandomKeys(),
        symbols=frozenset({BTC}),
        fees=FEES,
        cause="drill",
        timeout_ms=timeout_ms,
    )


def test_it_closes_everything_without_a_start_and_leaves_the_halt(
    traded: tuple[BlindVenue, KeptOpenState],
) -> None:
    venue, state = traded
    venue.is_vague = True
    assert panic(venue, state).is_clean
    assert (venue.positions(), venue.open_orders()) == ((), ())
    kinds = [type(event) for event in events_of(state)]
    assert kinds.count(ev.PanicEnded) == 1
    assert kinds.count(ev.TradeClosed) == 1
    assert kinds.count(ev.SessionStarted) == 1
    assert own_threads() == []


def test_the_halt_is_there_and_the_next_start_goes_on_though_nothing_could_be_read(
    traded: tuple[BlindVenue, KeptOpenState],
) -> None:
    venue, state = traded
    venue.is_blind = True
    report = panic(venue, state, timeout_ms=300)
    assert report.held == ("BTCUSDT 0.010", "panic still runs")
    assert report.orders_open == len(LADDER)
    assert len([e for e in events_of(state) if isinstance(e, ev.PanicStarted)]) == 1
    venue.is_blind = False
    with started(make_application(venue, state, clock=RunningClock())) as application:
        status = application.desk.status()
        assert status.panic_cause == "drill"
        assert application.desk.panic("drill", timeout_ms=20_000) == ()
    assert (venue.positions(), venue.open_orders()) == ((), ())


def test_a_close_that_is_refused_is_sent_again(traded: tuple[BlindVenue, KeptOpenState]) -> None:
    venue, state = traded
    for _ in range(3):
        venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.PLACE)
    assert panic(venue, state).is_clean
    assert venue.positions() == ()


def test_a_close_that_fills_in_part_is_followed_by_another_where_no_session_began() -> None:
    venue, state = BlindVenue((BTCUSDT,)), KeptOpenState()
    venue.script.move(BTC, last=Price.of("65000"))
    venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.010"))
    venue.script.move(BTC, last=Price.of("65000"), bid_size=Qty.of("0.004"))
    assert panic(venue, state, timeout_ms=10_000) == PanicReport(held=(), orders_open=0)
    sent = [event.order.qty for event in events_of(state) if isinstance(event, ev.OrderIntended)]
    assert sent == [Qty.of("0.010"), Qty.of("0.006"), Qty.of("0.002")]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as running:
        running.price("65000")
        yield running


def left_by_a_desk(bench: Bench, folder: Path) -> Commands:
    """Let a desk open a position with a ladder and stop; return the commands of its journal."""
    settings = Settings(
        mode=TradingMode.TESTNET,
        state_path=folder / "journal.sqlite",
        bybit=BybitSettings(
            allow_loopback=True, rest_url=bench.server.rest_url, ws_url=bench.server.ws_url
        ),
    )
    with started(bybit_application(settings, ENV)) as application:
        outcome = application.desk.open_with_rr(signal(ladder=LADDER), timeout_ms=20_000)
        assert isinstance(outcome, Placed), outcome
    return Commands(
        env={
            **ENV,
            "TIDEGATE_MODE": "testnet",
            "TIDEGATE_STATE_PATH": str(settings.state_path),
            "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
            "TIDEGATE_BYBIT__REST_URL": bench.server.rest_url,
            "TIDEGATE_BYBIT__WS_URL": bench.server.ws_url,
            "TIDEGATE_CONFIG": "/dev/null",
        }
    )


def test_no_query_that_closing_does_not_need_can_hold_it_up(bench: Bench, tmp_path: Path) -> None:
    commands = left_by_a_desk(bench, tmp_path)
    control = Control(bench.server.call)
    for path in BESIDE_THE_POINT:
        control.refuse_next(10016, "Server error.", path, count=1_000)
    report = commands.panic(Where(), cause="drill")
    assert report.is_clean, report
    assert bench.server.call(lambda x: x.accounts.first.venue.positions()) == ()
    assert bench.server.call(lambda x: x.accounts.first.venue.open_orders()) == ()
    assert commands.status(Where()).panic_cause == "drill"


def test_a_journal_that_cannot_be_written_is_told_as_that_and_nothing_was_sent(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = left_by_a_desk(bench, tmp_path)

    def full(*_: object, **__: object) -> int:
        raise StateUnavailable("the disk is full")

    monkeypatch.setattr(SqliteState, "append", full)
    with pytest.raises(StateUnavailable, match=r"the disk is full.*is not known.*Bybit") as told:
        commands.panic(Where(), cause="drill")
    assert isinstance(told.value.__cause__, WriterStopped)
    assert len(bench.server.call(lambda x: x.accounts.first.venue.positions())) == 1


def test_no_stream_is_waited_for(bench: Bench, tmp_path: Path) -> None:
    commands = left_by_a_desk(bench, tmp_path)
    Control(bench.server.call).disconnect(StreamKind.PRIVATE)
    assert commands.panic(Where(), cause="drill").is_clean
    assert bench.server.call(lambda x: x.accounts.first.venue.positions()) == ()


def test_a_panic_on_a_new_journal_leaves_the_next_start_nothing_to_wonder_about() -> None:
    venue, state = BlindVenue((BTCUSDT,)), KeptOpenState()
    venue.script.move(BTC, last=Price.of("65000"))
    venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.010"))
    venue.script.move(BTC, last=Price.of("64000"))
    assert panic(venue, state) == PanicReport(held=(), orders_open=0)
    assert any(isinstance(event, ev.OrderIntended) for event in events_of(state))
    venue.script.advance(5_000)
    clock = RunningClock(START_MS + 5_000)
    with started(make_application(venue, state, clock=clock, ask_again_ms=20)) as application:
        report = application.desk.reconcile(timeout_ms=10_000)
        books = application.desk.status().books
        assert report.is_clean, report.findings
        assert not books.orders, "nothing is waited for"
        assert books.ledger is not None
        assert books.ledger.wallet == venue.account().wallet
        assert books.panic is not None, "it is halted all the same"
