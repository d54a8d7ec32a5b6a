"""The chain of digests over a journal's rows, and the seal of its snapshots: one for all stores.

Each row carries the digest of itself and of the digest before it, and the head repeats the last
one, so that a row that was changed, added, moved or removed is noticed when it is read. A chain
begins with a genesis: rows of a journal that began with another one do not fit. It finds damage and
accidents, not a forger, who could compute the chain anew.

What is on disks and in databases was made with these functions: a change of one of them would make
every journal there look damaged.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import attrs

from .state import Record, Snapshot, StateCorrupt, StoredRecord

__all__ = [
    "Head",
    "Row",
    "Span",
    "genesis",
    "link",
    "require_spans",
    "seal",
    "seal_of",
    "walk",
    "walk_heads",
    "walk_to",
]

Row = tuple[object, ...]
"""A row as it is stored: version, kind, body, time in UTC milliseconds, digest; texts as bytes."""

_DIGEST_BYTES = 16
_INT64_MAX = 2**63 - 1


@attrs.frozen
class Head:
    """A place in the chain: a version, and the digest that its row carries."""

    version: int
    digest: bytes


@attrs.frozen(kw_only=True)
class Span:
    """The versions ``first`` to ``last``, which a compaction moved out of the journal.

    ``start`` is the digest before the first of them, ``digest`` that of the last.
    """

    first: int
    last: int
    start: bytes
    digest: bytes

    @property
    def before(self) -> Head:
        """Return where the chain stood before the span."""
        return Head(self.first - 1, self.start)

    @property
    def after(self) -> Head:
        """Return where the chain stands after the span."""
        return Head(self.last, self.digest)


def _digest(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=_DIGEST_BYTES).digest()


def genesis(name: str) -> bytes:
    """Return the digest that the first row of a journal is chained to, one for each name."""
    return _digest(b"tidegate journal ", name.encode())


def link(previous: bytes, version: int, record: Record) -> bytes:
    """Return the digest of a row: over the digest before it, its place and its content.

    Raises:
        ValueError: the record holds what a store cannot: text outside UTF-8, a time beyond 64 bit.

    """
    try:
        kind, body = record.kind.encode(), record.body.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"a {record.kind!a} record holds a character that UTF-8 cannot store: {error}"
        ) from error
    if not 0 <= record.time_ms <= _INT64_MAX:
        raise ValueError(f"time_ms is {record.time_ms}; give 0 to {_INT64_MAX}")
    return _link(previous, version, record.time_ms, kind, body)


def _link(previous: bytes, version: int, time_ms: int, kind: bytes, body: bytes) -> bytes:
    return _digest(previous, b"%d %d %d " % (version, time_ms, len(kind)), kind, body)


def seal(anchor: bytes, snapshot: Snapshot) -> bytes:
    """Return a snapshot's digest; ``anchor`` is the journal's digest at the snapshot's version.

    Raises:
        ValueError: the text is not one that UTF-8 can hold.

    """
    try:
        body = snapshot.body.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the snapshot holds what UTF-8 cannot store: {error}") from error
    return seal_of(anchor, snapshot.version, body)


def seal_of(anchor: bytes, version: int, body: bytes) -> bytes:
    """Return the digest of a snapshot's stored form; see :func:`seal`."""
    return _digest(anchor, b"%d " % version, body)


def walk(rows: Iterable[Row], start: Head, place: str) -> Iterator[StoredRecord]:
    """Yield the rows after ``start`` as records, each checked against the chain.

    Raises:
        StateCorrupt: a row is missing, moved or changed; the message names its version.

    """
    for stored, _ in _walk(rows, start, place):
        yield stored


def walk_to(rows: Iterable[Row], start: Head, end: Head, place: str) -> Iterator[StoredRecord]:
    """Yield the rows after ``start`` as :func:`walk` does; they must lead to ``end``.

    Raises:
        StateCorrupt: a row is missing, moved, changed or too many; the message names its version.

    """
    for stored, _ in walk_heads(rows, start, end, place):
        yield stored


def walk_heads(
    rows: Iterable[Row], start: Head, end: Head, place: str
) -> Iterator[tuple[StoredRecord, Head]]:
    """Do what :func:`walk_to` does, and give with each record where the chain stands after it.

    Raises:
        StateCorrupt: a row is missing, moved, changed or too many; the message names its version.

    """
    at = start
    for stored, at in _walk(rows, start, place):
        if at.version > end.version:
            raise StateCorrupt(
                f"{place}: journal version {at.version} is beyond the head, {end.version}"
            )
        yield stored, at
    if at.version < end.version:
        raise StateCorrupt(f"{place}: journal version {at.version + 1} is missing")
    if at != end:
        raise StateCorrupt(f"{place}: journal version {at.version} is damaged, or the head is")


def _walk(rows: Iterable[Row], start: Head, place: str) -> Iterator[tuple[StoredRecord, Head]]:
    expected, digest = start.version, start.digest
    for row in rows:
        expected += 1
        match row:
            case (int(version), bytes(kind), bytes(body), int(time_ms), bytes(stored)):
                if version != expected:
                    raise StateCorrupt(f"{place}: journal version {expected} is missing")
                digest = _link(digest, version, time_ms, kind, body)
            case _:
                raise StateCorrupt(f"{place}: journal version {expected} is damaged")
        if digest != stored:
            raise StateCorrupt(
                f"{place}: journal version {version} is damaged: its digest does not match"
            )
        yield _stored(version, kind, body, time_ms, place), Head(version, digest)


def _stored(version: int, kind: bytes, body: bytes, time_ms: int, place: str) -> StoredRecord:
    try:
        record = Record(kind=kind.decode(), body=body.decode(), time_ms=time_ms)
    except UnicodeDecodeError as error:
        raise StateCorrupt(
            f"{place}: journal version {version} is damaged: it is no text ({error})"
        ) from error
    return StoredRecord(version=version, record=record)


def require_spans(spans: Sequence[Span], start: bytes, place: str) -> None:
    """Refuse spans that do not lead from the genesis ``start`` on, one after the other.

    Raises:
        StateCorrupt: one does not fit to the one before it; the message names its first version.

    """
    before = Head(0, start)
    for span in spans:
        if span.before != before or span.last < span.first:
            raise StateCorrupt(f"{place}: the table of archives is damaged at version {span.first}")
        before = span.after
