"""Benches for the care of a journal: a store of each kind, and the means to damage it."""

import sqlite3
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from tidegate.adapters.postgres import PostgresCare, PostgresState, Target
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.ports.state import Record, Snapshot, StatePort
from tidegate.ports.state_care import StateCarePort, StoreView

from tests.adapters.postgres.server import shared_server
from tests.adapters.sqlite.journals import contents, open_to_others

__all__ = ["BENCHES", "CareBench", "PostgresCareBench", "SqliteCareBench", "batch", "fold"]

_DESK = """
import sys
from pathlib import Path
{opening}
print("open", flush=True)
sys.stdin.read()
"""


def batch(*bodies: str) -> list[Record]:
    return [
        Record(kind=f"case{number}.v1", body=body, time_ms=1_000 + number)
        for number, body in enumerate(bodies)
    ]


def fold(view: StoreView) -> Snapshot:
    """Fold as a desk does: from the snapshot and the rest, to the text that they make."""
    saved = view.load_snapshot()
    known = [] if saved is None or not saved.body.startswith("|") else [saved]
    text = "".join(one.body for one in known)
    after = max((one.version for one in known), default=0)
    for stored in view.read(after_version=after):
        text += f"|{stored.record.body}"
    return Snapshot(version=view.facts.version, body=text)


class CareBench(ABC):
    """One journal, and copies of it in a folder of their own."""

    suffix: str

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.copies = Path(self._folder.name) / "copies"
        self.copies.mkdir()

    @property
    def copy(self) -> Path:
        """The place of a copy, where nothing is yet."""
        return self.copies / f"copy{self.suffix}"

    @property
    @abstractmethod
    def care(self) -> StateCarePort: ...

    @abstractmethod
    def open(self) -> StatePort: ...

    @abstractmethod
    def other(self) -> "CareBench":
        """Return a bench of another journal that copies of this one fit to, where nothing is."""

    @abstractmethod
    def content(self) -> object:
        """Return all that the store holds, and where it lies."""

    @abstractmethod
    def damage(self, version: int) -> None: ...

    @abstractmethod
    def damage_snapshot(self) -> None: ...

    @abstractmethod
    def lose_archives(self) -> None: ...

    @abstractmethod
    def damage_archive(self, version: int) -> None: ...

    @abstractmethod
    def make_newer(self, copy: Path) -> None: ...

    @abstractmethod
    def moved(self, text: str) -> StatePort:
        """Open what a restore moved aside."""

    @abstractmethod
    def opening(self) -> str:
        """Return statements that open the store in another process."""

    @contextmanager
    def open_to_others(self) -> Iterator[None]:
        """Let other users reach the store, and read it."""
        with open_to_others(self.copies.parent):
            yield

    @contextmanager
    def desk(self) -> Iterator["subprocess.Popen[str]"]:
        """Let another process have the store open."""
        with subprocess.Popen(
            [sys.executable, "-c", _DESK.format(opening=self.opening())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
            process.kill()

    def write(self, size: int = 40) -> list[Record]:
        """Write a closed journal with a snapshot, and return its records."""
        records = batch(*(f"body {number}" for number in range(size)))
        with closing(self.open()) as state:
            state.append(records, expected_version=0, durable=True)
            state.save_snapshot(Snapshot(version=size // 2, body="snapshot text"))
        return records

    def append(self, *bodies: str) -> list[Record]:
        records = batch(*bodies)
        with closing(self.open()) as state:
            state.append(records, expected_version=state.version(), durable=True)
        return records

    def found(self) -> tuple[list[Record], Snapshot | None]:
        with closing(self.open()) as state:
            return records_of(state), state.load_snapshot()

    def close(self) -> None:
        self._folder.cleanup()


def records_of(state: StatePort) -> list[Record]:
    stored = list(state.read())
    assert [one.version for one in stored] == list(range(1, len(stored) + 1))
    return [one.record for one in stored]


class SqliteCareBench(CareBench):
    """A file in a folder."""

    suffix = ".sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(self._folder.name) / "state" / "journal.sqlite"
        self.path.parent.mkdir()

    @property
    def care(self) -> StateCarePort:
        return SqliteCare(self.path)

    def open(self) -> StatePort:
        return SqliteState(self.path)

    def other(self) -> CareBench:
        return SqliteCareBench()

    def content(self) -> object:
        return contents(self.path.parent)

    def _edit(self, path: Path, statement: str) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)

    def damage(self, version: int) -> None:
        self._edit(self.path, f"UPDATE journal SET body = 'x' WHERE version = {version}")  # noqa: S608

    def damage_snapshot(self) -> None:
        self._edit(self.path, "UPDATE snapshot SET body = 'other'")

    def _archives(self) -> list[Path]:
        return sorted(self.path.parent.glob("journal-archive-*.sqlite"))

    def lose_archives(self) -> None:
        for archive in self._archives():
            archive.unlink()

    def damage_archive(self, version: int) -> None:
        for archive in self._archives():
            self._edit(archive, f"UPDATE journal SET body = 'x' WHERE version = {version}")  # noqa: S608

    def make_newer(self, copy: Path) -> None:
        self._edit(copy, "PRAGMA user_version = 7")

    def moved(self, text: str) -> StatePort:
        return SqliteState(Path(text))

    def opening(self) -> str:
        return (
            "from tidegate.adapters.sqlite import SqliteState\n"
            f"state = SqliteState(Path({str(self.path)!r}))"
        )


_TABLES = ("format", "journal", "record", "snapshot", "lease", "archive", "archived")


class PostgresCareBench(CareBench):
    """A journal in a database of a real server."""

    suffix = ".journal"

    def __init__(self) -> None:
        super().__init__()
        self.dsn = shared_server().database()

    @property
    def target(self) -> Target:
        return Target(self.dsn, "desk", 2_000)

    @property
    def care(self) -> PostgresCare:
        return PostgresCare(self.target)

    def open(self) -> StatePort:
        return PostgresState(self.target)

    def other(self) -> CareBench:
        return PostgresCareBench()

    def content(self) -> object:
        with psycopg.connect(self.dsn) as connection:
            return [
                connection.execute(
                    f"SELECT ctid::text, t::text FROM tidegate.{table} t ORDER BY 2".encode()  # noqa: S608
                ).fetchall()
                for table in _TABLES
            ]

    def edit(self, statement: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement.encode())

    def damage(self, version: int) -> None:
        self.edit(f"UPDATE tidegate.record SET body = 'x' WHERE version = {version}")  # noqa: S608

    def damage_snapshot(self) -> None:
        self.edit("UPDATE tidegate.snapshot SET body = 'other'")

    def lose_archives(self) -> None:
        self.edit("DELETE FROM tidegate.archived")

    def damage_archive(self, version: int) -> None:
        self.edit(f"UPDATE tidegate.archived SET body = 'x' WHERE version = {version}")  # noqa: S608

    def make_newer(self, copy: Path) -> None:
        text = copy.read_text()
        copy.write_text(text.replace('"format":1', '"format":2', 1))

    def moved(self, text: str) -> StatePort:
        return PostgresState(Target(self.dsn, text.split("'")[1], 2_000))

    def opening(self) -> str:
        return (
            "from tidegate.adapters.postgres import PostgresState, Target\n"
            f"state = PostgresState(Target({self.dsn!r}, 'desk'))"
        )

    @contextmanager
    def open_to_others(self) -> Iterator[None]:
        Path(str(conninfo_to_dict(self.dsn)["host"])).chmod(0o755)  # the folder of its socket
        with super().open_to_others():
            yield

    def close(self) -> None:
        shared_server().give_back(self.dsn)
        super().close()


BENCHES = (SqliteCareBench, PostgresCareBench)
