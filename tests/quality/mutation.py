"""Mutation testing of the rules that decide about money, as one command.

``python -m tests.quality.mutation [PATH ...]`` mutates the named files or folders (all of
``TARGETS`` by default), runs the tests against each mutant, and prints the score and the difference
of every mutant that no test noticed. With the domain's tests count those of the desk that ask the
core in one thread, on the venue in memory; where a file of the application is named, all of the
application's that can run in a copy. ``--sample`` draws some mutants of all, and ``--seeds`` shows
those that no test notices to the simulation.

mutmut names a mutant after its file, so file and import name must agree. They do not where the
folders stand at the root; the sources are therefore copied to ``src/tidegate/`` of a temporary
folder, and the repository itself is never touched.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .mutation_judge import SURVIVOR
from .source import ROOT, Tree

__all__ = ["TARGETS"]

TARGETS = (
    "domain/core",
    "domain/levels.py",
    "domain/position.py",
    "domain/risk",
    "domain/sizing.py",
)
_TESTS = (
    "tests/domain",
    "tests/application/test_amend.py",
    "tests/application/test_amend_settling.py",
    "tests/application/test_amend_values.py",
    "tests/application/test_cancel.py",
    "tests/application/test_reduce.py",
)
_TESTS_OF_APPLICATION = ("tests/domain/core", "tests/application")
_NOT_IN_A_COPY = (
    "tests/application/test_lifecycle.py::test_no_module_keeps_state_that_could_change",
    "tests/application/test_settings.py::test_the_reference_page_is_in_step",
)
"""What looks at sources, in which each function has its mutants there, or at documents."""
_NO_MUTANT = "none.*"
"""mutmut has no command that only prepares: it is asked for a mutant that there is not."""
_CLEAN = shutil.ignore_patterns("__pycache__")
_CONFIG = """
[tool.pytest.ini_options]
addopts = "--import-mode=importlib -p no:tidegate_contracts -m 'not benchmark'"
pythonpath = [".", "src"]
markers = ["benchmark"]

[tool.mutmut]
source_paths = ["src/tidegate"]
only_mutate = [{patterns}]
pytest_add_cli_args_test_selection = [{tests}]
pytest_add_cli_args = [{options}]
also_copy = ["tests"]
"""


def _stage(target: Path, chosen: list[str]) -> None:
    for folder in Tree(ROOT).top_folders:
        shutil.copytree(ROOT / folder, target / "src" / "tidegate" / folder, ignore=_CLEAN)
    shutil.copytree(ROOT / "tests", target / "tests", ignore=_CLEAN)
    config = _CONFIG.format(
        patterns=_listed([f"src/tidegate/{_pattern(path)}" for path in chosen]),
        tests=_listed(_tests_of(chosen)),
        options=_listed(_left_out()),
    )
    (target / "pyproject.toml").write_text(config, encoding="utf-8")


def _tests_of(chosen: Sequence[str]) -> Sequence[str]:
    of_domain = all(path.startswith("domain/") for path in chosen)
    return _TESTS if of_domain else _TESTS_OF_APPLICATION


def _left_out() -> list[str]:
    return [f"--deselect={test}" for test in _NOT_IN_A_COPY]


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def _pattern(path: str) -> str:
    if not (ROOT / path).exists():
        raise SystemExit(f"{path}: no such file or folder; choose from {', '.join(TARGETS)}")
    return path if path.endswith(".py") else f"{path.rstrip('/')}/*"


def _mutmut(stage: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sysconfig.get_path("scripts")) / "mutmut"), *arguments]
    # The Hypothesis profile of CI draws the same examples for every mutant.
    environment = {**os.environ, "CI": "true"}
    return subprocess.run(
        command, cwd=stage, env=environment, capture_output=True, text=True, check=False
    )


def _prepare(stage: Path) -> None:
    """Have the mutants made, and learnt which tests reach them; none is judged."""
    done = _mutmut(stage, "run", _NO_MUTANT)
    if not (stage / "mutants" / "mutmut-stats.json").exists():
        said = (done.stdout + done.stderr).replace("\r", "\n").splitlines()
        raise SystemExit("\n".join(["mutmut failed:", *said[-40:]]))


def _shown(stage: Path, mutant: str) -> str:
    return _mutmut(stage, "show", mutant).stdout


def _judge(stage: Path, asked: argparse.Namespace) -> str:
    """Judge the mutants, and return what was said of them."""
    command = [sys.executable, "-m", "tests.quality.mutation_judge", f"--seeds={asked.seeds}"]
    if asked.sample is not None:
        command += [f"--sample={asked.sample}", f"--seed={asked.seed}"]
    done = subprocess.run(
        [*command, *_tests_of(asked.paths), *_left_out()],
        cwd=stage / "mutants",
        env={**os.environ, "CI": "true"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"the mutants were not judged:\n{done.stdout}")
    return done.stdout


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.mutation")
    parser.add_argument("paths", nargs="*", help="files or folders; without one the targets")
    parser.add_argument("--sample", type=int, help="how many mutants to draw; without it all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument(
        "--seeds", type=int, default=0, help="of the simulation, for what no test notices"
    )
    return parser


def _main(asked: argparse.Namespace) -> None:
    asked.paths = asked.paths or list(TARGETS)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        _stage(stage, asked.paths)
        _prepare(stage)
        said = _judge(stage, asked)
        for line in said.splitlines():
            if line.startswith(SURVIVOR):
                sys.stdout.write(f"\n{_shown(stage, line.removeprefix(SURVIVOR))}")
        scores = [line for line in said.splitlines() if " noticed = " in line]
        sys.stdout.write(f"\n{scores[-1]}\n")


if __name__ == "__main__":
    _main(_parser().parse_args())
