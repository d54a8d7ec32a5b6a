"""A desk that works for long holds no more than one that has just warmed up.

Here with 1,500 orders; ``python -m tests.acceptance.bounded 10000`` is the same with ten thousand.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from tests.acceptance.bounded import BOUNDS, GROWTH_KIB_MAX, Mark, grown, sizes_of

ROOT = Path(__file__).resolve().parents[2]
ORDERS, WARM = 1_500, 750


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory needs /proc")
def test_memory_and_every_container_stay_within_their_bounds() -> None:
    """Entry, target and close of a trade, 500 times over, on a journal and a venue on the disk.

    Warm after half of it: resident memory grows by at most 2 MiB from there, and nothing that the
    desk holds is longer at the end, but for what remembers a declared number and is not full yet.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.bounded", str(ORDERS), str(WARM)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (rows, done.stderr[-2_000:])
    assert rows[-2]["orders"] >= ORDERS
    assert {row["open"] for row in rows[:-1]} == {0}


EARLY = Mark(orders=1, rss_kib=1_000, open_orders=0, sizes={"Books.orders": 3})


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        ({"Books.orders": 11}, []),
        ({"Books.orders": 12}, ["Books.orders: 3 -> 12"]),
        ({"Lanes.new": 9}, ["Lanes.new: 0 -> 9"]),
        ({"Books.finished": BOUNDS["Books.finished"]}, []),
        ({"Books.finished": 257}, ["Books.finished: 0 -> 257"]),
    ],
)
def test_what_grew_is_named(sizes: Mapping[str, int], found: list[str]) -> None:
    assert grown(EARLY, attrs.evolve(EARLY, sizes=sizes)) == found


@pytest.mark.parametrize("over_kib", [0, 1])
def test_two_mebibytes_are_the_most_that_memory_may_grow(over_kib: int) -> None:
    late = attrs.evolve(EARLY, rss_kib=1_000 + GROWTH_KIB_MAX + over_kib)
    assert len(grown(EARLY, late)) == over_kib


def test_the_look_inside_finds_what_is_held() -> None:
    """A container is found by the class and the field that hold it, through others."""

    @attrs.define
    class Shelf:
        books: dict[str, list[int]]
        names: set[str]

    Shelf.__module__ = "tidegate.shelf"
    shelf = Shelf(books={"a": [1, 2, 3], "b": []}, names={"x"})
    assert sizes_of([shelf]) == {"root": 1, "Shelf.books": 2, "Shelf.books[]": 3, "Shelf.names": 1}
