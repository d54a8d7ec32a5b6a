"""A difference of the wallets is explained by the venue's log, or stays a finding."""

from typing import Any

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.domain.core import events as ev
from tidegate.domain.core.effects import ReadRecords
from tidegate.domain.core.inputs import (
    ActivityRead,
    FindingSeen,
    ReconcileRequest,
    RecordsRead,
)
from tidegate.domain.core.reconciling import RECORDS_BACK_MS
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, step
from tidegate.domain.core.transfers import CHANGES_BACK_MS
from tidegate.domain.core.wallets import WALLET_FINDING
from tidegate.domain.money import Money, Price
from tidegate.domain.records import AccountChange, ChangeKind
from tidegate.domain.risk.verdict import Rule
from tidegate.ports.desk import Placed, Refused

from tests.application.bench import BTC, Bench, make_bench, signal

from .scenes import config, limit, only, opened

T0 = 1_700_000_000_000
SETTINGS = config()
OPEN = FindingSeen(finding_id=WALLET_FINDING, symbol=None, text="apart", blocks_entries=True)


def apart(by: str) -> State:
    """Return a desk with the finding that the venue's wallet is ``by`` above its own."""
    state = make_bench(config=SETTINGS).runner.state
    account = state.view.account
    assert account is not None
    shown = attrs.evolve(account, wallet=account.wallet + Money.of(by), time_ms=T0 + 1_000)
    state = attrs.evolve(state, view=attrs.evolve(state.view, account=shown))
    return step(state, OPEN, SETTINGS, T0).state


def change(name: str, amount: str, at: int = 10, **changes: Any) -> AccountChange:
    made = AccountChange(
        change_id=name,
        kind=ChangeKind.TRANSFER_IN if not amount.startswith("-") else ChangeKind.TRANSFER_OUT,
        word="TRANSFER",
        currency="USDT",
        symbol=None,
        cash_flow=Money.of(amount),
        funding=Money.of("0"),
        fee=Money.of("0"),
        change=Money.of(amount),
        balance=Money.of("0"),
        execution_id=None,
        time_ms=T0 + at,
    )
    return attrs.evolve(made, **changes)


def told(state: State, *rows: AccountChange) -> Step:
    read = RecordsRead(profits=None, since_ms=T0, until_ms=T0 + 2_000, changes=rows)
    return step(state, read, SETTINGS, T0 + 2_000)


def booked(made: Step) -> list[str]:
    return [e.change_id for e in made.events if isinstance(e, ev.TransferBooked)]


def is_settled(made: Step) -> bool:
    return WALLET_FINDING not in made.state.books.findings


def test_a_transfer_that_explains_the_difference_is_booked_and_settles_the_finding() -> None:
    made = told(apart("250"), change("c1", "250"))
    assert made.events == (
        ev.TransferBooked(
            change_id="c1",
            amount=Money.of("250"),
            word="TRANSFER",
            equity_before=Money.of("10000"),
            time_ms=T0 + 2_000,
        ),
        ev.FindingSettled(finding_id=WALLET_FINDING, time_ms=T0 + 2_000),
    )
    ledger = made.state.books.ledger
    assert ledger is not None
    assert ledger.wallet == Money.of("10250")


def test_a_row_explains_one_difference_only() -> None:
    state = told(apart("250"), change("c1", "250")).state
    account = state.view.account
    assert account is not None
    shown = attrs.evolve(account, wallet=account.wallet + Money.of("250"))
    state = attrs.evolve(state, view=attrs.evolve(state.view, account=shown))
    again = told(step(state, OPEN, SETTINGS, T0).state, change("c1", "250"))
    assert booked(again) == []
    assert not is_settled(again)


@pytest.mark.parametrize(
    ("by", "rows", "names"),
    [
        # Older rows were explained before: only the newest that fit are booked.
        ("250", [change("old", "400", 5), change("new", "250", 9)], ["new"]),
        ("150", [change("in", "250", 5), change("out", "-100", 9)], ["in", "out"]),
        ("150", [change("out", "-100", 9), change("in", "250", 5)], ["in", "out"]),
        ("250.1", [change("c", "250")], ["c"]),
        ("249.9", [change("c", "250")], ["c"]),
        ("250.11", [change("c", "250")], []),
        ("249.89", [change("c", "250")], []),
        ("250", [change("c", "100"), change("d", "100")], []),
        ("250", [], []),
    ],
)
def test_the_fewest_newest_rows_that_are_the_difference_are_booked(
    by: str, rows: list[AccountChange], names: list[str]
) -> None:
    made = told(apart(by), *rows)
    assert booked(made) == names
    assert is_settled(made) is bool(names)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": ChangeKind.TRADE},
        {"kind": ChangeKind.FUNDING},
        {"kind": ChangeKind.OTHER},
        {"kind": ChangeKind.LIQUIDATION},
        {"currency": "BTC"},
        {"time_ms": T0 - 1},
        {"time_ms": T0 + 1_001},
    ],
    ids=str,
)
def test_nothing_else_explains_a_difference(changes: dict[str, Any]) -> None:
    made = told(apart("250"), change("c", "250", **changes))
    assert booked(made) == []
    assert not is_settled(made)


@pytest.mark.parametrize("kind", [ChangeKind.BONUS, ChangeKind.INTEREST])
def test_a_bonus_and_interest_do(kind: ChangeKind) -> None:
    assert booked(told(apart("-3"), change("c", "-3", kind=kind))) == ["c"]


@pytest.mark.parametrize("at", [0, 1_000])
def test_what_came_from_the_opening_up_to_the_balances_counts(at: int) -> None:
    assert booked(told(apart("250"), change("c", "250", at))) == ["c"]


def test_without_a_finding_no_row_is_booked() -> None:
    state = apart("250")
    free = attrs.evolve(state, books=attrs.evolve(state.books, findings={}))
    assert booked(told(free, change("c", "250"))) == []


def reading(state: State) -> ActivityRead:
    return ActivityRead(positions=(), orders=(), unreadable_count=0, is_alone=True)


def test_the_log_is_read_while_the_wallets_differ_once_a_while_and_not_otherwise() -> None:
    state = apart("250")
    made = step(state, reading(state), SETTINGS, T0 + 5)
    (asked,) = (effect for effect in made.effects if isinstance(effect, ReadRecords))
    assert asked.changes_since_ms == T0
    assert step(made.state, reading(state), SETTINGS, T0 + 6).effects == ()
    late = T0 + CHANGES_BACK_MS + 7
    again = step(made.state, reading(state), SETTINGS, late)
    (asked,) = (effect for effect in again.effects if isinstance(effect, ReadRecords))
    assert asked.changes_since_ms == T0 + 7
    calm = make_bench(config=SETTINGS).runner.state
    assert step(calm, reading(calm), SETTINGS, T0 + 5).effects == ()


def trading(bench: Bench) -> MemoryVenue:
    bench.venue.script.advance(5_000)
    return bench.venue


@pytest.mark.parametrize("amount", ["-4000", "4000"])
def test_money_that_is_moved_while_a_position_is_held_blocks_nothing_and_is_no_fall(
    amount: str,
) -> None:
    bench = opened(make_bench(config=SETTINGS), ladder=())
    venue = trading(bench)
    before = bench.runner.state.books.ledger
    assert before is not None
    venue.script.transfer(Money.of(amount))
    report = bench.desk.reconcile()
    assert report.is_clean, report.findings
    (moved,) = only(bench, ev.TransferBooked)
    assert moved.amount == Money.of(amount)
    ledger = bench.runner.state.books.ledger
    assert ledger is not None
    assert ledger.wallet == venue.account().wallet
    assert ledger.deepest_drawdown == before.deepest_drawdown
    outcome = bench.desk.execute(signal("s2", entry=limit("64900")))
    assert isinstance(outcome, Placed), outcome
    assert bench.runner.state.books.position(BTC).qty.sign > 0


def test_a_difference_that_no_row_explains_stops_entries() -> None:
    bench = opened(make_bench(config=SETTINGS), ladder=())
    venue = trading(bench)
    venue.script.transfer(Money.of("500"))
    stated = attrs.evolve(SETTINGS, wallet_moved=Money.of("-70"))
    bench.runner.engine.config = stated
    report = bench.desk.reconcile()
    assert report.blocks_entries
    assert not only(bench, ev.TransferBooked)
    outcome = bench.desk.execute(signal("s2", entry=limit("64900")))
    assert isinstance(outcome, Refused)
    assert Rule.FINDINGS_SETTLED in {breach.rule for breach in outcome.breaches}


def test_without_balances_nothing_is_explained_until_they_come() -> None:
    """After a start the finding is in the books already, and the balances are not yet read."""
    state = apart("250")
    unread = attrs.evolve(state, view=attrs.evolve(state.view, account=None))
    made = told(unread, change("c1", "250"))
    assert (made.events, is_settled(made)) == ((), False)


def before_transfer(state: State) -> Money:
    account = state.view.account
    ledger = state.books.ledger
    assert account is not None
    assert ledger is not None
    shown = attrs.evolve(account, wallet=ledger.wallet + Money.of("250"), time_ms=T0 + 1_000)
    state = attrs.evolve(state, view=attrs.evolve(state.view, account=shown))
    made = told(step(state, OPEN, SETTINGS, T0).state, change("c1", "250"))
    (transfer,) = [e for e in made.events if isinstance(e, ev.TransferBooked)]
    return transfer.equity_before


def test_a_transfer_is_booked_beside_the_equity_before_it_or_the_wallet() -> None:
    """0.010 from 65,000 gained 4 at 65,400, and 0.3575 of fee is paid."""
    bench = opened(make_bench(config=SETTINGS), ladder=())
    bench.move("65400")
    state = bench.runner.state
    assert state.view.tickers[BTC].mark == Price.of("65400")
    assert before_transfer(state) == Money.of("10003.6425")
    unmarked = attrs.evolve(state, view=attrs.evolve(state.view, tickers={}))
    assert before_transfer(unmarked) == Money.of("9999.6425")


def test_the_log_is_read_with_the_last_days_records_only() -> None:
    state = apart("250")
    late = T0 + 30 * 86_400_000
    made = step(state, reading(state), SETTINGS, late)
    (asked,) = (effect for effect in made.effects if isinstance(effect, ReadRecords))
    assert asked.since_ms == late - RECORDS_BACK_MS
    wanted = step(state, ReconcileRequest(number=1), SETTINGS, late)
    (asked,) = (effect for effect in wanted.effects if isinstance(effect, ReadRecords))
    assert (asked.since_ms, asked.changes_since_ms) == (T0, late - CHANGES_BACK_MS)
