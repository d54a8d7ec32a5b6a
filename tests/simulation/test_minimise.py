"""A failing script is made smaller; the smaller one fails by the same rule, from its command."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tidegate.application.simulation.journal_view import JournalView
from tidegate.application.simulation.minimise import minimise
from tidegate.application.simulation.names import Violation
from tidegate.application.simulation.plan import draw_plan
from tidegate.application.simulation.seeds import simulate
from tidegate.application.simulation.world import Outcome, Run
from tidegate.ports.simulation import SimulateRequest

from .planted import apply, stage
from .test_planted import CAUGHT_BY

_RULE = "nobody panics"


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the judge forbid what the seed does."""

    def panics(_: JournalView, __: dict[str, Any], version: int) -> None:
        raise Violation(_RULE, f"at version {version}")

    monkeypatch.setattr(JournalView, "_panic_started", panics)


@pytest.fixture(scope="module")
def panic() -> int:
    """Return a seed with a panic in it, which no rule forbids, after one without."""
    runs = (Run(draw_plan(seed)).run() for seed in range(200))
    panics = (run.counts.events["panic_started"] > 0 for run in runs)
    return next(seed for seed, pair in enumerate(pairwise(panics), 1) if pair == (False, True))


def _rule(run: Outcome) -> str | None:
    return None if run.violation is None else run.violation.rule


def test_a_smaller_script_breaks_the_same_rule_and_replays(panic: int, strict: None) -> None:
    whole = Run(draw_plan(panic)).run()
    small = minimise(whole, runs_max=120)
    again = Run(draw_plan(panic).leaving_out(small.plan.without)).run()
    assert _rule(whole) == _rule(small) == _rule(again) == _RULE
    assert len(small.plan.names) <= len(whole.plan.names) // 4
    assert small.digest == again.digest


def test_the_effort_is_bounded(panic: int, strict: None) -> None:
    whole = Run(draw_plan(panic)).run()
    small = minimise(whole, runs_max=1)
    assert len(small.plan.names) >= len(whole.plan.names) // 3


def test_the_report_ends_at_the_first_seed_that_fails_and_has_its_smallest_script(
    panic: int, strict: None
) -> None:
    done = list[int]()
    request = SimulateRequest(first=panic - 1, seeds=3)
    report = simulate(request, lambda seeds, _: done.append(seeds))
    assert done == [report.seeds] == [2]
    broken = report.broken
    assert broken is not None
    assert (broken.seed, broken.rule) == (panic, _RULE)
    assert broken.replay == f"tidegate simulate --seed {panic} --without {','.join(broken.without)}"
    replayed = simulate(
        SimulateRequest(first=panic, seeds=1, without=broken.without, has_story=True),
        lambda *_: None,
    )
    assert replayed.story == broken.story
    assert replayed.broken is not None
    assert replayed.broken.rule == _RULE


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


def test_the_command_says_how_to_replay_a_failure_and_the_replay_fails_alike(
    tmp_path: Path,
) -> None:
    buggy = stage(tmp_path)
    apply("fill_applied_twice", buggy)
    command = ("-m", "tidegate.application.main", "simulate")
    seed, rule = CAUGHT_BY["fill_applied_twice"]
    done = run(buggy, *command, "--seeds", str(seed + 1))
    assert done.returncode == 14, done.stderr
    assert f"BROKEN by seed {seed}: {rule}" in done.stdout
    replay = next(line for line in done.stdout.splitlines() if f"--seed {seed} --without" in line)
    again = run(buggy, *command, *replay.split()[2:])
    assert again.returncode == 14, again.stderr
    assert f"BROKEN by seed {seed}: {rule}" in again.stdout
    told = done.stdout.partition("The smallest script found")[2].splitlines()[1]
    assert told in again.stdout
