"""What is kept: records and snapshots as text, and the files of a journal byte for byte."""

import shutil
from collections.abc import Callable
from contextlib import closing
from functools import cache
from hashlib import blake2b
from pathlib import Path
from random import Random

import attrs
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.postgres.copies import Contents, Copy, drafted
from tidegate.adapters.postgres.views import CopyView
from tidegate.adapters.sqlite import SqliteState
from tidegate.adapters.sqlite.care import SqliteCare
from tidegate.application.codec import decode, decode_books, encode, encode_books
from tidegate.application.engine import fold
from tidegate.application.settings import Settings
from tidegate.application.verifying import examine
from tidegate.domain.core.state import Books
from tidegate.domain.mode import VenueKind
from tidegate.ports.chain import Head, Span, genesis, link, seal
from tidegate.ports.state import Record, Snapshot, StateCorrupt, StateError
from tidegate.ports.state_care import StoreView

from tests.application.bench import make_bench, signal
from tests.application.event_samples import samples
from tests.domain.core.scenes import LADDER, config

from .file_targets import scratch
from .mutating import mutate_bytes, mutate_json
from .target import Target

__all__ = ["store_targets"]

_CONFIG = Settings().core_config(VenueKind.PAPER)
_NAME = "journal.sqlite"


@cache
def _records() -> tuple[Record, ...]:
    return tuple(encode(event, time_ms=1_000) for event in samples().values())


def _record(data: bytes) -> None:
    """A stored record decodes to an event that is written as it was read, or is refused."""
    kind, _, body = data.partition(b"\n")
    event = decode(Record(kind=kind.decode(), body=body.decode(), time_ms=1))
    again = encode(event, time_ms=1)
    assert decode(again) == event, f"{again.kind}: another event comes back"


def _mutated_record(data: bytes, chance: Random) -> bytes:
    kind, _, body = data.partition(b"\n")
    if chance.random() < 0.02:
        kind = chance.choice((b"", kind[:-1], b"filled.v1", b"unheard_of.v9"))
    return kind + b"\n" + mutate_json(body, chance)


def _snapshot(data: bytes) -> None:
    """The text of a snapshot becomes books that are written as they were read, or is refused."""
    books = decode_books(data.decode())
    if books is not None:
        assert decode_books(encode_books(books)) == books, "other books come back"


@cache
def _life_records() -> tuple[Record, ...]:
    """Return the journal of a desk that traded, in its order."""
    bench = make_bench(config=config())
    bench.desk.execute(signal("s1", ladder=LADDER))
    bench.move("65500")
    bench.desk.close_position(signal("s").symbol)
    return tuple(encode(event, time_ms=1_000) for event in bench.events())


@cache
def _journal() -> Path:
    """Make a journal with a snapshot in the middle and a log that a killed process left."""
    folder = scratch() / "sound"
    folder.mkdir()
    with closing(SqliteState(folder / _NAME)) as state:
        records = _life_records()
        state.append(records[:12], expected_version=0, durable=True)
        state.save_snapshot(Snapshot(version=12, body=encode_books(fold(state, _CONFIG)[0])))
    with closing(SqliteState(folder / _NAME)) as state:
        state.append(records[12:18], expected_version=12, durable=True)
        state.append(records[18:], expected_version=18, durable=True)
        shutil.copytree(folder, scratch() / "killed", ignore=shutil.ignore_patterns("*-shm"))
    return folder / _NAME


@cache
def _compacted() -> Path:
    folder = scratch() / "compacted"
    folder.mkdir()
    shutil.copy(_journal(), folder)

    def keep(view: StoreView) -> Snapshot:
        return Snapshot(version=view.facts.version, body=encode_books(examine(view, _CONFIG)[1]))

    SqliteCare(folder / _NAME).compact(keep)
    return folder / _NAME


def _life(*files: Path) -> Path:
    """Return a fresh folder with copies of some files."""
    folder = scratch() / "life"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)
    return folder


def _read(path: Path) -> list[Record]:
    with closing(SqliteState(path)) as state:
        state.load_snapshot()
        return [stored.record for stored in state.read()]


def _of_file(data: bytes) -> None:
    """A journal's file shows its own records, or is refused with every byte kept."""
    path = _life() / _NAME
    path.write_bytes(data)
    try:
        SqliteCare(path).look(lambda view: examine(view, _CONFIG))
    except StateError:
        assert path.read_bytes() == data, "a verification wrote to the file"
    try:
        found = _read(path)
    except StateError:
        assert path.read_bytes() == data, "a refused file was written to"
        raise
    assert found == list(_life_records()), "wrong records"


def _of_log(data: bytes) -> None:
    """A damaged log takes a journal back to an earlier version at most, and shows nothing wrong."""
    _journal()
    path = _life(scratch() / "killed" / _NAME) / _NAME
    path.with_name(f"{_NAME}-wal").write_bytes(data)
    found = _read(path)
    assert len(found) >= 12, "what was in the main file is gone"
    assert found == list(_life_records()[: len(found)]), "wrong records"


def _of_archive(data: bytes) -> None:
    """An archive shows the records that were moved there, or is refused; the journal opens."""
    journal = _compacted()
    (archive,) = journal.parent.glob("*-archive-*")
    path = _life(journal) / _NAME
    path.with_name(archive.name).write_bytes(data)
    assert _read_archived(path, data) == list(_life_records()), "wrong records"


def _read_archived(path: Path, data: bytes) -> list[Record]:
    with closing(SqliteState(path)) as state:
        try:
            return [stored.record for stored in state.read()]
        finally:
            (archive,) = path.parent.glob("*-archive-*")
            assert archive.read_bytes() == data, "an archive was written to"


@cache
def _copy() -> bytes:
    """Make a copy as of a journal in a database: with an archive and a snapshot, both of a part."""
    start = head = Head(0, genesis("desk"))
    heads, rows = [start], []
    for record in _life_records():
        head = Head(head.version + 1, link(head.digest, head.version + 1, record))
        texts = record.kind.encode(), record.body.encode()
        rows.append((head.version, *texts, record.time_ms, head.digest))
        heads.append(head)
    with closing(SqliteState(_journal())) as state:
        saved = state.load_snapshot()
    assert saved is not None
    span = Span(first=1, last=9, start=start.digest, digest=heads[9].digest)
    contents = Contents(
        journal="desk",
        origin="desk",
        format=3,
        head=head,
        spans=(span,),
        missing=frozenset(),
        snapshot=saved,
        sealed=seal(heads[saved.version].digest, saved),
    )
    with drafted(scratch() / "sound.journal", contents, rows) as draft:
        return draft.read_bytes()


def _of_copy(data: bytes) -> None:
    """A copy of a journal in a database shows its records, or is refused with every byte kept."""
    path = _life() / "copy.journal"
    path.write_bytes(data)
    try:
        view = CopyView(Copy.of(path), "the copy")
        found, facts = [stored.record for stored in view.read()], view.facts
    finally:
        assert path.read_bytes() == data, "a copy was written to"
    assert found == list(_life_records()), "wrong records"
    assert facts.version == len(found)


def _resealed(data: bytes, chance: Random) -> bytes:
    """Mutate a line, and give the file the right digest: a reader meets what the line says."""
    lines = data.splitlines(keepends=True)[:-1]
    number = chance.choice((0, chance.randrange(len(lines))))
    lines[number] = mutate_json(lines[number], chance).replace(b"\n", b" ") + b"\n"
    digest = blake2b(b"".join(lines), digest_size=32).hexdigest()
    last = f'{{"lines":{len(lines)},"blake2b":"{digest}"}}\n'
    return b"".join([*lines, last.encode()])


@cache
def _venue_file() -> bytes:
    path = scratch() / "venue.sqlite"
    PaperStore(path).close()
    return path.read_bytes()


def _of_venue(data: bytes) -> None:
    """The simulated venue's file opens, or is refused."""
    path = _life() / "venue.sqlite"
    path.write_bytes(data)
    with closing(PaperStore(path)) as store:
        store.opening()
        store.positions()
        store.open_orders()


def _files(name: str, corpus: tuple[bytes, ...], check: Callable[[bytes], None]) -> Target:
    return Target(
        name=name,
        corpus=corpus,
        mutate=mutate_bytes,
        check=check,
        refusals=(StateError,),
        share=0,
        inputs_min=5_000,
    )


def store_targets() -> tuple[Target, ...]:
    """Return the targets of what is kept."""
    journal = _journal()
    (archive,) = _compacted().parent.glob("*-archive-*")
    log = scratch() / "killed" / f"{_NAME}-wal"
    records = tuple(f"{one.kind}\n{one.body}".encode() for one in _records())
    return (
        Target(
            name="journal.record",
            corpus=records,
            mutate=_mutated_record,
            check=_record,
            refusals=(StateCorrupt,),
            share=6,
        ),
        Target(
            name="journal.snapshot",
            corpus=(encode_books(_books()).encode(),),
            mutate=mutate_json,
            check=_snapshot,
            refusals=(StateCorrupt,),
            share=2,
        ),
        _files("journal.file", (journal.read_bytes(),), _of_file),
        _files("journal.log", (log.read_bytes(),), _of_log),
        _files("journal.archive", (archive.read_bytes(),), _of_archive),
        _files("journal.copy", (_copy(),), _of_copy),
        attrs.evolve(_files("journal.copy.line", (_copy(),), _of_copy), mutate=_resealed),
        _files("venue.file", (_venue_file(),), _of_venue),
    )


def _books() -> Books:
    """Return books with something in every part that a short life fills."""
    bench = make_bench(config=config())
    bench.desk.execute(signal("s1", ladder=LADDER))
    return bench.desk.status().books
