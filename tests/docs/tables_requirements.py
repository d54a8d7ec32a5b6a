"""The map of the requirements as tables, one for each letter."""

from collections.abc import Callable, Mapping
from functools import partial

from tests.quality.requirement_rows import NUMBERS, table

__all__ = ["requirement_tables"]


def requirement_tables() -> Mapping[str, Callable[[], str]]:
    """Return the maker of each part of the page, under its name."""
    letters = dict.fromkeys(number[0] for number in NUMBERS)
    return {f"requirements {letter}": partial(table, letter) for letter in letters}
