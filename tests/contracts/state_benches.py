"""Benches for the state adapters of this package: what a third party writes for its own."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from tidegate.adapters.memory.state import MemoryState
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.schema import FORMAT
from tidegate.contracts.state_bench import AbilityMissing, StateAbility, StateBench
from tidegate.ports.state import StatePort, StateUnavailable

__all__ = ["MemoryBench", "SqliteBench", "make_memory", "make_sqlite"]


class MemoryBench(StateBench):
    """An in-memory journal: it neither persists nor is shared, and says so."""

    def __init__(self) -> None:
        self._state: StatePort | None = None

    def open(self) -> StatePort:
        if self._state is not None and _is_open(self._state):
            raise AbilityMissing(StateAbility.SHARING)
        self._state = self.make_state()
        return self._state

    def make_state(self) -> StatePort:
        """Make the adapter under test; a bench for a wrong one overrides this."""
        return MemoryState()

    def close(self) -> None:
        if self._state is not None:
            self._state.close()


def _is_open(state: StatePort) -> bool:
    try:
        state.version()
    except StateUnavailable:
        return False
    return True


class SqliteBench(StateBench):
    """A journal in a file. A crash leaves what the files hold at that instant: a copy of them."""

    abilities = frozenset(StateAbility) - {StateAbility.POWER_LOSS}

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._life = 0
        self._states: list[StatePort] = []
        self.path.parent.mkdir()

    @property
    def path(self) -> Path:
        return Path(self._folder.name) / str(self._life) / "journal.sqlite"

    def open(self) -> StatePort:
        state = self.adapter(self.path)
        self._states.append(state)
        return state

    def adapter(self, path: Path) -> StatePort:
        """Make the adapter under test; a bench for a wrong one overrides this."""
        return SqliteState(path)

    def close(self) -> None:
        self._close_states()
        self._folder.cleanup()

    def crash(self) -> None:
        old = self.path.parent
        self._life += 1
        # The shared-memory index is left behind: SQLite builds it anew, as after a kill.
        shutil.copytree(old, self.path.parent, ignore=shutil.ignore_patterns("*-shm"))
        self._close_states()

    def _close_states(self) -> None:
        for state in self._states:
            state.close()
        self._states.clear()

    def corrupt(self) -> None:
        data = bytearray(self.path.read_bytes())
        data[data.index(b"case1.v1")] ^= 1  # the kind of a stored record
        self.path.write_bytes(data)

    def make_newer(self) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute(f"PRAGMA user_version = {FORMAT + 1}")

    def content(self) -> bytes:
        files = sorted(self.path.parent.iterdir())
        return b"".join(file.name.encode() + b"\n" + file.read_bytes() for file in files)


def make_memory() -> StateBench:
    return MemoryBench()


def make_sqlite() -> StateBench:
    return SqliteBench()
