"""A desk with a real journal, real sockets and the real client, killed once at every boundary.

``crash_sweep`` is the longer form, with many passings of each.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from .crash_sweep import name_of
from .sweep.boundaries import SCRIPT, Kill, cases
from .sweep.case import NAKED_S_MAX, run_case
from .sweep.nursery import Nursery

_CASES = tuple(cases())


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Return the process that lives are forked from."""
    lives = Nursery()
    yield lives
    lives.close()


def test_an_undisturbed_life_passes_every_place(nursery: Nursery, tmp_path: Path) -> None:
    outcome = run_case(tmp_path, nursery, ())
    assert outcome.faults == []
    assert [place for place in SCRIPT if not outcome.passed[place]] == []
    assert outcome.entries == 3
    assert outcome.executions == 4


@pytest.mark.parametrize("kills", _CASES, ids=map(name_of, _CASES))
def test_a_desk_killed_anywhere_loses_and_doubles_nothing(
    nursery: Nursery, tmp_path: Path, kills: tuple[Kill, ...]
) -> None:
    outcome = run_case(tmp_path, nursery, kills)
    assert outcome.faults == []
    assert outcome.ends == [-SIGKILL] * len(kills) + [0], "a point was never reached"
    assert outcome.naked_s <= NAKED_S_MAX
    assert outcome.executions >= 2, "the next life traded"


def test_a_fuse_kills_at_its_passing_and_counts_the_others() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FUSED],
        cwd=Path(__file__).parents[2],
        check=False,
        text=True,
        capture_output=True,
    )
    assert done.returncode == -SIGKILL
    assert done.stdout.split() == ["1", "2"]


_FUSED = """
from tests.wire.sweep.fuse import Fuse
fuse = Fuse("before amend", 3)
for number in (1, 2, 3):
    fuse.reach(["before cancel", "before amend"])
    print(number, flush=True)
"""
