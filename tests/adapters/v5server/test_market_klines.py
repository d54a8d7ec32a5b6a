"""Candles: where they begin and end, how they fill, that there is one for every interval."""

from datetime import UTC, datetime

import pytest
from tidegate.adapters.v5server.market_klines import (
    INTERVALS,
    Kline,
    KlineSeries,
    bucket_start_ms,
    next_bucket_ms,
)
from tidegate.domain.money import Price, Qty


def ms(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000


def piece(price: str, at: int, *, volume: str = "1") -> Kline:
    value = Price.of(price)
    return Kline(
        start_ms=at,
        end_ms=at,
        open=value,
        high=value,
        low=value,
        close=value,
        volume=Qty.of(volume),
        turnover=value * Qty.of(volume),
        updated_ms=at,
    )


@pytest.mark.parametrize(
    ("interval", "start", "following"),
    [
        ("1", "2024-02-29 23:59:00", "2024-03-01 00:00:00"),
        ("3", "2024-02-29 23:57:00", "2024-03-01 00:00:00"),
        ("15", "2024-02-29 23:45:00", "2024-03-01 00:00:00"),
        ("240", "2024-02-29 20:00:00", "2024-03-01 00:00:00"),
        ("720", "2024-02-29 12:00:00", "2024-03-01 00:00:00"),
        ("D", "2024-02-29 00:00:00", "2024-03-01 00:00:00"),
        ("W", "2024-02-26 00:00:00", "2024-03-04 00:00:00"),
        ("M", "2024-02-01 00:00:00", "2024-03-01 00:00:00"),
    ],
)
def test_a_candle_begins_on_its_grid(interval: str, start: str, following: str) -> None:
    moment = ms("2024-02-29 23:59:59")
    assert bucket_start_ms(interval, moment) == ms(start)
    assert next_bucket_ms(interval, ms(start)) == ms(following)
    assert bucket_start_ms(interval, ms(following)) == ms(following)


def test_there_is_every_interval_of_the_venue() -> None:
    expected = ["1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M"]
    assert list(INTERVALS) == expected


def test_a_candle_joins_what_falls_into_it() -> None:
    series = KlineSeries("1")
    for price, at in (("10", 0), ("13", 100), ("8", 200), ("9", 59_999)):
        assert series.add(piece(price, at)) == []
    (kline,) = series.within(None, None, 10)
    prices = (kline.open, kline.high, kline.low, kline.close)
    assert prices == tuple(map(Price.of, ("10", "13", "8", "9")))
    assert (str(kline.volume), str(kline.turnover)) == ("4", "40")


def test_the_next_price_closes_a_candle_and_empty_time_is_flat() -> None:
    series = KlineSeries("1")
    series.add(piece("10", 0))
    (closed,) = series.add(piece("20", 180_001))
    assert (closed.start_ms, closed.end_ms) == (0, 59_999)
    newest = series.within(None, None, 10)
    assert [kline.start_ms for kline in newest] == [180_000, 120_000, 60_000, 0]
    assert [str(kline.close) for kline in newest] == ["20", "10", "10", "10"]
    assert str(newest[0].open) == "10", "the venue opens a candle at the close before it"
    assert [str(kline.volume) for kline in newest] == ["1", "0", "0", "1"]


def test_a_range_is_of_starts_and_both_ends_belong_to_it() -> None:
    series = KlineSeries("1")
    for number in range(5):
        series.add(piece("10", number * 60_000))
    found = series.within(60_000, 180_000, 10)
    assert [kline.start_ms for kline in found] == [180_000, 120_000, 60_000]
    assert [kline.start_ms for kline in series.within(None, None, 2)] == [240_000, 180_000]


def test_what_comes_late_does_not_change_the_past() -> None:
    series = KlineSeries("1")
    series.add(piece("10", 120_000))
    series.add(piece("99", 60_000))
    (kline,) = series.within(None, None, 10)
    assert str(kline.high) == "10"


def test_candles_are_bounded_also_over_a_long_silence() -> None:
    series = KlineSeries("1")
    series.add(piece("10", 0))
    series.roll(10**12)
    found = series.within(None, None, 5_000)
    assert len(found) == 1_001
    assert found[0].start_ms == bucket_start_ms("1", 10**12)
    assert found[-1].start_ms == found[0].start_ms - 1_000 * 60_000
