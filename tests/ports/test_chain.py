"""The chain of digests: the same bytes for ever, and nothing in it that is not noticed."""

from collections.abc import Callable, Sequence
from hashlib import blake2b

import pytest
from tidegate.adapters.sqlite.schema import GENESIS
from tidegate.ports.chain import (
    Head,
    Row,
    Span,
    genesis,
    link,
    require_spans,
    seal,
    seal_of,
    walk,
    walk_to,
)
from tidegate.ports.state import Record, Snapshot, StateCorrupt, StoredRecord

RECORDS = (
    Record(kind="filled.v1", body='{"price":"2607.38"}', time_ms=1_499_137_200_000),
    Record(kind="häuser.v1", body="0123 ü €", time_ms=0),
)
SNAPSHOT = Snapshot(version=2, body='{"books":"ü"}')


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (
            GENESIS,
            (
                "0196f7719fa8739d4a24a29728be083d",
                "40560013fdd2a0efc7f8afce38f2ce51",
                "d6882bf375d3e4619ea5061b0c204475",
                "61b73aba404f849adb2514be9bd94089",
            ),
        ),
        (
            genesis("paper"),
            (
                "d4a54a0f5a6aaf35eb7b423dcd4a07fb",
                "80af4472b969cb0ba0f8066c1f05b810",
                "c4f7ad5990728d124409dafbba493eb2",
                "c1d40a36ed2eb530b9e10d28088ed449",
            ),
        ),
    ],
    ids=["of files", "of a database"],
)
def test_digests_are_those_that_are_on_disks_and_in_databases(
    start: bytes, expected: Sequence[str]
) -> None:
    first = link(start, 1, RECORDS[0])
    second = link(first, 2, RECORDS[1])
    sealed = seal(second, SNAPSHOT)
    assert tuple(one.hex() for one in (start, first, second, sealed)) == expected
    assert seal_of(second, 2, SNAPSHOT.body.encode()) == sealed


def _rows(start: bytes = GENESIS) -> list[Row]:
    digest = start
    rows: list[Row] = []
    for version, record in enumerate(RECORDS * 2, 1):
        digest = link(digest, version, record)
        rows.append(
            (version, record.kind.encode(), record.body.encode(), record.time_ms, digest),
        )
    return rows


def _head(rows: Sequence[Row]) -> Head:
    version, digest = rows[-1][0], rows[-1][4]
    assert isinstance(version, int)
    assert isinstance(digest, bytes)
    return Head(version, digest)


def test_a_sound_chain_gives_its_records() -> None:
    rows = _rows()
    expected = [StoredRecord(version=number + 1, record=RECORDS[number % 2]) for number in range(4)]
    assert list(walk(rows, Head(0, GENESIS), "here")) == expected
    assert list(walk_to(rows, Head(0, GENESIS), _head(rows), "here")) == expected
    later = _head(rows[:2])
    assert list(walk_to(rows[2:], later, _head(rows), "here")) == expected[2:]


def _no_text(rows: list[Row]) -> list[Row]:
    """Give row 3 a body that is no text, with a right digest of its own."""
    version, kind, _, time_ms, _ = rows[2]
    before = rows[1][4]
    assert isinstance(before, bytes)
    assert isinstance(kind, bytes)
    assert isinstance(time_ms, int)
    digest = blake2b(before + b"3 %d %d " % (time_ms, len(kind)) + kind + b"\xff", digest_size=16)
    return [*rows[:2], (version, kind, b"\xff", time_ms, digest.digest())]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda rows: [*rows[:2], *rows[3:]], "here: journal version 3 is missing"),
        (lambda rows: rows[:3], "here: journal version 4 is missing"),
        (lambda rows: rows[:0], "here: journal version 1 is missing"),
        (lambda rows: [*rows, *_rows()[:1]], "here: journal version 5 is missing"),
        (lambda rows: [*rows[:2], (3, b"x", *rows[2][2:])], "3 is damaged: its digest"),
        (lambda rows: [*rows[:2], (3, "x", *rows[2][2:])], "here: journal version 3 is damaged"),
        (_no_text, "here: journal version 3 is damaged: it is no text"),
        (lambda rows: _rows(genesis("other"))[: len(rows)], "here: journal version 1 is damaged"),
    ],
    ids=["gap", "cut", "empty", "again", "changed", "type", "no text", "another journal's"],
)
def test_damage_is_named_by_its_version(
    damage: Callable[[list[Row]], list[Row]], said: str
) -> None:
    rows = _rows()
    with pytest.raises(StateCorrupt, match=said):
        list(walk_to(damage(rows), Head(0, GENESIS), _head(rows), "here"))


def test_rows_lead_to_the_head_and_no_further() -> None:
    rows = _rows()
    start = Head(0, GENESIS)
    with pytest.raises(StateCorrupt, match="version 4 is beyond the head, 3"):
        list(walk_to(rows, start, _head(rows[:3]), "here"))
    with pytest.raises(StateCorrupt, match="version 4 is damaged, or the head is"):
        list(walk_to(rows, start, Head(4, b"other"), "here"))


def _span(first: int, last: int, start: bytes, digest: bytes) -> Span:
    return Span(first=first, last=last, start=start, digest=digest)


def test_spans_follow_each_other_from_the_genesis() -> None:
    sound = (_span(1, 4, GENESIS, b"a"), _span(5, 5, b"a", b"b"))
    require_spans(sound, GENESIS, "here")
    require_spans((), GENESIS, "here")
    for wrong, first in (
        (sound[1:], 5),
        ((sound[0], _span(6, 7, b"a", b"b")), 6),
        ((sound[0], _span(5, 7, b"x", b"b")), 5),
        ((_span(1, 0, GENESIS, b"a"),), 1),
    ):
        with pytest.raises(StateCorrupt, match=f"archives is damaged at version {first}$"):
            require_spans(wrong, GENESIS, "here")


@pytest.mark.parametrize(
    "record",
    [
        Record(kind="a.v1", body="\ud800", time_ms=0),
        Record(kind="\ud800", body="", time_ms=0),
        Record(kind="a.v1", body="", time_ms=-1),
        Record(kind="a.v1", body="", time_ms=2**63),
    ],
)
def test_what_no_store_can_hold_gets_no_digest(record: Record) -> None:
    with pytest.raises(ValueError, match=r"UTF-8 cannot store|give 0 to 9223372036854775807"):
        link(GENESIS, 1, record)
    with pytest.raises(ValueError, match="the snapshot holds what UTF-8 cannot store"):
        seal(GENESIS, Snapshot(version=1, body="\ud800"))
