"""What counts for no coverage is not slowed down by its tracer."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from coverage import CoverageData

from .source import ROOT


def _tracers() -> list[object]:
    with ThreadPoolExecutor(1) as pool:
        return [sys.gettrace(), threading.gettrace(), pool.submit(sys.gettrace).result()]


WHEN_LOADED = _tracers()


@pytest.fixture
def in_a_fixture() -> list[object]:
    return _tracers()


def test_nothing_is_traced_here(in_a_fixture: list[object]) -> None:
    assert WHEN_LOADED == in_a_fixture == _tracers() == [None] * 3


_DRAWN = ROOT / "tests" / "domain" / "test_drawn_untraced.py"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_nothing_is_traced_there_with_coverage_on_whoever_runs_it(
    workers: str, tmp_path: Path
) -> None:
    seen = CoverageData(str(tmp_path / "coverage"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-n",
            workers,
            "--cov",
            "--cov-report=",
            f"{__file__}::test_nothing_is_traced_here",
            str(_DRAWN),
        ],
        cwd=ROOT,
        env={**os.environ, "COVERAGE_FILE": str(tmp_path / "coverage")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    seen.read()
    lines = {name: seen.lines(name) for name in seen.measured_files()}
    for name in ("domain/core/state.py", "application/desk.py"):
        assert lines[name], "its first lines are read before the tests are"
