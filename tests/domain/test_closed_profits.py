"""The ledger beside the venue's closed profit: which rows are judged, and what differs."""

from decimal import Decimal
from types import MappingProxyType

import attrs
import pytest
from tidegate.domain.closed_profits import Window, compare_profits
from tidegate.domain.closings import Closing, Closings
from tidegate.domain.day import DAY_MS, DayBoundary
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, VenueOrderId
from tidegate.domain.records import ClosedProfit

BTC = Symbol("BTCUSDT")
DAY_0 = 1_700_006_400_000
"""A midnight in UTC: 2023-11-15."""
NOW_MS = DAY_0 + DAY_MS + 3_600_000
WINDOW = Window(
    since_ms=DAY_0 - DAY_MS,
    until_ms=NOW_MS,
    lag_ms=60_000,
    tolerance=Money.of("0.00001"),
    day=DayBoundary(),
)


def ours(name: str = "o1", profit: str = "9.4", **changes: int) -> Closing:
    """Return a closing of 1 that earned ``profit`` after fees of 0.6, with funding of 0.2."""
    return Closing(
        symbol=BTC,
        venue_id=VenueOrderId(name),
        side=Side.SELL,
        qty=Qty.of("1"),
        realised=Money(Decimal(profit) + Decimal("0.6")),
        open_fee=Money.of("0.5"),
        close_fee=Money.of("0.1"),
        funding=Money.of("0.2"),
        fills=1,
        first_ms=changes.get("first_ms", DAY_0 + 5_000),
        last_ms=changes.get("last_ms", changes.get("first_ms", DAY_0 + 5_000)),
    )


def theirs(name: str = "o1", profit: str = "9.4", **changes: int) -> ClosedProfit:
    return ClosedProfit(
        symbol=BTC,
        venue_id=VenueOrderId(name),
        side=Side.SELL,
        qty=Qty.of("1"),
        entry=Price.of("100"),
        exit=Price.of("110"),
        profit=Money.of(profit),
        open_fee=Money.of("0.5"),
        close_fee=Money.of("0.1"),
        leverage=Rate.of("1"),
        created_ms=changes.get("created_ms", DAY_0 + 5_000),
        updated_ms=changes.get("updated_ms", DAY_0 + 5_000),
    )


def kept(*rows: Closing, since_ms: int = 0) -> Closings:
    return Closings(rows=MappingProxyType({r.venue_id: r for r in rows}), since_ms=since_ms)


@pytest.mark.parametrize("profit", ["9.4", "9.40001", "9.39999"])
def test_rounding_is_no_difference(profit: str) -> None:
    made = compare_profits(kept(ours()), [theirs(profit=profit)], WINDOW)
    assert made.differences == ()
    assert (made.orders, made.waiting) == (1, 0)


@pytest.mark.parametrize("profit", ["9.400011", "9.399989", "-9.4"])
def test_beyond_the_tolerance_both_figures_are_said(profit: str) -> None:
    (found,) = compare_profits(kept(ours()), [theirs(profit=profit)], WINDOW).differences
    assert (found.ours, found.venue) == (Money.of("9.4"), Money.of(profit))
    assert found.text == (
        f"BTCUSDT: closing order o1: the ledger has 9.4 USDT for 1, the venue {profit} USDT for 1"
    )


def test_another_quantity_is_a_difference_whatever_the_profit() -> None:
    row = attrs.evolve(theirs(), qty=Qty.of("0.9"))
    (found,) = compare_profits(kept(ours()), [row], WINDOW).differences
    assert (found.qty_ours, found.qty_venue) == (Qty.of("1"), Qty.of("0.9"))


def test_an_order_that_only_one_side_has_is_a_difference() -> None:
    made = compare_profits(kept(ours("mine")), [theirs("other")], WINDOW)
    mine, other = made.differences
    assert (mine.venue_id, mine.ours, mine.venue) == ("mine", Money.of("9.4"), None)
    assert mine.text.endswith("the ledger has 9.4 USDT for 1, the venue nothing")
    assert (other.venue_id, other.ours, other.venue) == ("other", None, Money.of("9.4"))
    assert other.text.endswith("the ledger has nothing, the venue 9.4 USDT for 1")


LIMIT_MS = NOW_MS - 60_000
"""The last time that is older than the lag."""


def test_what_is_younger_than_the_lag_waits() -> None:
    young = ours(first_ms=LIMIT_MS + 1)
    made = compare_profits(kept(young), [], WINDOW)
    assert (made.differences, made.orders, made.waiting) == ((), 0, 1)
    assert len(compare_profits(kept(ours(first_ms=LIMIT_MS)), [], WINDOW).differences) == 1
    for updated_ms, count in ((LIMIT_MS + 1, 0), (LIMIT_MS, 1)):
        row = theirs("other", updated_ms=updated_ms)
        assert len(compare_profits(kept(), [row], WINDOW).differences) == count


def test_an_order_that_still_closes_waits_for_its_last_fill() -> None:
    growing = ours(first_ms=DAY_0, last_ms=LIMIT_MS + 1)
    assert compare_profits(kept(growing), [], WINDOW).differences == ()


@pytest.mark.parametrize("start", ["window", "kept"])
def test_what_began_before_the_range_is_not_judged(start: str) -> None:
    since_ms = DAY_0 + 5_000
    window = attrs.evolve(WINDOW, since_ms=since_ms if start == "window" else 0)
    books_ms = since_ms if start == "kept" else 0
    for first_ms, count in ((since_ms - 1, 0), (since_ms, 1)):
        row = ours(first_ms=first_ms, last_ms=since_ms + 1)
        assert len(compare_profits(kept(row, since_ms=books_ms), [], window).differences) == count
    for created_ms, count in ((since_ms + 999, 0), (since_ms + 1_000, 1)):
        other = theirs("other", created_ms=created_ms, updated_ms=since_ms + 2_000)
        made = compare_profits(kept(since_ms=books_ms), [other], window)
        assert len(made.differences) == count
        assert made.since_ms == since_ms


def test_days_are_summed_over_what_was_compared() -> None:
    books = kept(
        ours("a", "1"), ours("b", "2"), ours("c", "-4", first_ms=DAY_0 + DAY_MS), ours("d", "8")
    )
    rows = [
        theirs("a", "1"),
        theirs("b", "2.5"),
        theirs("c", "-4", updated_ms=DAY_0 + DAY_MS),
    ]
    made = compare_profits(books, rows, attrs.evolve(WINDOW, is_complete=False))
    first, second = made.days
    assert (first.label, first.orders) == ("2023-11-15", 3)
    assert (first.ours, first.venue) == (Money.of("11"), Money.of("3.5"))
    assert (first.fees, first.funding) == (Money.of("1.8"), Money.of("0.6"))
    assert second.label == "2023-11-16"
    assert second.ours == second.venue == Money.of("-4")
    assert [row.venue_id for row in made.differences] == ["b", "d"]
    assert not made.is_complete


def test_differences_come_in_the_order_of_time() -> None:
    books = kept(ours("late", first_ms=DAY_0 + 9_000), ours("early", first_ms=DAY_0 + 1_000))
    other = theirs("middle", created_ms=DAY_0 + 5_000, updated_ms=DAY_0 + 5_000)
    found = compare_profits(books, [other], WINDOW).differences
    assert [row.venue_id for row in found] == ["early", "middle", "late"]
