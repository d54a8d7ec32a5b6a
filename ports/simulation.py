"""A simulation as a command line drives it: which seeds, and what came of them."""

from collections.abc import Callable

import attrs

__all__ = [
    "SIMULATED_SEEDS",
    "Broken",
    "Counted",
    "SimulateRequest",
    "SimulationProgress",
    "SimulationReport",
]

SIMULATED_SEEDS = 200
"""How many seeds are run where nobody says: some seconds of work."""

SimulationProgress = Callable[[int, int], None]
"""Is told how many seeds are done, of how many."""


@attrs.frozen(kw_only=True)
class SimulateRequest:
    """Seeds from ``first`` on, ``seeds`` of them, by ``jobs`` processes.

    ``without`` leaves acts, kills and faults out of every plan, by their names. ``has_story`` tells
    what happened, and is for a single seed. The run ends at the first seed that breaks a rule.
    """

    first: int = 0
    seeds: int = SIMULATED_SEEDS
    jobs: int = 1
    without: tuple[str, ...] = ()
    has_story: bool = False


@attrs.frozen(kw_only=True)
class Counted:
    """How often something happened: its name, what that means, and the number."""

    name: str
    meaning: str
    count: int


@attrs.frozen(kw_only=True)
class Broken:
    """A seed that broke a rule, made as small as a bounded effort could.

    ``without`` is what the small script leaves out; ``replay`` is the command that runs it again.
    """

    seed: int
    rule: str
    text: str
    without: tuple[str, ...]
    replay: str
    story: tuple[str, ...]


@attrs.frozen(kw_only=True)
class SimulationReport:
    """What came of the seeds.

    ``lives`` are the processes that were killed with something unsettled, ``other_deaths`` those
    without. ``starts`` counts processes, ``steps`` inputs that a desk took in, ``requests`` calls.
    ``digest`` is that of all journals in the order of the seeds. ``story`` is that of a single
    seed, empty otherwise. ``broken`` is ``None`` where every rule held.
    """

    seeds: int
    lives: int
    other_deaths: int
    starts: int
    starts_failed: int
    steps: int
    requests: int
    kills: tuple[Counted, ...]
    faults: tuple[Counted, ...]
    acts: tuple[Counted, ...]
    outcomes: tuple[Counted, ...]
    digest: str
    story: tuple[str, ...] = ()
    broken: Broken | None = None
