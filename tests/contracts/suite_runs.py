"""Running a contract suite in a process of its own, and reading which case ended how."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

__all__ = ["ROOT", "outcomes", "run_pytest"]

ROOT = Path(__file__).resolve().parents[2]
_RUN_SECONDS_MAX = 300


def run_pytest(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run pytest in ``folder`` as a user does, untouched by this run's own options."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS_MAX,
        check=False,
    )


def outcomes(
    suites: Sequence[str], option: str, factories: Sequence[str], report: Path
) -> dict[str, dict[str, set[str]]]:
    """Run the suites against each factory; return factory -> case -> how its rows ended.

    Assertions stay plain: what wrong adapters get wrong would be compared at great length.
    """
    options = [text for factory in factories for text in (option, factory)]
    result = run_pytest(
        "--pyargs",
        *suites,
        *options,
        f"--junitxml={report}",
        "-q",
        "--no-header",
        "--tb=short",
        "--assert=plain",
        folder=ROOT,
    )
    assert result.returncode in {0, 1}, result.stdout + result.stderr
    found: dict[str, dict[str, set[str]]] = {factory: {} for factory in factories}
    for row in ET.parse(report).iter("testcase"):  # noqa: S314  (our own report)
        case, _, parameters = row.attrib["name"].partition("[")
        kinds = {child.tag for child in row} & {"failure", "error", "skipped"}
        for factory in factories:
            if factory in parameters.removesuffix("]").split("-"):
                found[factory].setdefault(case, set()).update(kinds or {"passed"})
    return found
