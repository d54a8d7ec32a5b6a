"""What the tests of the SQLite journal share."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tidegate.adapters.sqlite import SqliteState
from tidegate.ports.state import Record, Snapshot

__all__ = ["BECOME_NOBODY", "batch", "contents", "open_to_others", "write_journal"]

BECOME_NOBODY = """
import os
if os.geteuid() == 0:  # the superuser may write anywhere
    os.setgroups([])
    os.setgid(65_534)
    os.setuid(65_534)
"""


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


@contextmanager
def open_to_others(folder: Path) -> Iterator[None]:
    """Let other users through our own folders on the way: temporary ones are closed to them."""
    ours = [one for one in (folder, *folder.parents) if one.stat().st_uid == os.geteuid()]
    modes = {one: stat.S_IMODE(one.stat().st_mode) for one in ours}
    for one, mode in modes.items():
        if not mode & stat.S_IXOTH:
            one.chmod(mode | stat.S_IXOTH)
    try:
        yield
    finally:
        for one, mode in modes.items():
            if not mode & stat.S_IXOTH:
                one.chmod(mode)
