"""What a market did while nobody watched: bars cut to the unseen part, worked by hand."""

import attrs
import pytest
from tidegate.application.catching_up import BARS_READ_MAX, span_for, unseen, unseen_range
from tidegate.domain.money import Price, Qty
from tidegate.domain.reports import Bar

from tests.adapters.paper.bench import MINUTE_MS, plain

from .market_script import NOON_MS, bar

LATER_MS = NOON_MS + 20_000


def prices(one: Bar) -> tuple[str, ...]:
    return tuple(plain(p) for p in (one.open, one.high, one.low, one.close))


def rest(told: Bar, seen: Bar | None) -> Bar:
    """Return the rest of a bar that was watched for its first twenty seconds."""
    (part,) = unseen((told,), seen=seen, since_ms=LATER_MS, now_ms=NOON_MS + MINUTE_MS)
    return part


def test_a_bar_that_was_not_seen_at_all_is_whole() -> None:
    told = bar(NOON_MS + MINUTE_MS, ("100", "120", "90", "110"))
    found = unseen((told,), seen=None, since_ms=NOON_MS, now_ms=NOON_MS + 2 * MINUTE_MS)
    assert found == (told,)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # Both extremes were seen: only the way to the close is left.
        (("100", "120", "90", "95"), ("105", "105", "95", "95")),
        (("100", "120", "90", "118"), ("105", "118", "105", "118")),
        # A lower low, a higher high, both.
        (("100", "120", "80", "95"), ("105", "105", "80", "95")),
        (("100", "130", "90", "95"), ("105", "130", "95", "95")),
        (("100", "130", "80", "95"), ("105", "130", "80", "95")),
    ],
)
def test_of_the_bar_that_was_seen_in_part_only_what_goes_beyond_it_is_left(
    told: tuple[str, str, str, str], expected: tuple[str, ...]
) -> None:
    seen = bar(NOON_MS, ("100", "120", "90", "105"), volume="150")
    part = rest(bar(NOON_MS, told, volume="400"), seen)
    assert prices(part) == expected
    assert (part.start_ms, part.end_ms) == (LATER_MS, NOON_MS + MINUTE_MS)
    assert part.volume == Qty.of("250")


def test_more_volume_seen_than_told_leaves_none() -> None:
    seen = bar(NOON_MS, ("100", "120", "90", "105"), volume="500")
    assert rest(bar(NOON_MS, ("100", "120", "90", "95")), seen).volume == Qty.of("0")


def test_where_nothing_was_seen_of_a_bar_all_of_it_counts() -> None:
    part = rest(bar(NOON_MS, ("100", "120", "90", "95")), None)
    assert prices(part) == ("100", "120", "90", "95")
    assert part.start_ms == LATER_MS


def test_the_open_bar_ends_now_and_one_that_begins_now_is_left_out() -> None:
    now_ms = NOON_MS + MINUTE_MS
    told = (
        bar(NOON_MS, ("100", "120", "90", "95")),
        bar(now_ms, ("95", "95", "95", "95")),
    )
    assert unseen(told, seen=None, since_ms=NOON_MS, now_ms=now_ms) == told[:1]
    (part,) = unseen(told, seen=None, since_ms=NOON_MS, now_ms=LATER_MS)
    assert part == attrs.evolve(told[0], end_ms=LATER_MS)
    assert part.close == Price.of("95")


def test_an_outage_within_one_bar_is_that_part_of_it() -> None:
    seen = bar(NOON_MS, ("100", "101", "99", "100"))
    told = bar(NOON_MS, ("100", "101", "97", "98"))
    (part,) = unseen((told,), seen=seen, since_ms=LATER_MS, now_ms=LATER_MS + 5_000)
    assert (part.start_ms, part.end_ms) == (LATER_MS, LATER_MS + 5_000)
    assert prices(part) == ("100", "100", "97", "98")


@pytest.mark.parametrize(
    ("minutes", "span_minutes"),
    [
        (1, 1),
        (BARS_READ_MAX, 1),
        (BARS_READ_MAX + 1, 3),
        (15 * BARS_READ_MAX, 15),
        (1_440 * BARS_READ_MAX, 1_440),
        (20_000 * BARS_READ_MAX, 10_080),
    ],
)
def test_a_longer_outage_is_read_in_longer_bars(minutes: int, span_minutes: int) -> None:
    assert span_for(minutes * MINUTE_MS) == span_minutes * MINUTE_MS


def test_reading_begins_with_the_bar_in_which_watching_ended() -> None:
    span_ms, within = unseen_range(LATER_MS, NOON_MS + 2 * MINUTE_MS)
    assert span_ms == MINUTE_MS
    assert (within.start_ms, within.end_ms) == (NOON_MS, NOON_MS + 2 * MINUTE_MS)
