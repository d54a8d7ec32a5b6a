"""The journal's store that the settings name: opened, asked whether it is there, and looked at.

The library of PostgreSQL is loaded where a store of it is opened, so that importing this module
costs nothing.
"""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.adapters.sqlite.opening import is_journal
from tidegate.adapters.sqlite.state import SqliteState
from tidegate.ports.preflight import Check, Finding
from tidegate.ports.state import StateError, StatePort, StateUnavailable
from tidegate.ports.state_care import COPY_OF_DATABASE, ReadsCopies, StateCarePort

from .settings import Settings
from .settings_state import StateBackend

if TYPE_CHECKING:
    from tidegate.adapters.postgres import Target

__all__ = [
    "foreign_reader",
    "has_state",
    "look_at_state",
    "look_at_store",
    "make_care",
    "make_state",
    "make_writer_state",
    "open_existing",
    "place_of",
]


def make_state(settings: Settings) -> StatePort:
    """Open the journal, or make an empty one.

    Raises:
        StateError: it cannot be used: not reached, damaged, or of a newer release.

    """
    if settings.state.backend is StateBackend.SQLITE:
        settings.state_path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteState(settings.state_path)
    target = _target(settings)
    from tidegate.adapters.postgres import PostgresState  # noqa: PLC0415

    return PostgresState(target)


def make_writer_state(settings: Settings) -> StatePort:
    """Open the journal for a desk that trades: where it is shared, under the lease of its writer.

    Raises:
        LeaseHeld: another live process writes under the same name.
        StateError: it cannot be used: not reached, damaged, or of a newer release.

    """
    state = settings.state
    if not state.shared:
        return make_state(settings)
    target = _target(settings)
    from tidegate.adapters.postgres import Membership, SharedPostgresState  # noqa: PLC0415

    name = state.writer or f"{settings.strategy.name} {settings.symbol}"
    return SharedPostgresState(target, Membership(name=name, lease_ms=state.lease_ms))


def make_care(settings: Settings) -> StateCarePort:
    """Return the care of the journal's store; nothing is opened, and none is made.

    Raises:
        StateUnavailable: the settings name no database that could be asked.

    """
    if settings.state.backend is StateBackend.SQLITE:
        return SqliteCare(settings.state_path)
    target = _target(settings)
    from tidegate.adapters.postgres import PostgresCare  # noqa: PLC0415

    return PostgresCare(target)


def foreign_reader(backend: StateBackend, file: Path) -> ReadsCopies | None:
    """Return what reads a copy of the other kind than ``backend``, ``None`` where it is none.

    A file is looked into by plain means only once SQLite says that it is no journal of its own: to
    close such a file would drop the locks that a desk in this process has on it.

    Raises:
        StateUnavailable: it is a copy of a journal in a database, and psycopg is not installed.

    """
    if is_journal(file):
        return None if backend is StateBackend.SQLITE else SqliteCare(file)
    if backend is not StateBackend.SQLITE or not _is_of_database(file):
        return None
    try:
        from tidegate.adapters.postgres import Copies  # noqa: PLC0415
    except ImportError:
        raise StateUnavailable(
            f"{file}: a copy of a journal in a database, and the package psycopg, which reads it, "
            "is not installed; install tidegate[postgres]"
        ) from None
    return Copies()


def _is_of_database(file: Path) -> bool:
    begins = f'{{"what":"{COPY_OF_DATABASE}"'.encode()
    try:
        with file.open("rb") as opened:
            return opened.read(len(begins)) == begins
    except OSError:
        return False  # whoever reads it next says why


def open_existing(settings: Settings) -> StatePort:
    """Open a journal that exists; a question must not make one.

    Raises:
        StateUnavailable: there is none.
        StateError: it cannot be used: not reached, damaged, or of a newer release.

    """
    if not has_state(settings):
        raise StateUnavailable(f"{place_of(settings)}: no journal there; {_remedy(settings)}")
    return make_state(settings)


def _remedy(settings: Settings) -> str:
    if settings.state.backend is StateBackend.SQLITE:
        return "name the state folder of a session with --state"
    return "name that of a session with state.journal, and its database with state.dsn"


def has_state(settings: Settings) -> bool:
    """Tell whether there is a journal; makes none.

    Raises:
        StateError: the database cannot be asked.

    """
    if settings.state.backend is StateBackend.SQLITE:
        return settings.state_path.is_file()
    target = _target(settings)
    from tidegate.adapters.postgres import has_journal  # noqa: PLC0415

    return has_journal(target)


def place_of(settings: Settings) -> str:
    """Say where the journal is, without user and password.

    Raises:
        StateUnavailable: the settings name no database that could be asked.

    """
    if settings.state.backend is StateBackend.SQLITE:
        return str(settings.state_path)
    return _target(settings).place


def _target(settings: Settings) -> "Target":
    state = settings.state
    try:
        from tidegate.adapters.postgres import Target  # noqa: PLC0415
    except ImportError:
        raise StateUnavailable(
            "the package psycopg is not installed, and state.backend is postgres; install "
            "tidegate[postgres]"
        ) from None
    try:
        return Target(state.dsn, state.journal or settings.mode.value, state.wait_ms_max)
    except ValueError as error:
        raise StateUnavailable(f"state.dsn: {error}") from None


def look_at_state(settings: Settings) -> Finding:
    """Tell whether the journal can be written, and read where there is one; neither is made."""
    if settings.state.backend is StateBackend.SQLITE:
        return look_at_store(settings.state_path)
    return _look_at_database(settings)


def look_at_store(journal: Path) -> Finding:
    """Tell whether the journal can be written, and read where there is one; neither is made."""
    folder = next(parent for parent in journal.absolute().parents if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        if journal.exists():
            with closing(SqliteState(journal)) as state:
                state.version()
    except OSError as error:
        return _no_store(f"{folder} cannot be written: {error.strerror or error}")
    except StateError as error:
        return _no_store(str(error))
    known = "" if journal.exists() else ", it will be made"
    return Finding(check=Check.STATE_STORE, is_ok=True, what=f"{journal} can be written{known}")


def _no_store(what: str) -> Finding:
    return Finding(
        check=Check.STATE_STORE,
        is_ok=False,
        what=what,
        remedy="name a folder that can be written with --state, or the file with state_path",
    )


def _look_at_database(settings: Settings) -> Finding:
    try:
        is_there = has_state(settings)
        if is_there:
            with closing(make_state(settings)) as state:
                state.version()
    except StateError as error:
        return Finding(
            check=Check.STATE_STORE,
            is_ok=False,
            what=str(error),
            remedy="mend the server, or the settings state.dsn and state.journal",
        )
    said = "can be written" if is_there else "can be reached, it will be made"
    return Finding(check=Check.STATE_STORE, is_ok=True, what=f"{place_of(settings)} {said}")
