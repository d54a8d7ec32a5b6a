"""A simulation that would not notice proves nothing: planted bugs are caught, each by a seed."""

import subprocess
from pathlib import Path

import pytest

from tests.quality.source import ROOT

from .planted import BUGS, SEEDS_MAX, apply, catch, names, stage

CAUGHT_BY: dict[str, tuple[int, str]] = {
    "an_event_is_left_out_of_the_journal": (0, "the state is the fold of the journal"),
    "close_may_open": (3, "no code of the desk fails"),
    "effects_before_journal": (0, "the state is the fold of the journal"),
    "enlarged_entry_is_left": (476, "after quiet time the books are the venue's"),
    "fill_applied_twice": (3, "a booking is counted once"),
    "full_disk_is_passed_over": (37, "the state is the fold of the journal"),
    "funding_applied_twice": (30, "a booking is counted once"),
    "halted_desk_sends_what_waits": (100, "a halted desk opens nothing"),
    "history_read_from_the_last_booking": (151, "the desk comes to rest"),
    "intent_not_forced": (3, "an intent is on the disk before its request leaves"),
    "leverage_trusted_over_an_outage": (
        13,
        "an entry leaves at the leverage that it was judged at",
    ),
    "lost_stop_is_left_lost": (3, "a bared position gets its stop back or is closed in time"),
    "not_found_believed_early": (3, "an order lapses only when it can never arrive"),
    "not_found_believed_once": (275, "an order lapses only when it can never arrive"),
    "panic_cancels_stops_first": (39, "the stop lives on the venue"),
    "recovery_repeats_no_cancel": (30, "an entry that somebody enlarged is cancelled in time"),
    "reservation_released_at_send": (109, "limits hold with orders in flight counted"),
    "retry_under_a_new_id": (3, "the gate approves every order that opens"),
    "sent_again_at_a_start": (18, "an order is sent once"),
    "stale_position_beats_a_fresh_one": (7, "an older report of a position replaces no newer one"),
    "stop_is_cleared_before_it_is_moved": (7, "the stop lives on the venue"),
    "stop_placed_after_entry": (0, "no code of the desk fails"),
    "unknown_is_never_asked_for": (304, "the desk comes to rest"),
    "unknown_is_refused": (3, "an order lapses only when it can never arrive"),
}


def test_every_patch_has_the_seed_that_catches_it_and_a_line_in_the_document() -> None:
    assert sorted(CAUGHT_BY) == names()
    assert len(CAUGHT_BY) >= 20
    page = (ROOT / "docs" / "simulation.md").read_text(encoding="utf-8")
    for bug, (seed, rule) in CAUGHT_BY.items():
        assert 0 <= seed < SEEDS_MAX
        assert f"| `{bug}` | {seed} | {rule} |" in page


_EACH_TIME = sorted(CAUGHT_BY)[::6]
_CASES = [
    pytest.param(bug, marks=() if bug in _EACH_TIME else pytest.mark.sweep)
    for bug in sorted(CAUGHT_BY)
]


@pytest.mark.parametrize("bug", sorted(CAUGHT_BY))
def test_a_planted_bug_fits_the_sources(bug: str) -> None:
    fits = ["git", "apply", "--check", "--whitespace=nowarn", str(BUGS / f"{bug}.patch")]
    done = subprocess.run(fits, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("bug", _CASES)
def test_a_planted_bug_is_caught(bug: str, tmp_path: Path) -> None:
    seed, rule = CAUGHT_BY[bug]
    staged = stage(tmp_path)
    apply(bug, staged)
    caught = catch(staged, [seed])
    assert (caught.seed, caught.rule) == (seed, rule)


def test_the_same_seeds_hold_on_sources_without_a_bug(tmp_path: Path) -> None:
    seeds = sorted({seed for seed, _ in CAUGHT_BY.values()})
    sound = catch(stage(tmp_path), seeds)
    assert sound.seed is None, sound
    assert sound.lives >= len(seeds)
