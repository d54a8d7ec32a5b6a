"""``tidegate demo`` and ``tidegate paper``: output, signals, resuming."""

import gzip
import json
import signal
from collections.abc import Iterator
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from .running import invoke, start, stopped_after, tidegate

# Worked from the settings and the bars: at 2017-07-04 03:00 the close of 2606.83 breaks the channel
# of 55 bars; best ask two half spreads and the venue's rounding above it. 1 % of 10,000 buys 1.786:
# worst entry 2,607.11 x 1.0005 = 2,608.413555, worst exit 2,557.85 x 0.999 = 2,555.29215, fees
# 0.00055 of both: 53.1214... + 2.8401... = 55.9615... a coin; 100 / 55.9615 = 1.7869.
TICKET = """\
╭─ Ticket 1  2017-07-04 03:00 UTC   BTCUSDT-DEMO  LONG ────────────────────────╮
│ Quantity             1.786 BTC  worth 4,656.30 USDT, 0.47 x equity           │
│ Entry                  2607.11  market order  at worst 2608.41               │
│ Stop                   2557.85  -1.89 % from entry                           │
│ Money at risk       99.95 USDT  1.00 % of the equity of 10,000.00 USDT       │
│   price             87.98 USDT  from entry to stop                           │
│   costs             11.97 USDT  both fees and slippage at worst              │
│ Leverage                   1 x  initial margin 4,661.19 USDT                 │
│ Liquidation               none  no price that the venue can show reaches it  │
│                                                                              │
│ Target       R      Price    Quantity BTC     Closes    Gains USDT           │
│ 1         1.00    2656.37           0.535    29.96 %        +26.35           │
│ 2         2.00    2705.63           0.535    29.96 %        +52.71           │
│ 3         3.00    2754.89           0.716    40.09 %       +105.81           │
│                                                                              │
│ Passed all 35 rules; reward to risk after costs 1.79                         │
╰──────────────────────────────────────────────────────────────────────────────╯
  2017-07-04 03:00  entry: bought 1.786 BTC at 2607.38, fee 2.56 USDT
"""
BARS = 1_500


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    path.write_text("".join(_rows()), encoding="utf-8")
    return path


def _rows() -> Iterator[str]:
    name = "coinbase-btcusd-1h-2017-2019.csv.gz"
    source = files("tidegate.adapters.feeds") / "data" / name
    with source.open("rb") as raw, gzip.open(raw, "rt", encoding="utf-8") as text:
        yield from islice(text, BARS + 1)


@pytest.fixture(scope="module")
def whole(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The end of a session that nothing interrupted."""
    found = json.loads(_json(tmp_path_factory.mktemp("whole"), *_paper(bars, "whole")))
    assert found["summary"]["trades"] > 10
    return _result(found)


def _paper(bars: Path, state: str, *more: str) -> tuple[str, ...]:
    return ("paper", "--data", str(bars), "--symbol", "BTCUSDT-DEMO", "--state", state, *more)


def test_the_demo_tells_the_first_trades_and_sums_up(tmp_path: Path) -> None:
    done = tidegate("demo", "--bars", "700", "--state", "kept", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert TICKET in done.stdout
    assert done.stdout.count("╭─ Ticket") == 3
    for words in (
        "State in kept",
        "funding paid: 0.47 USDT",
        "closed by stop after 1 d 3 h: -94.93 USDT = -1.08 R",
        "take profit 1: bought 0.899 BTC at 2508.46",
        "Win rate",
        "Expectancy",
        "Trades by result in R",
        "Adverse excursion, average",
        "Deepest drawdown",
        "Sharpe, yearly",
        "Longest run of losses",
        "of which slippage",
        "Opening equity",
        "Trades by what closed them",
        "www.CryptoDataDownload.com",
    ):
        assert words in done.stdout
    assert done.stderr == ""


def test_piped_output_has_no_colour_codes_and_fits_80_columns(tmp_path: Path) -> None:
    done = tidegate("demo", "--bars", "300", home=tmp_path, env={"TMPDIR": str(tmp_path)})
    assert "\x1b" not in done.stdout
    folder = str(tmp_path)
    long = [line for line in done.stdout.splitlines() if len(line) > 80 and folder not in line]
    assert long == []
    assert "tidegate journal --state" in done.stdout


def test_without_unicode_the_output_is_plain(tmp_path: Path) -> None:
    env = {"PYTHONIOENCODING": "ascii"}
    done = tidegate("demo", "--bars", "300", "--state", "s", home=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert "####" in done.stdout


def test_the_same_seed_gives_the_same_json_to_the_last_digit(tmp_path: Path) -> None:
    first, second = (
        json.loads(tidegate("demo", "--bars", "200", "--json", "--state", at, home=tmp_path).stdout)
        for at in ("a", "b")
    )
    assert first.pop("state_folder") == "a"
    assert second.pop("state_folder") == "b"
    assert first == second
    assert first["wallet"] == first["wallet"].strip()
    assert isinstance(first["summary"]["fees"], str)
    assert first["first_tickets"][0]["qty"] == "1.786"
    assert first["is_complete"] is True
    assert first["signal"] is None


def test_a_finished_session_run_again_adds_nothing(tmp_path: Path) -> None:
    once = json.loads(_json(tmp_path, "demo", "--bars", "200", "--state", "s"))
    again = json.loads(_json(tmp_path, "demo", "--bars", "200", "--state", "s"))
    assert again["was_resumed"] is True
    assert again["items_done"] == 0
    assert again["summary"] == once["summary"]


def _json(home: Path, *arguments: str) -> str:
    done = tidegate(*arguments, "--json", home=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="ctrl-c"),
        pytest.param(signal.SIGTERM, 143, id="term", marks=pytest.mark.sweep),
    ],
)
def test_a_signal_ends_with_the_summary_and_the_session_can_go_on(
    number: signal.Signals, code: int, bars: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    process = start(*_paper(bars, "cut"), home=tmp_path, env={})
    _wait_for(process, "Ticket 1")
    ended, out, trouble = stopped_after(process, number)
    assert ended == code, trouble
    assert "What happened" in out
    assert f"Stopped by {number.name} with " in out
    assert "to go on, run the same command again" in out
    resumed = tidegate(*_paper(bars, "cut"), home=tmp_path)
    assert "going on where it stopped" in resumed.stdout
    assert resumed.returncode == 0
    # run once more to read the end of both sessions in the same form
    cut = json.loads(_json(tmp_path, *_paper(bars, "cut")))
    assert _result(cut) == whole


def _wait_for(process: "Any", words: str) -> None:
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"{words!r} never came: {process.stderr.read()}")


def _result(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("summary", "wallet", "positions", "cursor")}


def test_a_second_signal_exits_at_once_without_a_summary(bars: Path, tmp_path: Path) -> None:
    (tmp_path / "stuck.py").write_text(
        "import threading\n"
        "from tidegate.ports.strategy import StrategyPort\n"
        "class Stuck(StrategyPort):\n"
        "    window = 1\n"
        "    def decide(self, bars, view):\n"
        "        print('deciding', flush=True)\n"
        "        threading.Event().wait(60)\n",
        encoding="utf-8",
    )
    stuck = _paper(bars, "s", "--strategy", "stuck:Stuck")
    process = start(*stuck, home=tmp_path, env={})
    _wait_for(process, "deciding")
    process.send_signal(signal.SIGINT)
    ended, out, _ = stopped_after(process, signal.SIGTERM)
    assert ended in {130, 143}
    assert "What happened" not in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("paper",), 2, "Missing option '--data'"),
        (("paper", "--data", "none.csv"), 2, "none.csv cannot be read: No such file or directory"),
        (("paper", "--data", "x", "--strategy-param", "a"), 2, "'a'; accepted: name=value"),
        (("demo", "--bars", "0"), 2, "'--bars'"),
        (("demo", "--state", "file/below"), 2, "Not a directory"),
        (("demo", "--state", "other"), 3, "it was left"),
        (("nothing",), 2, "No such command 'nothing'"),
    ],
)
def test_what_cannot_run_ends_with_its_code_and_a_message(
    arguments: tuple[str, ...],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("text", encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "venue.sqlite").write_text("text", encoding="utf-8")
    done = invoke(*arguments)
    assert done.code == code, done.trouble
    assert message in " ".join(done.trouble.split())
    assert "Traceback" not in done.trouble
    assert done.out == ""


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("raise RuntimeError('no idea')", "RuntimeError: no idea (failing.py, line 5)"),
        ("raise SystemExit(3)", "SystemExit: 3 (failing.py, line 5)"),
        ("return 5", "it returned 5; accepted: a Signal, an Exit or None"),
    ],
)
def test_a_strategy_that_fails_ends_with_4_and_is_named(
    act: str, told: str, bars: Path, tmp_path: Path
) -> None:
    (tmp_path / "failing.py").write_text(
        "from tidegate.ports.strategy import StrategyPort\n"
        "class Failing(StrategyPort):\n"
        "    window = 2\n"
        "    def decide(self, bars, view):\n"
        f"        {act}\n",
        encoding="utf-8",
    )
    done = tidegate(*_paper(bars, "s", "--strategy", "failing:Failing"), home=tmp_path)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert f"the strategy failed: {told}; strategy Failing, BTCUSDT-DEMO bar of" in done.stderr
    verified = tidegate("state", "verify", "--state", "s", "--json", home=tmp_path)
    assert json.loads(verified.stdout)["is_stopped"]


def test_a_store_of_another_seed_is_refused_in_words(tmp_path: Path) -> None:
    assert tidegate("demo", "--bars", "60", "--state", "s", home=tmp_path).returncode == 0
    done = tidegate("demo", "--bars", "60", "--seed", "2", "--state", "s", home=tmp_path)
    assert done.returncode == 3
    assert "was begun with seed 0, not 2; use another store or state folder" in done.stderr


def test_data_that_is_shorter_than_the_session_cannot_continue_it(
    bars: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.csv"
    rows = bars.read_text(encoding="utf-8").splitlines(keepends=True)
    short.write_text("".join(rows[:81]), encoding="utf-8")
    shorter = tmp_path / "shorter.csv"
    shorter.write_text("".join(rows[:41]), encoding="utf-8")
    assert tidegate(*_paper(short, "s"), home=tmp_path).returncode == 0
    done = tidegate(*_paper(shorter, "s"), home=tmp_path)
    assert done.returncode == 4
    assert "continue with the data it was begun with" in done.stderr


def test_the_volume_unit_decides_how_much_may_fill(bars: Path, tmp_path: Path) -> None:
    """A turnover of a few hundred USDT cannot fill an order worth thousands at once."""
    rows = bars.read_text(encoding="utf-8").splitlines(keepends=True)
    short = tmp_path / "short.csv"
    short.write_text("".join(rows[:301]), encoding="utf-8")
    base = json.loads(_json(tmp_path, *_paper(short, "base")))
    quote = json.loads(_json(tmp_path, *_paper(short, "quote", "--volume-unit", "quote")))
    assert quote["wallet"] != base["wallet"]
    wrong = tidegate(*_paper(short, "wrong", "--volume-unit", "lots"), home=tmp_path)
    assert wrong.returncode == 2
    assert "'lots'; accepted: base, quote, contracts_usd" in wrong.stderr
