"""The venue's wallet beside the books': apart by more than rounding, nothing new is opened."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import pytest
from tidegate.application.lifecycle import Application
from tidegate.domain.core.events import FindingRaised, FindingSettled
from tidegate.domain.core.wallets import WALLET_FINDING
from tidegate.domain.money import ZERO_MONEY, Money, Price
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import AccountReport, Execution
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.desk import Placed, Refused
from tidegate.ports.exchange import History, TimeRange

from tests.application.bench import signal
from tests.domain.samples import BTCUSDT

from .threaded_bench import GatedVenue, KeptState, events_of, make_application, started, until

BTC = Symbol("BTCUSDT")


class MovedVenue(GatedVenue):
    """A venue whose wallet is moved by hand, and whose history may come late."""

    def __init__(self) -> None:
        super().__init__((BTCUSDT,))
        self.moved = ZERO_MONEY
        self.is_late = False
        self.script.move(BTC, last=Price.of("65000"))

    def account(self) -> AccountReport:
        report = super().account()
        return attrs.evolve(report, wallet=report.wallet + self.moved)

    def executions(self, symbol: Symbol | None, within: TimeRange) -> History[Execution]:
        found = super().executions(symbol, within)
        return attrs.evolve(found, rows=()) if self.is_late else found


class OpenState(KeptState):
    """A journal that goes on after the desk that closed it."""

    def close(self) -> None:
        self._log.append("books closed")


@contextmanager
def desk(venue: MovedVenue, state: OpenState, *, moved: str = "0") -> Iterator[Application]:
    """Run a desk that reads the activity often, with a statement of what was moved."""
    application = make_application(
        venue, state, poll_up_ms=20, wallet_moved=Money.of(moved), wallet_tolerance=Money.of("0.1")
    )
    with started(application):
        yield application


@pytest.fixture
def begun() -> tuple[MovedVenue, OpenState]:
    """Return a venue and a journal on which a desk has traded, so that the wallet is not round."""
    venue, state = MovedVenue(), OpenState()
    with desk(venue, state) as application:
        assert isinstance(application.desk.execute(signal("first")), Placed)
        application.desk.close_position(BTC)
        assert application.desk.status().wallet != Money.of("100000")
    return venue, state


@pytest.mark.parametrize("moved", ["500", "-500", "0.11", "-0.11"])
def test_a_wallet_that_was_moved_blocks_entries_until_that_is_stated(
    begun: tuple[MovedVenue, OpenState], moved: str
) -> None:
    venue, state = begun
    venue.moved = Money.of(moved)
    with desk(venue, state) as application:
        raised = application.desk.status().books.findings[WALLET_FINDING]
        assert re.search(rf"expect [0-9.]+: {moved}[.0]* apart, at most 0.1 is", raised.text)
        assert "bybit.wallet_moved says how much" in raised.text
        outcome = application.desk.execute(signal("blocked"))
        assert isinstance(outcome, Refused)
        assert [breach.rule for breach in outcome.breaches] == [Rule.FINDINGS_SETTLED]
    with desk(venue, state, moved=moved) as application:
        assert not application.desk.status().books.findings
        assert isinstance(application.desk.execute(signal("allowed")), Placed)


@pytest.mark.parametrize("moved", ["0", "0.1", "-0.1"])
def test_rounding_is_no_difference(begun: tuple[MovedVenue, OpenState], moved: str) -> None:
    venue, state = begun
    venue.moved = Money.of(moved)
    with desk(venue, state) as application:
        assert not application.desk.status().books.findings


def test_the_finding_is_settled_once_the_wallets_are_equal_again_though_nothing_is_held(
    begun: tuple[MovedVenue, OpenState],
) -> None:
    venue, state = begun
    venue.moved = Money.of("500")
    with desk(venue, state) as application:
        assert WALLET_FINDING in application.desk.status().books.findings
        venue.moved = ZERO_MONEY
        until(lambda: not application.desk.status().books.findings)
        assert isinstance(application.desk.execute(signal("after")), Placed)
    found = [e for e in events_of(state) if isinstance(e, FindingRaised | FindingSettled)]
    assert [type(event) for event in found] == [FindingRaised, FindingSettled]


def test_a_difference_is_raised_once_however_often_it_is_seen(
    begun: tuple[MovedVenue, OpenState],
) -> None:
    venue, state = begun
    venue.moved = Money.of("500")
    for _ in range(2):
        with desk(venue, state):
            pass
    found = [e for e in events_of(state) if isinstance(e, FindingRaised | FindingSettled)]
    assert [type(event) for event in found] == [FindingRaised]


def test_a_booking_that_the_history_shows_late_settles_the_finding(
    begun: tuple[MovedVenue, OpenState],
) -> None:
    venue, state = begun
    with desk(venue, state) as application:
        assert isinstance(application.desk.execute(signal("held")), Placed)
    venue.script.advance(500)
    venue.script.trigger_stop(BTC, Price.of("64350"))
    venue.is_late = True
    with desk(venue, state) as application:
        assert WALLET_FINDING in application.desk.status().books.findings
        venue.is_late = False
        until(lambda: WALLET_FINDING not in application.desk.status().books.findings)
        assert application.desk.status().books.positions == {}
    found = [
        type(event)
        for event in events_of(state)
        if isinstance(event, FindingRaised | FindingSettled) and event.finding_id == WALLET_FINDING
    ]
    assert found == [FindingRaised, FindingSettled]
