"""After a booking the desk marks itself only at a price that is not older than the booking."""

from typing import Any

import attrs
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import ReadActivity, ReadPosition, ReadRecords
from tidegate.domain.core.inputs import TimePassed
from tidegate.domain.core.state import State
from tidegate.domain.core.step import step
from tidegate.domain.day import DAY_MS
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, VenueOrderId
from tidegate.domain.reports import Execution, FundingPayment, StreamReport, StreamState

from tests.application.bench import BTC, make_bench

from .scenes import config, opened

T0 = 1_700_000_000_000
ETH = Symbol("ETHUSDT")
QUIET = config(poll_down_ms=None)


def held(mark_ms: int = 0) -> State:
    """Return 0.010 long from 65,000 whose price is 64,000, of ``mark_ms`` after T0."""
    state = opened(ladder=()).runner.state
    ticker = attrs.evolve(state.view.tickers[BTC], mark=Price.of("64000"), time_ms=T0 + mark_ms)
    return attrs.evolve(state, view=attrs.evolve(state.view, tickers={BTC: ticker}))


def payment(at: int, symbol: Symbol = BTC) -> FundingPayment:
    return FundingPayment(
        payment_id="f-9",
        symbol=symbol,
        rate=Rate.of("0.0001"),
        mark=Price.of("65000"),
        qty=Qty.of("0.010"),
        amount=Money.of("0.065"),
        time_ms=T0 + at,
    )


def sale(qty: str, at: int) -> Execution:
    return Execution(
        execution_id="x-9",
        symbol=BTC,
        venue_id=VenueOrderId("v-9"),
        client_id=None,
        side=Side.SELL,
        qty=Qty.of(qty),
        price=Price.of("65000"),
        fee=Money.of("0.01"),
        is_maker=False,
        time_ms=T0 + at,
    )


def marks(state: State, item: Any) -> list[ev.Event]:
    events = step(state, item, QUIET, T0 + 50).events
    return [event for event in events if isinstance(event, ev.EquityMarked | ev.Excursion)]


def test_funding_is_marked_at_a_price_of_its_own_time_and_not_at_an_older_one() -> None:
    """10 lost at the mark of 64,000, 0.3575 paid as fee, 0.065 as funding."""
    assert marks(held(), payment(0)) == [
        ev.Excursion(symbol=BTC, profit=Money.of(-10)),
        ev.EquityMarked(equity=Money.of("9989.5775"), time_ms=T0 + 50),
    ]
    assert marks(held(), payment(1)) == []
    state = held()
    blind = attrs.evolve(state, view=attrs.evolve(state.view, tickers={}))
    assert marks(blind, payment(0)) == []


def test_funding_of_what_is_flat_by_now_is_marked_at_any_price() -> None:
    (first, second) = marks(held(), payment(1, ETH))
    assert isinstance(first, ev.Excursion)
    assert second == ev.EquityMarked(equity=Money.of("9989.5775"), time_ms=T0 + 50)


def test_funding_counts_once() -> None:
    once = step(held(), payment(0), QUIET, T0 + 50)
    assert once.events[0] == ev.FundingBooked(payment=payment(0))
    assert step(once.state, payment(0), QUIET, T0 + 50).events == ()


def test_an_execution_that_leaves_a_rest_is_not_marked_at_an_older_price() -> None:
    assert marks(held(), sale("0.004", 1)) == []
    assert len(marks(held(), sale("0.004", 0))) == 2
    assert len(marks(held(1), sale("0.004", 1))) == 2


def test_an_execution_that_leaves_nothing_is_marked_at_once() -> None:
    """The fees of 0.3575 and 0.01 are all that was lost."""
    assert marks(held(), sale("0.010", 1)) == [
        ev.EquityMarked(equity=Money.of("9999.6325"), time_ms=T0 + 50)
    ]


def test_an_excursion_is_what_was_earned_and_what_is_open() -> None:
    state = held()
    trade = attrs.evolve(state.books.trades[BTC], profit=Money.of(3))
    earning = attrs.evolve(state, books=attrs.evolve(state.books, trades={BTC: trade}))
    events = step(earning, TimePassed(), QUIET, T0).events
    assert ev.Excursion(symbol=BTC, profit=Money.of(-7)) in events
    for worst, best in ((-7, 0), (-8, 0)):
        known = attrs.evolve(trade, worst=Money.of(worst), best=Money.of(best))
        seen = attrs.evolve(earning, books=attrs.evolve(earning.books, trades={BTC: known}))
        kinds = [type(event) for event in step(seen, TimePassed(), QUIET, T0).events]
        assert ev.Excursion not in kinds
    equal = attrs.evolve(trade, worst=Money.of(-9), best=Money.of(-7))
    seen = attrs.evolve(earning, books=attrs.evolve(earning.books, trades={BTC: equal}))
    kinds = [type(event) for event in step(seen, TimePassed(), QUIET, T0).events]
    assert ev.Excursion not in kinds


def test_a_trade_without_a_price_does_not_hide_the_next_one() -> None:
    state = held()
    trade = state.books.trades[BTC]
    trades = {ETH: attrs.evolve(trade), BTC: trade}
    both = attrs.evolve(state, books=attrs.evolve(state.books, trades=trades))
    events = step(both, TimePassed(), QUIET, T0).events
    assert [event for event in events if isinstance(event, ev.Excursion)] == [
        ev.Excursion(symbol=BTC, profit=Money.of(-10))
    ]


def test_the_day_turns_with_its_first_millisecond_at_the_equity_of_then() -> None:
    state = held()
    ledger = state.books.ledger
    assert ledger is not None
    turn_ms = ledger.today.start_ms + DAY_MS
    before = step(state, TimePassed(), QUIET, turn_ms - 1)
    assert [event for event in before.events if isinstance(event, ev.DayRolled)] == []
    made = step(state, TimePassed(), QUIET, turn_ms)
    rolled = [event for event in made.events if isinstance(event, ev.DayRolled)]
    assert rolled == [ev.DayRolled(equity=Money.of("9989.6425"), time_ms=turn_ms)]
    after = made.state.books.ledger
    assert after is not None
    assert after.today.opening_equity == Money.of("9989.6425")
    assert after.deepest_fall == Money.of("10.3575")


def test_without_a_price_of_what_is_held_nothing_is_marked_and_no_day_turns() -> None:
    state = held()
    blind = attrs.evolve(state, view=attrs.evolve(state.view, tickers={}))
    assert step(blind, TimePassed(), QUIET, T0 + 2 * DAY_MS).events == ()


def test_prices_of_the_same_time_replace_and_older_ones_do_not() -> None:
    state = held(5)
    same = attrs.evolve(state.view.tickers[BTC], mark=Price.of("64100"))
    assert step(state, same, QUIET, T0).state.view.tickers[BTC] == same
    older = attrs.evolve(same, time_ms=T0 + 4)
    assert step(state, older, QUIET, T0).state == state


def test_balances_of_the_same_time_replace_and_older_ones_do_not() -> None:
    state = held()
    account = state.view.account
    assert account is not None
    same = attrs.evolve(account, wallet=Money.of(7))
    made = step(state, same, QUIET, T0)
    assert (made.state.view.account, made.events) == (same, ())
    older = attrs.evolve(same, time_ms=account.time_ms - 1)
    assert step(state, older, QUIET, T0).state == state
    first = attrs.evolve(state, view=attrs.evolve(state.view, account=None))
    assert step(first, account, QUIET, T0).state.view.account == account


def test_a_stream_is_down_since_its_first_word_and_when_it_is_back_the_activity_is_read() -> None:
    state = held()
    for at in (3, 8):
        report = StreamReport(state=StreamState.DOWN, time_ms=T0 + at)
        made = step(state, report, QUIET, T0 + at)
        assert (made.events, made.effects) == ((), ())
        state = made.state
    assert state.view.stream_down_since_ms == T0 + 3
    up = StreamReport(state=StreamState.UP, time_ms=T0 + 9)
    back = step(state, up, QUIET, T0 + 9)
    reading = ReadActivity(since_ms=T0, stream_changes=4)
    assert back.effects == (reading, ReadRecords(since_ms=T0), ReadPosition(symbol=BTC))
    assert (back.state.view.stream_down_since_ms, back.state.view.polled_ms) == (T0 + 3, T0 + 9)
    unopened = State(view=state.view)
    assert step(unopened, up, QUIET, T0 + 9).effects == ()
    assert make_bench(config=config()).runner.state.view.stream_down_since_ms is None


def test_a_stream_that_comes_up_late_after_a_start_is_not_trusted_to_replay() -> None:
    state = held()
    assert state.view.stream_down_since_ms is None
    up = step(state, StreamReport(state=StreamState.UP, time_ms=T0 + 9), QUIET, T0 + 9)
    reading = ReadActivity(since_ms=T0, stream_changes=2)
    assert up.effects == (reading, ReadRecords(since_ms=T0), ReadPosition(symbol=BTC))
