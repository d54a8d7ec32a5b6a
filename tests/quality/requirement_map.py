"""Checks that every requirement has functions that do it and tests that notice if they do not.

``python -m tests.quality.requirement_map`` reads the map, and says what is missing or unknown.
``python -m tests.quality.requirement_map --bite [NUMBER...]`` also runs each test of the map (of
these requirements alone, where some are named): as it is, where it must pass, and with its function
made to raise, where it must fail. It ends with 1 when anything is wrong.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .biting import bite
from .raising import find_function
from .requirement_rows import MAP, NUMBERS, Proof, Requirement, form_faults, read_map
from .source import ROOT

__all__ = ["main", "name_faults"]

_SLOWEST = 5


def name_faults(rows: Iterable[Requirement], tests: Path) -> Iterator[str]:
    """Say which functions and which files of tests are not there."""
    for row in rows:
        for proof in row.proofs:
            try:
                find_function(proof.function)
            except LookupError as error:
                yield f"{row.number}: {error}"
            if not (tests / proof.file).is_file():
                yield f"{row.number}: there is no file {tests.name}/{proof.file}"


def _bite(proofs: Sequence[Proof], tests: Path) -> list[str]:
    biter = bite(proofs, tests)
    slowest = sorted(biter.seconds.items(), key=lambda each: -each[1])[:_SLOWEST]
    for proof, seconds in slowest:
        _say(f"{seconds:6.1f} s  {proof.function}, {proof.test}")
    _say(f"{len(proofs)} functions made to raise, {len(biter.faults)} not noticed or not shown")
    return biter.faults


def main(arguments: Sequence[str]) -> int:
    """Check the map; see the module."""
    parser = argparse.ArgumentParser(description="Check the map of the requirements.")
    parser.add_argument("--bite", nargs="*", metavar="NUMBER", help="run the proofs; all or these")
    parser.add_argument("--map", type=Path, default=MAP, help="another map than the repository's")
    parser.add_argument("--tests", type=Path, default=ROOT / "tests", help="and its tests")
    given = parser.parse_args(arguments)
    rows = read_map(given.map)
    if unknown := sorted(set(given.bite or ()) - set(NUMBERS)):
        parser.error(f"there is no number {', '.join(unknown)}; accepted: A1 to K4")
    faults = [] if given.map != MAP else list(form_faults(rows))
    faults += name_faults(rows, given.tests)
    if given.bite is not None:
        chosen = [row for row in rows if not given.bite or row.number in given.bite]
        proofs = dict.fromkeys(proof for row in chosen for proof in row.proofs)
        faults += _bite(tuple(proofs), given.tests)
    for fault in dict.fromkeys(faults):
        _say(fault)
    return 1 if faults else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
