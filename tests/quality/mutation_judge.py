"""Judges mutants that mutmut has made: the tests are collected once, and each mutant is a fork.

It runs in the ``mutants`` folder of a stage, once mutmut knows which tests reach which function.
mutmut itself collects a mutant's tests anew for each, which takes most of its time. What noticed
other mutants of a function is tried first, and a test that takes twenty times its time is a mutant
that loops. Verdicts are written where mutmut has its own.
"""

import argparse
import json
import os
import random
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from _pytest.runner import runtestprotocol
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.utils.format_utils import mangled_name_from_mutant_name as function_of

__all__ = ["SURVIVOR"]

SURVIVOR = "survived: "
"""How the line of a mutant begins that nothing noticed."""

_SURVIVED, _NOTICED, _BY_SIMULATION, _LOOPED = 0, 1, 3, -24
"""What mutmut writes for a mutant; a failed simulation is none of its own codes."""
_OWN_ERROR = 2
_CAUGHT = frozenset({_NOTICED, _BY_SIMULATION, _LOOPED})
_ENDED_BY_US = frozenset({-signal.SIGPROF, -signal.SIGKILL})
_TIMES = 20
_GRACE_S = 3.0


@attrs.frozen
class _Mutant:
    name: str
    verdicts: Path


@attrs.frozen(kw_only=True)
class _Asked:
    jobs: int
    sample: int | None
    seed: int
    seeds: int


class Judge:
    """A plugin that runs mutants instead of the tests that were collected."""

    def __init__(self, asked: _Asked) -> None:
        stats = json.loads(Path("mutmut-stats.json").read_text("utf-8"))
        self._reached: dict[str, list[str]] = stats["tests_by_mangled_function_name"]
        self._seconds: dict[str, float] = stats["duration_by_test"]
        self._asked = asked
        self._items: dict[str, pytest.Item] = {}
        self._running: dict[int, _Mutant] = {}
        self._noticed_by: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._tally: Counter[int] = Counter()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge every mutant that has no verdict yet."""
        self._items = {item.nodeid: item for item in session.items}
        sound = _Mutant("", Path())
        self._begin(sound, list(self._items), seeds=0)
        if self._end()[1] != _SURVIVED:
            raise SystemExit("the tests fail without any mutant: mend that first")
        self._tally.clear()
        mutants = self._chosen()
        for number, mutant in enumerate(mutants, 1):
            while len(self._running) >= self._asked.jobs:
                self._settle()
            self._begin(mutant, self._tests_of(mutant), seeds=self._asked.seeds)
            if number % 100 == 0:
                sys.stdout.write(f"{number} of {len(mutants)}\n")
        while self._running:
            self._settle()
        self._tell(len(mutants))
        return True

    def _chosen(self) -> list[_Mutant]:
        found = [
            _Mutant(name, file)
            for file in sorted(Path("src").rglob("*.meta"))
            for name, verdict in json.loads(file.read_text("utf-8"))["exit_code_by_key"].items()
            if verdict is None and self._tests_of(_Mutant(name, file))
        ]
        count = self._asked.sample
        return found if count is None else _draw(found, count, self._asked.seed)

    def _tests_of(self, mutant: _Mutant) -> list[str]:
        function = function_of(mutant.name)
        by, of_module = self._noticed_by[function], self._noticed_by[function.rpartition(".")[0]]
        reached = [test for test in self._reached.get(function, ()) if test in self._items]
        return sorted(reached, key=lambda test: (-3 * by[test] - of_module[test], self._s(test)))

    def _s(self, test: str) -> float:
        return self._seconds.get(test, 1.0)

    def _begin(self, mutant: _Mutant, tests: Sequence[str], *, seeds: int) -> None:
        pid = os.fork()
        if pid:
            self._running[pid] = mutant
            return
        code = _OWN_ERROR
        try:
            code = self._verdict(mutant, tests, seeds)
        finally:
            os._exit(code)  # a fork never returns into the work of its parent

    def _verdict(self, mutant: _Mutant, tests: Sequence[str], seeds: int) -> int:
        """Run the tests in this fork."""
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        set_mutant_under_test(mutant.name)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        order = [self._items[test] for test in tests]
        for item, after in zip(order, [*order[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_PROF, _GRACE_S + _TIMES * self._s(item.nodeid))
            reports = runtestprotocol(item, nextitem=after, log=False)
            if any(report.failed for report in reports):
                _note(os.getpid()).write_text(item.nodeid, encoding="utf-8")
                return _NOTICED
        signal.setitimer(signal.ITIMER_PROF, _GRACE_S + seeds)
        return _BY_SIMULATION if seeds and _is_broken(seeds) else _SURVIVED

    def _end(self) -> tuple[_Mutant, int]:
        pid, status = os.wait()
        mutant, code = self._running.pop(pid), os.waitstatus_to_exitcode(status)
        verdict = _LOOPED if code in _ENDED_BY_US else code
        if verdict not in _CAUGHT | {_SURVIVED}:
            raise SystemExit(f"{mutant.name}: its fork ended with {code}, which is no verdict")
        self._tally[verdict] += 1
        note = _note(pid)
        if note.exists():
            function, test = function_of(mutant.name), note.read_text("utf-8")
            self._noticed_by[function][test] += 1
            self._noticed_by[function.rpartition(".")[0]][test] += 1
            note.unlink()
        return mutant, verdict

    def _settle(self) -> None:
        mutant, verdict = self._end()
        written: dict[str, Any] = json.loads(mutant.verdicts.read_text("utf-8"))
        written["exit_code_by_key"][mutant.name] = verdict
        draft = mutant.verdicts.with_suffix(".draft")
        draft.write_text(json.dumps(written, indent=4), encoding="utf-8")
        draft.replace(mutant.verdicts)
        if verdict == _SURVIVED:
            sys.stdout.write(f"{SURVIVOR}{mutant.name}\n")

    def _tell(self, count: int) -> None:
        caught = sum(self._tally[code] for code in _CAUGHT)
        share = 100 * caught / count if count else 0
        sys.stdout.write(
            f"{caught} of {count} noticed = {share:.1f} %: {self._tally[_NOTICED]} by a test, "
            f"{self._tally[_LOOPED]} looped, {self._tally[_BY_SIMULATION]} by the simulation\n"
        )


def _draw(found: list[_Mutant], count: int, seed: int) -> list[_Mutant]:
    if count > len(found):
        raise SystemExit(f"--sample is {count}; only {len(found)} mutants have no verdict yet")
    return random.Random(seed).sample(found, count)  # noqa: S311 - a draw to be drawn again


def _note(pid: int) -> Path:
    return Path(f"noticed-by-{pid}")


def _is_broken(seeds: int) -> bool:
    """Tell whether a seed of the simulation breaks a rule, with the mutant at work."""
    from tidegate.application.simulation.seeds import simulate
    from tidegate.ports.simulation import SimulateRequest

    try:
        return simulate(SimulateRequest(seeds=seeds), lambda *_: None).broken is not None
    except Exception:  # noqa: BLE001 - a mutant may break the simulator's own steps too
        return True


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.mutation_judge")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sample", type=int, help="how many to draw; without it all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--seeds", type=int, default=0, help="of the simulation, for survivors")
    asked, chosen = parser.parse_known_args()  # the rest is pytest's: tests, and what to leave out
    judge = Judge(_Asked(jobs=asked.jobs, sample=asked.sample, seed=asked.seed, seeds=asked.seeds))
    sys.path.insert(0, "src")
    options = ["-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", *chosen]
    return int(pytest.main(options, plugins=[judge]))


if __name__ == "__main__":
    sys.exit(_main())
