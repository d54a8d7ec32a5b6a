"""A desk on Bybit's protocol, killed at every boundary, and what its next start makes of it.

``python -m tests.wire.crash_sweep --times 10`` kills at each place as often, at passings drawn by
seed, and prints the figures of each. It ends with 1 when anything was doubled, lost or left bare.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from .sweep.boundaries import Kill, cases
from .sweep.case import NAKED_S_MAX, Outcome, run_case
from .sweep.nursery import Nursery

__all__ = ["name_of"]


def name_of(kills: Sequence[Kill]) -> str:
    """Say where a case is killed."""
    return ", then ".join(
        kill.place if kill.ordinal == 1 else f"{kill.place} ({kill.ordinal})" for kill in kills
    )


def _run(nursery: Nursery, kills: Sequence[Kill]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return run_case(Path(folder), nursery, kills)


def _drawn(rng: random.Random, kills: tuple[Kill, ...], passed: dict[str, int]) -> tuple[Kill, ...]:
    """Draw another passing of the last place: of those that an undisturbed life was seen to have.

    Threads do not pass places as often each time, so the last third is left out.
    """
    last = kills[-1]
    most = max(1, passed.get(last.place, 1) * 2 // 3) if len(kills) == 1 else 1
    return (*kills[:-1], attrs.evolve(last, ordinal=rng.randint(1, most)))


def _sweep(times: int, seed: int) -> int:
    rng, nursery, began = random.Random(seed), Nursery(), time.monotonic()  # noqa: S311 - it finds points, it keeps no secret
    broken = killed = 0
    naked_s, executions = 0.0, 0
    try:
        passed = _run(nursery, ()).passed
        for first in cases():
            plans = [first, *(_drawn(rng, first, passed) for _ in range(times - 1))]
            outcomes = [(kills, _run(nursery, kills)) for kills in plans]
            faults = [(kills, one) for kills, one in outcomes if one.faults]
            worst_s = max(one.naked_s for _, one in outcomes)
            found = sum(one.executions for _, one in outcomes)
            _say(
                f"{name_of(first):60} {len(plans):4} kills {found:5} executions "
                f"{worst_s:6.2f} s bare {len(faults):3} broken"
            )
            for kills, one in faults:
                _say(f"  BROKEN {name_of(kills)}: {one.faults}")
            broken += len(faults)
            killed += len(plans)
            naked_s, executions = max(naked_s, worst_s), executions + found
    finally:
        nursery.close()
    _say(
        f"{killed} cases, {executions} executions, bare for {naked_s:.2f} s at most "
        f"({NAKED_S_MAX} s are allowed), {broken} broken, {time.monotonic() - began:.0f} s"
    )
    return 1 if broken else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    return _sweep(asked.times, asked.seed)


if __name__ == "__main__":
    sys.exit(_main())
