"""What an operator's commands know of a desk before they open it, in this process."""

from contextlib import closing
from pathlib import Path

import pytest
from tidegate.adapters.sqlite import SqliteState
from tidegate.application.belonging import mode_of
from tidegate.application.codec import encode
from tidegate.application.commands import Commands
from tidegate.application.operators import as_begun, named_desk, require_panic_over
from tidegate.application.settings import Settings
from tidegate.domain.core import events as ev
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money
from tidegate.ports.commands import BadInput, Where
from tidegate.ports.state import JournalMismatch, StateUnavailable

T_MS = 1_700_000_000_000


def _settings(folder: Path, mode: TradingMode = TradingMode.PAPER) -> Settings:
    return Settings(
        mode=mode, state_path=folder / "journal.sqlite", venue_path=folder / "venue.sqlite"
    )


def _begun(folder: Path, *more: ev.Event, venue: VenueKind = VenueKind.BYBIT_DEMO) -> Path:
    mode = mode_of(venue)
    events = (
        ev.SessionStarted(mode=mode, venue=venue, account="1002"),
        ev.AccountOpened(wallet=Money.of("1000"), time_ms=T_MS),
        *more,
    )
    with closing(SqliteState(folder / "journal.sqlite")) as state:
        records = [encode(event, time_ms=T_MS) for event in events]
        state.append(records, expected_version=0, durable=True)
    return folder


@pytest.mark.parametrize(
    ("venue", "mode"),
    [
        (VenueKind.PAPER, TradingMode.PAPER),
        (VenueKind.MEMORY, TradingMode.MEMORY),
        (VenueKind.BYBIT_DEMO, TradingMode.DEMO),
        (VenueKind.BYBIT_TESTNET, TradingMode.TESTNET),
    ],
)
def test_each_venue_has_a_mode_of_its_own(venue: VenueKind, mode: TradingMode) -> None:
    assert mode_of(venue) is mode


def test_a_desk_has_the_name_that_its_journal_says(tmp_path: Path) -> None:
    empty = named_desk(_settings(tmp_path))
    assert (empty.mode, empty.account) == (TradingMode.PAPER, None)
    _begun(tmp_path)
    found = named_desk(_settings(tmp_path))
    assert (found.mode, found.venue, found.account) == (TradingMode.DEMO, "bybit demo", "1002")
    assert found.journal == str(tmp_path / "journal.sqlite")
    assert named_desk(_settings(tmp_path, TradingMode.DEMO)).mode is TradingMode.DEMO


def test_a_panic_that_runs_is_not_reset_and_says_what_is_left(tmp_path: Path) -> None:
    panic = ev.PanicStarted(cause="drill", key="0" * 24, time_ms=T_MS)
    _begun(tmp_path, panic, venue=VenueKind.PAPER)
    with pytest.raises(BadInput, match=r"the panic has not ended.*the books hold no position"):
        require_panic_over(_settings(tmp_path))


def test_a_panic_that_ended_may_be_reset(tmp_path: Path) -> None:
    panic = ev.PanicStarted(cause="drill", key="0" * 24, time_ms=T_MS)
    ended = ev.PanicEnded(remaining=(), time_ms=T_MS)
    _begun(tmp_path, panic, ended, venue=VenueKind.PAPER)
    require_panic_over(_settings(tmp_path))


def test_a_journal_of_another_mode_is_refused_with_the_mode_to_name(tmp_path: Path) -> None:
    _begun(tmp_path)
    with pytest.raises(JournalMismatch, match="--mode demo"):
        require_panic_over(_settings(tmp_path))
    where = Where(state=str(tmp_path), mode=TradingMode.PAPER)
    with pytest.raises(JournalMismatch, match="--mode demo"):
        Commands(env={}).status(where)
    named = Commands(env={}).named(Where(state=str(tmp_path), mode=TradingMode.DEMO))
    assert named.mode is TradingMode.DEMO


def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateUnavailable, match="no venue's store there"):
        as_begun(_settings(tmp_path))
