"""What counts for no coverage is not slowed down by its tracer."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .source import ROOT


def _tracers() -> list[object]:
    with ThreadPoolExecutor(1) as pool:
        return [sys.gettrace(), threading.gettrace(), pool.submit(sys.gettrace).result()]


@pytest.fixture
def in_a_fixture() -> list[object]:
    return _tracers()


def test_nothing_is_traced_here(in_a_fixture: list[object]) -> None:
    assert in_a_fixture == _tracers() == [None] * 3


_DRAWN = ROOT / "tests" / "domain" / "test_drawn_untraced.py"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_nothing_is_traced_there_with_coverage_on_whoever_runs_it(
    workers: str, tmp_path: Path
) -> None:
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
