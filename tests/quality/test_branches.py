"""What a run of the tests took of the layers is written down, however many processes ran them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.branches import without_proven

from .source import ROOT

_GRID = "domain/grid.py"
_NO_STEP = "test_a_step_that_is_not_above_zero_is_refused[0]"
_NEGATIVE = "test_a_negative_amount_is_refused_not_rounded_to_the_wrong_side"


def _run(report: Path, *tests: str) -> dict[str, dict[str, list[list[int]]]]:
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2"),
            f"--branches={report}",
            *(f"{ROOT}/tests/domain/test_grid.py::{name}" for name in tests),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    files: dict[str, dict[str, list[list[int]]]] = json.loads(report.read_bytes())["files"]
    return files


def _line(text: str) -> int:
    return (ROOT / _GRID).read_text(encoding="utf-8").splitlines().index(text) + 1


_FIRST, _SECOND = _line("    if step <= 0:"), _line("    if value < 0:")


@pytest.mark.sweep
def test_what_several_processes_took_is_one_report(tmp_path: Path) -> None:
    files = _run(tmp_path / "branches.json", _NO_STEP, _NEGATIVE)
    taken, missing = (files[_GRID][f"{what}_branches"] for what in ("executed", "missing"))
    assert taken == [[_FIRST, _FIRST + 1], [_FIRST, _SECOND], [_SECOND, _SECOND + 1]]
    assert [_SECOND, _SECOND + 2] in missing
    unloaded = files["application/desk.py"]
    assert unloaded["executed_branches"] == []
    assert unloaded["missing_branches"] != []


def test_a_case_that_was_not_taken_is_missing_and_the_way_past_all_cases_is_not() -> None:
    text = "match one:\n    case 1:\n        pass\n    case 2:\n        pass\nif one:\n    pass\n"
    missing = [[1, 3], [1, 5], [1, 6], [6, 7], [6, 0]]
    assert without_proven(missing, text) == [[1, 3], [1, 5], [6, 7], [6, 0]]


def test_a_case_that_can_never_come_is_not_missing() -> None:
    text = "match one:\n    case 1:\n        pass\n    case _:\n        assert_never(one)\n"
    assert without_proven([[1, 3], [1, 5]], text) == [[1, 3]]
