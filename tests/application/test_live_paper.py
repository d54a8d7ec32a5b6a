"""A desk on the paper venue against a served market, in this process and without a key."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
import pytest
from tidegate.adapters.paper.store import PaperStore, StoreOfAnother
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.faults import Target
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.commands import Commands
from tidegate.application.container import paper_session
from tidegate.application.lifecycle import Application
from tidegate.application.live_paper import (
    LivePaperContainer,
    is_live_paper,
    live_paper_session,
    market_hosts,
    open_live_paper_desk,
    panic_on_live_paper,
)
from tidegate.application.market_data import demo_feed
from tidegate.application.settings import Settings
from tidegate.application.settings_bybit import BybitSettings, PaperMarket, Region
from tidegate.domain.core.events import Event, Filled
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Price, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import Bar
from tidegate.domain.signal import Signal
from tidegate.ports.commands import BadInput, RunRequest, Where
from tidegate.ports.exchange import QueryFailed
from tidegate.ports.live import LiveReport, LiveSessionPort
from tidegate.ports.notifier import NotifierPort
from tidegate.ports.orders import Placed
from tidegate.ports.preflight import Check, PreflightFailed
from tidegate.ports.strategy import StrategyPort, StrategyView

from tests.adapters.v5server.bench import Bench
from tests.application.bench import BTC, signal
from tests.domain.samples import COARSE


class Idle(StrategyPort):
    """Wishes nothing."""

    @property
    def window(self) -> int:
        return 1

    def decide(self, bars: Sequence[Bar], view: StrategyView) -> Signal | None:
        assert bars[-1].symbol == view.symbol
        return None


@attrs.frozen
class Told(NotifierPort):
    """Says that a session tells events."""

    started: threading.Event

    def notify(self, event: Event, *, time_ms: int) -> None:
        assert time_ms > 0, event
        self.started.set()


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Serve a market at 65,000 of which nothing private may be asked."""
    with Bench() as serving:
        serving.price("65000")
        control = Control(serving.server.call)
        control.lose_next_request(Target.REQUESTS)
        control.lose_next_request(Target.QUERIES)
        yield serving
        assert control.faults_waiting() == 2, "something private was asked"
        assert control.connections(StreamKind.PRIVATE) == 0


def settings_of(bench: Bench, folder: Path, symbol: Symbol = BTC) -> Settings:
    return Settings(
        symbol=symbol,
        state_path=folder / "journal.sqlite",
        venue_path=folder / "venue.sqlite",
        bybit=BybitSettings(
            allow_loopback=True,
            rest_url=bench.server.rest_url,
            ws_url=bench.server.ws_url,
            poll_down_ms=100,
        ),
    )


def unreachable(settings: Settings) -> Settings:
    nowhere = attrs.evolve(settings.bybit, rest_url="http://127.0.0.1:9", ws_url="ws://127.0.0.1:9")
    return attrs.evolve(settings, bybit=nowhere)


@contextmanager
def running(settings: Settings) -> Iterator[tuple[Application, PaperVenue]]:
    parts = LivePaperContainer(settings=settings)
    application = parts.application()
    application.start()
    try:
        yield application, parts.venue()
    finally:
        application.stop()


def held(application: Application) -> bool:
    return not application.desk.state.books.position(BTC).is_flat


def wait(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def enter(application: Application, name: str = "in") -> None:
    assert isinstance(application.desk.execute(signal(name)), Placed)
    wait(lambda: held(application))


@pytest.mark.parametrize(
    ("market", "region", "rest", "public", "kind"),
    [
        (
            PaperMarket.MAINNET,
            Region.GLOBAL,
            "https://api.bybit.com",
            "wss://stream.bybit.com/v5/public/linear",
            VenueKind.BYBIT_MAINNET,
        ),
        (
            PaperMarket.MAINNET,
            Region.NETHERLANDS,
            "https://api.bybit.nl",
            "wss://stream.bybit.com/v5/public/linear",
            VenueKind.BYBIT_MAINNET,
        ),
        (
            PaperMarket.TESTNET,
            Region.GLOBAL,
            "https://api-testnet.bybit.com",
            "wss://stream-testnet.bybit.com/v5/public/linear",
            VenueKind.BYBIT_TESTNET,
        ),
    ],
)
def test_the_settings_choose_whose_market_it_is(
    market: PaperMarket, region: Region, rest: str, public: str, kind: VenueKind
) -> None:
    hosts = market_hosts(Settings(bybit=BybitSettings(paper_market=market, region=region)))
    assert (hosts.rest_url, hosts.public_url, hosts.kind) == (rest, public, kind)


def test_orders_go_to_the_paper_venue_and_the_served_market_moves_its_stop(
    bench: Bench, tmp_path: Path
) -> None:
    with running(settings_of(bench, tmp_path)) as (application, venue):
        assert venue.kind is VenueKind.PAPER
        enter(application)
        bench.price("64500")
        assert held(application)
        bench.price("60000")
        wait(lambda: not held(application))
        assert [fill.price for fill in venue.recent_trades(BTC, count=1)] == [Price.of("60000")]


def test_what_was_held_is_there_again_and_its_stop_met_the_market_of_meanwhile(
    bench: Bench, tmp_path: Path
) -> None:
    settings = settings_of(bench, tmp_path)
    with running(settings) as (application, _):
        enter(application)
    with running(settings) as (application, _):
        assert held(application)
    bench.advance(400)
    bench.price("60000")
    bench.price("65000")
    with running(settings) as (application, _):
        assert not held(application)


def test_the_specification_is_the_markets_own_of_now(bench: Bench, tmp_path: Path) -> None:
    with running(settings_of(bench, tmp_path)) as (_, venue):
        wider = Rate.of("0.04")
        Control(bench.server.call).set_price_band(BTC, wider, wider)
        assert venue.instrument(BTC).price_band_x == wider
    with closing(PaperStore(tmp_path / "venue.sqlite")) as store:
        assert [spec.price_band_x for spec in store.instruments()] == [wider]


def test_another_symbol_than_the_one_held_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.price("100", instrument=COARSE)
    with running(settings_of(bench, tmp_path)) as (application, _):
        enter(application)
    with pytest.raises(StoreOfAnother, match="holds BTCUSDT, and this session trades COARSEUSDT"):
        live_paper_session(settings_of(bench, tmp_path, COARSE.symbol), Idle())


def test_a_market_that_cannot_be_reached_is_a_failed_check(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(PreflightFailed) as failed:
        live_paper_session(unreachable(settings_of(bench, tmp_path)), Idle())
    first = next(found for found in failed.value.findings if found.stops_start)
    assert first.check is Check.CONNECTION
    assert not (tmp_path / "venue.sqlite").exists()


def test_it_does_not_start_without_streams(bench: Bench, tmp_path: Path) -> None:
    settings = settings_of(bench, tmp_path)
    without = attrs.evolve(settings, bybit=attrs.evolve(settings.bybit, streams=False))
    session = live_paper_session(without, Idle())
    with pytest.raises(PreflightFailed, match="goes by the public stream"):
        session.run()
    session.close()


def test_an_operator_closes_at_the_prices_of_now_and_without_a_market_at_the_last_ones(
    bench: Bench, tmp_path: Path
) -> None:
    settings = settings_of(bench, tmp_path)
    assert not is_live_paper(settings)
    # Each closes at 65,100 less 0.01 % of slippage: what the market shows, and what it showed last.
    for panicking, price in ((settings, "65100"), (unreachable(settings), "65200")):
        with running(settings) as (application, _):
            enter(application, f"before {price}")
        assert is_live_paper(settings)
        bench.price(price)
        report = panic_on_live_paper(panicking, cause="a test")
        assert report.is_clean
        with open_live_paper_desk(settings) as desk:
            events = [entry.event for entry in desk.journal()]
            assert desk.status().panic_cause == "a test"
            desk.reset_panic(confirmation="RESET")
        fills = [event.execution for event in events if isinstance(event, Filled)]
        assert (fills[-1].side, fills[-1].price) == (Side.SELL, Price.of("65093.4"))


def test_the_command_reads_no_key_not_even_one_that_could_not_be_used(
    bench: Bench, tmp_path: Path
) -> None:
    env = {
        "TIDEGATE_BYBIT_KEY": "half of a pair",
        "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
        "TIDEGATE_BYBIT__REST_URL": bench.server.rest_url,
        "TIDEGATE_BYBIT__WS_URL": bench.server.ws_url,
    }
    where, commands = Where(state=str(tmp_path)), Commands(env)
    with pytest.raises(BadInput, match="TIDEGATE_BYBIT_SECRET"):
        commands.run(RunRequest(mode=TradingMode.DEMO, where=where))
    commands.run(RunRequest(mode=TradingMode.PAPER, where=where)).close()


def test_a_live_store_is_not_for_recorded_data(bench: Bench, tmp_path: Path) -> None:
    settings = settings_of(bench, tmp_path)
    session = live_paper_session(settings, Idle())
    assert session.title.startswith("Idle on BTCUSDT, bars of 60 min, paper, market of bybit main")
    session.close()
    assert is_live_paper(settings)
    with pytest.raises(StoreOfAnother, match="begun on a live market"):
        paper_session(settings, demo_feed(symbol=BTC, bars=10), Idle())


def test_a_desk_whose_market_is_fed_no_more_is_told(bench: Bench, tmp_path: Path) -> None:
    ended = threading.Event()
    parts = LivePaperContainer(settings=settings_of(bench, tmp_path))
    application, venue = parts.application(), parts.venue()
    venue.when_feed_fails(ended.set)
    application.start()
    assert venue.failure is None
    PaperVenue.close(venue)
    bench.price("65001")
    assert ended.wait(10)
    assert isinstance(venue.failure, QueryFailed)
    application.stop()


def test_a_session_runs_until_it_is_stopped_and_goes_on_from_its_stores(
    bench: Bench, tmp_path: Path
) -> None:
    def run(session: LiveSessionPort, reports: list[LiveReport]) -> None:
        reports.append(session.run())

    for was_resumed in (False, True):
        session = live_paper_session(settings_of(bench, tmp_path), Idle())
        assert session.resumes is was_resumed
        started, reports = threading.Event(), list[LiveReport]()
        thread = threading.Thread(target=run, args=(session, reports))
        session.listen("test", Told(started))
        thread.start()
        assert started.wait(10)
        session.stop()
        thread.join(20)
        session.close()
        assert [report.was_resumed for report in reports] == [was_resumed]
