"""The command line of the fuzzer. Targets are loaded late, so that coverage sees their imports."""

import argparse
import json
import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import coverage

from .running import FAILURES, Tally, replay, run

if TYPE_CHECKING:
    from .target import Target

__all__ = ["COVERAGE_MIN", "branch_coverage", "main", "numbers_of"]

COVERAGE_MIN = 85.0
"""How much of the branches of the wire mapping fuzzing alone must reach, in per cent."""
_WIRE = "tidegate.adapters.bybit.wire"
_SLICE = 2_000
_NAME_WIDTH = 24


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; the exit code is 0 where nothing was found."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.CRITICAL)
    if asked.replay is not None:
        return _replayed(asked.replay)
    if asked.coverage:
        return _covered(asked.inputs, asked.seed, asked.findings)
    tally = _run_all(asked)
    _show(tally, asked)
    return 1 if tally.findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000, help="how many in all")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="targets whose name begins so")
    parser.add_argument("--replay", type=Path, help="try the input of a file again")
    parser.add_argument("--findings", type=Path, default=FAILURES, help="folder for findings")
    parser.add_argument(
        "--coverage",
        action="store_true",
        help=f"measure the branches of the wire mapping; below {COVERAGE_MIN} %% is a failure",
    )
    return parser


def _targets() -> "tuple[Target, ...]":
    from .targets import all_targets

    return all_targets()


def numbers_of(targets: "Sequence[Target]", inputs: int) -> dict[str, int]:
    """Return how many inputs each target gets: by its share, rounded up, beside its least part."""
    shares = {one.name: one.share for one in targets}
    if not any(shares.values()):
        shares = dict.fromkeys(shares, 1)
    least = {one.name: min(one.inputs_min, max(1, inputs // 20)) for one in targets}
    left = max(0, inputs - sum(least.values()))
    whole = sum(shares.values())
    return {name: least[name] - (-left * share // whole) for name, share in shares.items()}


def _run_all(asked: argparse.Namespace) -> Tally:
    chosen = [target for target in _targets() if target.name.startswith(asked.only)]
    if not chosen:
        raise SystemExit(f"no target begins with {asked.only!r}")
    began = time.perf_counter()
    work = [
        (target.name, start, min(start + _SLICE, count), asked.seed, str(asked.findings))
        for target, count in zip(chosen, numbers_of(chosen, asked.inputs).values(), strict=True)
        for start in range(0, count, _SLICE)
    ]
    tally = Tally()
    if asked.jobs == 1:
        for piece in work:
            tally.add(_piece(piece))
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(asked.jobs, mp_context=context) as pool:
            for done in pool.map(_piece, work):
                tally.add(done)
    tally.seconds = time.perf_counter() - began
    return tally


def _piece(work: tuple[str, int, int, int, str]) -> Tally:
    logging.disable(logging.CRITICAL)
    name, start, end, seed, folder = work
    (target,) = (one for one in _targets() if one.name == name)
    return run(target, range(start, end), seed=seed, folder=Path(folder))


def _show(tally: Tally, asked: argparse.Namespace) -> None:
    for name, count in sorted(tally.inputs.items()):
        accepted = tally.accepted[name]
        print(f"{name:<{_NAME_WIDTH}} {count:>9,} inputs, {accepted / count:6.1%} accepted")  # noqa: T201
    print(  # noqa: T201
        f"{tally.inputs.total():,} inputs, seed {asked.seed}, in {tally.seconds:.0f} s; the "
        f"slowest took {tally.slowest_ms:.0f} ms; {len(tally.findings)} findings"
    )
    for finding in tally.findings:
        print(finding)  # noqa: T201


def _replayed(file: Path) -> int:
    outcome = replay(_targets(), file)
    if isinstance(outcome, bool):
        print("accepted" if outcome else "refused, as its target knows it")  # noqa: T201
        return 0
    raise outcome


def branch_coverage(inputs: int, seed: int, folder: Path) -> tuple[float, Tally]:
    """Fuzz the wire under the branch tracer; return the per cent of its branches that ran."""
    tracer = coverage.Coverage(data_file=None, branch=True, source_pkgs=[_WIRE], config_file=False)
    tracer.start()
    try:
        chosen = [target for target in _targets() if target.is_wire]
        tally = Tally()
        for target in chosen:
            tally.add(run(target, range(inputs // len(chosen)), seed=seed, folder=folder))
    finally:
        tracer.stop()
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "coverage.json"
        tracer.json_report(outfile=str(report))
        totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    return 100 * totals["covered_branches"] / totals["num_branches"], tally


def _covered(inputs: int, seed: int, folder: Path) -> int:
    if _WIRE in sys.modules:
        raise SystemExit("the wire mapping was loaded before the tracer: run this command alone")
    per_cent, tally = branch_coverage(inputs, seed, folder)
    verdict = "enough" if per_cent >= COVERAGE_MIN else f"below {COVERAGE_MIN} %"
    print(  # noqa: T201
        f"{tally.inputs.total():,} inputs ran {per_cent:.1f} % of the branches of the wire "
        f"mapping: {verdict}; {len(tally.findings)} findings"
    )
    for finding in tally.findings:
        print(finding)  # noqa: T201
    return 0 if per_cent >= COVERAGE_MIN and not tally.findings else 1
