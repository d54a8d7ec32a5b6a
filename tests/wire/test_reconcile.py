"""Reconciliation of a whole desk over the wire: closed profit to the last digit, late records."""

from pathlib import Path
from typing import Any

from tidegate.adapters.v5server.exchange import Exchange
from tidegate.domain.core.events_desk import FindingRaised
from tidegate.domain.core.events_transfers import TransferBooked
from tidegate.domain.money import Money

from .desk_bench import DeskBench, until

EXACT = Money.of("0.00000001")
"""The venue shows eight decimals, rounded once for each closing order."""


def test_each_closing_order_equals_the_venues_record_at_its_last_decimal(tmp_path: Path) -> None:
    options: dict[str, Any] = {"closed_profit_lag_ms": 0, "closed_profit_tolerance": EXACT}
    with DeskBench(tmp_path, **options) as bench:
        bench.wait_up()
        opened_ms = bench.books.opened_ms
        until(lambda: bench.venue.rest.clock.now_ms() > opened_ms + 1_000, "the first second")
        for name in ("one", "two"):
            bench.placed(name)
            bench.close()
        report = bench.desk.reconcile(timeout_ms=20_000)
        assert report.is_clean, report.findings
        assert report.profits is not None
        assert report.profits.orders >= 2
        ours = sum((day.ours for day in report.profits.days), Money.of("0"))
        venue = sum((day.venue for day in report.profits.days), Money.of("0"))
        assert ours != Money.of("0")
        assert abs(ours - venue) <= EXACT.times(report.profits.orders)
        oracle = bench.agree()
        ledger = bench.books.ledger
        assert ledger is not None
        assert ours == ledger.realised - ledger.fees
        assert oracle.trades
        bench.restart()
        again = bench.desk.reconcile(timeout_ms=20_000)
        assert again.is_clean
        assert again.profits is not None
        assert again.profits.orders == report.profits.orders


def test_what_the_interval_finds_needs_nobody_to_ask(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "closed_profit_lag_ms": 0,
        "closed_profit_tolerance": Money.of("0"),
        "reconcile_every_ms": 200,
    }
    with DeskBench(tmp_path, **options) as bench:
        bench.wait_up()
        bench.placed("one")
        bench.close()
        until(lambda: bench.engine.state.view.profits is not None, "compared at the interval")
        # Without any tolerance the rounding of the venue is a difference, and stops nothing.
        until(lambda: bench.happened(FindingRaised) > 0, "the venue's rounding was found")
        assert not any(raised.blocks_entries for raised in bench.books.findings.values())
        bench.placed("two")
        bench.close()


def test_money_that_is_moved_is_found_in_the_log_and_stops_nothing(tmp_path: Path) -> None:
    with DeskBench(tmp_path, reconcile_every_ms=200) as bench:
        bench.wait_up()
        bench.placed("one")
        now_ms = bench.venue.rest.clock.now_ms()

        def withdraw(exchange: Exchange) -> None:
            account = exchange.accounts.first
            account.venue.adjust_wallet(Money.of("-1500"))
            account.ledger.move(Money.of("-1500"), time_ms=now_ms)

        bench.server.server.call(withdraw)
        until(lambda: bench.happened(TransferBooked) == 1, "the log explained it")
        until(lambda: not bench.books.findings, "nothing is open")
        ledger = bench.books.ledger
        assert ledger is not None
        assert ledger.transfers == Money.of("-1500")
        assert bench.desk.reconcile(timeout_ms=20_000).is_clean
        bench.close()
        bench.placed("two")
        bench.close()
