"""``tidegate status``, ``journal``, ``panic`` and ``reset-panic`` on what a session left."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.application.codec import encode
from tidegate.domain.core.events import PanicStarted

from .running import tidegate

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


def test_status_shows_the_desk_at_a_glance(home: Path) -> None:
    done = tidegate("status", "--state", "s", home=home)
    assert done.returncode == 0, done.stderr
    assert "Trading state  ACTIVE" in done.stdout
    assert "opened with 10,000.00" in done.stdout
    assert "Position       short" in done.stdout
    assert "stop 2561.24" in done.stdout
    assert "1 finished trade" in done.stdout


def test_status_in_json_is_one_document_with_exact_text(home: Path) -> None:
    done = tidegate("status", "--state", "s/journal.sqlite", "--json", home=home)
    found = json.loads(done.stdout)
    assert found["trading_state"] == "active"
    (position,) = found["positions"]
    assert position["symbol"] == "BTCUSDT-DEMO"
    assert position["side"] == "sell"
    assert position["qty"].startswith("-")
    assert position["stop"] == "2561.24"
    assert {order["role"] for order in found["orders"]} == {"take_profit"}
    assert isinstance(found["wallet"], str)


def test_the_journal_shows_the_last_entries_or_those_after_a_version(home: Path) -> None:
    last = tidegate("journal", "--state", "s", "--limit", "2", home=home).stdout.splitlines()
    assert len(last) == 2
    assert "session_stopped" in last[-1]
    first = tidegate("journal", "--state", "s", "--after", "0", "--limit", "3", home=home)
    assert [line.split()[0] for line in first.stdout.splitlines()] == ["1", "2", "3"]
    assert "session_started" in first.stdout.splitlines()[0]
    everything = tidegate("journal", "--state", "s", "--limit", "0", home=home).stdout
    assert all(len(line) <= 80 for line in everything.splitlines())
    assert len(everything.splitlines()) == int(last[-1].split()[0])


def test_the_journal_can_be_asked_for_one_kind(home: Path) -> None:
    for kind in ("trade_closed", "trade_closed.v1"):
        done = tidegate("journal", "--state", "s", "--kind", kind, home=home)
        (line,) = done.stdout.splitlines()
        assert line.endswith("stop: -94.93 USDT, -1.08 R")


@pytest.mark.parametrize(
    ("kind", "accepted"),
    [
        ("trade_close", "accepted: trade_closed"),
        ("filled.v9", "accepted: filled"),
        ("nope", "account_opened, amend_intended, "),
    ],
)
def test_a_kind_that_there_is_not_is_refused_and_the_accepted_are_named(
    kind: str, accepted: str, home: Path
) -> None:
    done = tidegate("journal", "--state", "s", "--kind", kind, home=home)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--kind: '{kind}' is no kind of entry; " in done.stderr
    assert accepted in done.stderr
    assert "--archive" not in done.stderr


def test_the_journal_in_json_is_a_document_a_line(home: Path) -> None:
    done = tidegate("journal", "--state", "s", "--limit", "0", "--json", home=home)
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert [entry["version"] for entry in entries] == list(range(1, len(entries) + 1))
    (closed,) = (entry for entry in entries if entry["kind"] == "trade_closed.v1")
    assert closed["event"]["trade"]["qty"] == "1.786"


def test_panic_closes_all_stays_halted_and_needs_the_literal_to_end(home: Path) -> None:
    panic = tidegate("panic", "--state", "s", "--cause", "drill", home=home)
    assert panic.returncode == 0, panic.stderr
    assert "HALTED" in panic.stdout
    assert "Nothing is held and no order is open." in panic.stdout
    status = tidegate("status", "--state", "s", home=home).stdout
    assert "Trading state  HALTED" in status
    assert "Panic          drill" in status
    assert "Positions      none" in status
    refused = tidegate("reset-panic", "--state", "s", "--confirm", "yes", home=home)
    assert refused.returncode == 2
    assert "accepted: the literal RESET" in refused.stderr
    reset = tidegate("reset-panic", "--state", "s", "--confirm", "RESET", home=home)
    assert reset.returncode == 0, reset.stderr
    assert "ACTIVE" in tidegate("status", "--state", "s", home=home).stdout


def test_panic_in_json_says_what_is_left(home: Path) -> None:
    done = tidegate("panic", "--state", "s", "--json", home=home)
    desk = {
        "mode": "paper",
        "venue": "the simulated venue in s/venue.sqlite",
        "account": None,
        "journal": "s/journal.sqlite",
    }
    assert json.loads(done.stdout) == {
        "is_clean": True,
        "held": [],
        "orders_open": 0,
        "desk": desk,
    }


@pytest.mark.parametrize(
    "command",
    [["status"], ["panic"], ["reconcile"], ["reset-panic", "--confirm", "RESET"]],
    ids=lambda command: command[0],
)
def test_each_command_names_the_desk_that_it_acted_on(home: Path, command: list[str]) -> None:
    done = tidegate(*command, "--mode", "paper", "--state", "s", home=home)
    assert "Mode paper, the simulated venue in s/venue.sqlite\n" in done.stdout, done.stderr
    assert "Journal s/journal.sqlite\n" in done.stdout


def version(home: Path) -> int:
    with closing(SqliteState(home / "s" / "journal.sqlite")) as state:
        return state.version()


def test_a_panic_that_has_not_ended_is_not_reset_and_nothing_is_sent(home: Path) -> None:
    begun = PanicStarted(cause="cut short", key="0123456789abcdef", time_ms=1)
    with closing(SqliteState(home / "s" / "journal.sqlite")) as state:
        state.append([encode(begun, time_ms=1)], expected_version=state.version(), durable=True)
    before = version(home)
    reset = ("reset-panic", "--state", "s", "--confirm", "RESET")
    refused = tidegate(*reset, home=home)
    assert refused.returncode == 2
    assert "the panic has not ended, and is not reset: the books hold BTCUSDT-DEMO -" in (
        refused.stderr
    )
    assert "tidegate panic, with the same --mode and --state, finishes it" in refused.stderr
    assert "reset." not in refused.stdout
    assert version(home) == before
    finished = tidegate("panic", "--state", "s", home=home)
    assert "Nothing is held and no order is open." in finished.stdout
    assert tidegate(*reset, home=home).returncode == 0


@pytest.mark.parametrize("command", [["panic"], ["reset-panic", "--confirm", "RESET"]])
def test_beside_a_session_it_says_so_and_what_to_do(home: Path, command: list[str]) -> None:
    with closing(PaperStore(home / "s" / "venue.sqlite")):
        done = tidegate(*command, "--state", "s", home=home)
    assert done.returncode == 3
    assert "a session has it open; nothing was changed. Stop the session with Ctrl-C" in done.stderr
    assert "database is locked" not in done.stderr


@pytest.mark.parametrize("command", ["status", "journal", "panic"])
def test_a_desk_of_another_mode_is_refused_with_its_own_mode(home: Path, command: str) -> None:
    keys = {"TIDEGATE_BYBIT_KEY": "k" * 18, "TIDEGATE_BYBIT_SECRET": "s" * 36}
    before = version(home)
    done = tidegate(command, "--mode", "live", "--state", "s", home=home, env=keys)
    assert done.returncode == 3
    assert "belongs to the venue 'paper', " in done.stderr
    assert "this desk is on the venue 'bybit mainnet'" in done.stderr
    assert "(--mode paper)" in done.stderr
    assert version(home) == before


def test_a_halted_desk_refuses_every_signal_when_the_session_goes_on(home: Path) -> None:
    assert tidegate("panic", "--state", "s", home=home).returncode == 0
    on = tidegate("demo", "--bars", "300", "--state", "s", "--json", home=home)
    found = json.loads(on.stdout)
    assert found["trading_state"] == "halted"
    assert found["summary"]["refusals"]["panic"] > 0
    assert found["first_tickets"] == []


@pytest.mark.parametrize("command", ["status", "journal", "panic"])
def test_where_there_is_no_journal_the_code_is_3(command: str, tmp_path: Path) -> None:
    done = tidegate(command, "--state", "nowhere", home=tmp_path)
    assert done.returncode == 3
    assert "no journal there; name the state folder of a session with --state" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_journal_is_refused_and_left_as_it_is(home: Path) -> None:
    journal = home / "s" / "journal.sqlite"
    journal.write_bytes(b"not a database" * 100)
    done = tidegate("status", "--state", "s", home=home)
    assert done.returncode == 3
    assert "left untouched" in done.stderr
    assert journal.read_bytes() == b"not a database" * 100
