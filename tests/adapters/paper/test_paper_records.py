"""The paper venue's records: durable, folded from older stores, the same as over the wire."""

import random
import sqlite3
from pathlib import Path

import attrs
import pytest
from tidegate.adapters.paper.market_tables import MARKET_TABLES
from tidegate.adapters.paper.store_file import RECORD_TABLES
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.money import Money, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.records import AccountChange, ClosedProfit
from tidegate.ports.exchange import Done, ExchangePort, TimeRange

from tests.adapters.paper.bench import ALWAYS, PLAIN, Bench
from tests.contracts.bybit_bench import BybitBench

BUY, SELL = Side.BUY, Side.SELL
Records = tuple[tuple[ClosedProfit, ...], tuple[AccountChange, ...]]


def _records(bench: Bench) -> Records:
    profits = bench.venue.closed_profits(None, ALWAYS).rows
    return profits, bench.venue.account_changes(ALWAYS).rows


def _some_trades(bench: Bench) -> None:
    """Open, add, pay funding, close a part in two fills, and leave an order half filled."""
    bench.price("20000")
    bench.send(bench.order(BUY, "0.3"))
    bench.price("20007")
    bench.send(bench.order(BUY, "0.1"))
    bench.feed(bench.funding("0.0001"))
    bench.send(bench.order(SELL, "0.2", at="20100", reduce_only=True))
    bench.price("20101", "0.05")
    bench.price("20102", "0.07")


def test_records_outlive_the_venue(tmp_path: Path) -> None:
    bench = Bench(path=tmp_path / "paper.db")
    _some_trades(bench)
    before = _records(bench)
    assert [len(rows) for rows in before] == [1, 5]
    bench.reopen()
    assert _records(bench) == before
    bench.price("20103", "1")
    (profit,) = _records(bench)[0]
    assert profit.qty == Qty.of("0.2")
    assert profit.created_ms < profit.updated_ms


def make_it_of_format_2(path: Path) -> None:
    """Take out of a store what the second format did not have."""
    connection = sqlite3.connect(path)
    for table, field in (
        ("present", "$.changes_made"),
        ("present", "$.trades_made"),
        ("present", "$.market_since_ms"),
        ("positions", "$.open_fees"),
        ("orders", "$.closing"),
    ):
        connection.execute(f"UPDATE {table} SET body = json_remove(body, ?)", (field,))  # noqa: S608 - own names
    for table in (*RECORD_TABLES, *MARKET_TABLES):
        connection.execute(f"DROP TABLE {table}")
    connection.commit()
    connection.execute("PRAGMA user_version=2")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_a_store_of_the_second_format_gets_the_records_that_it_lacked(tmp_path: Path) -> None:
    """The same as if they had been kept from the start, also for what closes afterwards."""
    kept, older = Bench(path=tmp_path / "kept.db"), Bench(path=tmp_path / "older.db")
    for bench in (kept, older):
        _some_trades(bench)
    older.venue.close()
    make_it_of_format_2(tmp_path / "older.db")
    older.venue = older._open()
    assert _records(older) == _records(kept)
    for bench in (kept, older):
        bench.price("20103", "1")
        bench.send(bench.order(SELL, "0.2", reduce_only=True))
    assert _records(older) == _records(kept)
    assert len(_records(kept)[0]) == 2


def test_transfers_are_records_of_their_own() -> None:
    bench = Bench()
    bench.price("20000")
    for text in ("100", "-40"):
        assert isinstance(bench.venue.adjust_wallet(Money.of(text)), Done)
    _, changes = _records(bench)
    assert [row.change for row in changes] == [Money.of(100), Money.of(-40)]
    assert changes[-1].balance == bench.venue.account().wallet


def test_the_same_session_makes_the_same_records() -> None:
    first, second = Bench(config=PLAIN), Bench(config=PLAIN)
    for bench in (first, second):
        _some_trades(bench)
    assert _records(first) == _records(second)


@pytest.mark.parametrize("seed", range(3))
def test_what_the_wire_shows_is_what_the_venue_keeps(seed: int) -> None:
    """Two folds that share no code: that of the venue, and that of the protocol server over it."""
    chance = random.Random(seed)  # noqa: S311  (a seed that repeats)
    bench = BybitBench()
    try:
        stage = Stage(bench)
        for number in range(40):
            side = BUY if chance.random() < 0.5 else SELL
            stage.place(stage.order(side, stage.unit.times(chance.randrange(1, 5))))
            if number % 7 == 3:
                bench.drive.pay_funding(Rate.of("0.000137"))
            stage.move(str(chance.randrange(-400, 401) / 100))
        bench.drive.transfer(Money.of("12.5"))
        shown = _of(bench.port, stage.so_far())
        venue = bench.server.call(lambda exchange: exchange.accounts.first.venue)
        kept = _of(venue, stage.so_far())
        assert len(kept[0]) > 5
        assert kept[0] == shown[0]
        for ours, theirs in zip(kept[1], shown[1], strict=True):
            assert ours == theirs
    finally:
        bench.close()


def _of(port: ExchangePort, within: TimeRange) -> Records:
    """Return what a port says; each names the lines of its log by itself."""
    changes = port.account_changes(within).rows
    lines = tuple(attrs.evolve(row, change_id="") for row in changes)
    return port.closed_profits(None, within).rows, lines
