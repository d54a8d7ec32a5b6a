"""What the tests of the SQLite journal share."""

from collections.abc import Mapping
from pathlib import Path

from tidegate.adapters.sqlite import SqliteState
from tidegate.ports.state import Record, Snapshot

__all__ = ["batch", "contents", "write_journal"]


def batch(*bodies: str) -> list[Record]:
    return [
        Record(kind=f"case{number}.v1", body=body, time_ms=1_000 + number)
        for number, body in enumerate(bodies)
    ]


def write_journal(path: Path, size: int = 40) -> list[Record]:
    """Write a closed journal with a snapshot, and return its records."""
    records = batch(*(f"body {number}" for number in range(size)))
    state = SqliteState(path)
    state.append(records, expected_version=0, durable=True)
    state.save_snapshot(Snapshot(version=size // 2, body="snapshot text"))
    state.close()
    return records


def contents(folder: Path) -> Mapping[str, bytes]:
    """Return every file in the folder, byte for byte, without SQLite's index of the log."""
    return {
        file.name: file.read_bytes()
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.endswith("-shm")
    }
