"""Sixty-four threads on one desk, everything at once: the short form of ``stress``."""

from pathlib import Path

from .stress import Report, faults_of, stress

SECONDS = 6


def test_sixty_four_threads_pass_no_limit_and_a_panic_goes_first(tmp_path: Path) -> None:
    report = stress(tmp_path, threads=64, seconds=SECONDS)
    assert report.faults == []
    assert report.calls["execute: Placed"] >= 60
    assert report.calls["execute: Refused"] >= 60
    assert report.peak >= 0.95, "the limit never bound"
    for kind in ("cancel", "cancel all", "close", "check", "risk", "status", "positions"):
        assert report.calls[kind] >= 5, kind


def test_what_a_storm_must_keep_to_is_named() -> None:
    slow = Report(slowest_s={"execute": 5.5}, first_request_s=0.3, left_after_panic=("BTCUSDT 1",))
    assert len(faults_of(slow)) == 3
    assert faults_of(Report(slowest_s={"execute": 4.9}, first_request_s=0.2)) == []
    assert len(faults_of(Report())) == 1, "no request of a panic is a fault too"
