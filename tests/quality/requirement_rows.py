"""The requirements as data: what each asks, which functions do it, which tests prove that they do.

``requirements.toml`` beside this file holds them. A function is named ``module:qualified.name``
below ``tidegate``, a test as pytest names it below ``tests``.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

__all__ = ["MAP", "NUMBERS", "Progress", "Proof", "Requirement", "form_faults", "read_map", "table"]

MAP = Path(__file__).with_name("requirements.toml")

_COUNTS = MappingProxyType(
    {"A": 7, "B": 4, "C": 2, "D": 4, "E": 10, "F": 12, "G": 10, "H": 7, "I": 4, "J": 3, "K": 4}
)
NUMBERS = tuple(
    f"{letter}{number}" for letter, count in _COUNTS.items() for number in range(1, count + 1)
)
"""Every requirement there is, in order: none may be missing from the map, and none invented."""

_TITLES = MappingProxyType(
    {
        "A": "Lifecycle",
        "B": "Instruments and numbers",
        "C": "Sizing",
        "D": "Stop and targets",
        "E": "Risk",
        "F": "Orders",
        "G": "Positions and account",
        "H": "Safety",
        "I": "State",
        "J": "Venues without a network",
        "K": "Contracts",
    }
)


class Progress(Enum):
    """How far a requirement is met."""

    DONE = "done"
    PARTLY = "partly"
    NOT_YET = "not yet"


@attrs.frozen
class Proof:
    """A function that does something for a requirement, and a test that is red when it does not."""

    function: str
    test: str

    @property
    def file(self) -> str:
        """The file of the test, below ``tests``."""
        return self.test.partition("::")[0]


@attrs.frozen(kw_only=True)
class Requirement:
    """One row. ``lacks`` says what is missing of it, and is empty where nothing is."""

    number: str
    asks: str
    progress: Progress
    lacks: str
    proofs: tuple[Proof, ...]


def read_map(path: Path = MAP) -> tuple[Requirement, ...]:
    """Read the map. Raises ``ValueError`` that names the row which cannot be read."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(_requirement(number, row) for number, row in rows.items())


def _requirement(number: str, row: Mapping[str, Any]) -> Requirement:
    unknown = set(row) - {"asks", "progress", "lacks", "proofs"}
    if unknown or "asks" not in row:
        raise ValueError(f"{number}: has {sorted(row)}; accepted: asks, progress, lacks, proofs")
    return Requirement(
        number=number,
        asks=row["asks"],
        progress=Progress(row.get("progress", "done")),
        lacks=row.get("lacks", ""),
        proofs=tuple(Proof(function, test) for function, test in row.get("proofs", ())),
    )


def form_faults(rows: Iterable[Requirement]) -> Iterator[str]:
    """Say which numbers are missing or unknown, and which rows contradict themselves."""
    rows = tuple(rows)
    found = [row.number for row in rows]
    if found != list(NUMBERS):
        missing = [number for number in NUMBERS if number not in found]
        unknown = [number for number in found if number not in NUMBERS]
        yield f"missing {missing}, unknown {unknown}; accepted: each number once, in order"
    for row in rows:
        if bool(row.lacks) == (row.progress is Progress.DONE):
            yield f"{row.number}: {row.progress.value}, and lacks {row.lacks!r}"
        if bool(row.proofs) == (row.progress is Progress.NOT_YET):
            yield f"{row.number}: {row.progress.value} with {len(row.proofs)} proofs"
        if len(set(row.proofs)) != len(row.proofs):
            yield f"{row.number}: a proof is there twice"


def table(letter: str) -> str:
    """Return the part of the page on one letter, as Markdown."""
    rows = [row for row in read_map() if row.number.startswith(letter)]
    lines = [
        f"## {letter}. {_TITLES[letter]}",
        "",
        "| | what it asks | state | done by, and proven by |",
        "|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(row: Requirement) -> str:
    state = f"{row.progress.value}: {row.lacks}" if row.lacks else row.progress.value
    proofs = "<br>".join(f"`{proof.function}`, `{proof.test}`" for proof in row.proofs)
    return f"| {row.number} | {row.asks} | {state} | {proofs or '-'} |"
