"""Differences between books and venue: raised once, kept until reconciliation sees them gone."""

import attrs
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import FindingsCleared, FindingSeen, StopRequest

from tests.application.bench import BTC, Bench, make_bench

from .scenes import config, since

SEEN = FindingSeen(finding_id="qty:BTCUSDT", symbol=BTC, text="0.010, not 0", blocks_entries=True)
OTHER = FindingSeen(finding_id="wallet", symbol=None, text="3 USDT less", blocks_entries=False)


def raised(seen: FindingSeen, time_ms: int) -> ev.FindingRaised:
    return ev.FindingRaised(
        finding_id=seen.finding_id,
        symbol=seen.symbol,
        text=seen.text,
        blocks_entries=seen.blocks_entries,
        time_ms=time_ms,
    )


def desk() -> Bench:
    bench = make_bench(config=config())
    bench.pass_time(7)
    return bench


def test_a_difference_is_raised_once_with_all_that_was_seen() -> None:
    bench = desk()
    start, now_ms = len(bench.events()), bench.venue.now_ms()
    for item in (SEEN, OTHER, SEEN):
        bench.runner.submit(item)
    assert since(bench, start) == [raised(SEEN, now_ms), raised(OTHER, now_ms)]
    assert dict(bench.runner.state.books.findings) == {
        "qty:BTCUSDT": raised(SEEN, now_ms),
        "wallet": raised(OTHER, now_ms),
    }


def test_reconciliation_settles_what_it_no_longer_sees_and_nothing_else() -> None:
    bench = desk()
    before = bench.runner.state.books
    bench.runner.submit(SEEN)
    bench.runner.submit(OTHER)
    start, raised_ms = len(bench.events()), bench.venue.now_ms()
    bench.pass_time(5)
    bench.runner.submit(FindingsCleared(still_open=frozenset({"wallet", "never seen"})))
    settled = ev.FindingSettled(finding_id="qty:BTCUSDT", time_ms=raised_ms + 5)
    assert since(bench, start) == [settled]
    after = bench.runner.state.books
    assert dict(after.findings) == {"wallet": raised(OTHER, raised_ms)}
    assert attrs.evolve(after, findings=before.findings) == before


def test_the_reason_of_an_orderly_stop_is_kept_and_changes_no_books() -> None:
    bench = desk()
    before, start = bench.runner.state, len(bench.events())
    bench.runner.submit(StopRequest(reason="end of data"))
    assert since(bench, start) == [ev.SessionStopped(reason="end of data")]
    assert bench.runner.state == before
