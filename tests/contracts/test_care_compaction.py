"""Compaction of a journal: the same promises for a file and for a database."""

from collections.abc import Iterator
from contextlib import closing

import attrs
import pytest
from tidegate.ports.state import ArchiveUnreadable, Snapshot, StateCorrupt, StateUnavailable
from tidegate.ports.state_care import CareRefused, StoreView

from tests.contracts.care_benches import BENCHES, CareBench, batch, fold

_STAMP = "20261127T101500Z"


@pytest.fixture(params=BENCHES, ids=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest) -> Iterator[CareBench]:
    with closing(request.param()) as found:
        yield found


def _joined(bodies: list[str]) -> str:
    return "".join(f"|{body}" for body in bodies)


def test_every_record_stays_readable_and_the_snapshot_is_what_they_fold_to(
    bench: CareBench,
) -> None:
    records = bench.write()
    done = bench.care.compact(fold)
    (archive,) = done.archives
    assert (archive.first, archive.last, done.version) == (1, 40, 40)
    assert not archive.is_missing
    bodies = [record.body for record in records]
    assert bench.found() == (records, Snapshot(version=40, body=_joined(bodies)))


def test_versions_go_on_and_a_second_compaction_goes_on_from_the_first(bench: CareBench) -> None:
    records = bench.write()
    bench.care.compact(fold)
    text = _joined([record.body for record in records])
    with closing(bench.open()) as state:
        assert (state.base(), state.version()) == (40, 40)
        assert state.append(batch("x"), expected_version=40, durable=True) == 41
        state.save_snapshot(Snapshot(version=10, body="older than the base: changes nothing"))
        assert state.load_snapshot() == Snapshot(version=40, body=text)
    records += [*batch("x"), *bench.append("y", "z")]
    (second,) = bench.care.compact(fold).archives
    assert (second.first, second.last) == (41, 43)
    assert bench.found() == (records, Snapshot(version=43, body=f"{text}|x|y|z"))
    assert bench.care.compact(fold).archives == (), "nothing came since"


@pytest.mark.parametrize("after", [0, 1, 39, 40, 41, 42, 43, 44])
def test_a_read_begins_anywhere_in_archives_or_journal(bench: CareBench, after: int) -> None:
    records = bench.write()
    bench.care.compact(fold)
    records += bench.append("x", "y")
    bench.care.compact(fold)
    records += bench.append("z")
    with closing(bench.open()) as state:
        assert [stored.record for stored in state.read(after_version=after)] == records[after:]
    seen = bench.care.look(lambda view: list(view.read(after_version=after)))
    assert [stored.record for stored in seen] == records[after:]
    assert [stored.version for stored in seen] == list(range(after + 1, 44))


def test_the_journal_comes_back_to_the_size_of_its_snapshot(bench: CareBench) -> None:
    with closing(bench.open()) as state:
        records = batch(*(f"{number}" * 300 for number in range(2_000)))
        state.append(records, expected_version=0, durable=True)
    body = "x" * 50_000
    done = bench.care.compact(lambda _: Snapshot(version=2_000, body=body))
    assert done.bytes_before > 2_000_000
    assert done.bytes_after < len(body) + 40_000
    assert done.bytes_after == bench.care.look(lambda view: view.facts).bytes_count
    assert bench.found()[0] == records


def test_an_archive_that_is_gone_is_named_and_the_rest_still_works(bench: CareBench) -> None:
    bench.write()
    bench.care.compact(fold)
    late = bench.append("x", "y")
    bench.lose_archives()
    with closing(bench.open()) as state:
        with pytest.raises(ArchiveUnreadable, match=r"versions 1 to 40 .*after version 40"):
            state.read(after_version=39)
        assert [stored.record for stored in state.read(after_version=40)] == late
        assert state.load_snapshot() is not None
        state.append(batch("z"), expected_version=42, durable=True)

    def at(view: StoreView) -> int:
        assert [archive.is_missing for archive in view.facts.archives] == [True]
        with pytest.raises(ArchiveUnreadable, match="versions 1 to 40 "):
            view.read(after_version=39)
        return sum(1 for _ in view.read(after_version=40))

    assert bench.care.look(at) == 3
    assert bench.care.backup(str(bench.copy), at) == 3


def test_a_damaged_archive_is_told_apart_from_a_damaged_journal(bench: CareBench) -> None:
    records = bench.write()
    bench.care.compact(fold)
    bench.damage_archive(7)
    with closing(bench.open()) as state:
        reading = state.read()
        assert [next(reading).record for _ in range(6)] == records[:6]
        with pytest.raises(ArchiveUnreadable, match="version 7 is damaged"):
            next(reading)
        state.append(batch("z"), expected_version=40, durable=True)
    with pytest.raises(ArchiveUnreadable, match="version 7 is damaged"):
        bench.care.backup(str(bench.copy), lambda view: list(view.read()))
    assert list(bench.copies.iterdir()) == []


def test_a_copy_of_a_compacted_journal_goes_on_as_the_journal_does(bench: CareBench) -> None:
    bench.write()
    bench.care.compact(fold)
    late = bench.append("x", "y")
    facts = bench.care.backup(str(bench.copy), lambda view: view.facts)
    assert (facts.base, facts.version) == (40, 42)
    (archive,) = facts.archives
    with closing(bench.other()) as other:
        bench.care.restore(str(bench.copy), lambda _: None, moves_aside=True, stamp=_STAMP)
        other.care.restore(str(bench.copy), lambda _: None, moves_aside=False, stamp=_STAMP)
        with closing(other.open()) as state:
            assert (state.base(), state.version()) == (40, 42)
            assert [stored.record for stored in state.read(after_version=40)] == late
            if archive.is_within:
                assert len(list(state.read())) == 42
        other.append("z")
        assert other.care.look(lambda view: view.facts).version == 43


def test_a_journal_that_is_open_is_not_compacted(bench: CareBench) -> None:
    bench.write()
    with closing(bench.open()) as state:
        before = bench.content()
        with pytest.raises(CareRefused, match="a desk has it open"):
            bench.care.compact(fold)
        assert bench.content() == before
        state.append(batch("x"), expected_version=40, durable=True)


def test_nobody_opens_a_journal_while_it_is_compacted(bench: CareBench) -> None:
    records = bench.write()
    tried: list[str] = []

    def folding(view: StoreView) -> Snapshot:
        with pytest.raises(StateUnavailable, match="locked"):
            bench.open()
        tried.append("refused")
        return fold(view)

    bench.care.compact(folding)
    assert tried == ["refused"]
    assert bench.found()[0] == records


@pytest.mark.parametrize("is_of_snapshot", [False, True], ids=["row", "snapshot"])
def test_a_damaged_journal_is_not_compacted_and_stays_as_it_is(
    bench: CareBench, *, is_of_snapshot: bool
) -> None:
    bench.write()
    if is_of_snapshot:
        bench.damage_snapshot()
    else:
        bench.damage(7)
    before = bench.content()
    with pytest.raises(StateCorrupt):
        bench.care.compact(fold)
    assert bench.content() == before


def test_a_fold_that_fails_leaves_everything(bench: CareBench) -> None:
    bench.write()
    before = bench.content()

    def fail(view: StoreView) -> Snapshot:
        raise CareRefused("no")

    with pytest.raises(CareRefused):
        bench.care.compact(fail)
    assert bench.content() == before


def test_a_copy_keeps_the_bounds_that_its_facts_say(bench: CareBench) -> None:
    bench.write()
    bench.care.compact(fold)
    facts = bench.care.look(lambda view: view.facts)
    copied = bench.care.backup(str(bench.copy), lambda view: view.facts)
    for name in ("format", "base", "version"):
        assert getattr(copied, name) == getattr(facts, name)
    assert [attrs.evolve(one, place="") for one in copied.archives if one.is_within] == [
        attrs.evolve(one, place="") for one in facts.archives if one.is_within
    ]
