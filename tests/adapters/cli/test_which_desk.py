"""Which desk a command acts on: a desk with real money, seen from the defaults and by its mode."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .live_bench import LiveVenue
from .running import tidegate


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[LiveVenue]:
    with LiveVenue(tmp_path) as running:
        yield running


def asked(venue: LiveVenue, *command: str) -> tuple[int, str, str]:
    """Run a command on the state that a desk left."""
    done = tidegate(*command, "--state", "state", home=venue.home, env=venue.env())
    return done.returncode, done.stdout, done.stderr


def test_a_live_desk_is_panicked_by_its_mode_alone_and_by_no_other(venue: LiveVenue) -> None:
    venue.before_the_next_bar(5_000)
    with venue.desk("--acknowledge", "REAL MONEY", mode="live") as desk:
        desk.until_event("stop_confirmed")
        desk.stop()
    held = venue.position()["size"]
    assert held != "0"

    code, told, trouble = asked(venue, "panic")
    assert (code, told) == (3, "")
    assert "belongs to the venue 'bybit mainnet', account" in trouble
    assert "this desk is on the venue 'paper'" in trouble
    assert "(--mode live)" in trouble
    assert venue.position()["size"] == held
    # What only reads takes the journal's word for it.
    code, told, trouble = asked(venue, "status")
    assert (code, told.split(",")[0]) == (0, "Mode live"), trouble

    code, told, trouble = asked(venue, "panic", "--mode", "live")
    assert code == 0, trouble
    assert f"Mode live, bybit mainnet at {venue.rest_url}, account " in told
    assert "Nothing is held and no order is open." in told
    assert venue.position()["size"] == "0"

    reset = ("reset-panic", "--mode", "live", "--confirm", "RESET")
    code, _, trouble = asked(venue, *reset)
    assert code == 2
    assert "live_acknowledgement is ''" in trouble
    code, told, trouble = asked(venue, *reset, "--acknowledge", "REAL MONEY")
    assert code == 0, trouble
    assert "Panic is reset." in told
