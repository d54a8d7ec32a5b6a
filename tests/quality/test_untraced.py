"""What counts for no coverage is not slowed down by its tracer."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

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
    report = tmp_path / "coverage.json"
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
            f"--cov-report=json:{report}",
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
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    unseen = [name for name, file in files.items() if _has_code(file) and not _was_seen(file)]
    assert "domain/core/state.py" in files
    assert not unseen, "no line of these was seen when they were loaded"


def _has_code(file: dict[str, Any]) -> bool:
    return bool(file["summary"]["num_statements"])


def _was_seen(file: dict[str, Any]) -> bool:
    return bool(file["summary"]["covered_lines"])
