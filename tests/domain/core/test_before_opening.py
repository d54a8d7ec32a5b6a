"""Nothing is booked before the account was opened, and a session says what it trades as."""

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import ReadRecords
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.inputs import (
    Inventory,
    OpenRequest,
    PanicRequest,
    ReconcileRequest,
    StartRequest,
    TimePassed,
)
from tidegate.domain.core.state import Books, State
from tidegate.domain.core.step import deadline_ms, step
from tidegate.domain.day import DayBoundary
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import Side, VenueOrderId
from tidegate.domain.reports import Execution, FundingPayment, OrderReport

from tests.application.bench import BTC, make_bench, signal

from .scenes import config, only
from .test_evolve_unknown import sample

DAY = DayBoundary()
NOON_MS = 1_700_049_600_000
"""2023-11-15, 12:00 UTC; the day began at 1_700_006_400_000."""
START = StartRequest(mode=TradingMode.DEMO, venue=VenueKind.PAPER, wallet=Money.of("2500"))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ev.DayRolled, "the day rolled before the account was opened"),
        (ev.TradeClosed, "a trade closed before the account was opened"),
        (ev.EquityMarked, "equity was marked before the account was opened"),
        (ev.Filled, "an execution came before the account was opened"),
        (ev.FundingBooked, "a funding payment came before the account was opened"),
    ],
)
def test_money_that_moves_before_the_account_was_opened_is_a_broken_journal(
    kind: type, text: str
) -> None:
    event = (
        ev.EquityMarked(equity=Money.of(1), time_ms=1) if kind is ev.EquityMarked else sample(kind)
    )
    with pytest.raises(AssertionError, match=f"^{text}"):
        evolve(Books(), event, DAY)


def test_reports_before_the_account_was_opened_are_in_its_wallet_already() -> None:
    filled, funded = sample(ev.Filled), sample(ev.FundingBooked)
    assert isinstance(filled, ev.Filled)
    assert isinstance(funded, ev.FundingBooked)
    reports: tuple[Execution | FundingPayment, ...] = (filled.execution, funded.payment)
    for report in reports:
        made = step(State(), report, config(), NOON_MS)
        assert made.events == ()
        assert made.state == State()


def test_a_first_start_opens_the_account_and_a_second_one_does_not() -> None:
    first = step(State(), START, config(), NOON_MS)
    began = ev.SessionStarted(mode=TradingMode.DEMO, venue=VenueKind.PAPER)
    assert first.events == (
        began,
        ev.AccountOpened(wallet=Money.of("2500"), time_ms=NOON_MS),
    )
    books = first.state.books
    assert books.ledger is not None
    assert (books.ledger.opening, books.ledger.today.start_ms) == (
        Money.of("2500"),
        1_700_006_400_000,
    )
    assert (books.opened_ms, books.last_execution_ms) == (NOON_MS, NOON_MS)
    again = step(first.state, attrs.evolve(START, wallet=Money.of("9")), config(), NOON_MS + 5)
    assert again.events == (began,)
    assert again.state == first.state


def test_a_signal_before_prices_and_account_are_known_is_refused_with_all_that_is_missing() -> None:
    bench = make_bench(config=config())
    bare = State(books=bench.runner.state.books)
    made = step(bare, OpenRequest(signal=signal(), key="k" * 16), config(), NOON_MS)
    (refused,) = made.events
    assert isinstance(refused, ev.SignalRefused)
    assert refused.fault == (
        "instrument specification, fee rates, prices, margin mode of BTCUSDT not known: "
        "nothing is sent without"
    )
    assert made.effects == ()
    empty = step(State(), OpenRequest(signal=signal(), key="k" * 16), config(), NOON_MS)
    (refused,) = empty.events
    assert isinstance(refused, ev.SignalRefused)
    assert refused.fault == (
        "instrument specification, fee rates, prices, equity at mark, wallet, margin mode of "
        "BTCUSDT not known: nothing is sent without"
    )
    assert only(bench, ev.EntryIntended) == []


def panicked() -> State:
    """Return a desk whose panic closed something on a journal that no session began."""
    state = State()
    panic = PanicRequest(cause="drill", key="panic01234567890")
    bench = make_bench(config=config())
    bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.010"))
    shown = Inventory(positions=bench.venue.positions(), orders=())
    for item in (panic, shown):
        state = step(state, item, config(), NOON_MS).state
    return state


def told(state: State, status: Status) -> OrderReport:
    (order,) = state.books.orders.values()
    return OrderReport(
        symbol=BTC,
        venue_id=VenueOrderId("v-1"),
        client_id=order.request.client_id,
        side=order.request.side,
        kind=order.request.kind,
        status=status,
        qty=order.request.qty,
        qty_filled=order.request.qty if status is Status.FILLED else Qty.of("0"),
        value_filled=Money.of("650"),
        created_ms=NOON_MS,
        updated_ms=NOON_MS,
    )


def execution_of(state: State, at_ms: int) -> Execution:
    report = told(state, Status.FILLED)
    return Execution(
        execution_id="x",
        symbol=BTC,
        venue_id=report.venue_id,
        client_id=report.client_id,
        side=report.side,
        qty=report.qty,
        price=Price.of("65000"),
        fee=Money.of("0.3"),
        is_maker=False,
        time_ms=at_ms,
    )


LATER_MS = NOON_MS + 5_000


def test_what_a_panic_closed_before_the_opening_is_in_its_wallet_and_not_waited_for() -> None:
    state = panicked()
    execution = execution_of(state, NOON_MS + 1)
    ended = step(state, told(state, Status.FILLED), config(), NOON_MS + 2).state
    assert len(ended.books.orders) == 1
    opened_ = step(ended, START, config(), LATER_MS).state
    assert not opened_.books.orders
    assert step(opened_, execution, config(), LATER_MS).events == ()


def test_what_is_told_of_it_only_after_the_opening_changes_nothing_either() -> None:
    state = panicked()
    report, execution = told(state, Status.FILLED), execution_of(state, LATER_MS - 1)
    opened_ = step(state, START, config(), LATER_MS).state
    assert len(opened_.books.orders) == 1, "its end is still to be known"
    ended = step(opened_, report, config(), LATER_MS + 1).state
    assert not ended.books.orders
    assert step(ended, execution, config(), LATER_MS + 1).events == ()


def test_what_it_fills_after_the_opening_is_booked() -> None:
    state = panicked()
    execution = execution_of(state, LATER_MS)
    opened_ = step(state, START, config(), LATER_MS).state
    (filled, *_) = step(opened_, execution, config(), LATER_MS).events
    assert filled == ev.Filled(execution=execution)


def test_of_any_other_order_the_time_of_an_execution_decides_nothing() -> None:
    opened_ = step(State(), START, config(), LATER_MS).state
    foreign = attrs.evolve(execution_of(panicked(), NOON_MS), client_id=None)
    assert isinstance(step(opened_, foreign, config(), LATER_MS).events[0], ev.Filled)


def test_the_books_open_at_the_venues_time_of_the_wallet() -> None:
    request = attrs.evolve(START, wallet_ms=NOON_MS - 215)
    assert step(State(), request, config(), NOON_MS).state.books.opened_ms == NOON_MS - 215
    assert step(State(), START, config(), NOON_MS).state.books.opened_ms == NOON_MS


def test_a_session_says_whose_account_it_trades() -> None:
    made = step(State(), attrs.evolve(START, account="12345"), config(), NOON_MS)
    began = made.events[0]
    assert began == ev.SessionStarted(mode=TradingMode.DEMO, venue=VenueKind.PAPER, account="12345")
    assert made.state.books.account == "12345"


def test_a_reconciliation_that_was_wanted_before_the_opening_is_due_with_it() -> None:
    waiting = step(State(), ReconcileRequest(number=1), config(), NOON_MS - 9).state
    assert waiting.view.reconcile_asked_ms is None
    begun = step(waiting, START, config(), NOON_MS).state
    assert deadline_ms(begun, config(), NOON_MS) == NOON_MS
    made = step(begun, TimePassed(), config(), NOON_MS)
    assert any(isinstance(effect, ReadRecords) for effect in made.effects)


def test_books_remember_as_many_of_each_as_they_are_told() -> None:
    books = Books().bounded(finished=3, signals=5, executions=7)
    assert (books.finished_kept, books.signals.keep, books.executions.keep) == (3, 5, 7)
    assert (
        attrs.evolve(books, finished_kept=9).bounded(finished=3, signals=5, executions=7) == books
    )
