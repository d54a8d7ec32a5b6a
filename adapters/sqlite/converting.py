"""A journal in a file, written from a store of another kind."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from tidegate.ports.state import Record
from tidegate.ports.state_care import StoreView

from .state import SqliteState

__all__ = ["write_journal"]

_BATCH_RECORDS = 1_000


def write_journal(path: Path, view: StoreView) -> None:
    """Write every record of ``view``, archived ones too, and its snapshot to a new file.

    The chain of digests begins anew. What was written is not yet forced to the disk.

    Raises:
        StateError: the view cannot be read whole, or the file not written.

    """
    with closing(SqliteState(path)) as state:
        version = 0
        for records in _batches(view):
            version = state.append(records, expected_version=version, durable=False)
        saved = view.load_snapshot()
        if saved is not None:
            state.save_snapshot(saved)


def _batches(view: StoreView) -> Iterator[list[Record]]:
    records = (stored.record for stored in view.read())
    while found := list(islice(records, _BATCH_RECORDS)):
        yield found
