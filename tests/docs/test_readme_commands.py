"""What the README tells a reader to type does what the README says."""

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from tidegate.adapters.feeds import bundled_btcusd_hours
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.domain.risk.judge import RULES

from .blocks import ROOT, blocks

README = ROOT / "README.md"
_SECONDS_MAX = 180
_KILLED = 137


def run_line(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run one line of the README with this environment's commands on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        shlex.split(line),
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_SECONDS_MAX,
        check=False,
    )


def crash_lines() -> list[str]:
    (block,) = re.findall(
        r"<!-- shell: crash -->\n```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    return str(block).splitlines()


def ending(printed: str) -> str:
    """Return what a session prints of its trades and money."""
    begin, end = printed.index("Performance:"), printed.index("tidegate journal --state")
    return printed[begin:end]


@pytest.mark.skipif(shutil.which("timeout") is None, reason="the example needs coreutils' timeout")
def test_a_killed_demonstration_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    killed, resumed, whole = (run_line(line, tmp_path) for line in crash_lines())
    assert killed.returncode in {-9, _KILLED, 0}, killed.stderr
    for done in (resumed, whole):
        assert done.returncode == 0, done.stderr
    assert ending(resumed.stdout) == ending(whole.stdout)


def test_the_strategy_of_the_readme_trades_a_file_of_bars(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    (code,) = (block.text for block in blocks(README) if block.info == "python")
    (tmp_path / "rising.py").write_text(code, encoding="utf-8")
    symbol = Symbol("BTCUSDT")
    with (tmp_path / "bars.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["start_ms", "open", "high", "low", "close", "volume"])
        for bar in islice(bundled_btcusd_hours(symbol=symbol).items(), 120):
            assert isinstance(bar, Bar)
            table.writerow([bar.start_ms, bar.open, bar.high, bar.low, bar.close, bar.volume])
    (line,) = re.findall(r"`(tidegate paper [^`]*)`", text)
    done = run_line(line, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ticket 1" in done.stdout


def test_the_table_of_rules_is_as_long_as_the_readme_says() -> None:
    counts = set(re.findall(r"(\d+) (?:risk )?rules", README.read_text(encoding="utf-8")))
    assert counts == {str(len(RULES))}
