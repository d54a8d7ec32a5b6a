"""What one fault is tried with: the act, and how the desk is set up for it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
from tidegate.adapters.v5server.control import FaultName

from .desk_bench import DeskBench

__all__ = ["Case", "try_case"]

_PLAIN: Mapping[str, Any] = MappingProxyType({})


@attrs.frozen
class Case:
    """A fault under a running desk that has traded before.

    ``run`` injects it and asserts the outcome. ``trades_on`` is false where the venue lets nobody
    trade after it.
    """

    run: Callable[[DeskBench], None]
    options: Mapping[str, Any] = _PLAIN
    trades_on: bool = True


def try_case(case: Case, fault: FaultName, folder: Path) -> None:
    """Trade, suffer the fault, compare the books, and trade once more."""
    with DeskBench(folder, **case.options) as bench:
        bench.placed("before")
        bench.close()
        bench.agree()
        case.run(bench)
        bench.agree()
        if case.trades_on:
            bench.lives()
            bench.agree()
        assert bench.control.faults_waiting() == 0, f"{fault} never met its request"
