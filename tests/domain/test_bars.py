"""Bars from shorter bars: nothing is lost, nothing is left out, whatever the length."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.domain import bars as module
from tidegate.domain.bars import BAR_SPANS_MS, MINUTE_MS, bar_start_ms, joined, moment, regrouped
from tidegate.domain.money import ZERO_QTY, Price, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar

BTC = Symbol("BTCUSDT")
HOUR_MS, DAY_MS = 60 * MINUTE_MS, 1_440 * MINUTE_MS
T0 = 1_700_000_040_000
"""2023-11-14 22:14:00 UTC, a Tuesday."""


def row(start_ms: int, prices: str, volume: str = "1", span_ms: int = MINUTE_MS) -> Bar:
    open_, high, low, close = map(Price.of, prices.split())
    return Bar(
        symbol=BTC,
        start_ms=start_ms,
        end_ms=start_ms + span_ms,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=Qty.of(volume),
    )


def told(bars: Sequence[Bar]) -> list[tuple[int, str]]:
    """Return minute since T0, and open high low close volume."""
    return [
        (
            (b.start_ms - T0) // MINUTE_MS,
            f"{b.open} {b.high} {b.low} {b.close} {b.volume}",
        )
        for b in bars
    ]


@pytest.mark.parametrize(
    ("span_ms", "minutes"),
    [(MINUTE_MS, 0), (5 * MINUTE_MS, 4), (15 * MINUTE_MS, 14), (HOUR_MS, 14), (DAY_MS, 1_334)],
)
def test_a_bar_begins_at_a_multiple_of_its_length(span_ms: int, minutes: int) -> None:
    assert bar_start_ms(T0, span_ms) == T0 - minutes * MINUTE_MS
    assert bar_start_ms(T0 + MINUTE_MS - 1, span_ms) == T0 - minutes * MINUTE_MS


def test_a_week_begins_on_monday() -> None:
    """1970-01-01 was a Thursday; 2023-11-13 00:00 UTC was 1,699,833,600."""
    assert bar_start_ms(T0, 7 * DAY_MS) == 1_699_833_600_000
    assert bar_start_ms(1_699_833_600_000 - 1, 7 * DAY_MS) == 1_699_833_600_000 - 7 * DAY_MS


def test_minutes_make_a_longer_bar() -> None:
    """22:15, 22:16 and 22:19 are one bar of five minutes; 22:20 is another."""
    rows = [
        row(T0 + MINUTE_MS, "10 12 9 11", "2"),
        row(T0 + 2 * MINUTE_MS, "11 15 11 14", "3"),
        row(T0 + 5 * MINUTE_MS, "14 14 8 8", "0.5"),
        row(T0 + 6 * MINUTE_MS, "8 9 8 9", "1"),
    ]
    found = regrouped(
        rows, span_ms=5 * MINUTE_MS, start_ms=T0, end_ms=T0 + HOUR_MS, now_ms=T0 + 7 * MINUTE_MS
    )
    assert told(found) == [(1, "10 15 8 8 5.5"), (6, "8 9 8 9 1")]


def test_where_nothing_traded_a_bar_is_flat_at_the_last_close() -> None:
    rows = [row(T0, "10 12 9 11"), row(T0 + 3 * MINUTE_MS, "13 13 13 13")]
    found = regrouped(
        rows, span_ms=MINUTE_MS, start_ms=0, end_ms=T0 + HOUR_MS, now_ms=T0 + 5 * MINUTE_MS
    )
    assert told(found) == [
        (0, "10 12 9 11 1"),
        (1, "11 11 11 11 0"),
        (2, "11 11 11 11 0"),
        (3, "13 13 13 13 1"),
        (4, "13 13 13 13 0"),
        (5, "13 13 13 13 0"),
    ]


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        (0, 0, [0]),
        (1, 2, [1, 2]),
        (2, 4, [2, 3, 4]),
        (4, 4, [4]),
        (9, 10, [9, 10]),
        (11, 12, []),
    ],
)
def test_a_range_that_begins_in_a_gap_knows_the_price_before_it(
    start: int, end: int, minutes: list[int]
) -> None:
    """The last bar is that of the present, ten minutes in; both ends of the range count."""
    rows = [row(T0, "10 12 9 11"), row(T0 + 3 * MINUTE_MS, "13 13 13 13")]
    found = regrouped(
        rows,
        span_ms=MINUTE_MS,
        start_ms=T0 + start * MINUTE_MS,
        end_ms=T0 + end * MINUTE_MS,
        now_ms=T0 + 10 * MINUTE_MS,
    )
    assert [minute for minute, _ in told(found)] == minutes
    assert all(
        bar.close == Price.of(11 if m < 3 else 13) for m, bar in zip(minutes, found, strict=True)
    )


def test_a_range_before_the_first_price_is_empty() -> None:
    rows = [row(T0, "10 12 9 11")]
    assert regrouped(rows, span_ms=MINUTE_MS, start_ms=0, end_ms=T0 - 1, now_ms=T0) == ()
    assert regrouped([], span_ms=MINUTE_MS, start_ms=0, end_ms=T0, now_ms=T0) == ()


def test_longer_bars_make_no_shorter_ones() -> None:
    hour = row(bar_start_ms(T0, HOUR_MS), "1 1 1 1", span_ms=HOUR_MS)
    with pytest.raises(ValueError, match="in bars of 3600000 ms; those, or multiples"):
        regrouped([hour], span_ms=MINUTE_MS, start_ms=0, end_ms=T0, now_ms=T0)
    assert len(regrouped([hour], span_ms=HOUR_MS, start_ms=0, end_ms=T0, now_ms=T0)) == 1


def test_more_bars_than_an_answer_holds_are_refused() -> None:
    rows = [row(T0, "1 1 1 1")]
    end_ms = T0 + (module.BARS_MAX - 1) * MINUTE_MS
    full = regrouped(rows, span_ms=MINUTE_MS, start_ms=T0, end_ms=end_ms, now_ms=end_ms)
    assert len(full) == module.BARS_MAX
    with pytest.raises(ValueError, match="more than 50000 bars"):
        regrouped(
            rows,
            span_ms=MINUTE_MS,
            start_ms=T0,
            end_ms=end_ms + MINUTE_MS,
            now_ms=end_ms + MINUTE_MS,
        )


def test_a_length_that_the_venue_does_not_have_is_named() -> None:
    module.check_span(MINUTE_MS)
    with pytest.raises(ValueError, match="bars of 420000 ms: accepted are 60000, 180000"):
        module.check_span(7 * MINUTE_MS)


_PRICES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 99), st.integers(0, 5)), min_size=1, max_size=40
)


@given(_PRICES, st.sampled_from(BAR_SPANS_MS[:6]), st.integers(0, 300))
def test_whatever_traded_is_in_the_bars_once(
    points: list[tuple[int, int, int]], span_ms: int, later: int
) -> None:
    minutes: dict[int, Bar] = {}
    for minute, price, qty in sorted(points, key=lambda point: point[0]):
        bar = moment(
            BTC,
            Price.of(price),
            Qty.of(qty),
            time_ms=T0 + minute * MINUTE_MS,
            span_ms=MINUTE_MS,
        )
        known = minutes.get(minute)
        minutes[minute] = bar if known is None else joined(known, bar)
    rows = list(minutes.values())
    now_ms = rows[-1].start_ms + later * MINUTE_MS
    found = regrouped(rows, span_ms=span_ms, start_ms=0, end_ms=now_ms, now_ms=now_ms)
    assert all(after.start_ms == before.end_ms for before, after in pairwise(found))
    assert found[0].start_ms == bar_start_ms(rows[0].start_ms, span_ms)
    assert found[-1].start_ms == bar_start_ms(now_ms, span_ms)
    volumes = sum((bar.volume for bar in found), start=ZERO_QTY)
    assert volumes == sum((Qty.of(qty) for *_, qty in points), start=ZERO_QTY)
    assert max(bar.high for bar in found) == max(Price.of(price) for _, price, _ in points)
    assert min(bar.low for bar in found) == min(Price.of(price) for _, price, _ in points)
    assert (found[0].open, found[-1].close) == (rows[0].open, rows[-1].close)
    assert all(bar.low <= min(bar.open, bar.close) for bar in found)
    assert all(bar.high >= max(bar.open, bar.close) for bar in found)
