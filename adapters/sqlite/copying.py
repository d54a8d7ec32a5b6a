"""A consistent copy of a journal: made aside, checked, on the disk, and only then given a name."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from tidegate.ports.state import StateCorrupt, StateUnavailable

from .errors import typed_error
from .opening import look, require_ours

__all__ = ["copied", "drafts", "force"]

T = TypeVar("T")


@contextmanager
def copied(
    source: Path, folder: Path, check: Callable[[Path, sqlite3.Connection], T], *, busy_ms_max: int
) -> Iterator[tuple[Path, T]]:
    """Make a checked copy of ``source`` below ``folder``; it is gone at the end unless linked.

    Gives the copy and what ``check`` made of a connection to it.

    Raises:
        StateCorrupt: the source is damaged, or the copy is not what the source was.
        NewerFormat: a newer release wrote it.
        StateUnavailable: it cannot be read, or the copy cannot be written.

    """
    require_ours(source)
    with drafts(source, folder) as draft:
        look(source, lambda found: _copy(found, draft), busy_ms_max=busy_ms_max)
        force(draft)
        yield draft, _checked(source, draft, check)


@contextmanager
def drafts(like: Path, folder: Path) -> Iterator[Path]:
    """Give the path of a new file below ``folder``, named as ``like``; gone at the end.

    Raises:
        StateUnavailable: nothing can be written there.

    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{like.name}-", dir=folder) as name:
            yield Path(name) / like.name
    except OSError as error:
        raise StateUnavailable(f"{folder}: a copy cannot be written there: {error}") from error


def _copy(source: sqlite3.Connection, draft: Path) -> None:
    draft.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            source.backup(copy)  # in one step, from the view that was checked
    except sqlite3.Error as error:
        failed = typed_error(draft, error)
        if isinstance(failed, StateUnavailable):
            raise failed from error
        raise StateCorrupt(f"{draft}: the copy failed ({error}); none was kept") from error


def force(draft: Path) -> None:
    """Force a file to the disk; an ``OSError`` passes through."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())


def _checked(source: Path, draft: Path, check: Callable[[Path, sqlite3.Connection], T]) -> T:
    require_ours(draft)
    return look(draft, lambda connection: check(source, connection), busy_ms_max=0)
