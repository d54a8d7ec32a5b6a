"""Runs inputs against targets: bounded in time, deterministic, every finding kept and cut down."""

import hashlib
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import attrs

from .target import Target

__all__ = ["FAILURES", "SECONDS_MAX", "Finding", "Hang", "Tally", "replay", "run", "try_input"]

SECONDS_MAX = 10
"""How long one input may take; a valid one takes milliseconds."""
FAILURES = Path("fuzz-findings")
_SUFFIX = ".input"
_CUTS_MAX = 400


class Hang(BaseException):
    """An input took longer than it may. No handler of the product may take it for its own."""


@attrs.frozen(kw_only=True)
class Finding:
    """An input that ended in no known outcome. ``number`` is its place in the target's run."""

    target: str
    number: int
    kind: str
    text: str
    file: Path
    bytes_count: int

    def __str__(self) -> str:
        return (
            f"{self.target}, input {self.number}: {self.kind}: {self.text[:300]}\n"
            f"  {self.bytes_count} bytes, again with: python -m tests.fuzz --replay {self.file}"
        )


@attrs.define
class Tally:
    """What a run did, by target: inputs, and how many of them were accepted."""

    inputs: Counter[str] = attrs.field(factory=Counter)
    accepted: Counter[str] = attrs.field(factory=Counter)
    findings: list[Finding] = attrs.field(factory=list)
    seconds: float = 0.0
    slowest_ms: float = 0.0

    def add(self, other: "Tally") -> None:
        """Take in what another process did."""
        self.inputs += other.inputs
        self.accepted += other.accepted
        self.findings += other.findings
        self.seconds = max(self.seconds, other.seconds)
        self.slowest_ms = max(self.slowest_ms, other.slowest_ms)


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    def ring(_: int, __: FrameType | None) -> None:
        raise Hang(f"it took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def try_input(target: Target, data: bytes, *, seconds: float = SECONDS_MAX) -> BaseException | bool:
    """Return whether the input was accepted, or what it raised that nobody knows."""
    try:
        with _bounded(seconds):
            target.check(data)
    except target.refusals:
        return False
    except (Exception, Hang) as error:  # noqa: BLE001 - whatever comes out is the finding
        return error
    return True


def run(
    target: Target, numbers: Sequence[int], *, seed: int, folder: Path, findings_max: int = 3
) -> Tally:
    """Try the inputs of some numbers; ends early once ``findings_max`` inputs failed."""
    tally, began = Tally(), time.perf_counter()
    for number in numbers:
        data = target.input(seed, number)
        started = time.perf_counter()
        outcome = try_input(target, data)
        tally.slowest_ms = max(tally.slowest_ms, (time.perf_counter() - started) * 1_000)
        tally.inputs[target.name] += 1
        if isinstance(outcome, bool):
            tally.accepted[target.name] += outcome
            continue
        tally.findings.append(_kept(target, number, data, outcome, folder))
        if len(tally.findings) >= findings_max:
            break
    tally.seconds = time.perf_counter() - began
    return tally


def _kept(
    target: Target, number: int, data: bytes, outcome: BaseException, folder: Path
) -> Finding:
    small = _cut_down(target, data, outcome)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{target.name}.{hashlib.sha256(small).hexdigest()[:12]}{_SUFFIX}"
    file = folder / name
    file.write_bytes(small)
    return Finding(
        target=target.name,
        number=number,
        kind=type(outcome).__name__,
        text=str(outcome),
        file=file,
        bytes_count=len(small),
    )


def _cut_down(target: Target, data: bytes, outcome: BaseException) -> bytes:
    """Take parts out, from large to small, for as long as the same kind of error comes."""
    small, tries = data, 0
    size = max(1, len(data) // 2)
    while size and tries < _CUTS_MAX:
        at, was_cut = 0, False
        while at < len(small) and tries < _CUTS_MAX:
            tries += 1
            shorter = small[:at] + small[at + size :]
            again = try_input(target, shorter, seconds=SECONDS_MAX)
            if type(again) is type(outcome) and not isinstance(again, bool):
                small, was_cut = shorter, True
            else:
                at += size
        size = size if was_cut and size > 1 else size // 2
    return small


def replay(targets: Sequence[Target], file: Path) -> BaseException | bool:
    """Try the input of a file again, on the target that its name says.

    Raises:
        LookupError: no target has that name.

    """
    name = file.name.removesuffix(_SUFFIX).rpartition(".")[0]
    for target in targets:
        if target.name == name:
            return try_input(target, file.read_bytes())
    known = ", ".join(target.name for target in targets)
    raise LookupError(f"{file.name}: no target {name!r}; known: {known}")
