"""The durable venue: it goes on exactly where it was, and refuses what it cannot trust."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.adapters.paper import PaperConfig, PaperStore, StoreOfAnother
from tidegate.adapters.paper.codec import decode, encode
from tidegate.adapters.paper.market_tables import MARKET_TABLES
from tidegate.adapters.paper.records import Head
from tidegate.adapters.paper.store_file import FORMAT_VERSION, RECORD_TABLES
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import MarginMode
from tidegate.ports.exchange import QueryFailed, VenueError
from tidegate.ports.state import NewerFormat, StateCorrupt, StateUnavailable

from tests.adapters.paper.bench import ALWAYS, PLAIN, SYMBOL, Bench
from tests.adapters.paper.scripts import run, session

BUY, SELL = Side.BUY, Side.SELL
REAL = PaperConfig(participation=Rate.of("0.3"))
SLOW = attrs.evolve(REAL, latency_ms=30_000)


class Killed(Bench):
    """Goes on from a copy of the files as they were, as after a kill: nothing is closed."""

    lives = 0

    def reopen(self) -> None:
        self.lives += 1
        before = Path(self.path)
        after = before.with_name(f"life{self.lives}.db")
        for suffix in ("", "-wal"):
            if Path(f"{before}{suffix}").exists():
                shutil.copy(f"{before}{suffix}", f"{after}{suffix}")
        self.venue.close()
        self.path = after
        self.venue = self._open()


def observed(bench: Bench) -> tuple[object, ...]:
    venue = bench.venue
    return (
        venue.account(),
        venue.position(SYMBOL),
        venue.ticker(SYMBOL),
        venue.open_orders(),
        venue.order_history(None, ALWAYS),
        venue.executions(None, ALWAYS),
        venue.funding_payments(None, ALWAYS),
        venue.cursor(),
        venue.pieces_done(),
        venue.now_ms(),
        bench.messages,
    )


@pytest.mark.parametrize("config", [REAL, SLOW], ids=["at once", "latency"])
@pytest.mark.parametrize("kind", [Bench, Killed], ids=["closed", "killed"])
@given(seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=4)
def test_a_venue_reopened_after_every_step_goes_on_as_if_it_never_stopped(
    tmp_path_factory: pytest.TempPathFactory,
    kind: type[Bench],
    config: PaperConfig,
    seed: int,
) -> None:
    acts = session(seed, 16)
    unbroken = Bench(config=config)
    broken = kind(config=config, path=tmp_path_factory.mktemp("venue") / "paper.db")
    for _ in zip(run(unbroken, acts), run(broken, acts), strict=True):
        broken.reopen()
        assert observed(broken) == observed(unbroken)
    broken.venue.close()


def test_pieces_done_before_a_crash_are_not_repeated(tmp_path: Path) -> None:
    bench = Bench(path=tmp_path / "paper.db")
    bench.price("20000")
    bench.send(bench.order(BUY, "1", stop="19500"))
    bar = bench.bar("20000", "20600", "19400", "20000")
    pieces = bench.venue.offer(bar, index=1)
    next(pieces)
    next(pieces)
    assert (bench.venue.cursor(), bench.venue.pieces_done()) == (1, 2)
    bench.reopen()
    assert sum(1 for _ in bench.venue.offer(bar, index=1)) == 0  # flat: nothing left to pause for
    assert bench.fills() == [("buy", "1", "20000"), ("sell", "1", "19500")]
    assert list(bench.venue.offer(bar, index=1)) == []
    assert bench.venue.cursor() == 2


def test_an_item_may_not_be_left_out() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="item 3 was offered, item 0 comes next"):
        bench.venue.offer(bench.trade("20000"), index=3)


def test_a_process_that_is_killed_leaves_its_last_commit(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    code = """
        import os, signal, sys
        from tests.adapters.paper.bench import Bench, Side
        bench = Bench(path=sys.argv[1])
        bench.price("20000")
        bench.send(bench.order(Side.BUY, "1", stop="19000", client_id="entry"))
        for piece, _ in enumerate(bench.venue.offer(
            bench.bar("20000", "20100", "19900", "20050"), index=1
        )):
            if piece == 1:
                os.kill(os.getpid(), signal.SIGKILL)
    """
    root = Path(__file__).parents[3]
    dead = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    bench = Bench(path=path)
    assert (bench.venue.cursor(), bench.venue.pieces_done()) == (1, 2)
    assert bench.position().qty == Qty.of("1")
    assert bench.position().stop_loss == Price.of("19000")
    assert bench.refused(bench.order(BUY, "1", client_id="entry")).code == 110072
    bench.venue.close()


def test_a_store_is_open_in_one_place_at_a_time(tmp_path: Path) -> None:
    bench = Bench(path=tmp_path / "paper.db")
    with pytest.raises(StateUnavailable, match="locked"):
        PaperStore(tmp_path / "paper.db")
    bench.venue.close()
    PaperStore(tmp_path / "paper.db").close()


@pytest.mark.parametrize(
    "change",
    [
        {"wallet": Money.of("5")},
        {"config": attrs.evolve(PLAIN, seed=1)},
        {"config": attrs.evolve(PLAIN, margin_mode=MarginMode.CROSS)},
    ],
)
def test_a_store_begun_with_something_else_is_refused(
    tmp_path: Path, change: dict[str, Money | PaperConfig]
) -> None:
    path = tmp_path / "paper.db"
    Bench(path=path).venue.close()
    before = path.read_bytes()
    make: Callable[..., Bench] = Bench
    with pytest.raises(StoreOfAnother, match="was begun with"):
        make(path=path, **change)
    assert path.read_bytes() == before


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    Bench(path=path).venue.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=4")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NewerFormat, match="format 4, this release reads up to 3"):
        PaperStore(path)
    assert path.read_bytes() == before


def test_damage_that_the_report_of_damage_quotes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    Bench(path=path).venue.close()
    damaged = path.read_bytes().replace(b"tableratesrates", b"table\xecatesrates")
    path.write_bytes(damaged)
    with pytest.raises(StateCorrupt, match="is damaged"):
        PaperStore(path)
    assert path.read_bytes() == damaged


NEW_IN_HEAD = ("$.changes_made", "$.trades_made", "$.market_since_ms")


def _make_it_of_format_1(path: Path) -> None:
    """Take out of a store what the first format did not have."""
    without = {
        "present": ("$.pairs_made", "$.margin_mode", "$.index_point", *NEW_IN_HEAD),
        "positions": ("$.auto_add_margin", "$.open_fees"),
        "orders": ("$.last_price", "$.fee", "$.partial", "$.pair", "$.self_match", "$.closing"),
        "requests": ("$.stop_loss", "$.take_profit"),
    }
    connection = sqlite3.connect(path)
    for table, fields in without.items():
        connection.execute(
            f"UPDATE {table} SET body = json_remove(body, {', '.join('?' * len(fields))})",  # noqa: S608 - own names
            fields,
        )
    for table in (*RECORD_TABLES, *MARKET_TABLES):
        connection.execute(f"DROP TABLE {table}")
    connection.commit()
    connection.execute("PRAGMA user_version=1")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_a_store_of_the_first_format_goes_on_and_becomes_one_of_this(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    bench = Bench(path=path, config=attrs.evolve(PLAIN, latency_ms=50))
    bench.price("20000")
    bench.send(bench.order(BUY, "1", stop="19000"))
    bench.price("20000")
    late = bench.order(BUY, "1", at="19500")
    bench.send(late)
    bench.venue.close()
    _make_it_of_format_1(path)
    assert int.from_bytes(path.read_bytes()[60:64], "big") == 1
    bench.venue = bench._open()
    assert bench.position().stop_loss == Price.of("19000")
    bench.price("20000")
    assert bench.status(late) is Status.NEW
    bench.venue.close()
    assert int.from_bytes(path.read_bytes()[60:64], "big") == FORMAT_VERSION


def test_an_older_store_that_is_not_used_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    Bench(path=path).venue.close()
    _make_it_of_format_1(path)
    before = path.read_bytes()
    with pytest.raises(StoreOfAnother):
        Bench(path=path, wallet=Money.of("5"))
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"{}", b"SQLite format 3\x00" + b"\x00" * 200])
def test_a_file_that_is_something_else_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "paper.db"
    path.write_bytes(content)
    with pytest.raises(StateCorrupt):
        PaperStore(path)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["paper.db"]


def test_a_damaged_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    bench = Bench(path=path)
    bench.price("20000")
    for _ in range(40):
        bench.send(bench.order(BUY, "0.001"))
    bench.venue.close()
    good = path.read_bytes()
    for page in range(2, len(good) // 4096):
        damaged = bytearray(good)
        damaged[page * 4096 : page * 4096 + 64] = b"\xff" * 64
        path.write_bytes(damaged)
        with pytest.raises(StateCorrupt, match="damaged"):
            PaperStore(path)
        assert path.read_bytes() == bytes(damaged)


def test_a_row_that_is_no_such_row_is_refused() -> None:
    with pytest.raises(StateCorrupt, match="no Head"):
        decode("{}", Head)
    with pytest.raises(StateCorrupt):
        decode('{"wallet":"1","surprise":2}', Head)
    with pytest.raises(StateCorrupt):
        decode('{"wallet":1.5}', Head)


def test_amounts_survive_to_the_last_digit() -> None:
    head = Head(wallet=Money.of("0.000000000000000000000000000000000000000000000000001230"))
    again = decode(encode(head), Head)
    assert str(again.wallet) == str(head.wallet)


def test_when_the_store_fails_the_venue_stops(tmp_path: Path) -> None:
    bench = Bench(path=tmp_path / "paper.db")
    bench.price("20000")
    order = bench.order(BUY, "1", at="19000")
    bench.venue._transactions.store.close()
    bench.messages.clear()
    with pytest.raises(VenueError, match="nothing was done"):
        bench.venue.submit(order)
    assert bench.messages == []
    with pytest.raises(QueryFailed, match="stopped"):
        bench.venue.account()
    bench.venue = bench._open()
    assert bench.venue.find_order(SYMBOL, order.client_id) is None
    assert bench.send(order).status is Status.NEW
    bench.venue.close()
