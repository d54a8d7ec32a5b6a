"""Care of a journal: what is refused says what to do, and changes nothing."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import attrs
import psycopg
import pytest
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.application.clocks import SystemClock
from tidegate.application.codec import encode, encode_books
from tidegate.application.commands import Commands
from tidegate.application.engine import fold
from tidegate.application.settings import Settings
from tidegate.application.settings_state import StateBackend, StateSettings
from tidegate.application.state_care import StateCare, care_of
from tidegate.application.stores import has_state, make_state, place_of
from tidegate.domain.core import events as ev
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.domain.money import Money
from tidegate.ports.commands import BadInput, Where
from tidegate.ports.state import Snapshot, StateCorrupt, StateUnavailable, StoredRecord
from tidegate.ports.state_care import CareRefused

from tests.adapters.postgres.server import shared_server

T_MS = 1_700_000_000_000


def _config(mode: TradingMode = TradingMode.PAPER) -> CoreConfig:
    return attrs.evolve(Settings().core_config(VenueKind.PAPER), mode=mode)


def _care(path: Path, mode: TradingMode = TradingMode.PAPER) -> StateCare:
    return StateCare(
        SqliteCare(path),
        config=_config(mode),
        clock=SystemClock(),
        folder=path.parent,
        backend=StateBackend.SQLITE,
    )


def _events(account: str | None) -> Sequence[ev.Event]:
    return (
        ev.SessionStarted(mode=TradingMode.PAPER, venue=VenueKind.PAPER, account=account),
        ev.AccountOpened(wallet=Money.of("1000"), time_ms=T_MS),
        ev.SessionStopped(reason="stopped"),
    )


def _journal(folder: Path, account: str | None = None, *, is_stopped: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "journal.sqlite"
    events = _events(account) if is_stopped else _events(account)[:-1]
    with closing(SqliteState(path)) as state:
        records = [encode(event, time_ms=T_MS) for event in events]
        state.append(records, expected_version=0, durable=True)
    return path


def _spoil_snapshot(path: Path) -> None:
    with closing(SqliteState(path)) as state:
        books, version = fold(state, _config())
        spoilt = attrs.evolve(books, sends_today=books.sends_today + 1)
        state.save_snapshot(Snapshot(version=version, body=encode_books(spoilt)))


def _rows(path: Path) -> tuple[StoredRecord, ...]:
    with closing(SqliteState(path)) as state:
        return tuple(state.read())


def _base(path: Path) -> int:
    with closing(SqliteState(path)) as state:
        return state.base()


def _damage(path: Path) -> bytes:
    damaged = path.read_bytes().replace(b'"wallet":"1000"', b'"wallet":"9000"')
    path.write_bytes(damaged)
    return damaged


def test_a_damaged_journal_without_a_copy_says_so(tmp_path: Path) -> None:
    path = _journal(tmp_path / "state")
    before = _damage(path)
    with pytest.raises(StateCorrupt, match="No sound copy is in"):
        _care(path).verify()
    assert path.read_bytes() == before


def test_a_damaged_journal_names_its_newest_sound_copy(tmp_path: Path) -> None:
    path = _journal(tmp_path / "state")
    _care(path).backup(str(path.with_name("copy.sqlite")))
    (path.parent / "other.sqlite").write_bytes(b"no store at all")
    _damage(path)
    with pytest.raises(StateCorrupt, match=r"copy\.sqlite, version 3 of 2023-11-14 22:13:20 UTC"):
        _care(path).verify()


def test_a_copy_needs_a_folder_that_is_there(tmp_path: Path) -> None:
    path = _journal(tmp_path / "state")
    with pytest.raises(StateUnavailable, match="make it, or name another file"):
        _care(path).backup(str(tmp_path / "nowhere" / "copy.sqlite"))
    assert not (tmp_path / "nowhere").exists()


def test_a_snapshot_that_is_not_the_journals_is_neither_copied_nor_compacted(
    tmp_path: Path,
) -> None:
    path = _journal(tmp_path / "state")
    _spoil_snapshot(path)
    copy = tmp_path / "copy.sqlite"
    for act in (lambda: _care(path).backup(str(copy)), _care(path).compact):
        with pytest.raises(CareRefused, match="in: sends_today; nothing was changed"):
            act()
    assert not copy.exists()
    assert _base(path) == 0


def test_a_journal_whose_session_did_not_stop_is_not_compacted(tmp_path: Path) -> None:
    path = _journal(tmp_path / "state", is_stopped=False)
    with pytest.raises(CareRefused, match="did not end in an orderly way"):
        _care(path).compact()


@pytest.mark.parametrize(
    ("mode", "copied", "named", "held", "says"),
    [
        (TradingMode.LIVE, None, None, None, "belongs to the venue 'paper'"),
        (TradingMode.PAPER, "1001", "1002", None, "account that was named is 1002"),
        (TradingMode.PAPER, "1001", None, "1003", "of the journal in its place is 1003"),
        (TradingMode.PAPER, None, "1002", None, "does not say whose account it is"),
    ],
)
def test_a_copy_of_another_is_not_put_back(
    tmp_path: Path,
    mode: TradingMode,
    copied: str | None,
    named: str | None,
    held: str | None,
    says: str,
) -> None:
    copy = _journal(tmp_path / "copied", copied)
    place = tmp_path / "state" / "journal.sqlite"
    if held is not None:
        _journal(place.parent, held)
    before = place.read_bytes() if held is not None else None
    with pytest.raises(CareRefused, match=says):
        _care(place, mode).restore(str(copy), account=named, moves_aside=True)
    assert (place.read_bytes() if place.exists() else None) == before


def test_a_copy_of_the_same_account_is_put_back_and_the_old_journal_kept(tmp_path: Path) -> None:
    copy = _journal(tmp_path / "copied", "1001")
    place = _journal(tmp_path / "state", "1001")
    done = _care(place).restore(str(copy), account="1001", moves_aside=True)
    assert done.moved_to is not None
    assert Path(done.moved_to).exists()
    assert done.behind == 0
    assert _rows(place) == _rows(copy)


def test_the_commands_name_where_old_records_are(tmp_path: Path) -> None:
    path = _journal(tmp_path / "state")
    where = Where(state=str(path))
    Commands(env={}).state(where).compact()
    assert _base(path) == 3
    with pytest.raises(BadInput, match="versions 1 to 3 were moved to archives"):
        list(Commands(env={}).journal(where, after_version=1))


def test_without_its_archive_a_journal_is_judged_from_its_snapshot_on(tmp_path: Path) -> None:
    path = _journal(tmp_path / "state")
    care = _care(path)
    (archive,) = care.compact().archives
    with closing(SqliteState(path)) as state:
        again = [encode(event, time_ms=T_MS) for event in (_events(None)[0], _events(None)[-1])]
        state.append(again, expected_version=3, durable=True)
    whole = care.verify()
    assert (whole.folded_from, sum(whole.kinds.values())) == (0, 5)
    Path(archive.place).unlink()
    rest = care.verify()
    assert (rest.folded_from, rest.snapshot_version) == (3, 3)
    assert sorted(rest.kinds.values()) == [1, 1], "the records since, and no other"
    assert (rest.is_verified, rest.venue) == (False, whole.venue)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a desk whose journal is in a database, where none is yet."""
    server = shared_server()
    dsn = server.database()
    state = StateSettings(backend=StateBackend.POSTGRES, dsn=dsn)
    yield Settings(state_path=tmp_path / "state" / "journal.sqlite", state=state)
    server.give_back(dsn)


def _begin(settings: Settings) -> None:
    with closing(make_state(settings)) as state:
        records = [encode(event, time_ms=T_MS) for event in _events("1001")]
        state.append(records, expected_version=0, durable=True)


def test_a_journal_in_a_database_is_cared_for_by_the_same_rules(
    database: Settings, tmp_path: Path
) -> None:
    _begin(database)
    care = care_of(database, SystemClock())
    report = care.verify()
    assert (report.is_verified, report.account, report.facts.version) == (True, "1001", 3)
    copy = tmp_path / "copy.journal"
    assert care.backup(str(copy)).copy.facts.place == str(copy)
    (archive,) = care.compact().archives
    assert (archive.first, archive.last) == (1, 3)
    with pytest.raises(CareRefused, match="account that was named is 1002"):
        care.restore(str(copy), account="1002", moves_aside=True)
    done = care.restore(str(copy), account="1001", moves_aside=True)
    assert done.place == done.copy.facts.place == place_of(database)
    assert "'paper-replaced-" in str(done.moved_to)
    assert done.behind == 0
    assert care.verify().facts.base == 0


def test_a_damaged_journal_in_a_database_names_its_newest_copy_in_the_state_folder(
    database: Settings,
) -> None:
    _begin(database)
    care = care_of(database, SystemClock())
    folder = database.state_path.parent
    folder.mkdir()
    care.backup(str(folder / "monday.journal"))
    (folder / "other.journal").write_bytes(b"no copy at all")
    with psycopg.connect(database.state.dsn) as connection:
        connection.execute("UPDATE tidegate.record SET body = 'x' WHERE version = 2")
    with pytest.raises(StateCorrupt, match=r"version 2 is damaged") as found:
        care.verify()
    assert "is monday.journal, version 3 of 2023-11-14 22:13:20 UTC" in str(found.value)


def test_a_copy_of_either_kind_is_put_into_a_store_of_either_kind(
    database: Settings, tmp_path: Path
) -> None:
    in_file = Settings(state_path=tmp_path / "file" / "journal.sqlite")
    _begin(database)
    there, here = care_of(database, SystemClock()), care_of(in_file, SystemClock())
    copy = tmp_path / "monday.journal"
    there.backup(str(copy))
    assert here.verify(str(copy)).facts.place == str(copy)
    with pytest.raises(CareRefused, match="account that was named is 1002"):
        here.restore(str(copy), account="1002", moves_aside=False)
    assert not in_file.state_path.exists()
    done = here.restore(str(copy), account="1001", moves_aside=False)
    assert done.place == done.copy.facts.place == str(in_file.state_path)
    assert (done.copy.account, done.copy.is_verified) == ("1001", True)
    back = tmp_path / "back.sqlite"
    here.backup(str(back))
    assert there.verify(str(back)).facts.place == str(back)
    with pytest.raises(CareRefused, match="a journal is there"):
        there.restore(str(back), account=None, moves_aside=False)
    moved = there.restore(str(back), account=None, moves_aside=True)
    assert moved.place == place_of(database)
    with closing(make_state(database)) as state, closing(make_state(in_file)) as other:
        assert tuple(state.read()) == tuple(other.read())
    assert not list(tmp_path.glob(".*"))


def test_a_spoilt_copy_of_the_other_kind_is_not_taken(database: Settings, tmp_path: Path) -> None:
    path = _journal(tmp_path)
    _spoil_snapshot(path)
    with pytest.raises(CareRefused, match=re.escape(f"{path}: the snapshot of version 3")):
        care_of(database, SystemClock()).restore(str(path), account=None, moves_aside=False)
    assert not has_state(database)


def test_without_the_library_a_copy_of_a_database_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "monday.journal"
    copy.write_bytes(b'{"what":"tidegate journal copy","format":1}\n')
    monkeypatch.setitem(sys.modules, "tidegate.adapters.postgres", None)
    with pytest.raises(StateUnavailable, match=r"psycopg.* install tidegate\[postgres\]"):
        _care(tmp_path / "journal.sqlite").verify(str(copy))


def test_the_commands_care_for_a_database(database: Settings, tmp_path: Path) -> None:
    _begin(database)
    config = tmp_path / "settings.toml"
    config.write_text(f'[state]\nbackend = "postgres"\ndsn = "{database.state.dsn}"\n')
    assert Commands(env={}).state(Where(config=str(config))).verify().is_verified


def test_care_without_a_connection_string_that_can_be_read_says_so(tmp_path: Path) -> None:
    state = StateSettings(backend=StateBackend.POSTGRES, dsn="no string")
    with pytest.raises(StateUnavailable, match=r"state\.dsn: the connection string cannot be read"):
        care_of(Settings(state_path=tmp_path / "x.sqlite", state=state), SystemClock())


def test_any_copy_is_verified_where_it_lies(tmp_path: Path) -> None:
    care, copy = _care(_journal(tmp_path)), tmp_path / "copy.sqlite"
    care.backup(str(copy))
    report = care.verify(str(copy))
    assert (report.facts.version, report.facts.place) == (3, str(copy))
    whole = copy.read_bytes()
    at = whole.index(b'"stopped"')
    copy.write_bytes(whole[:at] + b'"stoppee"' + whole[at + 9 :])
    with pytest.raises(StateCorrupt, match=r"copy\.sqlite: journal version 3 is damaged"):
        care.verify(str(copy))
