"""``tidegate reconcile`` on a paper session's state, and on a venue on this machine."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from tidegate.adapters.cli.exits import Exit
from tidegate.application.bybit_container import bybit_application
from tidegate.application.settings_loading import load_settings
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Reduction,
    Role,
    Side,
    Symbol,
)
from tidegate.ports.desk import Placed

from tests.adapters.v5server.bench import KEY, SECRET, Bench, account_spec
from tests.application.bench import signal

from .running import tidegate

BTC = Symbol("BTCUSDT")
# The demonstration's second position, opened 2017-07-07 13:00, is open after 150 bars.
BARS = "150"


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("left")
    done = tidegate("demo", "--bars", BARS, "--state", "s", home=home)
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def home(left: Path, tmp_path: Path) -> Path:
    shutil.copytree(left / "s", tmp_path / "s")
    return tmp_path


def test_a_paper_session_agrees_with_its_venue(home: Path) -> None:
    done = tidegate("reconcile", "--state", "s", home=home)
    assert done.returncode == Exit.OK, done.stdout + done.stderr
    assert "AGREED: books and venue say the same." in done.stdout
    assert "Wallet: books" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_a_wallet_that_differs_is_listed_with_both_figures_and_the_code_says_so(home: Path) -> None:
    with closing(sqlite3.connect(home / "s" / "venue.sqlite")) as store, store:
        _take_from_wallet(store, Decimal(25))
    done = tidegate("reconcile", "--state", "s", "--json", home=home)
    assert done.returncode == Exit.FINDINGS, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert not found["is_clean"]
    assert found["is_confirmed"]
    assert Decimal(found["wallet_books"]) - Decimal(found["wallet_venue"]) == Decimal(25)
    (finding,) = found["findings"]
    assert (finding["kind"], finding["blocks_entries"]) == ("the venue's wallet differs", True)
    assert finding["correction"] == "state_transfers"
    words = tidegate("reconcile", "--state", "s", home=home)
    assert words.returncode == Exit.FINDINGS
    assert "BLOCKED" in words.stdout


def _take_from_wallet(store: sqlite3.Connection, amount: Decimal) -> None:
    ((text,),) = store.execute("SELECT body FROM present WHERE key = 'head'").fetchall()
    head = json.loads(text)
    head["wallet"] = str(Decimal(head["wallet"]) - amount)
    store.execute("UPDATE present SET body = ? WHERE key = 'head'", (json.dumps(head),))


def test_without_a_journal_nothing_is_made(tmp_path: Path) -> None:
    done = tidegate("reconcile", "--state", "s", home=tmp_path)
    assert done.returncode == Exit.STATE
    assert "no journal there" in done.stderr
    assert not (tmp_path / "s").exists()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench([account_spec()]) as running:
        running.price("65000")
        yield running


def connection(bench: Bench, home: Path) -> dict[str, str]:
    return {
        "TIDEGATE_MODE": "testnet",
        "TIDEGATE_BYBIT_KEY": KEY,
        "TIDEGATE_BYBIT_SECRET": SECRET,
        "TIDEGATE_STATE_PATH": str(home / "journal.sqlite"),
        "TIDEGATE_BYBIT__ALLOW_LOOPBACK": "true",
        "TIDEGATE_BYBIT__REST_URL": bench.server.rest_url,
        "TIDEGATE_BYBIT__WS_URL": bench.server.ws_url,
    }


def begun(bench: Bench, home: Path) -> dict[str, str]:
    """Let a desk open a position and stop; returns the settings that lead to both."""
    env = connection(bench, home)
    application = bybit_application(load_settings(file=None, env=env, options={}), env)
    application.start()
    try:
        outcome = application.desk.open_with_rr(signal(), timeout_ms=20_000)
        assert isinstance(outcome, Placed), outcome
    finally:
        application.stop()
    return env


def test_over_the_wire_what_was_missed_is_booked_and_a_foreign_order_is_left_alone(
    bench: Bench, tmp_path: Path
) -> None:
    env = begun(bench, tmp_path)
    venue = bench.server.call(lambda exchange: exchange.accounts.first.venue)
    agreed = tidegate("reconcile", home=tmp_path, env=env)
    assert agreed.returncode == Exit.OK, agreed.stdout + agreed.stderr

    def by_hand(name: str, qty: str, price: str | None) -> None:
        order = OrderRequest(
            client_id=ClientId(name),
            symbol=BTC,
            side=Side.SELL,
            qty=Qty.of(qty),
            kind=OrderKind.MARKET if price is None else OrderKind.LIMIT,
            price=None if price is None else Price.of(price),
            purpose=Purpose(Role.CLOSE),
            reduce_only=True,
        )
        bench.server.call(lambda _: venue.place(Reduction(order)))

    by_hand("by-hand-1", "0.004", None)
    by_hand("by-hand-2", "0.001", "70000")
    bench.price("65000")
    done = tidegate("reconcile", "--json", home=tmp_path, env=env)
    assert done.returncode == Exit.FINDINGS, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["applied"]["executions"] >= 1
    assert [row["finding_id"] for row in found["findings"]] == ["foreign_order:by-hand-2"]
    assert found["findings"][0]["correction"] == "left_alone"
    assert not found["findings"][0]["blocks_entries"]
    assert Decimal(found["wallet_books"]) == Decimal(found["wallet_venue"])
    orders = bench.server.call(lambda _: venue.open_orders())
    assert "by-hand-2" in {order.client_id for order in orders}
    words = tidegate("reconcile", home=tmp_path, env=env)
    assert words.returncode == Exit.FINDINGS
    assert "it stops no entry" in words.stdout


def test_a_venue_that_is_gone_is_said_so(bench: Bench, tmp_path: Path) -> None:
    env = begun(bench, tmp_path)
    gone = {**env, "TIDEGATE_BYBIT__REST_URL": "http://127.0.0.1:9"}
    done = tidegate("reconcile", home=tmp_path, env=gone)
    assert done.returncode == Exit.VENUE, done.stdout + done.stderr
