"""Venues that are wrong in one way each: the suite must find every one of them.

Each is the scripted venue with one method bent, as a hasty adapter's author might write it, and
names the case that finds it: ``--exchange tests.contracts.wrong_exchanges:make_DoubleFill``.
"""

from collections.abc import Callable
from functools import partial

from tidegate.contracts.exchange_bench import ExchangeBench

from . import (
    wrong_exchange_answers,
    wrong_exchange_changes,
    wrong_exchange_reports,
    wrong_exchange_requests,
    wrong_exchange_streams,
)
from .benches import MemoryBench
from .wrong_venue import WrongVenue

__all__ = ["IDLE", "WRONG", "bench_of"]

_MODULES = (
    wrong_exchange_requests,
    wrong_exchange_changes,
    wrong_exchange_reports,
    wrong_exchange_answers,
    wrong_exchange_streams,
)

WRONG: dict[str, type[WrongVenue]] = {
    name: getattr(module, name) for module in _MODULES for name in module.__all__
}
IDLE = ("RefusesEverything", "AcceptsAndDoesNothing")
"""The two that are safe because they never trade."""


def bench_of(name: str) -> ExchangeBench:
    """Return a fresh bench of the wrong venue with that name."""
    return MemoryBench(WRONG[name]())


def __getattr__(name: str) -> Callable[[], ExchangeBench]:
    """Return the factory ``make_<name>`` of a wrong venue, for the command line."""
    wrong = name.removeprefix("make_")
    if wrong == name or wrong not in WRONG:
        raise AttributeError(f"no attribute {name!r}")
    return partial(bench_of, wrong)
