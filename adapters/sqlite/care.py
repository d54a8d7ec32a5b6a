"""Care of a journal in a SQLite file: look at it, copy it, put a copy back, compact it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import TypeVar

from tidegate.ports.chain import Head, walk
from tidegate.ports.state import (
    Snapshot,
    StateCorrupt,
    StateUnavailable,
    StoredRecord,
)
from tidegate.ports.state_care import (
    CareRefused,
    Compacted,
    Restored,
    StateCarePort,
    StoreFacts,
    StoreView,
)

from .archives import archive_facts, read_archives
from .compacting import compact_rows
from .converting import write_journal
from .copying import copied, drafts, force
from .opening import (
    is_log_alone,
    look,
    require_ours,
    require_pages,
    require_rows,
    require_sound,
    wal_of,
)
from .schema import (
    check_snapshot,
    digest_at,
    put_in_place,
    read_base,
    read_head,
    read_spans,
)
from .sole import require_unused, sole_connection

__all__ = ["SqliteCare"]

T = TypeVar("T")
_ROWS = (
    "SELECT version, kind, body, time_ms, digest FROM journal WHERE version > ? ORDER BY version"
)


class SqliteCare(StateCarePort):
    """Places are paths. ``busy_ms_max`` is how long a look waits for another process."""

    def __init__(self, path: Path, *, busy_ms_max: int = 5_000) -> None:
        self._path = path
        self._busy_ms_max = busy_ms_max

    @property
    def copy_suffix(self) -> str:
        """See :attr:`StateCarePort.copy_suffix`."""
        return ".sqlite"

    def look(self, at: Callable[[StoreView], T], *, place: str | None = None) -> T:
        """See :meth:`StateCarePort.look`."""
        path = self._path if place is None else Path(place)
        _require_there(path)
        require_ours(path)
        return look(
            path,
            lambda connection: at(_View(connection, path)),
            busy_ms_max=self._busy_ms_max,
        )

    def backup(self, place: str, check: Callable[[StoreView], T]) -> T:
        """See :meth:`StateCarePort.backup`."""
        target = Path(place)
        _require_there(self._path)
        _require_free(target)
        with self._copied(self._path, target.parent, check) as (draft, found):
            _name(draft, target)
        return found

    def convert(self, view: StoreView, place: str) -> None:
        """See :meth:`StateCarePort.convert`."""
        target = Path(place)
        _require_free(target)
        with drafts(target, target.parent) as draft:
            write_journal(draft, view)
            force(draft)
            _name(draft, target)

    def restore(
        self, place: str, check: Callable[[StoreView], None], *, moves_aside: bool, stamp: str
    ) -> Restored:
        """See :meth:`StateCarePort.restore`."""
        source, target = Path(place), self._path
        _require_there(source)
        if _is_there(target) and source.samefile(target):
            raise CareRefused(f"{place}: this is the journal itself; name a copy of it")
        _make_folder(target.parent)
        with self._copied(source, target.parent, check) as (draft, _):
            moved_to = self._clear(moves_aside=moves_aside, stamp=stamp)
            _name(draft, target)
        return Restored(place=str(target), moved_to=moved_to)

    def _copied(
        self, source: Path, folder: Path, check: Callable[[StoreView], T]
    ) -> AbstractContextManager[tuple[Path, T]]:
        return copied(
            source,
            folder,
            lambda path, connection: check(_View(connection, path)),
            busy_ms_max=self._busy_ms_max,
        )

    def _clear(self, *, moves_aside: bool, stamp: str) -> str | None:
        """Move what is at the journal's place to a name of its own; returns that name."""
        path, log = self._path, wal_of(self._path)
        if not _is_there(path) and not _is_there(log):
            return None
        if not moves_aside:
            raise CareRefused(
                f"{path}: a journal is there; nothing was changed. Have it moved aside "
                "(--move-aside), or name another state folder"
            )
        aside = path.with_name(f"{path.stem}-replaced-{stamp}{path.suffix}")
        if _is_there(path):
            require_unused(path)
            _require_free(aside)
            _rename(path, aside)
        elif (halved := self._without_log()) is not None:
            aside = halved  # a restore was killed between the file and its log
        if _is_there(log):
            _require_free(wal_of(aside))
            _rename(log, wal_of(aside))
        return str(aside)

    def _without_log(self) -> Path | None:
        path = self._path
        moved = path.parent.glob(f"{path.stem}-replaced-*{path.suffix}")
        return max((one for one in moved if not wal_of(one).exists()), default=None)

    def compact(self, fold: Callable[[StoreView], Snapshot]) -> Compacted:
        """See :meth:`StateCarePort.compact`."""
        path = self._path
        _require_there(path)
        require_ours(path)
        before = _size(path)
        require_sound(path, busy_ms_max=self._busy_ms_max)
        with sole_connection(path) as connection:
            connection.execute("BEGIN")
            require_pages(connection, path)
            require_rows(connection, path)
            check_snapshot(connection, path)
            connection.execute("COMMIT")
            view = _View(connection, path)
            spans = compact_rows(connection, path, lambda: fold(view))
            version = read_head(connection, path).version
        return Compacted(
            archives=archive_facts(path, spans),
            version=version,
            bytes_before=before,
            bytes_after=_size(path),
        )


class _View(StoreView):
    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @property
    def facts(self) -> StoreFacts:
        connection, path = self._connection, self._path
        (format_found,) = connection.execute("PRAGMA user_version").fetchone()
        return StoreFacts(
            place=str(path),
            format=format_found,
            base=read_base(connection, path).version,
            version=read_head(connection, path).version,
            bytes_count=_size(path),
            archives=archive_facts(path, read_spans(connection, path)),
        )

    def read(self, *, after_version: int = 0) -> Iterator[StoredRecord]:
        if after_version < 0:
            raise ValueError(f"after_version is {after_version}; versions count from 1, so give 0")
        connection, path = self._connection, self._path
        base, head = read_base(connection, path), read_head(connection, path)
        if after_version >= head.version:
            return iter(())
        if after_version < base.version:
            spans = read_spans(connection, path)
            archived = read_archives(path, spans, after_version=after_version)
            return chain(archived, self._rows(base))
        return self._rows(Head(after_version, digest_at(connection, path, after_version)))

    def _rows(self, start: Head) -> Iterator[StoredRecord]:
        rows = self._connection.execute(_ROWS, (start.version,))
        return walk(rows, start, str(self._path))

    def load_snapshot(self) -> Snapshot | None:
        return check_snapshot(self._connection, self._path)


def _is_there(path: Path) -> bool:
    return _look(path, Path.exists)


def _look(path: Path, question: Callable[[Path], bool]) -> bool:
    try:
        return question(path)
    except OSError as error:
        raise StateUnavailable(f"{path}: cannot be read: {error}; nothing was changed") from error


def _require_there(path: Path) -> None:
    if _look(path, is_log_alone):
        raise StateCorrupt(
            f"{path}: missing, while its log {wal_of(path).name} is there; restore a backup"
        )
    if not _is_there(path):
        raise StateUnavailable(f"{path}: no journal there; name the file of one, or its folder")
    if not path.is_file():
        raise StateUnavailable(f"{path}: not a regular file; name a file")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateUnavailable(f"{folder}: cannot be made: {error}") from error


def _require_free(path: Path) -> None:
    if _is_there(path):
        raise CareRefused(f"{path}: something is there; nothing was changed. Name a new file")


def _name(draft: Path, target: Path) -> None:
    try:
        put_in_place(draft, target)
    except FileExistsError as error:
        raise CareRefused(f"{target}: something is there; it was left untouched") from error


def _rename(path: Path, to: Path) -> None:
    try:
        path.rename(to)
    except OSError as error:
        raise StateUnavailable(f"{path}: cannot be moved to {to.name}: {error}") from error


def _size(path: Path) -> int:
    log = wal_of(path)
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)
