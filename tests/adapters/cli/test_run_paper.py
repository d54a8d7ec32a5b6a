"""``tidegate run --mode paper``: the paper venue against the public market of a served venue."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from tidegate.adapters.cli.exits import Exit
from tidegate.application.commands import Commands
from tidegate.domain.core.events import Filled
from tidegate.domain.money import Price
from tidegate.ports.commands import Where

from .live_bench import Desk, Doc, LiveVenue
from .running import tidegate

JUST_CLOSED_MS = 58_000
"""How much of a minute is left when a desk starts that decides at once on the bar before."""
QUIET = MappingProxyType({"TIDEGATE_STRATEGY__LATE_MS_MAX": "1"})
"""Settings with which no bar is decided on in time."""
KEYLESS = MappingProxyType({"TIDEGATE_BYBIT_KEY": "", "TIDEGATE_BYBIT_SECRET": ""})


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[LiveVenue]:
    with LiveVenue(tmp_path) as running:
        yield running
        nothing_private_was_asked(running)


def watch_for_requests(venue: LiveVenue) -> None:
    """Plan a fault for each kind of request about an account: one that came would use it up."""
    for target in ("REQUESTS", "QUERIES"):
        venue.act("lose_next_request", target=target)


def nothing_private_was_asked(venue: LiveVenue) -> None:
    assert venue.act("faults_waiting") == 2, "a request about an account came, or none was planned"
    assert venue.act("connections", kind="PRIVATE") == 0
    assert venue.act("connections", kind="TRADE") == 0


def desk(
    venue: LiveVenue,
    *,
    is_for_a_person: bool = False,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Desk:
    """Start a desk on paper: it has no key."""
    if venue.act("faults_waiting") == 0:
        watch_for_requests(venue)
    chosen: dict[str, str] = {**KEYLESS, **settings}
    return Desk(
        venue.arguments(mode="paper", is_for_a_person=is_for_a_person),
        venue.home,
        venue.env(**chosen),
        venue.ahead_ms(),
    )


def state(venue: LiveVenue, *command: str) -> tuple[int, str, str]:
    """Run a command on the state that a desk left."""
    done = tidegate(*command, "--state", "state", home=venue.home, env=venue.env(**KEYLESS))
    return done.returncode, done.stdout, done.stderr


def entered(running: Desk) -> Doc:
    running.until_event("filled")
    return running.until_event("stop_confirmed")


def exits(running: Desk) -> list[Doc]:
    """Return the executions by which the paper venue closed something."""
    filled = [doc["event"]["execution"] for doc in running.docs if doc.get("kind") == "filled"]
    return [execution for execution in filled if execution["side"] == "sell"]


def test_it_trades_at_a_close_with_the_stop_at_the_paper_venue_and_a_price_through_it_closes(
    venue: LiveVenue,
) -> None:
    venue.before_the_next_bar(5_000)
    with desk(venue) as running:
        started = running.until(lambda _: True, "the first line")
        assert started["type"] == "started"
        assert "paper, market of bybit mainnet at http://127.0.0.1:" in started["title"]
        running.until_event("history_read")
        venue.close_a_bar()
        entered(running)
        venue.price("60000")
        closed = running.until_event("trade_closed")
        last = running.stop()
    assert closed["event"]["trade"]["reason"] == "stop"
    assert (last["positions"], last["events_lost"]) == ({}, 0)
    # The price jumped over the stop: it fills at 60,000 less 0.01 % of slippage.
    assert [(done["price"], done["origin"]) for done in exits(running)] == [
        ("59994.00", "stop_loss")
    ]


def test_a_start_goes_on_from_the_stores_and_matches_what_nobody_saw(venue: LiveVenue) -> None:
    venue.before_the_next_bar(JUST_CLOSED_MS)
    with desk(venue) as first:
        entered(first)
        held = first.stop()["positions"]["BTCUSDT"]["qty"]

    venue.before_the_next_bar(JUST_CLOSED_MS)
    venue.act("pay_funding", symbol="BTCUSDT", rate="0.001")
    venue.before_the_next_bar(JUST_CLOSED_MS)
    with desk(venue, settings=QUIET) as second:
        assert second.until(lambda _: True, "the first line")["resumes"] is True
        paid = second.until_event("funding_booked")["event"]["payment"]
        last = second.stop(signal.SIGINT)
    assert (paid["rate"], paid["qty"]) == ("0.001", held)
    assert (last["was_resumed"], last["positions"]["BTCUSDT"]["qty"]) == (True, held)
    assert last["trading_state"] == "active"

    venue.before_the_next_bar(JUST_CLOSED_MS)
    venue.price("60000")
    venue.before_the_next_bar(JUST_CLOSED_MS)
    venue.price("65000")
    with desk(venue, settings=QUIET) as third:
        closed = third.until_event("trade_closed")
        last = third.stop()
    # The market is back above the stop, and had opened a minute below it meanwhile.
    assert closed["event"]["trade"]["reason"] == "stop"
    assert [done["origin"] for done in exits(third)] == ["stop_loss"]
    assert (last["summary"]["trades"], last["positions"]) == (1, {})
    assert third.kinds().count("funding_booked") == 0


def test_a_dead_stream_reduces_and_a_new_one_first_matches_what_was_missed(
    venue: LiveVenue,
) -> None:
    venue.before_the_next_bar(JUST_CLOSED_MS)
    with desk(venue, settings={"TIDEGATE_LIMITS__STREAM_GRACE_MS": "300"}) as running:
        entered(running)
        venue.act("disconnect", kind="PUBLIC")
        running.until_event("streams_lost")
        venue.price("60000")
        venue.price("65000")
        code, _, trouble = state(venue, "panic")
        assert (code, "locked" in trouble) == (Exit.STATE, True), trouble
        assert "trade_closed" not in running.kinds()
        venue.act("reconnect", kind="PUBLIC")
        running.until_event("trade_closed")
        running.until_event("streams_regained")
        last = running.stop()
    assert (last["trading_state"], last["positions"]) == ("active", {})


def test_an_operator_acts_on_what_a_session_left_at_the_prices_of_now(venue: LiveVenue) -> None:
    venue.before_the_next_bar(JUST_CLOSED_MS)
    with desk(venue) as running:
        entered(running)
        running.stop()
    where, commands = Where(state=str(venue.home / "state")), Commands(venue.address())
    report = commands.reconcile(where)
    assert report.findings == ()
    venue.price("66000")
    code, told, trouble = state(venue, "panic", "--cause", "a test")
    assert code == Exit.OK, trouble
    assert "Nothing is held and no order is open." in told
    filled = [
        entry.event.execution
        for entry in commands.journal(where, after_version=0)
        if isinstance(entry.event, Filled)
    ]
    # The bid of 65,999.90 less 0.01 % of slippage, on the grid.
    assert filled[-1].price == Price.of("65993.3")
    assert commands.status(where).panic_cause == "a test"


def test_what_cannot_be_started_says_why_by_the_code_of_its_check(
    venue: LiveVenue, tmp_path: Path
) -> None:
    watch_for_requests(venue)
    command = ("run", "--mode", "paper", "--state", "state")
    early = tidegate(*command, home=tmp_path, env=venue.address())
    assert early.returncode == Exit.CHECK_CLOCK
    assert "behind the venue's, at most 500 ms are accepted" in early.stderr
    nowhere = {"REST_URL": "http://127.0.0.1:9", "WS_URL": "ws://127.0.0.1:9"}
    moved = {f"TIDEGATE_BYBIT__{name}": url for name, url in nowhere.items()}
    lost = tidegate(*command, home=tmp_path, env={**venue.address(), **moved})
    assert lost.returncode == Exit.CHECK_CONNECTION
    assert "the desk was not started" in lost.stderr


def test_a_person_is_told_the_same_as_in_the_other_modes(venue: LiveVenue) -> None:
    venue.before_the_next_bar(JUST_CLOSED_MS)
    with desk(venue, is_for_a_person=True) as running:
        running.until_text("the venue shows the stop at 63")
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(60) == Exit.INTERRUPTED
    told = running.text()
    for words in (
        "InAndOut on BTCUSDT, bars of 1 min, paper, market of bybit mainnet at http://127.0.0.1:",
        "started in mode paper on paper",
        "the books begin with 10,000.00 USDT",
        "entry: bought",
        "Still open: long",
        "Stopped by SIGINT; to go on, run the same command again.",
    ):
        assert words in told, told
