"""A fuzz target: valid inputs, a way to mutate them, and a check that knows the outcomes."""

import random
from collections.abc import Callable

import attrs

__all__ = ["Check", "Mutate", "Target"]

Mutate = Callable[[bytes, random.Random], bytes]
Check = Callable[[bytes], None]
"""Takes one input. It returns where that was accepted, raises one of the target's typed errors
where it was refused, and anything else is a finding."""


@attrs.frozen(kw_only=True)
class Target:
    """One border that takes what others wrote.

    ``corpus`` are valid inputs, each as bytes so that every target is saved, cut down and replayed
    alike. ``refusals`` are the errors that a caller of this border knows. ``share`` is the target's
    part of a run, and ``inputs_min`` what it gets at least in a long one.
    """

    name: str
    corpus: tuple[bytes, ...]
    mutate: Mutate
    check: Check
    refusals: tuple[type[Exception], ...]
    share: int = 1
    inputs_min: int = 0
    is_wire: bool = False

    def input(self, seed: int, number: int) -> bytes:
        """Return the input of a number: the same for a seed, in whatever order they are asked."""
        chance = random.Random(f"{seed} {self.name} {number}")  # noqa: S311 - a seed that repeats
        return self.mutate(chance.choice(self.corpus), chance)
