"""Wallets compared: what is rounding, what blocks, and what settles it."""

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.comparing import seen_of
from tidegate.domain.core.state import Books, State
from tidegate.domain.core.step import deadline_ms, step
from tidegate.domain.core.wallets import WALLET_FINDING, is_wallet_open, wallet_finding
from tidegate.domain.money import Money
from tidegate.domain.reports import AccountReport

from tests.application.bench import make_bench

from .scenes import config

WIDE = attrs.evolve(config(), poll_up_ms=60_000, wallet_tolerance=Money.of("0.1"))


def fresh() -> tuple[State, AccountReport, int]:
    """Return a desk that holds nothing, what its venue says of the account, and the time."""
    bench = make_bench()
    return bench.runner.state, bench.venue.account(), bench.runner.engine.clock.now_ms()


def apart(state: State, report: AccountReport, by: str) -> State:
    """Return the state after the finding that the wallets are ``by`` apart."""
    moved = attrs.evolve(report, wallet=report.wallet + Money.of(by))
    found = wallet_finding(state.books, WIDE, moved)
    assert found is not None
    assert found.blocks_entries
    return step(state, seen_of(found), WIDE, report.time_ms).state


@pytest.mark.parametrize("by", ["0.1", "-0.1", "0", "0.00000001"])
def test_rounding_is_no_finding(by: str) -> None:
    state, report, _ = fresh()
    moved = attrs.evolve(report, wallet=report.wallet + Money.of(by))
    assert wallet_finding(state.books, WIDE, moved) is None


def test_without_an_account_there_is_nothing_to_compare() -> None:
    _, report, _ = fresh()
    assert wallet_finding(Books(), WIDE, report) is None


@pytest.mark.parametrize("by", ["500", "-500"])
def test_what_was_moved_by_hand_is_allowed_for_once_it_is_stated(by: str) -> None:
    state, report, _ = fresh()
    stated = attrs.evolve(WIDE, wallet_moved=Money.of(by))
    moved = attrs.evolve(report, wallet=report.wallet + Money.of(by))
    assert wallet_finding(state.books, stated, moved) is None
    assert wallet_finding(state.books, stated, report) is not None


def test_balances_settle_the_finding_only_when_they_are_equal_and_not_old() -> None:
    state, report, now_ms = fresh()
    open_ = apart(state, report, "7")
    unequal = attrs.evolve(report, wallet=report.wallet + Money.of("3"))
    still = step(open_, unequal, WIDE, now_ms)
    assert still.events == ()
    assert is_wallet_open(still.state.books)
    old = attrs.evolve(report, time_ms=report.time_ms - 1)
    assert step(still.state, old, WIDE, now_ms).events == ()
    settled = step(still.state, report, WIDE, now_ms)
    assert settled.events == (ev.FindingSettled(finding_id=WALLET_FINDING, time_ms=now_ms),)
    assert not is_wallet_open(settled.state.books)
    assert step(settled.state, report, WIDE, now_ms).events == ()


def test_the_balances_are_read_while_the_wallets_differ_though_nothing_is_held() -> None:
    state, report, now_ms = fresh()
    assert deadline_ms(state, WIDE, now_ms) is None
    view = attrs.evolve(state.view, polled_ms=now_ms)
    open_ = apart(attrs.evolve(state, view=view), report, "7")
    assert deadline_ms(open_, WIDE, now_ms) == now_ms + 60_000
    assert deadline_ms(open_, attrs.evolve(WIDE, poll_up_ms=None), now_ms) is None
