"""A copy of a journal in one file: written aside, and checked whole each time that it is read.

The file is lines of JSON, in UTF-8, each with a line feed at its end. The first says what follows:
the format, the journal's name, where its chain of digests begins and ends, which versions are
archived, and the newest snapshot. Then comes a line for each row in the order of versions, first
the archived ones: version, time in UTC milliseconds, kind, body, digest. The last line has the
number of those before it and the digest of all their bytes, so that a file without it is cut off.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import attrs
from tidegate.ports.chain import Head, Row, Span, genesis, require_spans, seal_of, walk_heads
from tidegate.ports.state import NewerFormat, Snapshot, StateCorrupt, StateUnavailable, StoredRecord
from tidegate.ports.state_care import COPY_OF_DATABASE, CareRefused

__all__ = ["Contents", "Copy", "StoredRow", "drafted", "put_in_place", "require_free"]

_FORMAT = 1
_DIGEST_BYTES = 32
_LINE_BYTES_MAX = 2**28
_INT64_MAX = 2**63 - 1

StoredRow = tuple[int, bytes, bytes, int, bytes]
"""Version, kind, body, time in UTC milliseconds, digest."""


@attrs.frozen(kw_only=True)
class Contents:
    """What a copy says before its rows.

    ``origin`` is the name that the chain begins with, ``format`` the version of the tables that it
    was copied from. Of the archived spans, ``missing`` holds the
    first versions of those whose rows were not there when the copy was made.
    """

    journal: str
    origin: str
    format: int
    head: Head
    spans: tuple[Span, ...]
    missing: frozenset[int]
    snapshot: Snapshot | None
    sealed: bytes

    @property
    def base(self) -> Head:
        """Return where the chain stands before the first row that is not archived."""
        return self.spans[-1].after if self.spans else Head(0, genesis(self.origin))

    def runs(self) -> Iterator[tuple[Head, Head]]:
        """Yield from where to where the chain goes without a gap, oldest first."""
        start = Head(0, genesis(self.origin))
        for span in self.spans:
            if span.first in self.missing:
                yield start, span.before
                start = span.after
        yield start, self.head


@attrs.frozen
class Copy:
    """A copy at ``path`` that was found to be whole. It is read, and checked, from the disk."""

    path: Path
    contents: Contents

    @classmethod
    def of(cls, path: Path) -> "Copy":
        """Read a copy from its first byte to its last.

        Raises:
            StateCorrupt: no copy of a journal, or damaged, or cut off; the message says where.
            NewerFormat: a newer release wrote it.
            StateUnavailable: it is not there, or cannot be read.

        """
        with _opened(path) as file:
            contents = _contents(path, _line(path, file, 1))
        found = cls(path, contents)
        saved, base = contents.snapshot, contents.base
        anchor = base.digest if saved is not None and saved.version == base.version else b""
        for stored, head in found.entries():
            if saved is not None and stored.version == saved.version:
                anchor = head.digest
        if saved is not None and (
            saved.version < base.version
            or seal_of(anchor, saved.version, saved.body.encode()) != contents.sealed
        ):
            raise StateCorrupt(f"{path}: the snapshot in it is damaged")
        return found

    def size(self) -> int:
        """Return the size of the file in bytes.

        Raises:
            StateUnavailable: it cannot be read.

        """
        with _opened(self.path) as file:
            return file.seek(0, os.SEEK_END)

    def entries(self) -> Iterator[tuple[StoredRecord, Head]]:
        """Yield every record with its digest, each checked; at the end the whole file was.

        Raises:
            StateCorrupt: it is damaged.
            StateUnavailable: it cannot be read.

        """
        with _opened(self.path) as file:
            rows = _rows(self.path, file)
            for start, end in self.contents.runs():
                run = islice(rows, end.version - start.version)
                yield from walk_heads(run, start, end, str(self.path))
            for _ in rows:
                raise StateCorrupt(f"{self.path}: damaged: it has more rows than it says")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if not path.exists():
            raise StateUnavailable(f"{path}: no copy there; name the file of one")
        if not path.is_file():
            raise StateUnavailable(f"{path}: not a regular file; name a file")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise StateUnavailable(f"{path}: cannot be read: {error}; nothing was changed") from error


def _line(path: Path, file: BinaryIO, number: int) -> bytes:
    line = file.readline(_LINE_BYTES_MAX)
    if not line.endswith(b"\n"):
        raise StateCorrupt(
            f"{path}: cut off in line {number}, or no copy of a journal in a database; it was left "
            "untouched, name another copy"
        )
    return line


def _rows(path: Path, file: BinaryIO) -> Iterator[Row]:
    """Yield what the lines between the first and the last say; the last must fit to all of them."""
    total = hashlib.blake2b(_line(path, file, 1), digest_size=_DIGEST_BYTES)
    number = 1
    while True:
        line = _line(path, file, number + 1)
        if not line.startswith(b"["):
            break
        number += 1
        total.update(line)
        yield _row(path, line, number)
    if line != _last_line(number, total.digest()) or file.read(1):
        raise StateCorrupt(
            f"{path}: damaged: its bytes are not those that were written (line {number + 1}); it "
            "was left untouched, name another copy"
        )


def _last_line(lines: int, digest: bytes) -> bytes:
    return _written({"lines": lines, "blake2b": digest.hex()})


def _written(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _parsed(path: Path, line: bytes, number: int) -> object:
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, number) from error
    return found


def _damaged(path: Path, number: int) -> StateCorrupt:
    return StateCorrupt(
        f"{path}: damaged in line {number}; it was left untouched, name another copy"
    )


def _row(path: Path, line: bytes, number: int) -> Row:
    try:
        match _parsed(path, line, number):
            case [int(version), int(time_ms), str(kind), str(body), str(digest)]:
                return (version, kind.encode(), body.encode(), time_ms, bytes.fromhex(digest))
            case _:
                raise _damaged(path, number)
    except ValueError as error:  # no hexadecimal digits, or text that UTF-8 cannot hold
        raise _damaged(path, number) from error


def _contents(path: Path, line: bytes) -> Contents:
    match _parsed(path, line, 1):
        case {"what": what, "format": int(known), **said} if what == COPY_OF_DATABASE:
            if known > _FORMAT:
                raise NewerFormat(
                    f"{path}: a copy of format {known}, this release reads format {_FORMAT}; it "
                    "was left untouched, update tidegate"
                )
            if known == _FORMAT:
                return _said(path, said)
    raise StateCorrupt(
        f"{path}: no copy of a journal in a database; it was left untouched, name another file"
    )


def _said(path: Path, said: dict[object, object]) -> Contents:
    try:
        match said:
            case {
                "journal": str(journal),
                "origin": str(origin),
                "tables": int(tables),
                "version": int(version),
                "digest": str(digest),
                "archives": list(archives),
                "snapshot": dict() | None as snapshot,
            } if 0 <= version <= _INT64_MAX:
                spans = tuple(_span(path, one) for one in archives)
                require_spans([span for span, _ in spans], genesis(origin), str(path))
                saved, sealed = _snapshot(path, snapshot)
                contents = Contents(
                    journal=journal,
                    origin=origin,
                    format=tables,
                    head=Head(version, bytes.fromhex(digest)),
                    spans=tuple(span for span, _ in spans),
                    missing=frozenset(span.first for span, is_there in spans if not is_there),
                    snapshot=saved,
                    sealed=sealed,
                )
                if contents.base.version <= contents.head.version:
                    return contents
    except ValueError as error:
        raise _damaged(path, 1) from error
    raise _damaged(path, 1)


def _span(path: Path, said: object) -> tuple[Span, bool]:
    match said:
        case {
            "first": int(first),
            "last": int(last),
            "start": str(start),
            "digest": str(digest),
            "is_there": bool(is_there),
        }:
            before, after = bytes.fromhex(start), bytes.fromhex(digest)
            return Span(first=first, last=last, start=before, digest=after), is_there
        case _:
            raise _damaged(path, 1)


def _snapshot(path: Path, said: object) -> tuple[Snapshot | None, bytes]:
    match said:
        case None:
            return None, b""
        case {"version": int(version), "body": str(body), "digest": str(digest)}:
            body.encode()  # refused here where UTF-8 cannot hold it
            return Snapshot(version=version, body=body), bytes.fromhex(digest)
        case _:
            raise _damaged(path, 1)


def require_free(target: Path) -> None:
    """Require that nothing has the name of a copy to be made.

    Raises:
        CareRefused: something has it.
        StateUnavailable: whether something has it cannot be seen.

    """
    try:
        is_there = target.exists()
    except OSError as error:
        raise StateUnavailable(f"{target}: cannot be read: {error}; nothing was changed") from error
    if is_there:
        raise CareRefused(f"{target}: something is there; nothing was changed. Name a new file")


@contextlib.contextmanager
def drafted(target: Path, contents: Contents, rows: Iterable[StoredRow]) -> Iterator[Path]:
    """Write a copy aside in the folder of ``target``; it is gone at the end unless linked.

    It is on the disk when it is given.

    Raises:
        StateUnavailable: it cannot be written there; nothing is left behind.

    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
            draft = Path(folder) / target.name
            with draft.open("wb") as file:
                _write(target, file, contents, rows)
                file.flush()
                os.fsync(file.fileno())
            yield draft
    except OSError as error:
        raise StateUnavailable(
            f"{target.parent}: a copy cannot be written there: {error}"
        ) from error


def _write(target: Path, file: BinaryIO, contents: Contents, rows: Iterable[StoredRow]) -> None:
    total = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    lines = 0
    for document in _documents(contents, rows):
        line = _written(document)
        if len(line) > _LINE_BYTES_MAX:
            raise StateUnavailable(
                f"{target}: line {lines + 1} would have {len(line)} bytes, a copy takes lines of "
                f"{_LINE_BYTES_MAX} at most; copy the database with its own tools"
            )
        file.write(line)
        total.update(line)
        lines += 1
    file.write(_last_line(lines, total.digest()))


def _documents(contents: Contents, rows: Iterable[StoredRow]) -> Iterator[object]:
    saved = contents.snapshot
    yield {
        "what": COPY_OF_DATABASE,
        "format": _FORMAT,
        "journal": contents.journal,
        "origin": contents.origin,
        "tables": contents.format,
        "version": contents.head.version,
        "digest": contents.head.digest.hex(),
        "archives": [
            {
                "first": span.first,
                "last": span.last,
                "start": span.start.hex(),
                "digest": span.digest.hex(),
                "is_there": span.first not in contents.missing,
            }
            for span in contents.spans
        ],
        "snapshot": None
        if saved is None
        else {"version": saved.version, "body": saved.body, "digest": contents.sealed.hex()},
    }
    for version, kind, body, time_ms, digest in rows:
        yield [version, time_ms, kind.decode(), body.decode(), digest.hex()]


def put_in_place(draft: Path, target: Path) -> None:
    """Give a finished copy its name, on the disk; what is there already is never replaced.

    Raises:
        CareRefused: something has that name.
        StateUnavailable: the folder cannot be written.

    """
    try:
        target.hardlink_to(draft)
        if os.name == "posix":
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # else the name could vanish with the power
            finally:
                os.close(folder)
    except FileExistsError as error:
        raise CareRefused(f"{target}: something is there; it was left untouched") from error
    except OSError as error:
        raise StateUnavailable(f"{target}: cannot be written: {error}") from error
