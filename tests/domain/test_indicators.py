"""Indicators: tables worked by hand, and an oracle in fractions."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.indicators import Channel, average_true_range, donchian, simple_average
from tidegate.domain.money import Distance, Price, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar


def bar(high: str, low: str, close: str) -> Bar:
    return Bar(
        symbol=Symbol("BTCUSDT"),
        start_ms=0,
        end_ms=60_000,
        open=Price.of(low),
        high=Price.of(high),
        low=Price.of(low),
        close=Price.of(close),
        volume=Qty.of(1),
    )


#   high   low   close   previous close   true range
#    105   100    104          -           (no previous close)
#    107   103    106         104          107 - 103 = 4
#    110   108    109         106          110 - 106 = 4      gap up: from the previous close
#    104   102    103         109          109 - 102 = 7      gap down: to the previous close
#    103.5 102.5  103         103          103.5 - 102.5 = 1
BARS = (
    bar("105", "100", "104"),
    bar("107", "103", "106"),
    bar("110", "108", "109"),
    bar("104", "102", "103"),
    bar("103.5", "102.5", "103"),
)


@pytest.mark.parametrize(
    ("period", "expected"),
    [(1, "1"), (2, "4"), (3, "4"), (4, "4")],  # 1; (7+1)/2; (4+7+1)/3; (4+4+7+1)/4
)
def test_average_true_range_is_the_plain_mean_of_true_ranges(period: int, expected: str) -> None:
    assert average_true_range(BARS, period) == Distance.of(expected)


@pytest.mark.parametrize(
    ("period", "high", "low"),
    [(1, "103.5", "102.5"), (2, "104", "102"), (3, "110", "102"), (5, "110", "100")],
)
def test_the_channel_spans_the_extremes_of_its_bars(period: int, high: str, low: str) -> None:
    assert donchian(BARS, period) == Channel(high=Price.of(high), low=Price.of(low))


@pytest.mark.parametrize(
    ("period", "expected"),
    [(1, "103"), (2, "103"), (3, "105"), (4, "105.25"), (5, "105")],
    # (109+103+103)/3 = 315/3; (106+315)/4 = 421/4; (104+421)/5 = 525/5
)
def test_simple_average_is_the_mean_of_closes(period: int, expected: str) -> None:
    assert simple_average(BARS, period) == Price.of(expected)


Indicator = Callable[[Sequence[Bar], int], object]


@pytest.mark.parametrize(
    ("indicator", "period", "needed"),
    [(average_true_range, 5, 6), (donchian, 6, 6), (simple_average, 6, 6)],
)
def test_too_few_bars_are_refused_with_the_number_needed(
    indicator: Indicator, period: int, needed: int
) -> None:
    with pytest.raises(ValueError, match=f"needs {needed} bars, there are 5"):
        indicator(BARS, period)


@pytest.mark.parametrize("indicator", [average_true_range, donchian, simple_average])
@pytest.mark.parametrize("period", [0, -1])
def test_a_period_below_one_is_refused(indicator: Indicator, period: int) -> None:
    with pytest.raises(ValueError, match=f"period {period}: at least 1"):
        indicator(BARS, period)


PRICES = st.integers(min_value=1, max_value=10**8)


@given(
    rows=st.lists(st.tuples(PRICES, PRICES, PRICES).map(sorted), min_size=2, max_size=20),
    data=st.data(),
)
@settings(deadline=None, max_examples=80)
def test_indicators_agree_with_their_definitions(
    rows: list[list[int]], data: st.DataObject
) -> None:
    bars = [bar(f"{high}e-2", f"{low}e-2", f"{close}e-2") for low, close, high in rows]
    period = data.draw(st.integers(min_value=1, max_value=len(bars) - 1))
    ranges = [
        max(high - low, abs(high - before[1]), abs(low - before[1]))
        for before, (low, _, high) in zip(rows[-period - 1 :], rows[-period:], strict=False)
    ]
    closes = [close for _, close, _ in rows[-period:]]
    for actual, expected in (
        (average_true_range(bars, period), Fraction(sum(ranges), 100 * period)),
        (simple_average(bars, period), Fraction(sum(closes), 100 * period)),
    ):
        assert abs(Fraction(actual.value) - expected) <= expected / 10**50
    channel = donchian(bars, period)
    assert Fraction(channel.high.value) == Fraction(max(row[2] for row in rows[-period:]), 100)
    assert Fraction(channel.low.value) == Fraction(min(row[0] for row in rows[-period:]), 100)
