"""Many seeds, by several processes: counted, and stopped at the first that breaks a rule."""

import hashlib
import logging
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from types import MappingProxyType
from typing import TypeVar

import attrs
from tidegate.ports.commands import BadInput
from tidegate.ports.simulation import (
    Broken,
    Counted,
    SimulateRequest,
    SimulationProgress,
    SimulationReport,
)

from .minimise import minimise
from .names import Boundary, Counts, Fault
from .plan import Act, draw_plan
from .world import Outcome, Run

__all__ = ["CHUNK_SEEDS", "simulate"]

CHUNK_SEEDS = 20
AHEAD_MAX = 4
"""How many chunks for each process wait: a failure is told soon, and nobody is idle."""
T = TypeVar("T")

_OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "entry_intended": "entries approved",
        "signal_refused": "signals refused",
        "filled": "executions booked",
        "trade_closed": "trades ended",
        "stop_confirmed": "stops seen on the venue",
        "stop_out": "positions stopped out",
        "order_unknown": "orders of unknown outcome",
        "order_lapsed": "orders proven never to have arrived",
        "amend_intended": "changes of orders",
        "cancel_intended": "cancels",
        "panic_started": "panics",
        "funding_booked": "funding payments booked",
    }
)


@attrs.frozen(kw_only=True)
class _Chunk:
    """What came of some seeds; ``broken`` is the seed that broke a rule, if one did."""

    seeds: int
    counts: Counts
    digests: tuple[str, ...]
    broken: int | None


def simulate(request: SimulateRequest, progress: SimulationProgress) -> SimulationReport:
    """Run the seeds of a request.

    Raises:
        BadInput: a name of what is to be left out is none of the plan's.

    """
    if request.has_story:
        return _one(request)
    total, digest, done = Counts(), hashlib.sha256(), 0
    broken = None
    for chunk in _chunks(request):
        total.add(chunk.counts)
        for one in chunk.digests:
            digest.update(one.encode())
        done += chunk.seeds
        progress(done, request.seeds)
        if chunk.broken is not None:
            broken = _explained(chunk.broken, request)
            break
    return _report(total, done, digest.hexdigest(), broken=broken)


def _one(request: SimulateRequest) -> SimulationReport:
    """Run one seed and tell its story."""
    without = _named(request)
    with _quiet():
        outcome = Run(draw_plan(request.first).leaving_out(without), has_story=True).run()
    broken = None
    if outcome.violation is not None:
        broken = _told(outcome, request.first)
    report = _report(outcome.counts, 1, outcome.digest, broken=broken)
    return attrs.evolve(report, story=outcome.story)


def _named(request: SimulateRequest) -> frozenset[str]:
    names = frozenset(request.without)
    for seed in range(request.first, request.first + request.seeds) if names else ():
        unknown = sorted(names - frozenset(draw_plan(seed).names))
        if unknown:
            why = (
                f"seed {seed} has no {', '.join(unknown)}; accepted: names of its acts, kills and "
                "faults, such as a3, k0, c17 or m5"
            )
            raise BadInput([why])
    return names


def _chunks(request: SimulateRequest) -> Iterator[_Chunk]:
    """Yield what came of the seeds, in their order, whoever ran them."""
    without = _named(request)
    end = request.first + request.seeds
    parts = [
        (first, min(CHUNK_SEEDS, end - first), without)
        for first in range(request.first, end, CHUNK_SEEDS)
    ]
    if request.jobs == 1:
        yield from (_run_chunk(*part) for part in parts)
        return
    # Spawned, not forked: nothing of this process may reach into what a seed decides.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        request.jobs, mp_context=context, initializer=_belong_to_the_caller
    ) as pool:
        yield from _in_order(pool, parts, request.jobs * AHEAD_MAX)


def _belong_to_the_caller() -> None:
    """Leave interrupts to the process that asked, and end when it does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_caller, daemon=True).start()


def _end_with_the_caller() -> None:
    caller = multiprocessing.parent_process()
    if caller is not None:
        caller.join()
        os._exit(1)


def _in_order(
    pool: ProcessPoolExecutor, parts: Iterable[tuple[int, int, frozenset[str]]], ahead: int
) -> Iterator[_Chunk]:
    waiting: list[Future[_Chunk]] = []
    try:
        for part in parts:
            waiting.append(pool.submit(_run_chunk, *part))
            if len(waiting) >= ahead:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        for future in waiting:
            future.cancel()


def _run_chunk(first: int, count: int, without: frozenset[str]) -> _Chunk:
    total, digests = Counts(), []
    with _quiet():
        for seed in range(first, first + count):
            outcome = Run(draw_plan(seed).leaving_out(without)).run()
            total.add(outcome.counts)
            digests.append(outcome.digest)
            if outcome.violation is not None:
                return _Chunk(
                    seeds=seed - first + 1, counts=total, digests=tuple(digests), broken=seed
                )
    return _Chunk(seeds=count, counts=total, digests=tuple(digests), broken=None)


class _quiet:  # noqa: N801 - used as a context, like one of contextlib's
    """Keep the desk's log out of the report: a venue that fails is what is wanted here."""

    def __enter__(self) -> None:
        self._level = logging.root.manager.disable
        logging.disable(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._level)


def _explained(seed: int, request: SimulateRequest) -> Broken:
    """Make a failing seed smaller, and tell its story."""
    with _quiet():
        outcome = Run(draw_plan(seed).leaving_out(frozenset(request.without))).run()
        smaller = minimise(outcome)
        told = Run(smaller.plan, has_story=True).run()
    return _told(told, seed)


def _told(outcome: Outcome, seed: int) -> Broken:
    violation = outcome.violation
    assert violation is not None, f"seed {seed} broke a rule once, and not again"
    without = tuple(sorted(outcome.plan.without, key=lambda name: (name[0], int(name[1:]))))
    left_out = f" --without {','.join(without)}" if without else ""
    return Broken(
        seed=seed,
        rule=violation.rule,
        text=violation.text,
        without=without,
        replay=f"tidegate simulate --seed {seed}{left_out}",
        story=outcome.story,
    )


def _report(counts: Counts, seeds: int, digest: str, *, broken: Broken | None) -> SimulationReport:
    return SimulationReport(
        seeds=seeds,
        lives=counts.lives,
        other_deaths=counts.settled,
        starts=counts.starts,
        starts_failed=counts.starts_failed,
        steps=counts.steps,
        requests=counts.requests,
        kills=_counted(Boundary, counts.kills, lambda one: one.value),
        faults=_counted(Fault, counts.faults, lambda one: one.value),
        acts=_counted(Act, counts.acts, lambda one: one.value),
        outcomes=tuple(
            Counted(name=name, meaning=meaning, count=counts.events[name])
            for name, meaning in _OUTCOMES.items()
        ),
        digest=digest,
        broken=broken,
    )


def _counted(
    names: Iterable[T], numbers: Counter[str], meaning: Callable[[T], str]
) -> tuple[Counted, ...]:
    return tuple(
        Counted(name=_name(one), meaning=meaning(one), count=numbers[_name(one)]) for one in names
    )


def _name(one: object) -> str:
    return str(getattr(one, "name"))  # noqa: B009 - any member of an enumeration
