"""Sixty-four threads on one desk, everything at once: the short form of ``stress``.

How long a call may take is judged by the long form alone, on a machine that has little else to do.
"""

from pathlib import Path

from .stress import Report, stress, too_slow

SECONDS = 6


def test_sixty_four_threads_pass_no_limit_and_a_panic_ends_flat(tmp_path: Path) -> None:
    report = stress(tmp_path, threads=64, seconds=SECONDS)
    assert report.faults == []
    assert report.calls["execute: Placed"] >= 30
    assert report.calls["execute: Refused"] >= 30
    assert report.peak >= 0.9, "the limit never bound"
    for kind in ("cancel", "close", "check", "risk", "status", "positions"):
        assert report.calls[kind] >= 1, kind


def test_what_took_too_long_is_named() -> None:
    assert len(too_slow(Report(slowest_s={"execute": 5.5}, first_request_s=0.3))) == 2
    assert too_slow(Report(slowest_s={"execute": 4.9}, first_request_s=0.2)) == []
