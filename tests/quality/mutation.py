"""Mutation testing of the rules that decide about money, as one command.

``python -m tests.quality.mutation [PATH ...]`` mutates the named files or folders of the domain
(all of ``TARGETS`` by default), runs the domain's tests against each mutant, and prints the score
and the difference of every mutant that no test noticed. With the domain's tests count those of the
desk that ask the core in one thread, on the venue in memory.

mutmut names a mutant after its file, so file and import name must agree. They do not where the
folders stand at the root; the sources are therefore copied to ``src/tidegate/`` of a temporary
folder, and the repository itself is never touched.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

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
also_copy = ["tests"]
"""


def _stage(target: Path, chosen: list[str]) -> None:
    for folder in Tree(ROOT).top_folders:
        shutil.copytree(ROOT / folder, target / "src" / "tidegate" / folder, ignore=_CLEAN)
    shutil.copytree(ROOT / "tests", target / "tests", ignore=_CLEAN)
    patterns = ", ".join(f'"src/tidegate/{_pattern(path)}"' for path in chosen)
    tests = ", ".join(f'"{path}"' for path in _TESTS)
    config = _CONFIG.format(patterns=patterns, tests=tests)
    (target / "pyproject.toml").write_text(config, encoding="utf-8")


def _pattern(path: str) -> str:
    if not (ROOT / path).exists():
        raise SystemExit(f"{path}: no such file or folder; choose from {', '.join(TARGETS)}")
    return path if path.endswith(".py") else f"{path.rstrip('/')}/*"


def _mutmut(stage: Path, *arguments: str) -> str:
    command = [str(Path(sysconfig.get_path("scripts")) / "mutmut"), *arguments]
    # The Hypothesis profile of CI draws the same examples for every mutant.
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run(
        command, cwd=stage, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).replace("\r", "\n").splitlines()
        raise SystemExit("\n".join(["mutmut failed:", *said[-40:]]))
    return done.stdout


def _main(chosen: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        _stage(stage, chosen)
        _mutmut(stage, "run")
        survivors = [
            line.split(":")[0].strip()
            for line in _mutmut(stage, "results").splitlines()
            if line.strip().endswith((": survived", ": no tests"))
        ]
        for name in survivors:
            sys.stdout.write(f"\n{_mutmut(stage, 'show', name)}")
        _mutmut(stage, "export-cicd-stats")
        stats = json.loads((stage / "mutants" / "mutmut-cicd-stats.json").read_text("utf-8"))
        sys.stdout.write(f"\n{_score(stats)}\n")


def _score(stats: dict[str, int]) -> str:
    noticed = stats["killed"] + stats["timeout"]
    judged = noticed + stats["survived"] + stats["no_tests"]
    percent = 100 * noticed / judged if judged else 0
    rest = ", ".join(f"{count} {name}" for name, count in stats.items() if count)
    return f"{noticed} of {judged} mutants noticed = {percent:.1f} % ({rest})"


if __name__ == "__main__":
    _main(sys.argv[1:] or list(TARGETS))
