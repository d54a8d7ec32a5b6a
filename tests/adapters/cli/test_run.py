"""``tidegate run`` against a served venue: real processes, real signals, one account."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tidegate.adapters.cli.exits import Exit

from tests.application.threaded_bench import until

from .live_bench import MINUTE_MS, Desk, Doc, LiveVenue
from .running import tidegate

START_MS = 5_000
"""How much of a minute is left when a desk starts, which is up before its first bar closes.

On a slow machine it is not, and then decides on that bar all the same: it is not late by then.
"""


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[LiveVenue]:
    with LiveVenue(tmp_path) as running:
        yield running


def entered(desk: Desk) -> Doc:
    """Wait until the strategy's first entry is filled and its stop shown by the venue."""
    desk.until_event("filled")
    return desk.until_event("stop_confirmed")


def is_protected(venue: LiveVenue) -> bool:
    """Tell whether the venue holds a position with a stop of its own."""
    row = venue.position()
    return row["size"] != "0" and row["stopLoss"] not in ("", "0")


def test_it_trades_at_a_close_stops_with_the_stop_at_the_venue_and_goes_on_from_there(
    venue: LiveVenue, tmp_path: Path
) -> None:
    venue.before_the_next_bar(START_MS)
    with venue.desk() as first:
        assert first.until(lambda _: True, "the first line")["type"] == "started"
        entered(first)
        last = first.stop()
    assert (last["wishes"], last["was_resumed"]) == (1, False)
    assert last["trading_state"] == "active"
    assert last["events_lost"] == 0
    assert first.kinds()[-1] == "session_stopped"
    held = venue.position()
    assert last["positions"]["BTCUSDT"]["qty"] == held["size"]
    assert is_protected(venue)
    status = tidegate("status", "--state", "state", "--json", home=tmp_path)
    assert held["size"] in status.stdout

    # The bar that closed a moment before the start is decided on at once; its entry was not.
    venue.act("advance", ms=MINUTE_MS)
    venue.before_the_next_bar(58_000)
    with venue.desk() as second:
        assert second.until(lambda _: True, "the first line")["resumes"] is True
        closed = second.until_event("trade_closed")
        last = second.stop(signal.SIGINT)
    assert closed["event"]["trade"]["reason"] == "signal"
    assert (last["wishes"], last["was_resumed"]) == (1, True)
    assert last["summary"]["trades"] == 1
    assert second.kinds().count("entry_intended") == 0
    assert venue.position()["size"] == "0"
    assert venue.orders() == []


def test_every_bar_is_decided_on_once_also_when_minutes_pass_at_once(venue: LiveVenue) -> None:
    with venue.desk() as desk:
        desk.until_event("account_opened")
        for _ in range(2):
            venue.close_a_bar()
            entered(desk)
            venue.close_a_bar()
            desk.until_event("trade_closed")
        last = desk.stop()
    decided = venue.decided_ms()
    # On a slow machine minutes of real time pass as well; each is one bar more.
    assert len(decided) >= 4
    assert decided == list(range(decided[0], decided[-1] + MINUTE_MS, MINUTE_MS))
    assert last["wishes"] == len(decided)
    entries = [doc["event"] for doc in desk.docs if doc.get("kind") == "entry_intended"]
    entered_at = [int(entry["signal"]["signal_id"].removeprefix("in-")) for entry in entries]
    assert entered_at == sorted(set(entered_at) & set(decided))
    assert last["summary"]["trades"] >= 2


@pytest.mark.sweep
def test_without_streams_bars_and_fills_come_over_rest(venue: LiveVenue) -> None:
    venue.before_the_next_bar(START_MS)
    with venue.desk(TIDEGATE_BYBIT__STREAMS="false") as desk:
        entered(desk)
        assert desk.stop()["wishes"] == 1
        assert venue.act("connections", kind="PUBLIC") == 0
    assert is_protected(venue)


def test_lost_streams_reduce_until_the_account_was_read_also_over_a_restart(
    venue: LiveVenue,
) -> None:
    venue.before_the_next_bar(START_MS)
    with venue.desk(TIDEGATE_LIMITS__STREAM_GRACE_MS="300") as first:
        entered(first)
        venue.act("disconnect", kind="PRIVATE")
        lost = first.until_event("streams_lost")
        assert lost["event"]["cause"] == "the streams are down, for longer than 300 ms"
        venue.act("reconnect", kind="PRIVATE")
        first.until_event("streams_regained")
        venue.act("disconnect", kind="PRIVATE")
        first.until_event("streams_lost")
        assert first.stop()["trading_state"] == "reducing"
    assert is_protected(venue)
    venue.act("reconnect", kind="PRIVATE")
    with venue.desk() as second:
        second.until_event("streams_regained")
        assert second.stop()["trading_state"] == "active"
    assert is_protected(venue)


def test_a_signal_at_any_moment_leaves_an_account_from_which_the_next_start_goes_on(
    venue: LiveVenue,
) -> None:
    with venue.desk() as starting:
        starting.until(lambda _: True, "the first line")
        starting.process.send_signal(signal.SIGTERM)
        assert starting.process.wait(60) == Exit.TERMINATED
    assert venue.position()["size"] == "0"

    venue.before_the_next_bar(START_MS)
    with venue.desk() as entering:
        entering.until_event("session_started")
        venue.act("delay_next_answer", ms=1_500, target="ORDERS")
        entering.until_event("entry_intended")
        last = entering.stop()
    assert last["positions"]["BTCUSDT"]["qty"] == venue.position()["size"]
    assert is_protected(venue)

    with venue.desk() as closing:
        closing.until_event("session_started")
        venue.act("delay_next_answer", ms=20_000, target="ORDERS")
        venue.close_a_bar()
        closing.until_event("close_started")
        closing.process.send_signal(signal.SIGTERM)
        closing.process.send_signal(signal.SIGTERM)
        assert closing.process.wait(15) == Exit.TERMINATED
    assert "session_stopped" not in closing.kinds()

    # The next start finds the close or makes it, and looks at no bar that is over by now.
    with venue.desk(TIDEGATE_STRATEGY__LATE_MS_MAX="1") as after:
        after.until_event("session_started")
        until(
            lambda: venue.position()["size"] == "0",
        )
        assert after.stop()["positions"] == {}
    assert venue.position()["size"] == "0"
    assert venue.orders() == []

    venue.before_the_next_bar(START_MS)
    with venue.desk() as trading:
        entered(trading)
        venue.close_a_bar()
        trading.until_event("trade_closed")
        assert trading.stop()["positions"] == {}
    assert venue.position()["size"] == "0"
    assert venue.orders() == []


def test_what_cannot_be_started_says_why_and_by_its_code(venue: LiveVenue, tmp_path: Path) -> None:
    live = tidegate("run", "--mode", "live", home=tmp_path, env=venue.env())
    assert live.returncode == Exit.BAD_INPUT
    assert "accepted: the literal 'REAL MONEY'" in live.stderr
    said = ("--mode", "live", "--acknowledge", "REAL MONEY")
    moved = tidegate("run", *said, home=tmp_path, env=venue.env())
    assert moved.returncode == Exit.CHECK_CLOCK
    assert "the desk was not started" in moved.stderr
    memory = tidegate("run", home=tmp_path, env={"TIDEGATE_MODE": "memory"})
    assert memory.returncode == Exit.BAD_INPUT
    assert "'memory' has no live market; accepted: demo, live, paper, testnet" in memory.stderr
    bars = tidegate("run", "--mode", "testnet", "--bar-minutes", "7", home=tmp_path, env={})
    assert bars.returncode == Exit.BAD_INPUT
    assert "bar_minutes is 7" in bars.stderr
    assert "1, 3, 5, 15, 30, 60" in bars.stderr
    keyless = tidegate("run", "--mode", "demo", home=tmp_path, env=venue.address())
    assert keyless.returncode == Exit.BAD_INPUT
    assert "TIDEGATE_BYBIT_KEY" in keyless.stderr


def test_a_strategy_that_fails_ends_the_session_and_the_desk_in_order(venue: LiveVenue) -> None:
    venue.before_the_next_bar(58_000)
    with venue.desk("--param", "fault=no idea") as desk:
        assert desk.process.wait(60) == Exit.SESSION
        desk.until_event("session_stopped")
    assert "the strategy failed: ValueError: no idea" in "".join(desk.trouble)


def test_a_person_is_told_what_happens_and_how_it_ended(venue: LiveVenue) -> None:
    venue.before_the_next_bar(START_MS)
    with venue.desk(is_for_a_person=True) as desk:
        desk.until_text("the venue shows the stop at 63")
        desk.process.send_signal(signal.SIGINT)
        assert desk.process.wait(60) == Exit.INTERRUPTED
    told = desk.text()
    for words in (
        "InAndOut on BTCUSDT, bars of 1 min, bybit testnet at http://127.0.0.1:",
        "started in mode testnet on bybit testnet",
        "the books begin with 10,000.00 USDT",
        "Passed all",
        "entry: bought",
        "Bars closed (this run)",
        "Still open: long",
        "Stopped by SIGINT; to go on, run the same command again.",
    ):
        assert words in told, told
