"""Looks at a journal, and copies of it: the same promises for a file and for a database."""

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tidegate.ports.state import (
    NewerFormat,
    Snapshot,
    StateCorrupt,
    StateError,
    StateUnavailable,
)
from tidegate.ports.state_care import CareRefused, StoreView

from tests.adapters.sqlite.journals import BECOME_NOBODY
from tests.contracts.care_benches import (
    BENCHES,
    CareBench,
    PostgresCareBench,
    batch,
    fold,
    records_of,
)

_STAMP = "20261127T101500Z"


@pytest.fixture(params=BENCHES, ids=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest) -> Iterator[CareBench]:
    with closing(request.param()) as found:
        yield found


def _count(view: StoreView) -> int:
    return sum(1 for _ in view.read())


def _backup(bench: CareBench) -> int:
    return bench.care.backup(str(bench.copy), _count)


def _restore(bench: CareBench, copy: Path, *, moves_aside: bool = False) -> str | None:
    def check(view: StoreView) -> None:
        assert _count(view) == view.facts.version

    return bench.care.restore(str(copy), check, moves_aside=moves_aside, stamp=_STAMP).moved_to


# Looking


def test_a_look_writes_nothing_and_sees_all(bench: CareBench) -> None:
    records = bench.write()
    with closing(bench.open()):
        before = bench.content()
        facts, seen, saved = bench.care.look(
            lambda view: (view.facts, [one.record for one in view.read()], view.load_snapshot())
        )
        assert bench.content() == before
    assert (facts.base, facts.version, facts.archives) == (0, 40, ())
    assert facts.bytes_count > 0
    assert seen == records
    assert saved == Snapshot(version=20, body="snapshot text")


def test_a_look_at_a_negative_version_is_refused(bench: CareBench) -> None:
    bench.write()
    _backup(bench)
    for place in (None, str(bench.copy)):
        with pytest.raises(ValueError, match="after_version is -1"):
            bench.care.look(lambda view: view.read(after_version=-1), place=place)


def test_damage_is_named_and_kept(bench: CareBench) -> None:
    bench.write()
    bench.damage(7)
    before = bench.content()
    with pytest.raises(StateCorrupt, match="journal version 7 is damaged"):
        bench.care.look(_count)
    assert bench.content() == before


# Copies


def test_a_copy_is_whole_while_a_desk_writes(bench: CareBench) -> None:
    bench.write()
    is_over = threading.Event()
    copies = [bench.copies / f"{number}{bench.suffix}" for number in range(4)]
    with closing(bench.open()) as state:

        def write() -> None:
            version = 40
            while not is_over.is_set():
                version = state.append(batch("x" * 500), expected_version=version, durable=False)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            found = [bench.care.backup(str(copy), _count) for copy in copies]
        finally:
            is_over.set()
            writer.join(30)
        late = state.append(batch("after"), expected_version=state.version(), durable=True)
    assert found == sorted(found)
    assert 40 <= found[0] <= found[-1] < late
    records = bench.found()[0]
    for copy, version in zip(copies, found, strict=True):
        seen = bench.care.look(lambda view: [one.record for one in view.read()], place=str(copy))
        assert seen == records[:version]


def test_a_copy_is_what_the_journal_was(bench: CareBench) -> None:
    records = bench.write()
    _backup(bench)
    facts, seen, saved = bench.care.look(
        lambda view: (view.facts, [one.record for one in view.read()], view.load_snapshot()),
        place=str(bench.copy),
    )
    assert (facts.place, facts.version, facts.base) == (str(bench.copy), 40, 0)
    assert facts.bytes_count == bench.copy.stat().st_size
    assert seen == records
    assert saved == Snapshot(version=20, body="snapshot text")
    late = bench.care.look(lambda view: list(view.read(after_version=37)), place=str(bench.copy))
    assert [one.version for one in late] == [38, 39, 40]
    assert bench.care.look(lambda view: [*view.read(after_version=40)], place=str(bench.copy)) == []


def test_an_empty_journal_is_copied_and_put_back(bench: CareBench) -> None:
    bench.open().close()
    assert _backup(bench) == 0
    with closing(bench.other()) as other:
        assert _restore(other, bench.copy) is None
        assert other.found() == ([], None)


def test_a_file_that_is_there_is_never_replaced_by_a_copy(bench: CareBench) -> None:
    bench.write()
    bench.copy.write_bytes(b"a letter")
    with pytest.raises(CareRefused, match="something is there"):
        _backup(bench)
    assert bench.copy.read_bytes() == b"a letter"
    assert list(bench.copies.iterdir()) == [bench.copy]


def test_a_file_that_comes_meanwhile_is_never_replaced_by_a_copy(bench: CareBench) -> None:
    bench.write()

    def check(view: StoreView) -> None:
        bench.copy.write_bytes(b"a letter")

    with pytest.raises(CareRefused, match="something is there"):
        bench.care.backup(str(bench.copy), check)
    assert bench.copy.read_bytes() == b"a letter"
    assert list(bench.copies.iterdir()) == [bench.copy]


def test_a_copy_that_does_not_pass_the_check_is_not_kept(bench: CareBench) -> None:
    bench.write()

    def fail(view: StoreView) -> None:
        raise CareRefused("differs")

    with pytest.raises(CareRefused, match="differs"):
        bench.care.backup(str(bench.copy), fail)
    assert list(bench.copies.iterdir()) == []


def test_no_copy_is_made_of_a_damaged_journal(bench: CareBench) -> None:
    bench.write()
    bench.damage(7)
    before = bench.content()
    with pytest.raises(StateCorrupt, match="version 7 is damaged"):
        _backup(bench)
    assert bench.content() == before
    assert list(bench.copies.iterdir()) == []


def test_where_there_is_no_journal_none_is_copied_or_compacted(bench: CareBench) -> None:
    for act in (lambda: _backup(bench), lambda: bench.care.compact(fold)):
        with pytest.raises(StateUnavailable, match="no journal there"):
            act()
    assert list(bench.copies.iterdir()) == []


_LIMITED = """
import sys
from pathlib import Path
{opening}
{limit}
from tidegate.ports.state import StateUnavailable
try:
    care.backup(sys.argv[1], lambda view: None)
except StateUnavailable as error:
    print(error)
"""
_FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))"


def _limited(bench: CareBench, limit: str) -> str:
    opening = bench.opening().replace("SqliteState(", "SqliteCare(")
    opening = opening.replace("sqlite import SqliteState", "sqlite.care import SqliteCare")
    opening = opening.replace("PostgresState", "PostgresCare").replace("state =", "care =")
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED.format(opening=opening, limit=limit), str(bench.copy)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk_leaves_no_copy_and_the_journal_as_it_is(bench: CareBench) -> None:
    bench.write()
    before = bench.content()
    assert "disk" in (said := _limited(bench, _FULL_DISK)) or "too large" in said
    assert bench.content() == before
    assert list(bench.copies.iterdir()) == []


def test_a_folder_that_must_not_be_written_takes_no_copy(bench: CareBench) -> None:
    bench.write()
    bench.copies.chmod(0o555)
    with bench.open_to_others():
        assert "a copy cannot be written there" in _limited(bench, BECOME_NOBODY)
    bench.copies.chmod(0o700)
    assert list(bench.copies.iterdir()) == []


def test_a_place_that_cannot_be_looked_at_takes_no_copy(bench: CareBench) -> None:
    bench.write()
    bench.copies.chmod(0o600)
    with bench.open_to_others():
        assert "copy" in (said := _limited(bench, BECOME_NOBODY))
    assert "cannot be read" in said
    assert "nothing was changed" in said
    bench.copies.chmod(0o700)
    assert list(bench.copies.iterdir()) == []


# Putting back


def test_a_copy_is_put_where_nothing_is_and_a_desk_goes_on_from_it(bench: CareBench) -> None:
    records = bench.write()
    _backup(bench)
    before = bench.copy.read_bytes()
    with closing(bench.other()) as other:
        assert _restore(other, bench.copy) is None
        assert other.found() == (records, Snapshot(version=20, body="snapshot text"))
        records += other.append("on")
        assert other.found()[0] == records
    assert bench.copy.read_bytes() == before


def test_a_journal_that_is_there_is_moved_only_when_asked_and_never_deleted(
    bench: CareBench,
) -> None:
    records = bench.write()
    _backup(bench)
    late = bench.append("late")
    before = bench.content()
    with pytest.raises(CareRefused, match="a journal is there; nothing was changed"):
        _restore(bench, bench.copy)
    assert bench.content() == before
    moved_to = _restore(bench, bench.copy, moves_aside=True)
    assert moved_to is not None
    assert f"-replaced-{_STAMP}" in moved_to
    with closing(bench.moved(moved_to)) as moved:
        assert records_of(moved) == [*records, *late]
        moved.append(batch("still a journal"), expected_version=41, durable=True)
    assert bench.found()[0] == records
    with pytest.raises(CareRefused, match=_STAMP):  # in the same second
        _restore(bench, bench.copy, moves_aside=True)
    assert bench.found()[0] == records


def test_a_damaged_journal_is_moved_aside_too(bench: CareBench) -> None:
    records = bench.write()
    _backup(bench)
    bench.damage(7)
    assert _restore(bench, bench.copy, moves_aside=True) is not None
    assert bench.found()[0] == records


def test_a_journal_that_a_desk_has_open_is_not_moved(bench: CareBench) -> None:
    records = bench.write()
    _backup(bench)
    with bench.desk() as desk:
        before = bench.content()
        with pytest.raises(CareRefused, match="a desk has it open"):
            _restore(bench, bench.copy, moves_aside=True)
        assert bench.content() == before
        desk.send_signal(signal.SIGKILL)
        desk.wait(30)
    assert _restore(bench, bench.copy, moves_aside=True) is not None
    assert bench.found()[0] == records


def test_a_copy_that_is_not_taken_changes_nothing(bench: CareBench) -> None:
    bench.write()
    _backup(bench)
    before = bench.content()

    def refuse(view: StoreView) -> None:
        raise CareRefused("of another account")

    with pytest.raises(CareRefused, match="another account"):
        bench.care.restore(str(bench.copy), refuse, moves_aside=True, stamp=_STAMP)
    assert bench.content() == before


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.choice((0, 1, len(data) - 1, rng.randrange(len(data))))]


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.choice((rng.randrange(len(data)), rng.randrange(min(400, len(data)))))
    return data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1 :]


def _more(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    return b"".join([*lines[: at + 1], *lines[at:]])


@pytest.mark.parametrize("damage", [_cut, _flip, _more])
def test_a_copy_that_is_damaged_anywhere_is_refused_before_anything_moves(
    bench: CareBench, damage: Callable[[bytes, random.Random], bytes]
) -> None:
    records = bench.write()
    _backup(bench)
    whole = bench.copy.read_bytes()
    before = bench.content()
    rng = random.Random(20_261_127)  # noqa: S311
    is_all_digested = isinstance(bench, PostgresCareBench)
    refused = 0
    for _ in range(60):
        bench.copy.write_bytes(damage(whole, rng))
        try:
            seen = bench.care.look(
                lambda view: [one.record for one in view.read()], place=str(bench.copy)
            )
        except (StateCorrupt, NewerFormat):
            refused += 1
            with pytest.raises(StateError):
                _restore(bench, bench.copy, moves_aside=True)
        else:  # a byte of the file that nothing depends on
            assert not is_all_digested
            assert seen == records
    assert bench.content() == before
    assert refused == 60 if is_all_digested else refused > 0


def test_a_copy_of_a_newer_release_or_of_nothing_is_refused(bench: CareBench) -> None:
    bench.write()
    _backup(bench)
    bench.make_newer(bench.copy)
    before = bench.content()
    with pytest.raises(NewerFormat, match="update tidegate"):
        _restore(bench, bench.copy, moves_aside=True)
    bench.copy.unlink()
    for place in (bench.copy, bench.copies):
        with pytest.raises(StateUnavailable, match=r"no (copy|journal) there|not a regular file"):
            _restore(bench, place, moves_aside=True)
    assert bench.content() == before
