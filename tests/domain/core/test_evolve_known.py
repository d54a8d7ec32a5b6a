"""What events about the whole desk change in the books, and that they change nothing else."""

import attrs
import pytest
from tidegate.domain import ledger as ledgers
from tidegate.domain.core import events as ev
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.state import Books
from tidegate.domain.day import DAY_MS, DayBoundary
from tidegate.domain.equity import Anchor, EquitySource
from tidegate.domain.mode import TradingMode, TradingState, VenueKind
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import Side
from tidegate.domain.risk.verdict import Breach, Missing, Rule
from tidegate.domain.trade import ClosedTrade

from tests.application.bench import BTC

from .scenes import only, opened

DAY = DayBoundary()
PANIC = ev.PanicStarted(cause="drill", key="panic01234567890", time_ms=4)


def books() -> Books:
    return opened().runner.state.books


def ended() -> ClosedTrade:
    """Return the first trade of a desk, closed."""
    bench = opened()
    bench.desk.close_position(BTC)
    (event,) = only(bench, ev.TradeClosed)
    return event.trade


def test_a_refusal_is_counted_by_rule_and_its_signal_is_done_with() -> None:
    breach = Breach(rule=Rule.EXPOSURE, observed="2", limit="1", remedy="less")
    gap = Missing(rule=Rule.DAY_LOSS, what="equity")
    refused = ev.SignalRefused(
        trade_key="k",
        signal_id="s9",
        symbol=BTC,
        side=Side.BUY,
        breaches=(breach,),
        missing=(gap,),
        fault=None,
        largest=None,
        time_ms=77,
    )
    before = books()
    assert evolve(before, refused, DAY) == attrs.evolve(
        before,
        tally=before.tally.book_refusal((Rule.EXPOSURE, Rule.DAY_LOSS)),
        signals=before.signals.add("s9"),
        decided_ms={BTC: 77},
    )


def test_a_leverage_is_known_from_its_confirmation_to_a_refusal() -> None:
    before = books()
    seven = evolve(before, ev.LeverageSet(symbol=BTC, leverage=Rate.of(7)), DAY)
    assert seven == attrs.evolve(before, leverage={BTC: Rate.of(7)})
    refused = ev.LeverageRefused(symbol=BTC, leverage=Rate.of(9), message="no")
    assert evolve(seven, refused, DAY) == attrs.evolve(before, leverage={})


def test_the_days_turn_closes_the_day_and_counts_sends_anew() -> None:
    before = books()
    assert before.ledger is not None
    assert before.sends_today == 3
    turn_ms = before.ledger.today.start_ms + DAY_MS + 5
    turn = ev.DayRolled(equity=Money.of("10050"), time_ms=turn_ms)
    ledger, closed = ledgers.roll_day(
        before.ledger, now_ms=turn_ms, equity=Money.of("10050"), boundary=DAY
    )
    (day,) = closed
    assert evolve(before, turn, DAY) == attrs.evolve(
        before, ledger=ledger, tally=before.tally.book_day(day), sends_today=0
    )


def test_every_day_of_a_silence_is_counted() -> None:
    before = books()
    assert before.ledger is not None
    turn_ms = before.ledger.today.start_ms + 3 * DAY_MS
    after = evolve(before, ev.DayRolled(equity=Money.of("9990"), time_ms=turn_ms), DAY)
    assert after.tally.daily.days == 3
    assert after.ledger is not None
    assert after.ledger.days_closed == 3


def test_a_closed_trade_is_booked_and_numbering_goes_on_after_it() -> None:
    before = books()
    trade = ended()
    assert before.ledger is not None
    after = evolve(before, ev.TradeClosed(trade=trade), DAY)
    key = before.trades[BTC].key
    entry = next(order for order in before.finished.values() if order.trade_key == key)
    numbered = attrs.evolve(entry, sequence_next=before.trades[BTC].sequence)
    assert after == attrs.evolve(
        before,
        ledger=ledgers.book_trade(before.ledger, trade),
        tally=before.tally.book_trade(trade),
        trades={},
        finished={**before.finished, entry.request.client_id: numbered},
    )


def test_a_trade_that_the_books_do_not_hold_is_booked_all_the_same() -> None:
    trade = ended()
    before = attrs.evolve(books(), trades={})
    assert before.ledger is not None
    after = evolve(before, ev.TradeClosed(trade=trade), DAY)
    assert after == attrs.evolve(
        before,
        ledger=ledgers.book_trade(before.ledger, trade),
        tally=before.tally.book_trade(trade),
    )


def test_a_mark_moves_the_ledger_alone() -> None:
    before = books()
    assert before.ledger is not None
    equity = Money.of("10400")
    assert evolve(before, ev.EquityMarked(equity=equity, time_ms=9), DAY) == attrs.evolve(
        before, ledger=ledgers.mark_equity(before.ledger, equity)
    )


@pytest.mark.parametrize("state", list(TradingState))
def test_the_trading_state_is_what_was_set_and_panic_is_stricter(state: TradingState) -> None:
    before = books()
    after = evolve(before, ev.TradingStateChanged(state=state, cause="x"), DAY)
    assert after == attrs.evolve(before, trading_state=state)
    assert after.effective_state is state
    panicked = evolve(after, PANIC, DAY)
    assert (panicked.effective_state, panicked.trading_state) == (TradingState.HALTED, state)


def test_panic_begins_ends_and_is_reset_with_nothing_left_of_it() -> None:
    before = attrs.evolve(books(), panic_remaining=("of an earlier one",), panic_orders=2)
    begun = evolve(before, PANIC, DAY)
    assert begun == attrs.evolve(before, panic=PANIC, is_panic_running=True, panic_remaining=())
    assert begun.is_panic_running is True
    assert begun.panic_remaining == ()
    over = evolve(begun, ev.PanicEnded(remaining=("BTCUSDT 1",), time_ms=9), DAY)
    assert over == attrs.evolve(begun, is_panic_running=False, panic_remaining=("BTCUSDT 1",))
    assert over.is_panic_running is False
    for state in (over, begun):
        reset = evolve(state, ev.PanicReset(time_ms=10), DAY)
        assert reset == attrs.evolve(
            before, panic=None, is_panic_running=False, panic_orders=0, panic_remaining=()
        )
        assert reset.is_panic_running is False


def test_opening_the_account_says_since_when_the_books_count() -> None:
    event = ev.AccountOpened(wallet=Money.of("500"), time_ms=1_700_000_000_000)
    assert evolve(Books(), event, DAY) == Books(
        ledger=ledgers.opened(Money.of("500"), 1_700_000_000_000, DAY),
        opened_ms=1_700_000_000_000,
        last_execution_ms=1_700_000_000_000,
    )


def test_a_mark_of_the_venues_own_equity_begins_a_mark_of_that() -> None:
    before, theirs = books(), Anchor(source=EquitySource.VENUE, basis=2)
    assert before.ledger is not None
    marked = ev.EquityMarked(equity=Money.of("9000"), time_ms=9, anchor=theirs)
    assert evolve(before, marked, DAY) == attrs.evolve(
        before,
        ledger=attrs.evolve(before.ledger, high_water=Money.of("9000"), high_water_anchor=theirs),
    )


def test_a_journal_belongs_to_the_venue_and_the_account_of_its_first_session() -> None:
    first = ev.SessionStarted(mode=TradingMode.PAPER, venue=VenueKind.MEMORY, account="17")
    later = ev.SessionStarted(mode=TradingMode.PAPER, venue=VenueKind.BYBIT_DEMO, account="18")
    begun = evolve(Books(), first, DAY)
    assert begun == Books(venue=VenueKind.MEMORY, account="17")
    assert evolve(begun, later, DAY) == begun
