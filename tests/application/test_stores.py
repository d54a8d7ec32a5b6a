"""Which store the settings lead to: a file or a database, opened, asked for, and looked at."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from tidegate.adapters.postgres import PostgresState, SharedPostgresState
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.application.preflight import Checklist
from tidegate.application.settings import Settings
from tidegate.application.settings_loading import SettingsError, load_settings
from tidegate.application.settings_state import StateBackend, StateSettings
from tidegate.application.stores import (
    has_state,
    look_at_state,
    make_state,
    make_writer_state,
    open_existing,
    place_of,
)
from tidegate.domain.mode import TradingMode, VenueKind
from tidegate.ports.preflight import Check, PreflightPort
from tidegate.ports.state import LeaseHeld, StateUnavailable

from tests.adapters.postgres.server import shared_server


@pytest.fixture
def dsn() -> Iterator[str]:
    server = shared_server()
    found = server.database()
    yield found
    server.give_back(found)


def on_postgres(folder: Path, dsn: str, journal: str | None = None) -> Settings:
    state = StateSettings(backend=StateBackend.POSTGRES, dsn=dsn, journal=journal)
    return Settings(state_path=folder / "journal.sqlite", state=state)


def _load(**values: str) -> Settings:
    env = {f"TIDEGATE_STATE__{name.upper()}": value for name, value in values.items()}
    return load_settings(file=None, env={**env, "TIDEGATE_CONFIG": "/dev/null"})


def test_every_choice_can_be_made_in_the_environment() -> None:
    found = _load(backend="postgres", dsn="host=db user=desk", journal="main.1", wait_ms_max="2500")
    assert found.state == StateSettings(
        backend=StateBackend.POSTGRES,
        dsn="host=db user=desk",
        journal="main.1",
        wait_ms_max=2_500,
    )
    assert _load().state == StateSettings(backend=StateBackend.SQLITE)


@pytest.mark.parametrize(
    "dsn",
    [
        "host=db password=hunter-two",
        "host=db PASSWORD = 'hunter-two'",
        "postgresql://desk:hunter-two@db/tidegate",
        "postgresql://desk@db/tidegate?password=hunter-two",
    ],
)
def test_a_password_is_no_setting_and_is_not_shown(dsn: str) -> None:
    with pytest.raises(SettingsError, match=r"dsn holds a password \(not shown") as caught:
        _load(dsn=dsn)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "x" * 64])
def test_a_name_that_a_journal_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="accepted: 1 to 63 letters"):
        _load(journal=name)


def test_a_shared_journal_needs_a_database_and_a_venue_that_is_shared_too() -> None:
    with pytest.raises(SettingsError, match="shared is true and backend is sqlite; accepted"):
        _load(shared="true")
    with pytest.raises(SettingsError, match="mode is paper, whose venue is in this process"):
        _load(shared="true", backend="postgres")
    state = StateSettings(backend=StateBackend.POSTGRES, shared=True, send_within_ms=3_000)
    shared = Settings(mode=TradingMode.DEMO, state=state).core_config(VenueKind.BYBIT_DEMO)
    assert (shared.is_shared, shared.send_within_ms, shared.report_lag_ms) == (True, 3_000, 1_000)
    alone = Settings(mode=TradingMode.DEMO).core_config(VenueKind.BYBIT_DEMO)
    assert (alone.is_shared, alone.report_lag_ms) == (False, 0)


def test_a_desk_takes_the_lease_of_its_writer_and_an_operator_none(dsn: str) -> None:
    state = StateSettings(backend=StateBackend.POSTGRES, dsn=dsn, shared=True)
    settings = Settings(mode=TradingMode.DEMO, state=state)
    with closing(make_writer_state(settings)) as first:
        assert isinstance(first, SharedPostgresState)
        with pytest.raises(LeaseHeld, match=r"the lease '.*DonchianBreakout BTCUSDT' is held"):
            make_writer_state(settings)
        other = attrs.evolve(settings, state=attrs.evolve(state, writer="another"))
        make_writer_state(other).close()
        with closing(make_state(settings)) as operator:
            assert not isinstance(operator, SharedPostgresState)
            assert operator.append([], expected_version=0, durable=True) == 0


def test_the_journal_is_a_file_unless_a_database_is_named(tmp_path: Path) -> None:
    settings = Settings(state_path=tmp_path / "a" / "journal.sqlite")
    assert not has_state(settings)
    with pytest.raises(StateUnavailable, match="no journal there; name the state folder"):
        open_existing(settings)
    with closing(make_state(settings)) as state:
        assert isinstance(state, SqliteState)
    assert has_state(settings)
    assert place_of(settings) == str(settings.state_path)


def test_a_journal_in_a_database_is_made_once_and_found_again(tmp_path: Path, dsn: str) -> None:
    settings = on_postgres(tmp_path, dsn)
    assert not has_state(settings)
    with pytest.raises(StateUnavailable, match=r"journal 'paper' .* no journal there; .*\.dsn"):
        open_existing(settings)
    assert look_at_state(settings).what.endswith("can be reached, it will be made")
    assert not has_state(settings)
    with closing(make_state(settings)) as state:
        assert isinstance(state, PostgresState)
    with closing(open_existing(settings)) as state:
        assert state.version() == 0
    assert look_at_state(settings).what.endswith("can be written")
    assert not has_state(on_postgres(tmp_path, dsn, journal="another"))
    assert list(tmp_path.iterdir()) == []


def test_each_mode_has_a_journal_of_its_own_unless_one_is_named(tmp_path: Path) -> None:
    state = StateSettings(backend=StateBackend.POSTGRES, dsn="host=db dbname=x")
    demo = Settings(mode=TradingMode.DEMO, state=state)
    assert place_of(demo) == "journal 'demo' in database 'x' at db"
    named = on_postgres(tmp_path, "host=db dbname=x", journal="mine")
    assert place_of(named) == "journal 'mine' in database 'x' at db"


def test_a_database_that_cannot_be_used_is_a_failed_check(tmp_path: Path) -> None:
    for dsn, said in (
        ("host=/nowhere", "cannot be reached"),
        ("no connection string", "state.dsn: the connection string cannot be read"),
    ):
        settings = on_postgres(tmp_path, dsn)
        found = look_at_state(settings)
        assert found.stops_start
        assert said in found.what
        assert "state.dsn" in found.remedy
        (of_list,) = (
            one
            for one in Checklist(settings=settings, keys=lambda: None, venue=_nobody).run()
            if one.check is Check.STATE_STORE
        )
        assert of_list == found


def _nobody() -> PreflightPort:
    raise AssertionError("the venue is not asked in this mode")


def test_without_its_library_a_database_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("tidegate.adapters.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StateUnavailable, match=r"install tidegate\[postgres\]"):
        make_state(on_postgres(tmp_path, "host=db"))
