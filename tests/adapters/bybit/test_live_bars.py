"""Bars of Bybit for a strategy: what is closed by the venue's clock, pushed and asked for."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tidegate.adapters.bybit.clock import ServerClock
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.live_bars import LiveBars, interval_name
from tidegate.adapters.bybit.market import MarketQueries
from tidegate.adapters.bybit.rest import RestClient
from tidegate.adapters.bybit.streams.hub import StreamHub
from tidegate.adapters.bybit.streams.settings import StreamConfig
from tidegate.application.clocks import SystemClock
from tidegate.domain.mode import VenueKind
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import QueryFailed, TimeRange

from tests.adapters.v5server.bench import KEY, SECRET, Bench

BTC = Symbol("BTCUSDT")
MINUTE_MS = 60_000


@contextmanager
def live(bench: Bench, *, has_stream: bool = True) -> Iterator[LiveBars]:
    hosts = Hosts.loopback(
        rest_url=bench.server.rest_url, ws_url=bench.server.ws_url, kind=VenueKind.BYBIT_TESTNET
    )
    keys, clock = Credentials(key=KEY, secret=SECRET), ServerClock(SystemClock())
    rest = RestClient(hosts=hosts, credentials=keys, clock=clock)
    hub = StreamHub(hosts=hosts, credentials=None, clock=clock, config=StreamConfig())
    try:
        rest.sync_clock()
        if has_stream:
            hub.open(lambda _: None, [BTC])
            assert hub.wait_up(10_000)
        yield LiveBars(queries=MarketQueries(rest), hub=hub if has_stream else None, clock=clock)
    finally:
        hub.close()
        rest.close()


def next_minute(bench: Bench) -> int:
    """Let the present minute pass at the venue; returns where it began."""
    now_ms = bench.now_ms()
    bench.advance(MINUTE_MS - now_ms % MINUTE_MS)
    return now_ms - now_ms % MINUTE_MS


def test_a_bar_is_told_when_it_closes_and_never_before() -> None:
    heard: queue.SimpleQueue[Bar] = queue.SimpleQueue()
    with Bench(has_frozen_clock=True) as bench:
        bench.price("65000")
        with live(bench) as bars:
            assert bars.listen(BTC, interval_ms=MINUTE_MS, heard=heard.put)
            bench.price("65100")
            start_ms = next_minute(bench)
            bench.price("64000")
            bar = heard.get(timeout=10)
            assert (bar.start_ms, bar.end_ms) == (start_ms, start_ms + MINUTE_MS)
            assert (str(bar.high), str(bar.close)) == ("65100.00", "65100.00")
            later_ms = next_minute(bench)
            bench.price("64100")
            assert heard.get(timeout=10).start_ms == later_ms
            assert heard.empty()


def test_history_leaves_out_the_bar_that_is_still_open() -> None:
    with Bench(has_frozen_clock=True) as bench:
        bench.price("65000")
        start_ms = next_minute(bench)
        bench.price("65200")
        with live(bench, has_stream=False) as bars:
            within = TimeRange(start_ms=start_ms - MINUTE_MS, end_ms=bench.now_ms())
            found = bars.closed(BTC, interval_ms=MINUTE_MS, within=within)
            assert [bar.start_ms for bar in found] == [start_ms]
            assert abs(bars.now_ms() - bench.now_ms()) < 1_000
            assert not bars.listen(BTC, interval_ms=MINUTE_MS, heard=lambda _: None)


def test_a_symbol_that_the_venue_does_not_have_is_an_error() -> None:
    with Bench() as bench, live(bench) as bars, pytest.raises(QueryFailed, match="NOSUCHUSDT"):
        bars.listen(Symbol("NOSUCHUSDT"), interval_ms=MINUTE_MS, heard=lambda _: None)


def test_a_listener_that_fails_ends_no_stream() -> None:
    heard: queue.SimpleQueue[Bar] = queue.SimpleQueue()

    def fail_once(bar: Bar) -> None:
        heard.put(bar)
        raise RuntimeError("mine alone")

    with Bench(has_frozen_clock=True) as bench:
        bench.price("65000")
        with live(bench) as bars:
            bars.listen(BTC, interval_ms=MINUTE_MS, heard=fail_once)
            for price in ("65100", "65200"):
                next_minute(bench)
                bench.price(price)
                heard.get(timeout=10)


@pytest.mark.parametrize(("minutes", "name"), [(1, "1"), (60, "60"), (1_440, "D"), (10_080, "W")])
def test_lengths_have_the_venues_names(minutes: int, name: str) -> None:
    assert interval_name(minutes * MINUTE_MS) == name


@pytest.mark.parametrize(
    ("interval_ms", "shown"), [(7 * MINUTE_MS, "7 minutes"), (90_001, "90001 ms")]
)
def test_a_length_that_the_venue_does_not_have_is_refused(interval_ms: int, shown: str) -> None:
    with pytest.raises(ValueError, match=rf"bars of {shown}; accepted minutes: 1, 3, 5"):
        interval_name(interval_ms)
