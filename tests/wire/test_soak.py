"""What a desk holds stays flat: the judge of the long run, and a short one."""

from pathlib import Path

import attrs

from .soak import EMPTY_BYTES_MAX, Report, Sample, Shrunk, grown, soak


def _report(*, last: Sample) -> Report:
    first = attrs.evolve(_FLAT, seconds=0)
    half = attrs.evolve(_FLAT, seconds=50)
    return Report(samples=(first, half, half, half, last, last, last), happened={}, outcomes={})


_FLAT = Sample(
    seconds=100, rss_kib=80_000, threads=15, descriptors=19, events=1_000, journal_bytes=300_000
)


def test_what_stays_flat_has_not_grown() -> None:
    assert grown(_report(last=_FLAT)) == []
    more = attrs.evolve(_FLAT, events=2_000, journal_bytes=600_000, rss_kib=81_000)
    assert grown(_report(last=more)) == []


def test_each_thing_that_grows_is_named() -> None:
    for change, says in (
        ({"rss_kib": 83_000}, "resident memory"),
        ({"threads": 16}, "threads"),
        ({"descriptors": 25}, "descriptors"),
        ({"journal_bytes": 400_000}, "bytes of journal"),
    ):
        (found,) = grown(_report(last=attrs.evolve(_FLAT, **change)))
        assert says in found


def test_a_journal_that_stays_large_once_compacted_is_named() -> None:
    flat = _report(last=_FLAT)
    small = Shrunk(before=900_000, after=100_000, snapshot=60_000)
    assert grown(attrs.evolve(flat, shrunk=small)) == []
    (found,) = grown(attrs.evolve(flat, shrunk=attrs.evolve(small, after=130_000)))
    assert "compacted journal: 130000 bytes" in found


def test_a_desk_trades_through_trouble(tmp_path: Path) -> None:
    report = soak(tmp_path, seconds=8, bars=100)
    assert report.outcomes["Placed"] >= 3
    assert report.troubles >= 8
    assert report.happened["Filled"] >= 3
    assert report.shrunk is not None
    assert report.shrunk.after <= report.shrunk.snapshot + EMPTY_BYTES_MAX < report.shrunk.before
