"""Bybit's public market without a key: what is told, what is asked, and what is checked first."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.preflight_market import MarketPreflight
from tidegate.adapters.bybit.preflight_rules import PreflightRules
from tidegate.adapters.bybit.preflight_streams import HubProbe
from tidegate.adapters.bybit.public_market import PublicMarket
from tidegate.adapters.bybit.rest import RestConfig
from tidegate.adapters.bybit.streams.settings import StreamConfig
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.application.clocks import SystemClock
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.market import FundingRate, PublicTrade
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Price, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import StreamReport, StreamState, Ticker
from tidegate.ports.exchange import QueryFailed, TimeRange
from tidegate.ports.live_market import MarketMessage
from tidegate.ports.preflight import Check, Finding, Severity

from tests.adapters.v5server.bench import Bench

BTC = Symbol("BTCUSDT")
MINUTE_MS = 60_000


def hosts_of(bench: Bench) -> Hosts:
    return Hosts.loopback(
        rest_url=bench.server.rest_url, ws_url=bench.server.ws_url, kind=VenueKind.BYBIT_MAINNET
    )


@contextmanager
def market_of(bench: Bench) -> Iterator[PublicMarket]:
    market = PublicMarket(
        hosts=hosts_of(bench), clock=SystemClock(), rest=RestConfig(), streams=StreamConfig()
    )
    try:
        yield market
    finally:
        market.close()


def checked(bench: Bench, market: PublicMarket, symbol: Symbol = BTC) -> dict[Check, Finding]:
    probe = HubProbe(
        hosts=hosts_of(bench),
        credentials=None,
        clock=SystemClock(),
        config=StreamConfig(),
        symbols=(symbol,),
    )
    rules = PreflightRules(
        kind=VenueKind.BYBIT_MAINNET, symbols=frozenset({symbol}), stream_start_ms=400
    )
    checks = MarketPreflight(
        client=market.rest, instrument=market.instrument, rules=rules, probe=probe
    )
    return {found.check: found for found in checks.run()}


class Heard:
    """What the market told, by its kind."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[MarketMessage] = queue.SimpleQueue()
        self.put = self._messages.put

    def next(self, kind: type) -> MarketMessage:
        while True:
            message = self._messages.get(timeout=10)
            if isinstance(message, kind):
                return message


def test_prices_trades_coming_funding_and_outages_are_told_without_a_key() -> None:
    heard = Heard()
    with Bench() as bench, market_of(bench) as market:
        bench.price("65000")
        market.listen(BTC, heard.put)
        assert market.wait_up(10_000)
        up = heard.next(StreamReport)
        assert isinstance(up, StreamReport)
        assert up.state is StreamState.UP
        bench.price("65100")
        trade = heard.next(PublicTrade)
        assert isinstance(trade, PublicTrade)
        assert trade.price == Price.of("65100")
        while True:
            told = heard.next(Ticker)
            assert isinstance(told, Ticker)
            if told.last == Price.of("65100"):
                break
        Control(bench.server.call).abort_streams(StreamKind.PUBLIC)
        down = heard.next(StreamReport)
        assert isinstance(down, StreamReport)
        assert down.state is StreamState.DOWN


def test_the_coming_funding_is_told_when_it_or_its_time_changes_and_after_a_connection() -> None:
    heard = Heard()
    with Bench() as bench, market_of(bench) as market:
        bench.price("65000")
        market.listen(BTC, heard.put)
        first = heard.next(FundingRate)
        assert first == market.funding_rate(BTC)
        bench.price("65100")
        bench.funding("0.0007")
        bench.price("65200")
        second = heard.next(FundingRate)
        assert isinstance(second, FundingRate)
        assert second.rate == Rate.of("0.0007")
        Control(bench.server.call).abort_streams(StreamKind.PUBLIC)
        assert heard.next(FundingRate) == second


def test_queries_answer_with_values_and_an_open_bar_is_among_them() -> None:
    with Bench() as bench, market_of(bench) as market:
        assert market.last_trade(BTC) is None
        bench.price("65000")
        bench.price("65100")
        last = market.last_trade(BTC)
        assert last is not None
        assert last.price == Price.of("65100")
        assert market.ticker(BTC).last == Price.of("65100")
        assert market.instrument(BTC).symbol == BTC
        now_ms = bench.now_ms()
        within = TimeRange(start_ms=now_ms - MINUTE_MS, end_ms=now_ms)
        assert market.bars(BTC, interval_ms=MINUTE_MS, within=within)[-1].high == Price.of("65100")
        bench.funding("0.0007")
        later = TimeRange(start_ms=now_ms, end_ms=now_ms + MINUTE_MS)
        assert [rate.rate for rate in market.funding_rates(BTC, later)] == [Rate.of("0.0007")]


def test_a_symbol_that_is_not_there_cannot_be_asked_for_or_listened_to() -> None:
    gone = Symbol("GONEUSDT")
    with Bench() as bench, market_of(bench) as market:
        bench.price("65000")
        with pytest.raises(QueryFailed, match="GONEUSDT"):
            market.instrument(gone)
        market.listen(BTC, lambda _: None)
        assert market.wait_up(10_000)
        with pytest.raises(QueryFailed, match="GONEUSDT"):
            market.listen(gone, lambda _: None)


def test_a_market_that_can_be_traded_passes_every_check() -> None:
    with Bench() as bench, market_of(bench) as market:
        bench.price("65000")
        found = checked(bench, market)
        assert all(finding.is_ok for finding in found.values())
        assert list(found) == [
            Check.CONNECTION,
            Check.CLOCK,
            Check.INSTRUMENT,
            Check.PUBLIC_STREAM,
        ]


def test_each_check_fails_for_its_own_reason_and_skips_what_needs_it() -> None:
    with Bench() as bench, market_of(bench) as market:
        unknown = checked(bench, market, Symbol("GONEUSDT"))
        assert not unknown[Check.INSTRUMENT].is_ok
        assert unknown[Check.PUBLIC_STREAM].severity is Severity.SKIPPED
        # Without any price nothing comes on the stream.
        assert "no price of BTCUSDT" in checked(bench, market)[Check.PUBLIC_STREAM].what
        bench.price("65000")
        Control(bench.server.call).set_status(BTC, InstrumentStatus.REDUCE_ONLY)
        assert "opens no position" in checked(bench, market)[Check.INSTRUMENT].what
        bench.advance(2_000)
        assert "at most 500 ms" in checked(bench, market)[Check.CLOCK].what
        Control(bench.server.call).answer_http_next(503, target="/v5/market/time")
        silent = checked(bench, market)
        assert [finding.severity for finding in silent.values()] == [
            Severity.FAILURE,
            *[Severity.SKIPPED] * 3,
        ]
