"""The limiter keeps below the venue's limits, lets safety go first, and waits by events."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.adapters.bybit.http11 import monotonic_ms
from tidegate.adapters.bybit.limits import (
    DEFAULT_LIMITS,
    FROZEN_MS,
    Priority,
    RateLimiter,
    Wait,
)
from tidegate.adapters.bybit.wire.envelope import LimitHeaders, limit_headers

CREATE, CANCEL, READ = "/v5/order/create", "/v5/order/cancel", "/v5/position/list"
BATCH = "/v5/order/create-batch"


class Hand:
    """A limiter on a clock that a test sets; nothing waits, since deadlines lie in the past."""

    def __init__(self) -> None:
        self.ms = 1_000_000
        self.limiter = RateLimiter(clock_ms=lambda: self.ms)

    def take(
        self, path: str = CREATE, priority: Priority = Priority.SAFETY, orders: int = 1
    ) -> Wait | None:
        """Send one request that is answered at once, if it may be sent."""
        waits = self.limiter.acquire(path, priority=priority, deadline_ms=self.ms, count=orders)
        if waits is None:
            self.limiter.answered(path, count=orders)
        return waits

    def count(self, path: str, priority: Priority) -> int:
        taken = 0
        while self.take(path, priority) is None:
            taken += 1
        return taken


@pytest.mark.parametrize(("path", "limit"), sorted(DEFAULT_LIMITS.items()))
def test_each_endpoint_has_its_default(path: str, limit: int) -> None:
    assert Hand().count(path, Priority.SAFETY) == limit


def test_the_documented_defaults() -> None:
    expected = {
        CREATE: 10,
        CANCEL: 10,
        READ: 50,
        "/v5/position/trading-stop": 10,
        "/v5/order/realtime": 50,
        "/v5/account/transaction-log": 25,
        "/v5/account/fee-rate": 5,
    }
    assert {path: DEFAULT_LIMITS[path] for path in expected} == expected


def test_a_fifth_is_kept_for_safety() -> None:
    hand = Hand()
    assert hand.count(CREATE, Priority.NORMAL) == 8
    assert hand.count(CREATE, Priority.SAFETY) == 2


def test_a_batch_counts_by_its_orders() -> None:
    hand = Hand()
    assert hand.take(BATCH, orders=7) is None
    assert hand.take(BATCH, orders=4) == Wait(1_000)
    assert hand.take(BATCH, orders=3) is None
    assert hand.take(BATCH) == Wait(1_000)
    assert hand.count(CREATE, Priority.SAFETY) == 10


def test_a_batch_waits_for_as_much_room_as_it_needs() -> None:
    """Four orders left the window 400 ms before the other five do."""
    hand = Hand()
    assert hand.take(BATCH, orders=4) is None
    hand.ms += 400
    assert hand.take(BATCH, orders=5) is None
    assert hand.take(BATCH, orders=5) == Wait(600)
    assert hand.take(BATCH, orders=6) == Wait(1_000)
    hand.ms += 600
    assert hand.take(BATCH, orders=5) is None


def test_a_batch_under_way_counts_until_a_second_after_its_answer() -> None:
    hand = Hand()
    limiter = hand.limiter
    assert limiter.acquire(BATCH, priority=Priority.SAFETY, deadline_ms=hand.ms, count=8) is None
    hand.ms += 5_000
    assert hand.take(BATCH, orders=3) == Wait(1_000)
    limiter.answered(BATCH, count=8)
    hand.ms += 999
    assert hand.take(BATCH, orders=3) == Wait(1)
    hand.ms += 1
    assert hand.take(BATCH, orders=10) is None


def test_more_than_there_is_ever_room_for_waits_for_all_of_it() -> None:
    """The limit may have shrunk since the batch was cut; then the venue tells each order."""
    hand = Hand()
    hand.take(BATCH)
    assert hand.take(BATCH, orders=30) == Wait(1_000)
    hand.ms += 1_000
    assert hand.take(BATCH, orders=30) is None


def test_the_room_of_a_batch_is_known_before_it_is_cut() -> None:
    hand = Hand()
    rooms = [hand.limiter.room(BATCH, priority=one) for one in (Priority.NORMAL, Priority.SAFETY)]
    assert rooms == [8, 10]
    for limit, room in ((200, 160), (2, 2), (1, 1)):
        headers = LimitHeaders(limit=limit, remaining=1, reset_ms=5_000)
        hand.limiter.note(BATCH, headers, venue_ms=5_000)
        assert hand.limiter.room(BATCH, priority=Priority.NORMAL) == room


@given(
    sizes=st.lists(st.integers(1, 8), min_size=1, max_size=30),
    delays=st.lists(st.integers(0, 700), min_size=30, max_size=30),
)
def test_the_venue_never_counts_more_orders_than_its_limit(
    sizes: list[int], delays: list[int]
) -> None:
    """Whatever the batches hold and however long each travels before it is counted."""
    hand = Hand()
    counted: list[tuple[int, int]] = []
    for size, delay in zip(sizes, delays, strict=False):
        while True:
            wait = hand.limiter.acquire(
                BATCH, priority=Priority.NORMAL, deadline_ms=hand.ms, count=size
            )
            if wait is None:
                break
            hand.ms += wait.ms
        hand.ms += delay
        counted.append((hand.ms, size))
        hand.limiter.answered(BATCH, count=size)
    for now_ms, _ in counted:
        within = sum(size for ms, size in counted if now_ms - 1_000 < ms <= now_ms)
        assert within <= 10


def test_room_comes_back_after_a_second() -> None:
    hand = Hand()
    hand.count(CREATE, Priority.SAFETY)
    assert hand.take() == Wait(1_000)
    hand.ms += 999
    assert hand.take() == Wait(1)
    hand.ms += 1
    assert hand.count(CREATE, Priority.SAFETY) == 10


def test_endpoints_do_not_share_their_room() -> None:
    hand = Hand()
    hand.count(CREATE, Priority.SAFETY)
    assert hand.take(CANCEL) is None


def test_the_account_s_own_limit_replaces_the_default() -> None:
    hand = Hand()
    headers = LimitHeaders(limit=200, remaining=199, reset_ms=5_000)
    hand.limiter.note(CREATE, headers, venue_ms=5_000)
    assert hand.count(CREATE, Priority.NORMAL) == 160
    assert hand.limiter.limit_of(CREATE) == 200


def test_nothing_remaining_stops_until_the_reset() -> None:
    """Other programs of the account use up the same limit; only the venue knows."""
    hand = Hand()
    headers = LimitHeaders(limit=10, remaining=0, reset_ms=5_700)
    hand.limiter.note(CREATE, headers, venue_ms=5_000)
    assert hand.take() == Wait(700)
    hand.ms += 700
    assert hand.take() is None


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        (None, 1_000),
        (LimitHeaders(limit=10, remaining=0, reset_ms=5_400), 400),
        (LimitHeaders(limit=10, remaining=0, reset_ms=1), 1),
        (LimitHeaders(limit=10, remaining=0, reset_ms=10**15), 60_000),
    ],
)
def test_a_refusal_stops_until_the_reset_within_reason(
    headers: LimitHeaders | None, wait: int
) -> None:
    hand = Hand()
    hand.limiter.exhausted(READ, headers, venue_ms=5_000)
    assert hand.take(READ) == Wait(wait)


def test_a_ban_stops_everything_for_ten_minutes() -> None:
    hand = Hand()
    hand.limiter.freeze()
    assert FROZEN_MS == 600_000
    for path in (CREATE, CANCEL, "/v5/market/time"):
        assert hand.take(path) == Wait(600_000)
    assert hand.limiter.is_frozen
    hand.ms += 600_000
    assert hand.take() is None
    assert not hand.limiter.is_frozen


def test_all_requests_together_stay_below_the_limit_of_the_address() -> None:
    """600 requests in 5 seconds; 20 are left to others, and 30 to safety."""
    hand = Hand()
    taken = 0
    for second in range(5):
        hand.ms = 1_000_000 + 1_000 * second
        for path in ("/v5/market/tickers", "/v5/market/time"):
            while taken < 550 and hand.take(path, Priority.NORMAL) is None:
                taken += 1
    assert taken == 550
    assert hand.take(CANCEL, Priority.NORMAL) is not None
    assert hand.take(CANCEL, Priority.SAFETY) is None


@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(Priority)), max_size=200),
)
def test_no_second_ever_holds_more_than_the_limit(steps: list[tuple[int, Priority]]) -> None:
    hand, sent = Hand(), list[int]()
    for pause_ms, priority in steps:
        hand.ms += pause_ms
        if hand.take(CREATE, priority) is None:
            sent.append(hand.ms)
    for end_ms in sent:
        assert sum(end_ms - 1_000 < one <= end_ms for one in sent) <= 10


def test_a_request_counts_until_a_second_after_its_answer() -> None:
    """The venue counts it when it arrives, which may be just before it answers."""
    hand = Hand()
    for _ in range(10):
        assert hand.limiter.acquire(CREATE, priority=Priority.SAFETY, deadline_ms=hand.ms) is None
    hand.ms += 1_500
    assert hand.take() == Wait(1_000)
    hand.limiter.answered(CREATE)
    assert hand.take() == Wait(1_000)
    hand.ms += 999
    assert hand.take() == Wait(1)
    hand.ms += 1
    assert hand.count(CREATE, Priority.SAFETY) == 1


def test_an_answer_lets_a_waiting_request_look_again() -> None:
    limiter = RateLimiter()
    headers = LimitHeaders(limit=1, remaining=1, reset_ms=0)
    limiter.note(CREATE, headers, venue_ms=0)
    deadline_ms = monotonic_ms() + 10_000
    assert limiter.acquire(CREATE, priority=Priority.SAFETY, deadline_ms=deadline_ms) is None
    got: list[Wait | None] = []
    waiting = threading.Thread(
        target=lambda: got.append(
            limiter.acquire(CREATE, priority=Priority.SAFETY, deadline_ms=deadline_ms)
        )
    )
    waiting.start()
    began_ms = monotonic_ms()
    limiter.answered(CREATE)
    waiting.join(10)
    assert got == [None]
    assert 990 <= monotonic_ms() - began_ms < 8_000


def test_safety_can_use_what_others_leave_of_the_address() -> None:
    hand = Hand()
    taken = 0
    for second in range(5):
        hand.ms = 1_000_000 + 900 * second
        for path in ("/v5/market/tickers", "/v5/market/time"):
            while taken < 600 and hand.take(path, Priority.SAFETY) is None:
                taken += 1
    assert taken == 580


def test_headers_that_make_no_sense_change_nothing() -> None:
    hand = Hand()
    hand.limiter.note(CREATE, None, venue_ms=0)
    hand.limiter.note(CREATE, LimitHeaders(limit=0, remaining=0, reset_ms=9), venue_ms=0)
    assert hand.count(CREATE, Priority.SAFETY) == 10
    assert limit_headers({"x-bapi-limit": "ten"}) is None
    assert limit_headers(
        {
            "x-bapi-limit": "10",
            "x-bapi-limit-status": "9",
            "x-bapi-limit-reset-timestamp": "1700000000000",
        }
    ) == LimitHeaders(limit=10, remaining=9, reset_ms=1_700_000_000_000)


def test_a_wait_ends_when_there_is_room() -> None:
    limiter = RateLimiter()
    limiter.exhausted(CREATE, LimitHeaders(limit=10, remaining=0, reset_ms=5_150), venue_ms=5_000)
    began_ms = monotonic_ms()
    got = limiter.acquire(CREATE, priority=Priority.NORMAL, deadline_ms=began_ms + 10_000)
    assert got is None
    assert 140 <= monotonic_ms() - began_ms < 5_000


def test_a_wait_that_cannot_end_in_time_is_not_begun() -> None:
    limiter = RateLimiter()
    limiter.freeze()
    began_s = time.monotonic()
    deadline_ms = monotonic_ms() + 5_000
    assert limiter.acquire(CREATE, priority=Priority.SAFETY, deadline_ms=deadline_ms) is not None
    assert time.monotonic() - began_s < 2


def test_safety_goes_before_who_waited_longer() -> None:
    limiter = RateLimiter()
    limiter.note(CREATE, LimitHeaders(limit=1, remaining=0, reset_ms=5_200), venue_ms=5_000)
    order: list[Priority] = []
    lock, deadline_ms = threading.Lock(), monotonic_ms() + 10_000

    def take(priority: Priority) -> None:
        assert limiter.acquire(CREATE, priority=priority, deadline_ms=deadline_ms) is None
        with lock:
            order.append(priority)
        limiter.answered(CREATE)

    threads = [
        threading.Thread(target=take, args=(priority,))
        for priority in (Priority.NORMAL, Priority.SAFETY)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert order == [Priority.SAFETY, Priority.NORMAL]
