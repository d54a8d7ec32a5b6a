"""The bars of a live strategy: each closed one once, in order, with streams and without."""

import threading
from collections.abc import Callable

import pytest
from tidegate.application.following import BarFollower
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.bars import BarPort
from tidegate.ports.exchange import QueryFailed, TimeRange

BTC = Symbol("BTCUSDT")
SPAN_MS = 60_000
T0 = 1_700_000_040_000
"""A full minute."""


def bar(number: int) -> Bar:
    price = Price.of(65_000 + number)
    return Bar(
        symbol=BTC,
        start_ms=T0 + number * SPAN_MS,
        end_ms=T0 + (number + 1) * SPAN_MS,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Qty.of(1),
    )


class Market(BarPort):
    """A venue with bars from number -10 on; time stands unless a test moves it."""

    def __init__(self, *, has_stream: bool = True) -> None:
        self.time_ms = T0
        self.asked: list[TimeRange] = []
        self.failures = 0
        self.push: Callable[[Bar], None] | None = None
        self._has_stream = has_stream
        self.lacks: set[int] = set()
        self.when_asked: Callable[[], None] = lambda: None

    def now_ms(self) -> int:
        return self.time_ms

    def closed(self, symbol: Symbol, *, interval_ms: int, within: TimeRange) -> tuple[Bar, ...]:
        assert (symbol, interval_ms) == (BTC, SPAN_MS)
        self.asked.append(within)
        self.when_asked()
        if self.failures:
            self.failures -= 1
            raise QueryFailed("not now")
        every = (bar(number) for number in range(-10, 100) if number not in self.lacks)
        return tuple(
            one
            for one in every
            if within.start_ms <= one.start_ms <= within.end_ms and one.end_ms <= self.time_ms
        )

    def listen(self, symbol: Symbol, *, interval_ms: int, heard: Callable[[Bar], None]) -> bool:
        assert (symbol, interval_ms) == (BTC, SPAN_MS)
        self.push = heard if self._has_stream else None
        return self._has_stream

    def pushed(self, *numbers: int) -> None:
        assert self.push is not None
        for number in numbers:
            self.time_ms = max(self.time_ms, bar(number).end_ms)
            self.push(bar(number))


def followed(market: Market, *, grace_ms: int = 0, retry_ms: int = 1) -> BarFollower:
    follower = BarFollower(
        market, BTC, interval_ms=SPAN_MS, window=3, grace_ms=grace_ms, retry_ms=retry_ms
    )
    follower.begin()
    return follower


def numbers(follower: BarFollower) -> list[int]:
    return [(one.start_ms - T0) // SPAN_MS for one in follower.bars]


def test_it_begins_with_the_closed_bars_of_its_window() -> None:
    market = Market()
    market.time_ms = T0 + 30_000
    assert numbers(followed(market)) == [-3, -2, -1]


def test_a_beginning_that_cannot_be_read_is_an_error_and_not_a_shorter_history() -> None:
    market = Market()
    market.failures = 1
    with pytest.raises(QueryFailed, match="not now"):
        followed(market)


def test_a_pushed_bar_is_taken_at_once_and_a_second_time_not_at_all() -> None:
    market = Market()
    follower = followed(market)
    asked = len(market.asked)
    market.pushed(0, 0, -1, 1)
    assert follower.wait_next()
    assert numbers(follower) == [-2, -1, 0]
    assert follower.wait_next()
    assert numbers(follower) == [-1, 0, 1]
    assert len(market.asked) == asked


def test_what_a_stream_left_out_is_read_before_the_bar_that_came() -> None:
    market = Market()
    follower = followed(market)
    market.pushed(2)
    assert follower.wait_next()
    assert numbers(follower) == [0, 1, 2]
    assert market.asked[-1].start_ms == bar(0).start_ms


def test_a_gap_that_cannot_be_read_holds_back_no_bar() -> None:
    market = Market()
    follower = followed(market)
    market.failures = 1
    market.pushed(2)
    assert follower.wait_next()
    assert numbers(follower) == [-2, -1, 2]


def test_a_bar_that_no_stream_brings_is_asked_for_when_it_should_have_come() -> None:
    market = Market(has_stream=False)
    follower = followed(market)
    market.time_ms = bar(0).end_ms
    assert follower.wait_next()
    assert numbers(follower) == [-2, -1, 0]


def test_a_bar_that_is_late_is_asked_for_until_it_is_there() -> None:
    market = Market()
    follower = followed(market)
    market.time_ms, market.lacks = bar(0).end_ms, {0}
    market.failures = 1
    tries: list[int] = []

    def come_at_the_third() -> None:
        tries.append(market.time_ms)
        market.time_ms += 1
        if len(tries) == 3:
            market.lacks = set()

    market.when_asked = come_at_the_third
    assert follower.wait_next()
    assert len(tries) == 3
    assert numbers(follower)[-1] == 0


def test_several_bars_at_once_are_one_step_to_the_newest() -> None:
    market = Market(has_stream=False)
    follower = followed(market)
    market.time_ms = bar(5).end_ms
    assert follower.wait_next()
    assert numbers(follower) == [3, 4, 5]


@pytest.mark.parametrize(("grace_ms", "wait_ms"), [(0, 60_000), (2_000, 62_000)])
def test_it_waits_until_the_next_bar_should_have_come(grace_ms: int, wait_ms: int) -> None:
    follower = followed(Market(), grace_ms=grace_ms)
    assert follower._wait_ms() == wait_ms


def test_the_stop_ends_a_wait_that_is_under_way_and_every_later_one() -> None:
    follower = followed(Market())
    ended: list[bool] = []
    waiting = threading.Thread(target=lambda: ended.append(follower.wait_next()))
    waiting.start()
    follower.stop()
    waiting.join(10)
    assert ended == [False]
    assert not follower.wait_next()
