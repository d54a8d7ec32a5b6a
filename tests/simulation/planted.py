"""Planted bugs: patches of the product's sources, each of which a simulation must catch.

``python -m tests.simulation.planted [NAME ...] [--seeds N] [--jobs J]`` applies each patch to a
copy of the sources, simulates up to N seeds with it, and prints which seed caught it and by which
rule. It exits with 1 when one is not caught. The repository is never touched.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.quality.source import ROOT, Tree

__all__ = ["BUGS", "SEEDS_MAX", "Caught", "apply", "catch", "names", "stage"]

BUGS = ROOT / "tests" / "simulation" / "bugs"
SEEDS_MAX = 500
_TIMEOUT_S = 900
_PROGRAM = """
import json, logging, sys
import tidegate.application.simulation.world as world
from tidegate.application.simulation.plan import draw_plan
logging.disable(logging.CRITICAL)
lives, broken = 0, None
for seed in map(int, sys.argv[1:]):
    outcome = world.Run(draw_plan(seed)).run()
    lives += outcome.counts.lives
    if outcome.violation is not None:
        broken = [seed, outcome.violation.rule, outcome.violation.text]
        break
print(json.dumps({"file": world.__file__, "lives": lives, "broken": broken}))
"""


class Caught(NamedTuple):
    """What a simulation says of the sources: ``seed`` is ``None`` where every rule held."""

    seed: int | None
    rule: str
    text: str
    lives: int


def stage(folder: Path) -> Path:
    """Copy the product's sources below ``folder``; returns what to put on the path.

    Bytecode comes along with the times of its sources: only what a patch touches is compiled again.
    """
    for name in Tree(ROOT).top_folders:
        shutil.copytree(ROOT / name, folder / "tidegate" / name)
    return folder


def apply(bug: str, staged: Path) -> None:
    """Apply the patch of a bug to a copy; fails where it no longer fits."""
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", str(BUGS / f"{bug}.patch")],  # noqa: S607
        cwd=staged / "tidegate",
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(staged)},
        check=True,
        capture_output=True,
        text=True,
    )


def catch(staged: Path, seeds: Iterable[int]) -> Caught:
    """Simulate seeds with the sources in a copy, up to the first that breaks a rule."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *map(str, seeds)],
        cwd=staged,
        env={**os.environ, "PYTHONPATH": str(staged)},
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["file"].startswith(str(staged)), f"{said['file']} is not the copy"
    seed, rule, text = said["broken"] or (None, "", "")
    return Caught(seed, rule, text, said["lives"])


def names() -> list[str]:
    """Return every planted bug."""
    return sorted(path.stem for path in BUGS.glob("*.patch"))


def _search(bug: str, seeds: int) -> Caught:
    with tempfile.TemporaryDirectory() as folder:
        staged = stage(Path(folder))
        apply(bug, staged)
        return catch(staged, range(seeds))


def main(arguments: Sequence[str]) -> int:
    """Search for the seed that catches each bug; see the module."""
    parser = argparse.ArgumentParser(description="Let a simulation catch planted bugs.")
    parser.add_argument("bugs", nargs="*", metavar="NAME")
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args(arguments)
    bugs = given.bugs or names()
    missed = 0
    with ThreadPoolExecutor(given.jobs) as pool:
        searched = pool.map(lambda bug: _search(bug, given.seeds), bugs)
        for bug, caught in zip(bugs, searched, strict=True):
            missed += caught.seed is None
            sys.stdout.write(f"{_line(bug, caught, given.seeds)}\n")
            sys.stdout.flush()
    return int(missed > 0)


def _line(bug: str, caught: Caught, seeds: int) -> str:
    if caught.seed is None:
        return f"{bug}: NOT CAUGHT in {seeds} seeds, {caught.lives} lives"
    return f"{bug}: seed {caught.seed}: {caught.rule}: {caught.text}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
