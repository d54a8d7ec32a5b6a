"""The chain of digests over a journal's rows, and the seal of its snapshots.

Each row carries the digest of itself and of the digest before it, and the head repeats the last
one, so that a row that was changed, added, moved or removed is noticed when it is read. A chain
begins with the journal's name: rows of another journal do not fit either.
"""

import hashlib
from collections.abc import Iterable, Iterator

import attrs
from tidegate.ports.state import Record, Snapshot, StateCorrupt, StoredRecord

__all__ = ["Head", "genesis", "link", "seal", "seal_of", "walk"]

_DIGEST_BYTES = 16
_INT64_MAX = 2**63 - 1


@attrs.frozen
class Head:
    """The last version of the journal, and the digest that its row carries."""

    version: int
    digest: bytes


def _digest(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=_DIGEST_BYTES).digest()


def genesis(journal: str) -> bytes:
    """Return the digest that the first row of the journal of this name is chained to."""
    return _digest(b"tidegate journal ", journal.encode())


def link(previous: bytes, version: int, record: Record) -> bytes:
    """Return the digest of a row: over the digest before it, its place and its content.

    Raises:
        ValueError: the record holds what the store cannot: text outside UTF-8, a time beyond 64
            bit.

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


def walk(rows: Iterable[tuple[object, ...]], start: Head, place: str) -> Iterator[StoredRecord]:
    """Yield the rows after ``start`` as records, each checked against the chain.

    A row is version, kind, body, time in milliseconds, digest.

    Raises:
        StateCorrupt: a row is missing, moved or changed; the message names its version.

    """
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
        record = Record(kind=kind.decode(), body=body.decode(), time_ms=time_ms)
        yield StoredRecord(version=version, record=record)
