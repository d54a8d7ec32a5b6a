"""Money belongs to the day of its fill, and a day opens with the equity from before its fills."""

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import HistoryRows, TimePassed
from tidegate.domain.core.state import State
from tidegate.domain.core.step import step
from tidegate.domain.day import DAY_MS, DayBoundary, day_start_ms
from tidegate.domain.ledger import Ledger
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, VenueOrderId
from tidegate.domain.reports import Execution, FundingPayment

from tests.application.bench import BTC

from .scenes import config, opened

QUIET = config(poll_down_ms=None)
T0 = 1_700_000_000_000
"""When the position was opened."""
TURN_MS = day_start_ms(T0, DayBoundary()) + DAY_MS
WALLET = Money.of("9999.6425")
"""10,000 less the fee of the entry, 0.3575."""


def held(mark: str | None = "64500", *, mark_ms: int = T0) -> State:
    """Return 0.010 long from 65,000, with one price or none."""
    state = opened(ladder=()).runner.state
    known = state.view.tickers[BTC]
    tickers = (
        {} if mark is None else {BTC: attrs.evolve(known, mark=Price.of(mark), time_ms=mark_ms)}
    )
    return attrs.evolve(state, view=attrs.evolve(state.view, tickers=tickers))


def sale(at_ms: int, *, price: str = "64000", qty: str = "0.010", name: str = "x-9") -> Execution:
    return Execution(
        execution_id=name,
        symbol=BTC,
        venue_id=VenueOrderId("v-9"),
        client_id=None,
        side=Side.SELL,
        qty=Qty.of(qty),
        price=Price.of(price),
        fee=Money.of(0),
        is_maker=False,
        time_ms=at_ms,
    )


def payment(at_ms: int) -> FundingPayment:
    return FundingPayment(
        payment_id="f-9",
        symbol=BTC,
        rate=Rate.of("0.0001"),
        mark=Price.of("65000"),
        qty=Qty.of("0.010"),
        amount=Money.of("0.065"),
        time_ms=at_ms,
    )


def ledger_of(state: State) -> Ledger:
    assert state.books.ledger is not None
    return state.books.ledger


@pytest.mark.parametrize(("mark", "open_profit"), [("64500", "-5"), (None, "0")])
def test_the_day_turns_before_the_first_fill_beyond_its_end(
    mark: str | None, open_profit: str
) -> None:
    """Open positions count at the last price, and at cost where none is known."""
    made = step(held(mark), sale(TURN_MS), QUIET, TURN_MS + 2_000)
    equity = WALLET + Money.of(open_profit)
    assert made.events[:2] == (
        ev.DayRolled(equity=equity, time_ms=TURN_MS),
        ev.Filled(execution=sale(TURN_MS)),
    )
    ledger = ledger_of(made.state)
    today, (yesterday,) = ledger.today, ledger.days
    assert (today.opening_equity, today.realised, today.trades) == (equity, Money.of(-10), 1)
    assert (yesterday.closing_equity, yesterday.realised, yesterday.trades) == (
        equity,
        Money.of(0),
        0,
    )
    # The turn is made once.
    later = step(made.state, TimePassed(), QUIET, TURN_MS + 3_000)
    assert [event for event in later.events if isinstance(event, ev.DayRolled)] == []


def test_a_price_from_before_the_entry_says_nothing_of_what_is_held() -> None:
    made = step(held("60000", mark_ms=T0 - 1), sale(TURN_MS), QUIET, TURN_MS)
    assert ledger_of(made.state).today.opening_equity == WALLET


def test_funding_of_midnight_belongs_to_the_day_that_begins() -> None:
    made = step(held(), payment(TURN_MS), QUIET, TURN_MS + 50)
    today = ledger_of(made.state).today
    assert (today.start_ms, today.funding) == (TURN_MS, Money.of("0.065"))
    assert today.opening_equity == WALLET - Money.of(5)


def test_the_last_fill_of_a_day_and_its_trade_belong_to_that_day_though_known_after_it() -> None:
    made = step(held(), sale(TURN_MS - 1), QUIET, TURN_MS + 100)
    before = ledger_of(made.state)
    assert (before.today.realised, before.today.trades) == (Money.of(-10), 1)
    after = ledger_of(step(made.state, TimePassed(), QUIET, TURN_MS + 200).state)
    (yesterday,) = after.days
    assert (yesterday.realised, yesterday.trades, yesterday.losses) == (Money.of(-10), 1, 1)
    assert (after.today.realised, after.today.trades) == (Money.of(0), 0)
    assert after.today.opening_equity == WALLET - Money.of(10)


def test_what_was_missed_over_two_midnights_goes_to_its_three_days() -> None:
    rows = (
        sale(TURN_MS + DAY_MS, qty="0.005", name="x-3"),
        sale(TURN_MS - 1, qty="0.002", name="x-1"),
        sale(TURN_MS, qty="0.003", name="x-2"),
    )
    read = HistoryRows(rows=rows)
    made = step(held(), read, QUIET, TURN_MS + 2 * DAY_MS)
    ledger = ledger_of(made.state)
    assert [day.realised for day in ledger.days] == [Money.of(-2), Money.of(-3)]
    assert (ledger.today.start_ms, ledger.today.realised) == (TURN_MS + DAY_MS, Money.of(-5))
    assert [day.trades for day in ledger.days] == [0, 0]
    assert ledger.today.trades == 1


def test_a_fill_that_comes_after_its_day_was_closed_counts_in_the_open_day() -> None:
    """Its loss is below the equity that the open day began with, so the day's loss has it."""
    turned = step(held("65000"), TimePassed(), QUIET, TURN_MS).state
    made = step(turned, sale(TURN_MS - 1), QUIET, TURN_MS + 100)
    ledger = ledger_of(made.state)
    assert (ledger.today.start_ms, ledger.today.realised) == (TURN_MS, Money.of(-10))
    assert (ledger.today.trades, ledger.today.opening_equity) == (1, WALLET)
    assert [day.realised for day in ledger.days] == [Money.of(0)]
