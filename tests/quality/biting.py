"""Runs the tests of the map, each once as it is and once with its function made to raise.

Every run is a process of its own, forked from one that has collected the tests, so that nothing is
left of a function that raised. What lies beside the repository cannot be opened here: a test that
proves something must prove it in a clone that stands alone.
"""

import gc
import json
import os
import select
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import attrs
import pytest
from _pytest.runner import runtestprotocol

from .raising import make_raise
from .requirement_rows import Proof

__all__ = ["Biter", "bite"]

_HANGS_AFTER_S = 120
_TAIL = 1_500


@attrs.frozen
class _Ended:
    """How a test ended: ``passed``, ``failed``, ``skipped`` or ``hangs``, and what it said."""

    how: str
    words: str


@attrs.define
class Biter:
    """A pytest plugin that runs proofs in place of the collected tests."""

    proofs: Sequence[Proof]
    tests: Path
    faults: list[str] = attrs.field(factory=list)
    seconds: dict[Proof, float] = attrs.field(factory=dict)
    _passed: dict[str, _Ended] = attrs.field(factory=dict)

    def pytest_configure(self) -> None:
        """Let one example that fails say enough, and make none smaller."""
        # Only here: pytest warns of what was loaded before it could look at its assertions.
        from hypothesis import Phase, settings

        few = [Phase.explicit, Phase.generate]
        settings.register_profile(
            "bite", max_examples=10, phases=few, deadline=None, derandomize=True
        )
        settings.load_profile("bite")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run each proof; nothing else runs."""
        items = _by_test(session.items, self.tests)
        gc.freeze()  # or each child would copy what its collector walks over
        for proof in self.proofs:
            begun = time.monotonic()
            fault = self._fault(proof, items.get(proof.test, []))
            self.seconds[proof] = time.monotonic() - begun
            if fault:
                self.faults.append(f"{proof.function}, {proof.test}: {fault}")
        return True

    def _fault(self, proof: Proof, items: Sequence[pytest.Item]) -> str:
        """Return what is wrong with a proof, or nothing."""
        if not items:
            return "no such test was collected"
        for item in items:
            usual = self._passed.get(item.nodeid) or _run(item, None, self.tests)
            self._passed[item.nodeid] = usual
            if usual.how != "passed":
                return f"the test {usual.how} as it is: {usual.words}"
            bitten = _run(item, proof.function, self.tests)
            if bitten.how == "failed":
                return ""
            if bitten.how != "passed":
                return f"the test {bitten.how} when the function raises"
        return "the test passes although the function raises"


def _by_test(items: Iterable[pytest.Item], tests: Path) -> Mapping[str, list[pytest.Item]]:
    """Return the items under the name of their test, with and without their parameters."""
    found: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        file = item.path.relative_to(tests).as_posix()
        rest = item.nodeid.partition("::")[2]
        for name in {rest, rest.partition("[")[0]}:
            found[f"{file}::{name}"].append(item)
    return found


def _run(item: pytest.Item, function: str | None, tests: Path) -> _Ended:
    """Run one test in a process of its own, with ``function`` raising in it if one is named."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _be_child(item, function, writing, tests)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        # A test that waits for what now raises would wait for its own deadline, or for ever.
        is_told, _, _ = select.select([pipe], [], [], _HANGS_AFTER_S)
        if not is_told:
            os.killpg(child, signal.SIGKILL)
        text = pipe.read()
    os.waitpid(child, 0)
    return _Ended(**json.loads(text)) if text else _Ended("hangs or dies", "")


def _be_child(item: pytest.Item, function: str | None, writing: int, tests: Path) -> NoReturn:
    try:
        gc.disable()  # too short a life to tidy up in
        os.setpgid(0, 0)
        _keep_out(tests.parent.parent / "shared")
        if function is not None:
            make_raise(function)
        ended = _ended(runtestprotocol(item, log=False, nextitem=None))
    except BaseException as error:  # noqa: BLE001 - the child of a fork must not return
        ended = _Ended("broke", repr(error))
    os.write(writing, json.dumps(attrs.asdict(ended)).encode())
    os._exit(0)


def _ended(reports: Iterable[pytest.TestReport]) -> _Ended:
    for outcome in ("failed", "skipped"):
        for report in reports:
            if report.outcome == outcome:
                return _Ended(outcome, str(report.longrepr)[-_TAIL:])
    return _Ended("passed", "")


def _keep_out(folder: Path) -> None:
    """Refuse to open any file below ``folder`` in this process."""

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | os.PathLike):
            path = os.path.abspath(arguments[0])  # noqa: PTH100 - a Path would open to resolve
            if path.startswith(f"{folder}{os.sep}"):
                raise PermissionError(f"{path}: is not in a clone that stands alone")

    sys.addaudithook(look)


def bite(proofs: Sequence[Proof], tests: Path) -> Biter:
    """Run the proofs with the tests below ``tests``; the faults and the times are in the answer.

    What raises here must not raise in the caller, so this belongs into a process of its own.
    """
    biter = Biter(proofs=proofs, tests=tests)
    files = [tests / file for file in dict.fromkeys(proof.file for proof in proofs)]
    there = [str(path) for path in files if path.is_file()]
    options = [
        "-q",
        "--tb=line",
        "--no-header",
        "--no-summary",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
    ]
    if there:
        pytest.main([*options, f"--rootdir={tests.parent}", *there], plugins=[biter])
    return biter
