"""The adapter's speed against the official client's, with what arrived checked on both ends.

The bounds are the design's targets; docs/speed.md has the figures and says how they are taken.
"""

from collections.abc import Iterator

import pytest

from tests.benchmarks.bybit import compare, official
from tests.benchmarks.bybit.measure import Comparison
from tests.benchmarks.bybit.served import Served, serving

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def venue() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.mark.sweep
def test_an_order_by_rest_takes_a_third_of_the_official_clients(venue: Served) -> None:
    _at_most(0.35, compare.orders_by_rest(venue))


def test_an_order_through_the_port_takes_a_third_of_the_official_clients(venue: Served) -> None:
    _at_most(0.35, compare.orders_by_port(venue))


@pytest.mark.sweep
def test_an_order_by_stream_takes_less_than_the_official_clients_mended(venue: Served) -> None:
    """Mended so that it loses no answer; unmended it is slower."""
    kind = official.registering_first()
    _at_most(0.7, compare.orders_by_stream(venue, kind, lost_max=0))


def test_an_order_by_stream_takes_less_than_the_official_clients(venue: Served) -> None:
    figures = compare.orders_by_stream(venue, official.stock(), lost_max=compare.LOST_MAX)
    _at_most(0.7, figures)


def test_a_book_takes_a_quarter_of_the_official_clients(venue: Served) -> None:
    """Each frame is folded and both best levels are read, before the next one."""
    _at_most(0.25, compare.books(venue))


def _at_most(bound: float, figures: Comparison) -> None:
    print(figures)  # noqa: T201
    assert figures.ratio <= bound, figures
