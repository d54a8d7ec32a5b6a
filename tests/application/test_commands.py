"""The use cases of the command line, in this process."""

import gzip
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import pytest
from tidegate.adapters.catalogue import BTCUSDT, BTCUSDT_DEMO
from tidegate.application.commands import Commands
from tidegate.domain.mode import TradingMode, TradingState
from tidegate.domain.money import Money, Price, Rate
from tidegate.domain.orders import OrderKind, Side, Symbol
from tidegate.domain.signal import RiskFraction, StopPercent
from tidegate.ports.commands import (
    BadInput,
    CheckRequest,
    DemoRequest,
    OpenedSession,
    PaperRequest,
    RunRequest,
    Where,
)
from tidegate.ports.feed import FeedError
from tidegate.ports.session import SessionError, SessionReport
from tidegate.ports.state import StateError, StateUnavailable

BARS = 300
SYMBOL = BTCUSDT_DEMO.symbol


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Commands(env={})


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    path = tmp_path / "bars.csv"
    path.write_text("".join(_rows(BARS)), encoding="utf-8")
    return path


def _rows(bars: int) -> Iterator[str]:
    name = "coinbase-btcusd-1h-2017-2019.csv.gz"
    source = files("tidegate.adapters.feeds") / "data" / name
    with source.open("rb") as raw, gzip.open(raw, "rt", encoding="utf-8") as text:
        yield from islice(text, bars + 1)


def _run(opened: OpenedSession, *, stop_after: int | None = None) -> SessionReport:
    def progress(done: int, _: int) -> None:
        if done == stop_after:
            opened.session.stop()

    with closing(opened.session):
        return opened.session.run(progress)


def _request(bars: Path, **more: Any) -> PaperRequest:
    return attrs.evolve(PaperRequest(data=str(bars), symbol=SYMBOL), **more)


def test_the_demo_runs_and_says_whose_data_it_is(commands: Commands, tmp_path: Path) -> None:
    opened = commands.demo(DemoRequest(bars=120))
    assert opened.is_temporary
    assert Path(opened.state_folder).parent == tmp_path
    assert any("CryptoDataDownload.com" in line for line in opened.footer)
    report = _run(opened)
    assert report.is_complete
    # 120 hourly bars from 2017-07-01 11:00 end at 2017-07-06 11:00: funding at 16:00 of the first
    # day, three times on each of the four next ones, and at 00:00 and 08:00 of the last
    assert report.items_total == 120 + 1 + 4 * 3 + 2


def test_a_demo_with_a_folder_of_its_own_goes_on_there(commands: Commands, tmp_path: Path) -> None:
    request = DemoRequest(bars=120, state=str(tmp_path / "kept"))
    first = commands.demo(request)
    assert not first.resumes
    _run(first, stop_after=60)
    second = commands.demo(request)
    assert second.resumes
    assert not second.is_temporary
    report = _run(second)
    assert report.was_resumed
    assert report.is_complete


def test_a_stopped_paper_session_ends_as_an_uninterrupted_one(
    commands: Commands, bars: Path, tmp_path: Path
) -> None:
    whole = _run(commands.paper(_request(bars, where=Where(state=str(tmp_path / "whole")))))
    parts = _request(bars, where=Where(state=str(tmp_path / "parts")))
    interrupted = _run(commands.paper(parts), stop_after=150)
    assert not interrupted.is_complete
    resumed = _run(commands.paper(parts))
    assert whole.summary.trades > 0
    assert resumed.summary == whole.summary
    assert resumed.books.ledger == whole.books.ledger


def test_settings_come_from_file_environment_and_request(bars: Path, tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    config.write_text('symbol = "BTCUSDT"\nwallet = 500\n', encoding="utf-8")
    env = {"TIDEGATE_STATE_PATH": str(tmp_path / "s" / "journal.sqlite")}
    env["TIDEGATE_VENUE_PATH"] = str(tmp_path / "s" / "venue.sqlite")
    where = Where(config=str(config))
    report = _run(Commands(env).paper(_request(bars, where=where)))
    assert report.summary.opening == Money.of(500)
    assert (tmp_path / "s" / "journal.sqlite").is_file()


def test_a_strategy_from_the_present_folder_is_found(
    commands: Commands, bars: Path, tmp_path: Path
) -> None:
    (tmp_path / "quiet_strategy.py").write_text(
        "from tidegate.ports.strategy import StrategyPort\n"
        "class Quiet(StrategyPort):\n"
        "    def __init__(self, window='3'):\n"
        "        self._window = int(window)\n"
        "    @property\n"
        "    def window(self):\n"
        "        return self._window\n"
        "    def decide(self, bars, view):\n"
        "        return None\n",
        encoding="utf-8",
    )
    asked = _request(
        bars,
        strategy="quiet_strategy:Quiet",
        params={"window": "5"},
        where=Where(state=str(tmp_path / "quiet")),
    )
    opened = commands.paper(asked)
    assert opened.title.startswith("Quiet on BTCUSDT-DEMO")
    assert _run(opened).summary.trades == 0


@pytest.mark.parametrize(
    ("name", "window", "told"),
    [
        (
            "window_a",
            "1 // 0",
            r"ZeroDivisionError: .* \(window_a\.py, line 5\); the window of strategy Own",
        ),
        ("window_b", "[][-1]", "IndexError: list index out of range"),
        ("window_c", "0", "it told 0; accepted: a whole number above zero"),
        ("window_d", "'20'", "it told '20'; accepted"),
        ("window_e", "True", "it told True; accepted"),
    ],
)
def test_a_strategy_without_a_usable_window_is_told_before_anything_is_made(
    commands: Commands,
    bars: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    window: str,
    told: str,
) -> None:
    (tmp_path / f"{name}.py").write_text(
        "from tidegate.ports.strategy import StrategyPort\n"
        "class Own(StrategyPort):\n"
        "    @property\n"
        "    def window(self):\n"
        f"        return {window}\n"
        "    def decide(self, bars, view): ...\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    state, named = tmp_path / "own", f"{name}:Own"
    where = Where(state=str(state))
    for ask in (
        lambda: commands.paper(_request(bars, strategy=named, where=where)),
        lambda: commands.run(RunRequest(strategy=named, where=where)),
    ):
        with pytest.raises(SessionError, match=f"the strategy failed: {told}"):
            ask()
    assert not state.exists()


def test_funding_and_marks_from_files_are_merged(
    commands: Commands, bars: Path, tmp_path: Path
) -> None:
    start_ms = 1_498_906_800_000  # the first bar: 2017-07-01 11:00 UTC
    (tmp_path / "funding.csv").write_text(f"time_ms,rate\n{start_ms + 7_200_000},0.0001\n")
    (tmp_path / "mark.csv").write_text(f"time_ms,mark\n{start_ms + 3_600_000},2500\n")
    asked = _request(
        bars,
        funding=str(tmp_path / "funding.csv"),
        mark=str(tmp_path / "mark.csv"),
        where=Where(state=str(tmp_path / "merged")),
    )
    opened = commands.paper(asked)
    with closing(opened.session):
        assert opened.title.endswith(f"{BARS + 2} items of market data")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"symbol": Symbol("NOPE")}, "no instrument 'NOPE'; accepted: BTCUSDT, BTCUSDT-DEMO"),
        ({"instruments": "none.toml"}, r"none\.toml"),
        ({"strategy": "nothing"}, "strategy 'nothing'; accepted: module:Class"),
        ({"params": {"channel": "1"}}, "channel 1; accepted: 2 to 10000"),
        ({"where": Where(config="none.toml")}, "cannot be read"),
        ({"where": Where(state="bars.csv/x")}, r"state folder .*: Not a directory"),
    ],
)
def test_what_cannot_be_used_is_named(
    commands: Commands, bars: Path, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        commands.paper(_request(bars, **more))


def test_market_data_that_cannot_be_read_is_named(commands: Commands) -> None:
    with pytest.raises(FeedError, match=r"nowhere\.csv cannot be read"):
        commands.paper(PaperRequest(data="nowhere.csv"))
    with pytest.raises(FeedError, match=r"(?i)parquet"):
        commands.paper(PaperRequest(data="nowhere.parquet"))


def test_another_mode_is_refused_before_anything_is_opened(bars: Path, tmp_path: Path) -> None:
    folder = tmp_path / "never"
    asked = _request(bars, where=Where(state=str(folder)))
    with pytest.raises(BadInput, match="mode 'demo' on a 'paper' venue; accepted: mode 'paper'"):
        Commands({"TIDEGATE_MODE": "demo"}).paper(asked)
    assert not folder.exists()


def test_a_store_that_was_begun_with_another_seed_is_refused(
    commands: Commands, bars: Path, tmp_path: Path
) -> None:
    where = Where(state=str(tmp_path / "seeded"))
    _run(commands.paper(_request(bars, where=where)), stop_after=5)
    with pytest.raises(StateError, match="begun with seed 0, not 3"):
        commands.paper(_request(bars, where=where, seed=3))


def test_status_and_journal_read_what_a_session_left(commands: Commands, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    report = _run(commands.demo(DemoRequest(bars=BARS, state=str(folder))))
    where, file = Where(state=str(folder)), Where(state=str(folder / "journal.sqlite"))
    status = commands.status(where)
    assert status.version == report.journal_version
    assert status.books == report.books
    assert status.trading_state is TradingState.ACTIVE
    entries = list(commands.journal(where, after_version=0))
    assert [entry.version for entry in entries] == list(range(1, status.version + 1))
    assert list(commands.journal(file, after_version=status.version - 1)) == entries[-1:]
    assert commands.status(file) == status
    fills = [entry for entry in entries if entry.kind.startswith("filled.")]
    assert fills
    for kind in ("filled", fills[0].kind):
        assert list(commands.journal(where, after_version=None, kind=kind)) == fills
    with pytest.raises(BadInput, match="'fillled' is no kind of entry; accepted: filled"):
        next(iter(commands.journal(where, after_version=None, kind="fillled")))


def test_the_end_of_a_panic_is_asked_for_by_its_word(commands: Commands, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="confirmation 'reset'; accepted: the literal RESET"):
        commands.reset_panic(Where(state=str(tmp_path / "none")), confirmation="reset")
    assert not (tmp_path / "none").exists()


def test_status_works_while_a_session_holds_the_stores(commands: Commands, tmp_path: Path) -> None:
    where = Where(state=str(tmp_path / "busy"))
    opened = commands.demo(DemoRequest(bars=80, state=where.state))
    seen: list[int] = []

    def progress(done: int, _: int) -> None:
        if done == 70:
            seen.append(commands.status(where).version)

    with closing(opened.session):
        opened.session.run(progress)
    assert seen[0] > 0


@pytest.mark.parametrize(
    "question",
    [
        lambda commands, where: commands.status(where),
        lambda commands, where: list(commands.journal(where, after_version=0)),
        lambda commands, where: commands.panic(where, cause="test"),
    ],
    ids=["status", "journal", "panic"],
)
def test_a_question_makes_no_store(
    commands: Commands, tmp_path: Path, question: Callable[[Commands, Where], object]
) -> None:
    where = Where(state=str(tmp_path / "empty"))
    with pytest.raises(StateUnavailable, match="no journal there; name the state folder"):
        question(commands, where)
    assert not (tmp_path / "empty").exists()


def test_panic_needs_the_venue_of_the_journal(commands: Commands, tmp_path: Path) -> None:
    where = Where(state=str(tmp_path / "half"))
    _run(commands.demo(DemoRequest(bars=10, state=where.state)))
    for part in (tmp_path / "half").glob("venue.sqlite*"):
        part.unlink()
    with pytest.raises(StateUnavailable, match="no venue's store there"):
        commands.panic(where, cause="test")
    assert not (tmp_path / "half" / "venue.sqlite").exists()


def test_panic_closes_everything_and_lasts_until_its_reset(
    commands: Commands, tmp_path: Path
) -> None:
    where = Where(state=str(tmp_path / "panic"))
    # 66 bars: the first position was opened two bars before and is still there
    report = _run(commands.demo(DemoRequest(bars=66, seed=5, state=where.state)))
    assert report.books.positions
    left = commands.panic(where, cause="a test")
    assert left.is_clean
    status = commands.status(where)
    assert status.panic_cause == "a test"
    assert status.trading_state is TradingState.HALTED
    assert not status.positions
    with pytest.raises(BadInput, match="accepted: the literal RESET"):
        commands.reset_panic(where, confirmation="reset")
    assert commands.status(where).panic_cause == "a test"
    commands.reset_panic(where, confirmation="RESET")
    assert commands.status(where).panic_cause is None


def test_a_check_takes_limits_from_a_file_and_instruments_too(
    commands: Commands, tmp_path: Path
) -> None:
    (tmp_path / "strict.toml").write_text('[limits]\nrisk_per_trade_max = "0.1%"\n')
    request = CheckRequest(
        symbol=BTCUSDT.symbol,
        side=Side.BUY,
        entry=Price.of("65000"),
        kind=OrderKind.MARKET,
        stop=StopPercent(Rate.of("0.02")),
        sizing=RiskFraction(Rate.of("0.01")),
        equity=Money.of("14000"),
    )
    assert commands.check(request).is_allowed
    strict = attrs.evolve(request, limits=str(tmp_path / "strict.toml"))
    assert not commands.check(strict).is_allowed
    with pytest.raises(BadInput, match=r"own\.toml"):
        commands.check(attrs.evolve(request, instruments="own.toml"))


def test_a_live_session_needs_a_mode_with_a_market_and_keys(tmp_path: Path) -> None:
    where = Where(state=str(tmp_path))
    with pytest.raises(BadInput, match="no live market; accepted: demo, live, paper, testnet"):
        Commands({}).run(RunRequest(mode=TradingMode.MEMORY, where=where))
    demo = RunRequest(mode=TradingMode.DEMO, where=where)
    with pytest.raises(BadInput, match="TIDEGATE_BYBIT_KEY"):
        Commands({}).run(demo)
    keys = {"TIDEGATE_BYBIT_KEY": "k" * 18, "TIDEGATE_BYBIT_SECRET": "s" * 36}
    session = Commands(keys).run(demo)
    assert "bybit demo" in session.title.lower()
    session.close()
