"""The venue's clock is estimated from its answers and bounded by their round trips."""

from hypothesis import given
from hypothesis import strategies as st
from tidegate.adapters.bybit.clock import ServerClock
from tidegate.ports.clock import ClockPort


class HandClock(ClockPort):
    """A clock that a test sets."""

    def __init__(self, now_ms: int = 1_000_000) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms


def test_before_the_first_answer_it_is_our_own_clock() -> None:
    local = HandClock()
    clock = ServerClock(local)
    assert (clock.now_ms(), clock.is_known) == (local.ms, False)


def test_half_of_the_round_trip_is_taken_off() -> None:
    """Sent at 1,000,000, answered 40 later; the venue stamped 1,005,020 in between: 5,000."""
    local = HandClock()
    clock = ServerClock(local)
    clock.note(1_005_020, sent_ms=1_000_000, received_ms=1_000_040)
    assert (clock.offset_ms, clock.is_known) == (5_000, True)
    assert clock.now_ms() == local.ms + 5_000


def test_a_narrow_measurement_is_not_replaced_by_a_wide_one() -> None:
    clock = ServerClock(HandClock())
    clock.note(1_005_001, sent_ms=1_000_000, received_ms=1_000_002)
    clock.note(1_005_400, sent_ms=1_000_010, received_ms=1_000_810)
    assert clock.offset_ms == 5_000


def test_an_old_measurement_is_replaced_by_any() -> None:
    clock = ServerClock(HandClock())
    clock.note(1_005_001, sent_ms=1_000_000, received_ms=1_000_002)
    clock.note(1_106_000, sent_ms=1_100_000, received_ms=1_102_000)
    assert clock.offset_ms == 5_000
    clock.note(1_206_400, sent_ms=1_200_000, received_ms=1_202_000)
    assert clock.offset_ms == 5_400


def test_a_clock_that_was_set_is_noticed_at_once() -> None:
    clock = ServerClock(HandClock())
    clock.note(1_000_001, sent_ms=1_000_000, received_ms=1_000_002)
    clock.note(4_600_500, sent_ms=1_000_010, received_ms=1_001_010)
    assert clock.offset_ms == 3_599_990


def test_what_was_measured_can_be_forgotten() -> None:
    clock = ServerClock(HandClock())
    clock.note(1_005_001, sent_ms=1_000_000, received_ms=1_000_002)
    clock.forget()
    assert (clock.is_known, clock.offset_ms) == (False, 0)
    clock.note(1_000_400, sent_ms=1_000_000, received_ms=1_000_800)
    assert clock.offset_ms == 0


def test_a_measurement_that_went_back_in_time_is_left_out() -> None:
    clock = ServerClock(HandClock())
    clock.note(5, sent_ms=10, received_ms=9)
    assert not clock.is_known


@given(
    st.integers(-(10**7), 10**7),
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 2_000)), min_size=1, max_size=30),
)
def test_the_error_is_at_most_half_of_the_best_round_trip(
    offset_ms: int, trips: list[tuple[int, int]]
) -> None:
    clock, now_ms = ServerClock(HandClock()), 10**9
    for out_ms, back_ms in trips:
        venue_ms = now_ms + out_ms + offset_ms
        clock.note(venue_ms, sent_ms=now_ms, received_ms=now_ms + out_ms + back_ms)
        now_ms += out_ms + back_ms
    best = min(out_ms + back_ms for out_ms, back_ms in trips[-15:])
    assert abs(clock.offset_ms - offset_ms) <= best / 2 + 2
