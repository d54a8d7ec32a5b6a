"""Which branches of the domain and of the application the tests take, without a tracer.

SlipCover puts a probe at each branch when a module is loaded, and takes it out once it was seen, so
that the tests run nearly as fast as without. Several workers each send what they saw to the process
that distributes the tests; that one looks up which branches there are while it has little to do.
"""

import ast
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from slipcover import FileMatcher, ImportManager, Slipcover

from tests.collecting import is_worker

__all__ = ["watch_branches", "without_proven"]

_LAYERS = ["domain", "application"]
_UNREACHED = [
    r"assert_never\(",  # what mypy proves to be unreachable
    r"if TYPE_CHECKING:",
    r"@(abc\.)?abstractmethod",
    r"@overload",
]
_SENT = "branches"

_Branches = Mapping[str, Sequence[Sequence[int]]]
"""By file: branches as (from, to) lines, where 0 is the way out."""


def watch_branches(config: pytest.Config, report: Path) -> None:
    """Watch the modules of the layers that are loaded from now on; ``report`` holds it as JSON.

    Raises:
        pytest.UsageError: at the end, when no worker told what it saw.
    """
    if is_worker(config):
        config.pluginmanager.register(_Worker(config))
    elif config.getoption("numprocesses", None):
        config.pluginmanager.register(_Distributor(report))
    else:
        config.pluginmanager.register(_Alone(report))


class _Watch:
    """Probes in this process, from the making of this to its end."""

    def __init__(self) -> None:
        self._probes = Slipcover(immediate=True, branch=True, exclude_lines=[])
        self._loading = ImportManager(self._probes, FileMatcher(sources=_LAYERS))
        self._loading.__enter__()

    def end(self) -> _Branches:
        self._loading.__exit__(None, None, None)
        files = self._probes.get_coverage()["files"]
        return {path: file["executed_branches"] for path, file in files.items()}


class _Alone:
    def __init__(self, report: Path) -> None:
        self._report, self._watch = report, _Watch()

    def pytest_sessionfinish(self) -> None:
        _write(self._report, _all_branches(), [self._watch.end()])


class _Worker:
    def __init__(self, config: pytest.Config) -> None:
        self._config, self._watch = config, _Watch()

    def pytest_sessionfinish(self) -> None:
        vars(self._config)["workeroutput"][_SENT] = json.dumps(self._watch.end())


class _Distributor:
    def __init__(self, report: Path) -> None:
        self._report, self._sent = report, list[_Branches]()
        pool = ThreadPoolExecutor(1)
        self._all = pool.submit(_all_branches)
        pool.shutdown(wait=False)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker sent. One that died has sent nothing, and its test has failed."""
        output = getattr(node, "workeroutput", {})
        if _SENT in output:
            self._sent.append(json.loads(output[_SENT]))

    def pytest_sessionfinish(self) -> None:
        if not self._sent:
            raise pytest.UsageError("no worker told which branches it took")
        _write(self._report, self._all.result(), self._sent)


def _all_branches() -> _Branches:
    """Look up which branches there are, also in modules that nobody loads."""
    whole = Slipcover(branch=True, source=_LAYERS, exclude_also=_UNREACHED).get_coverage()
    return {path: file["missing_branches"] for path, file in whole["files"].items()}


def _write(report: Path, branches: _Branches, parts: Sequence[_Branches]) -> None:
    """Write which of the branches are in one of the parts, and which in none."""
    files = {}
    for path, there in branches.items():
        taken = {tuple(branch) for part in parts for branch in part.get(path, ())}
        missing = [list(branch) for branch in there if tuple(branch) not in taken]
        text = Path(path).read_text(encoding="utf-8")
        files[path] = {
            "executed_branches": [branch for branch in there if tuple(branch) in taken],
            "missing_branches": without_proven(missing, text),
        }
    whole = {"meta": {"branch_coverage": True}, "files": files}
    report.write_text(json.dumps(whole), encoding="utf-8")


def without_proven(missing: list[list[int]], text: str) -> list[list[int]]:
    """Return the branches without those that mypy proves to be taken never.

    They lead past all cases of a ``match``, by its ``exhaustive-match``, which is switched on for
    every package; or to an ``assert_never``.
    """
    nodes = tuple(ast.walk(ast.parse(text)))
    cases = {
        node.lineno: {case.body[0].lineno for case in node.cases}
        for node in nodes
        if isinstance(node, ast.Match)
    }
    never = {node.lineno for node in nodes if isinstance(node, ast.Expr) and _is_never(node)}
    return [
        [start, end]
        for start, end in missing
        if end in cases.get(start, {end}) and end not in never
    ]


def _is_never(statement: ast.Expr) -> bool:
    match statement.value:
        case ast.Call(func=ast.Name(id="assert_never")):
            return True
        case _:
            return False
