"""A failing script is made smaller; the smaller one fails by the same rule, from its command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .planted import apply, stage

_PROGRAM = """
import json, sys
from tidegate.application.simulation.minimise import minimise
from tidegate.application.simulation.plan import draw_plan
from tidegate.application.simulation.world import Run

plan = draw_plan(int(sys.argv[1]))
whole = Run(plan).run()
small = minimise(whole, runs_max=int(sys.argv[2]))
again = Run(draw_plan(plan.seed).leaving_out(small.plan.without)).run()
print(json.dumps({
    "rules": [run.violation and run.violation.rule for run in (whole, small, again)],
    "names": [len(whole.plan.names), len(small.plan.names)],
    "digests": [small.digest, again.digest],
}))
"""


def run(staged: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=staged,
        env={**os.environ, "PYTHONPATH": str(staged)},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def buggy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources that apply a fill twice."""
    staged = stage(tmp_path_factory.mktemp("buggy"))
    apply("fill_applied_twice", staged)
    return staged


def test_a_smaller_script_breaks_the_same_rule_and_replays(buggy: Path) -> None:
    done = run(buggy, "-c", _PROGRAM, "0", "120")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["rules"] == ["a booking is counted once"] * 3
    whole, small = said["names"]
    assert small <= whole // 4
    assert said["digests"][0] == said["digests"][1]


def test_the_effort_is_bounded(buggy: Path) -> None:
    done = run(buggy, "-c", _PROGRAM, "0", "1")
    assert done.returncode == 0, done.stderr
    whole, small = json.loads(done.stdout)["names"]
    assert small >= whole // 3


def test_the_command_says_how_to_replay_a_failure_and_the_replay_fails_alike(buggy: Path) -> None:
    command = ("-m", "tidegate.application.main", "simulate")
    done = run(buggy, *command, "--seeds", "1")
    assert done.returncode == 14, done.stderr
    assert "BROKEN by seed 0: a booking is counted once" in done.stdout
    replay = next(line for line in done.stdout.splitlines() if "--seed 0 --without" in line)
    again = run(buggy, *command, *replay.split()[2:])
    assert again.returncode == 14, again.stderr
    assert "BROKEN by seed 0: a booking is counted once" in again.stdout
    told = done.stdout.partition("The smallest script found")[2].splitlines()[1]
    assert told in again.stdout
