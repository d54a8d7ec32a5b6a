"""The books: identities, the day's turn and marks."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.domain.day import DAY_MS, DayBoundary
from tidegate.domain.history import NO_HISTORY
from tidegate.domain.ledger import (
    DAYS_KEPT,
    IDLE_DAYS_MAX,
    DayClosed,
    Ledger,
    book_fill,
    book_funding,
    book_trade,
    day_profit,
    equity,
    is_new_mark,
    mark_equity,
    opened,
    roll_day,
)
from tidegate.domain.money import ZERO_MONEY, Money, Rate

from tests.domain.trade_samples import DAY_0, UTC_DAY, books, trade, usdt

AMOUNTS = st.integers(min_value=-(10**9), max_value=10**9).map(
    lambda micro: Money.of(f"{micro}e-6")
)


# --- bookings -------------------------------------------------------------------------------


def test_new_books_hold_the_wallet_and_nothing_else() -> None:
    ledger = books("1000")
    assert ledger.wallet == ledger.high_water == ledger.today.opening_equity == usdt("1000")
    assert ledger.today.start_ms == DAY_0
    assert ledger.today.net == ledger.realised == ledger.fees == ledger.funding == ZERO_MONEY
    assert (ledger.trades, ledger.days_closed, ledger.days) == (0, 0, ())
    assert ledger.history == NO_HISTORY


def test_a_day_of_bookings_worked_by_hand() -> None:
    # entry fill: fee 0.55; funding paid 0.10; partial exit +12.5, fee 0.30; rest -2, fee 0.25;
    # a maker rebate of 0.05; funding received 0.04.
    # realised 12.5 - 2 = 10.5; fees 0.55 + 0.30 + 0.25 - 0.05 = 1.05; funding 0.10 - 0.04 = 0.06
    # wallet 1000 + 10.5 - 1.05 - 0.06 = 1009.39
    ledger = book_fill(books("1000"), realised=ZERO_MONEY, fee=usdt("0.55"))
    ledger = book_funding(ledger, usdt("0.10"))
    ledger = book_fill(ledger, realised=usdt("12.5"), fee=usdt("0.30"))
    ledger = book_fill(ledger, realised=usdt("-2"), fee=usdt("0.25"))
    ledger = book_fill(ledger, realised=ZERO_MONEY, fee=usdt("-0.05"))
    ledger = book_funding(ledger, usdt("-0.04"))
    assert (ledger.realised, ledger.fees, ledger.funding) == (
        usdt("10.5"),
        usdt("1.05"),
        usdt("0.06"),
    )
    assert ledger.wallet == usdt("1009.39")
    assert ledger.today.net == usdt("9.39")
    assert equity(ledger, usdt("-20.39")) == usdt("989")
    assert day_profit(ledger, usdt("989")) == usdt("-11")


def test_a_booking_leaves_the_earlier_books_as_they_were() -> None:
    before = books("1000")
    copy = books("1000")
    book_fill(before, realised=usdt("5"), fee=usdt("1"))
    book_funding(before, usdt("1"))
    book_trade(before, trade("-5"))
    mark_equity(before, usdt("2000"))
    roll_day(before, now_ms=DAY_0 + DAY_MS, equity=usdt("900"), boundary=UTC_DAY)
    assert before == copy


def test_a_finished_trade_is_counted_but_its_money_is_not_booked_twice() -> None:
    ledger = book_fill(books(), realised=usdt("7"), fee=usdt("1"))
    counted = book_trade(ledger, trade("7", fees="1"))
    assert counted.wallet == ledger.wallet
    assert (counted.trades, counted.wins, counted.losses, counted.scratches) == (1, 1, 0, 0)
    assert (counted.today.trades, counted.today.wins, counted.today.losses) == (1, 1, 0)


@pytest.mark.parametrize(
    ("profit", "fees", "funding", "outcome"),
    [
        ("1", "0.5", "0.4", (1, 0, 0)),  # net 0.1
        ("1", "0.5", "0.5", (0, 0, 1)),  # net 0: a scratch
        ("1", "0.5", "0.6", (0, 1, 0)),  # net -0.1: costs made a loss of it
        ("-1", "0", "-1.5", (1, 0, 0)),  # net 0.5: funding received
    ],
)
def test_a_trade_wins_or_loses_by_its_net_result(
    profit: str, fees: str, funding: str, outcome: tuple[int, int, int]
) -> None:
    ledger = book_trade(books(), trade(profit, fees=fees, funding=funding))
    assert (ledger.wins, ledger.losses, ledger.scratches) == outcome


BOOKINGS = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), AMOUNTS, AMOUNTS),
        st.tuples(st.just("funding"), AMOUNTS, st.just(ZERO_MONEY)),
        st.tuples(st.just("trade"), AMOUNTS, st.just(ZERO_MONEY)),
    ),
    max_size=20,
)


def booked(ledger: Ledger, bookings: Sequence[tuple[str, Money, Money]]) -> Ledger:
    for kind, first, second in bookings:
        match kind:
            case "fill":
                ledger = book_fill(ledger, realised=first, fee=second)
            case "funding":
                ledger = book_funding(ledger, first)
            case _:
                ledger = book_trade(ledger, trade(str(first)))
    return ledger


@given(bookings=BOOKINGS, opening=AMOUNTS)
@settings(deadline=None, max_examples=60)
def test_the_wallet_is_what_the_bookings_add_up_to(
    bookings: list[tuple[str, Money, Money]], opening: Money
) -> None:
    ledger = booked(opened(opening, DAY_0, UTC_DAY), bookings)
    expected = Fraction(opening.value)
    for kind, first, second in bookings:
        if kind == "fill":
            expected += Fraction(first.value) - Fraction(second.value)
        elif kind == "funding":
            expected -= Fraction(first.value)
    assert Fraction(ledger.wallet.value) == expected
    assert ledger.today.net == ledger.wallet - opening
    assert ledger.trades == ledger.today.trades == sum(kind == "trade" for kind, *_ in bookings)


@given(data=st.data(), bookings=BOOKINGS)
@settings(deadline=None, max_examples=60)
def test_the_order_of_bookings_within_a_day_does_not_matter_for_totals(
    data: st.DataObject, bookings: list[tuple[str, Money, Money]]
) -> None:
    shuffled = data.draw(st.permutations(bookings))
    first, second = booked(books(), bookings), booked(books(), shuffled)
    assert attrs.evolve(first, history=NO_HISTORY) == attrs.evolve(second, history=NO_HISTORY)


@given(bookings=BOOKINGS, cut=st.integers(min_value=0, max_value=20))
@settings(deadline=None, max_examples=60)
def test_totals_are_the_same_wherever_the_day_turns(
    bookings: list[tuple[str, Money, Money]], cut: int
) -> None:
    whole = booked(books(), bookings)
    before = booked(books(), bookings[:cut])
    rolled, (closed,) = roll_day(
        before, now_ms=DAY_0 + DAY_MS, equity=before.wallet, boundary=UTC_DAY
    )
    split = booked(rolled, bookings[cut:])
    assert split.wallet == whole.wallet
    assert (split.trades, split.wins, split.losses) == (whole.trades, whole.wins, whole.losses)
    assert closed.realised + split.today.realised == whole.today.realised
    assert closed.fees + split.today.fees == whole.today.fees
    assert closed.funding + split.today.funding == whole.today.funding
    assert closed.trades + split.today.trades == whole.today.trades


# --- the day's turn -------------------------------------------------------------------------


def test_a_day_closes_at_the_first_equity_after_its_end() -> None:
    ledger = book_trade(book_fill(books(), realised=usdt("8"), fee=usdt("2")), trade("8", fees="2"))
    ledger = book_funding(ledger, usdt("1"))
    rolled, closed = roll_day(ledger, now_ms=DAY_0 + DAY_MS, equity=usdt("1010"), boundary=UTC_DAY)
    assert closed == (
        DayClosed(
            label="2024-02-28",
            start_ms=DAY_0,
            end_ms=DAY_0 + DAY_MS,
            opening_equity=usdt("1000"),
            closing_equity=usdt("1010"),
            realised=usdt("8"),
            fees=usdt("2"),
            funding=usdt("1"),
            trades=1,
            wins=1,
            losses=0,
        ),
    )
    assert (closed[0].profit, closed[0].return_rate) == (usdt("10"), Rate.of("0.01"))
    assert rolled.today.start_ms == DAY_0 + DAY_MS
    assert rolled.today.opening_equity == usdt("1010")
    assert rolled.today.net == ZERO_MONEY
    assert rolled.today.trades == 0
    assert (rolled.wallet, rolled.trades) == (ledger.wallet, 1)
    assert (rolled.days, rolled.days_closed) == (closed, 1)


def test_idle_days_are_flat_and_none_is_missing() -> None:
    # The open day 28 February, then 29 February and 1 and 2 March idle; it is now 3 March 07:00.
    ledger = book_fill(books(), realised=usdt("-50"), fee=ZERO_MONEY)
    now_ms = DAY_0 + 4 * DAY_MS + 7 * 3_600_000
    rolled, closed = roll_day(ledger, now_ms=now_ms, equity=usdt("950"), boundary=UTC_DAY)
    assert [day.label for day in closed] == ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
    assert [day.profit for day in closed] == [usdt("-50"), ZERO_MONEY, ZERO_MONEY, ZERO_MONEY]
    assert [day.trades for day in closed] == [0, 0, 0, 0]
    assert all(earlier.end_ms == later.start_ms for earlier, later in pairwise(closed))
    assert closed[-1].end_ms == rolled.today.start_ms == DAY_0 + 4 * DAY_MS
    assert day_profit(rolled, usdt("951")) == usdt("1")


@pytest.mark.parametrize("now_ms", [DAY_0 + DAY_MS - 1, DAY_0, DAY_0 - 5 * DAY_MS])
def test_within_the_day_or_before_it_nothing_rolls(now_ms: int) -> None:
    ledger = books()
    rolled, closed = roll_day(ledger, now_ms=now_ms, equity=usdt("5000"), boundary=UTC_DAY)
    assert rolled is ledger
    assert closed == ()


def test_a_second_roll_at_the_same_time_changes_nothing() -> None:
    now_ms = DAY_0 + 2 * DAY_MS
    rolled, _ = roll_day(books(), now_ms=now_ms, equity=usdt("990"), boundary=UTC_DAY)
    again, closed = roll_day(rolled, now_ms=now_ms, equity=usdt("990"), boundary=UTC_DAY)
    assert again is rolled
    assert closed == ()


def test_the_equity_at_the_turn_is_marked() -> None:
    now_ms = DAY_0 + DAY_MS
    up, _ = roll_day(books(), now_ms=now_ms, equity=usdt("1200"), boundary=UTC_DAY)
    assert up.high_water == usdt("1200")
    down, _ = roll_day(books(), now_ms=now_ms, equity=usdt("900"), boundary=UTC_DAY)
    assert (down.deepest_fall, down.deepest_drawdown) == (usdt("100"), Rate.of("0.1"))


def test_a_shifted_day_turns_at_its_own_hour() -> None:
    evening = DayBoundary(-480)  # 16:00 UTC
    ledger = opened(usdt("1000"), DAY_0, evening)
    assert ledger.today.start_ms == DAY_0 - 8 * 3_600_000
    turn_ms = DAY_0 + 16 * 3_600_000
    unchanged, none = roll_day(ledger, now_ms=turn_ms - 1, equity=usdt("1"), boundary=evening)
    assert unchanged is ledger
    assert none == ()
    rolled, (closed,) = roll_day(ledger, now_ms=turn_ms, equity=usdt("1"), boundary=evening)
    assert (closed.label, closed.end_ms) == ("2024-02-28", turn_ms)
    assert rolled.today.start_ms == turn_ms


def test_a_changed_boundary_cuts_the_open_day_once() -> None:
    # Opened with midnight UTC; from now on days start at 06:00 UTC.
    later = DayBoundary(360)
    six_ms = DAY_0 + 6 * 3_600_000
    same, none = roll_day(books(), now_ms=six_ms - 1, equity=usdt("1000"), boundary=later)
    assert none == ()
    rolled, closed = roll_day(same, now_ms=six_ms + DAY_MS, equity=usdt("1000"), boundary=later)
    assert [(day.start_ms, day.end_ms) for day in closed] == [
        (DAY_0, six_ms),
        (six_ms, six_ms + DAY_MS),
    ]
    assert rolled.today.start_ms == six_ms + DAY_MS


def test_closed_days_are_bounded_and_still_counted() -> None:
    now_ms = DAY_0 + (DAYS_KEPT + 25) * DAY_MS
    rolled, closed = roll_day(books(), now_ms=now_ms, equity=usdt("1000"), boundary=UTC_DAY)
    assert len(closed) == rolled.days_closed == DAYS_KEPT + 25
    assert rolled.days == closed[25:]
    assert len(rolled.days) == DAYS_KEPT


def test_a_silence_longer_than_any_real_one_is_refused_as_a_wrong_clock() -> None:
    ledger = books()
    longest_ms = DAY_0 + (IDLE_DAYS_MAX + 1) * DAY_MS
    _, closed = roll_day(ledger, now_ms=longest_ms, equity=usdt("1"), boundary=UTC_DAY)
    assert len(closed) == IDLE_DAYS_MAX + 1
    with pytest.raises(ValueError, match=r"3661 days.*at most 3660.*check the clock"):
        roll_day(ledger, now_ms=longest_ms + DAY_MS, equity=usdt("1"), boundary=UTC_DAY)


@pytest.mark.parametrize("opening", ["0", "-5"])
def test_a_day_that_opened_without_equity_has_no_return(opening: str) -> None:
    _, (closed,) = roll_day(
        books(opening), now_ms=DAY_0 + DAY_MS, equity=usdt("7"), boundary=UTC_DAY
    )
    assert closed.return_rate is None


# --- marks ----------------------------------------------------------------------------------


def test_drawdown_worked_by_hand() -> None:
    # equity    high   fall   fall/high   deepest fall   deepest share
    # 1000      1000      0   0                 0        0
    #  900      1000    100   0.1             100        0.1
    # 2000      2000      0   0               100        0.1
    # 1850      2000    150   0.075           150        0.1      <- more USDT, smaller share
    # 1750      2000    250   0.125           250        0.125
    # 1900      2000    100   0.05            250        0.125
    rows = [
        ("900", "1000", "100", "0.1"),
        ("2000", "2000", "100", "0.1"),
        ("1850", "2000", "150", "0.1"),
        ("1750", "2000", "250", "0.125"),
        ("1900", "2000", "250", "0.125"),
    ]
    ledger = books("1000")
    for seen, high, fall, share in rows:
        ledger = mark_equity(ledger, usdt(seen))
        assert ledger.high_water == usdt(high), seen
        assert ledger.deepest_fall == usdt(fall), seen
        assert ledger.deepest_drawdown == Rate.of(share), seen


@given(path=st.lists(AMOUNTS, max_size=15), opening=AMOUNTS)
@settings(deadline=None, max_examples=80)
def test_a_mark_is_new_exactly_when_it_changes_the_books(path: list[Money], opening: Money) -> None:
    ledger = opened(opening, DAY_0, UTC_DAY)
    high = Fraction(opening.value)
    fall = share = Fraction(0)
    for seen in path:
        marked = mark_equity(ledger, seen)
        assert is_new_mark(ledger, seen) == (marked != ledger)
        assert mark_equity(marked, seen) is marked
        ledger = marked
        high = max(high, Fraction(seen.value))
        fall = max(fall, high - Fraction(seen.value))
        if high > 0:
            share = max(share, (high - Fraction(seen.value)) / high)
    assert Fraction(ledger.high_water.value) == high
    assert Fraction(ledger.deepest_fall.value) == fall
    assert abs(Fraction(ledger.deepest_drawdown.value) - share) <= Fraction(1, 10**40)


def test_a_fall_from_an_empty_wallet_divides_by_nothing() -> None:
    ledger = mark_equity(books("0"), usdt("-10"))
    assert (ledger.deepest_fall, ledger.deepest_drawdown) == (usdt("10"), Rate.of(0))


def test_marking_touches_neither_wallet_nor_day() -> None:
    before = book_fill(books(), realised=usdt("3"), fee=usdt("1"))
    after = mark_equity(before, usdt("1500"))
    assert after.wallet == before.wallet
    assert after.today == before.today
