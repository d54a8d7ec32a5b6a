"""The branch-coverage ratchet: reads what a run of the tests wrote, judges each layer by branches.

``python -m tests.quality.coverage_gate branches.json`` exits with 1 when a layer is below its
floor. A floor may only ever be raised.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

__all__ = ["FLOORS_PERCENT", "Layer", "judge_report"]

FLOORS_PERCENT: Mapping[str, int] = MappingProxyType({"domain/": 95, "application/": 95})
_WORST_SHOWN = 8


@attrs.frozen
class File:
    """Branches of one file; ``missing`` are (from, to) lines, where 0 is the way out."""

    path: str
    covered: int
    total: int
    missing: tuple[tuple[int, int], ...]


@attrs.frozen
class Layer:
    """The branches of one layer against its floor."""

    name: str
    floor_percent: int
    files: tuple[File, ...]

    @property
    def covered(self) -> int:
        return sum(file.covered for file in self.files)

    @property
    def total(self) -> int:
        return sum(file.total for file in self.files)

    @property
    def passes(self) -> bool:
        """Integers alone decide. A layer without a branch was not measured: that is a failure."""
        return self.total > 0 and self.covered * 100 >= self.floor_percent * self.total

    def lines(self) -> Iterator[str]:
        """Say the figure, then the files with the most branches that no test takes."""
        percent = 100 * self.covered / self.total if self.total else 0
        verdict = "ok" if self.passes else "BELOW THE FLOOR"
        yield (
            f"{self.name:14}{self.covered}/{self.total} branches = {percent:.2f} %, "
            f"floor {self.floor_percent} %: {verdict}"
        )
        worst = sorted(self.files, key=lambda file: file.covered - file.total)
        for file in worst[:_WORST_SHOWN]:
            if file.missing:
                places = ", ".join(f"{start}->{end}" for start, end in file.missing[:6])
                more = " ..." if len(file.missing) > 6 else ""
                yield f"  {len(file.missing):4} not taken in {file.path}: {places}{more}"


def judge_report(report: Mapping[str, Any]) -> tuple[Layer, ...]:
    """Split the report into layers. Raises ``ValueError`` when no branches were recorded."""
    if not report["meta"]["branch_coverage"]:
        raise ValueError("the report holds no branches: run pytest with --branches=FILE")
    return tuple(
        Layer(
            name,
            floor,
            tuple(
                _file(path, entry)
                for path, entry in sorted(report["files"].items())
                if path.startswith(name)
            ),
        )
        for name, floor in FLOORS_PERCENT.items()
    )


def _file(path: str, entry: Mapping[str, Any]) -> File:
    missing = tuple((start, end) for start, end in entry["missing_branches"])
    covered = len(entry["executed_branches"])
    return File(path, covered, covered + len(missing), missing)


def _main(path: str) -> int:
    layers = judge_report(json.loads(Path(path).read_text(encoding="utf-8")))
    for layer in layers:
        for line in layer.lines():
            sys.stdout.write(f"{line}\n")
    return 0 if all(layer.passes for layer in layers) else 1


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
