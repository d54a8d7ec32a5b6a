"""Adapters of Bybit that are wrong in one way each, over real sockets: the suite must find them.

Each is the adapter that trades with one method written as in a hurry, and names the case that finds
it: ``--exchange tests.contracts.wrong_bybit:make_RealtimeAlone``.
"""

from collections.abc import Callable
from functools import partial

from tidegate.contracts.exchange_bench import ExchangeBench

from . import (
    wrong_bybit_account,
    wrong_bybit_answers,
    wrong_bybit_batches,
    wrong_bybit_records,
    wrong_bybit_requests,
    wrong_bybit_streams,
)
from .bybit_bench import BybitBench, WatchedVenue
from .wrong_adapter import WrongAdapter
from .wrong_bybit_answers import RepeatedCursors

__all__ = ["RIGHT_ON_A_WRONG_WIRE", "WRONG_BYBIT", "bench_of"]

_MODULES = (
    wrong_bybit_account,
    wrong_bybit_requests,
    wrong_bybit_answers,
    wrong_bybit_batches,
    wrong_bybit_records,
    wrong_bybit_streams,
)

WRONG_BYBIT: dict[str, type[WrongAdapter]] = {
    name: getattr(module, name)
    for module in _MODULES
    for name in module.__all__
    if name != RepeatedCursors.__name__
}
RIGHT_ON_A_WRONG_WIRE = (RepeatedCursors.__name__, "test_a_history_of_several_pages_is_whole")
"""An adapter that passes a case although its wire does what a wrong one cannot stand."""

_RIGHT = {RepeatedCursors.__name__: RepeatedCursors}
_ADAPTERS: dict[str, type[WatchedVenue]] = {**WRONG_BYBIT, **_RIGHT}


def bench_of(name: str) -> ExchangeBench:
    """Return a fresh bench of the adapter with that name, with a server of its own."""
    return BybitBench(adapter=_ADAPTERS[name])


def __getattr__(name: str) -> Callable[[], ExchangeBench]:
    """Return the factory ``make_<name>`` of an adapter, for the command line."""
    adapter = name.removeprefix("make_")
    if adapter == name or adapter not in _ADAPTERS:
        raise AttributeError(f"no attribute {name!r}")
    return partial(bench_of, adapter)
