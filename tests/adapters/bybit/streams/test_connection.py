"""What the venue may do to a connection, seen through a hub: nothing of it ends the streams."""

import gc
import time
from itertools import accumulate
from typing import Any

import attrs
import pytest
from picows import WSMsgType
from tidegate.adapters.bybit.streams.errors import SubscriptionRefused
from tidegate.adapters.bybit.streams.settings import RetryLimits
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import StreamState, Ticker, UnreadableReport

from tests.adapters.bybit.streams.bench import (
    BTC,
    PRIVATE,
    PUBLIC,
    QUICK,
    Ear,
    hub_on,
    limits,
    private_message,
    ticker_message,
)
from tests.adapters.bybit.streams.scripted import ScriptedVenue

UP, DOWN = StreamState.UP, StreamState.DOWN


def _opened(venue: ScriptedVenue, hub: Any) -> Ear:
    ear = Ear()
    hub.open(ear, [BTC])
    assert hub.wait_up(10_000)
    assert ear.until(lambda ear: UP in ear.states())
    return ear


def test_up_is_told_after_authentication_and_every_acknowledgement() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        (private,), (public,) = venue.live(PRIVATE), venue.live(PUBLIC)
        assert [message["op"] for message in private.heard] == ["auth", "subscribe"]
        assert private.topics == {"order", "execution", "position", "wallet"}
        assert public.topics == {"tickers.BTCUSDT"}
        assert ear.states() == [UP]


def test_authentication_expires_in_the_future() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        _opened(venue, hub)
        key, expires_ms, signature = venue.live(PRIVATE)[0].heard[0]["args"]
        assert (key, signature) == ("key", "signature")
        assert isinstance(expires_ms, int)


@pytest.mark.parametrize("silent", ["auth", "subscribe"])
def test_a_stream_without_an_answer_is_down_and_tried_again(silent: str) -> None:
    with ScriptedVenue() as venue:
        venue.mute.add(silent)
        with hub_on(venue, config=limits(answer_wait_ms=50)) as hub:
            ear = Ear()
            hub.open(ear, [BTC])
            assert ear.until(lambda ear: ear.states() == [DOWN])
            assert not hub.wait_up(1)
            assert venue.until(lambda: len([s for s in venue.sessions if s.path == PRIVATE]) > 2)
            venue.mute.clear()
            assert hub.wait_up(10_000)
            assert ear.states() == [DOWN, UP]


def test_a_refused_key_is_down_until_it_is_accepted() -> None:
    with ScriptedVenue(refuse_auth=True) as venue, hub_on(venue) as hub:
        ear = Ear()
        hub.open(ear, [])
        assert ear.until(lambda ear: ear.states() == [DOWN])
        assert venue.until(lambda: len(venue.sessions) >= 3)
        assert all(session.topics == set() for session in venue.sessions)
        venue.refuse_auth = False
        assert hub.wait_up(10_000)


def test_a_refused_subscription_keeps_the_stream_down() -> None:
    with ScriptedVenue(refused_topics={"wallet"}) as venue, hub_on(venue) as hub:
        ear = Ear()
        hub.open(ear, [])
        assert ear.until(lambda ear: ear.states() == [DOWN])
        assert not hub.wait_up(50)


def test_a_symbol_that_is_refused_later_is_told_to_the_caller_and_harms_nothing() -> None:
    with ScriptedVenue(refused_topics={"tickers.NOPE"}) as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        with pytest.raises(SubscriptionRefused, match=r"tickers\.NOPE.*handler not found"):
            hub.watch(Symbol("NOPE"))
        hub.watch(Symbol("ETHUSDT"))
        assert venue.live(PUBLIC)[0].topics == {"tickers.BTCUSDT", "tickers.ETHUSDT"}
        venue.abort(PUBLIC)
        assert ear.until(lambda ear: ear.states() == [UP, DOWN, UP])
        assert venue.live(PUBLIC)[0].topics == {"tickers.BTCUSDT", "tickers.ETHUSDT"}
        nope = ticker_message(symbol="NOPE") | {"topic": "tickers.NOPE"}
        venue.push(PUBLIC, nope, ticker_message())
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 1)
        assert ear.of(Ticker)[0].symbol == BTC


@pytest.mark.parametrize("path", [PRIVATE, PUBLIC])
@pytest.mark.parametrize("way", ["abort", "close"])
def test_a_connection_that_ends_is_replaced_with_every_subscription(path: str, way: str) -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        before = venue.live(path)[0].topics
        getattr(venue, way)(path)
        assert ear.until(lambda ear: ear.states() == [UP, DOWN, UP])
        assert [session.topics for session in venue.live(path)] == [before]


def test_an_outage_is_told_before_the_pause_that_follows_it() -> None:
    retry = RetryLimits(pause_ms_min=600_000, pause_ms_max=600_000)
    with ScriptedVenue() as venue, hub_on(venue, config=attrs.evolve(QUICK, retry=retry)) as hub:
        ear = _opened(venue, hub)
        venue.abort(PRIVATE)
        assert ear.until(lambda ear: ear.states() == [UP, DOWN])


def test_nothing_is_heard_after_the_venue_said_goodbye() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        transport = venue.live(PRIVATE)[0].transport
        assert transport is not None

        def say_goodbye_and_go_on() -> None:
            # One segment, so that the client reads both frames at once.
            transport.underlying_transport.write(b"\x88\x02\x03\xe8" + b"\x81\x01{")

        venue.do(say_goodbye_and_go_on)
        assert ear.until(lambda ear: ear.states() == [UP, DOWN, UP])
        assert ear.of(UnreadableReport) == []


def test_a_venue_that_answers_no_ping_is_left() -> None:
    with ScriptedVenue() as venue:
        venue.mute.add("ping")
        with hub_on(venue, config=limits(ping_every_ms=50, pong_wait_ms=50)) as hub:
            ear = _opened(venue, hub)
            assert ear.until(lambda ear: DOWN in ear.states())
            venue.mute.clear()
            assert ear.until(lambda ear: ear.states()[-1] is UP)


def test_a_venue_that_answers_pings_is_kept() -> None:
    """For longer than the first ping may go unanswered."""
    quick = limits(ping_every_ms=20, pong_wait_ms=500)
    with ScriptedVenue() as venue, hub_on(venue, config=quick) as hub:
        ear = _opened(venue, hub)
        pings = [{"op": "ping"}] * 30
        (private,), (public,) = venue.live(PRIVATE), venue.live(PUBLIC)
        assert venue.until(lambda: private.heard[-30:] == pings == public.heard[-30:])
        assert ear.states() == [UP]


def test_a_market_stream_that_falls_silent_is_replaced() -> None:
    quick = attrs.evolve(limits(ping_every_ms=30), public_silence_ms_max=100)
    with ScriptedVenue() as venue, hub_on(venue, config=quick) as hub:
        ear = _opened(venue, hub)
        assert ear.until(lambda ear: DOWN in ear.states())
        assert venue.until(lambda: len([s for s in venue.sessions if s.path == PUBLIC]) >= 2)
        assert len([s for s in venue.sessions if s.path == PRIVATE]) == 1


def test_a_venue_that_is_away_is_tried_with_growing_pauses() -> None:
    """Without chance the pauses are 10, 20, 40, 80 and then 100 ms each.

    No attempt comes before the pauses that precede it; a busy machine only makes it later.
    """
    earliest_ms = list(accumulate((0, 10, 20, 40, 80, 100, 100)))
    away = ScriptedVenue(is_refusing=True)
    with away as venue, hub_on(venue, random_source=lambda: 0) as hub:
        ear, began_s = Ear(), time.monotonic()
        hub.open(ear, [])
        assert venue.until(lambda: len(venue.refused_s) >= len(earliest_ms))
        assert ear.states() == [DOWN]
        for refused_s, after_ms in zip(venue.refused_s, earliest_ms, strict=False):
            assert (refused_s - began_s) * 1_000 >= after_ms - 1
        venue.is_refusing = False
        assert hub.wait_up(10_000)
        assert ear.until(lambda ear: ear.states() == [DOWN, UP])


def test_a_bound_on_connections_is_an_outage_that_ends_by_itself() -> None:
    """Three within 300 ms: the seventh has two whole windows before it."""
    retry = RetryLimits(pause_ms_min=1, pause_ms_max=1, connections_max=3, window_ms=300)
    away, config = ScriptedVenue(is_refusing=True), attrs.evolve(QUICK, retry=retry)
    with away as venue, hub_on(venue, config=config) as hub:
        began_s = time.monotonic()
        hub.open(Ear(), [])
        assert venue.until(lambda: len(venue.refused_s) >= 7)
        assert venue.refused_s[6] - began_s >= 0.599


@pytest.mark.parametrize(
    "garbage",
    [b"{", b"\xff\xfe", b"[1, 2]", b"null", b'"text"', b'{"topic": "order"}', b'{"topic": 5}',
     b'{"topic": "order", "data": [5]}', b'{"topic": "order", "data": [{}]}', b"{}",
     b'{"op": "else", "x": 1}'],
)  # fmt: skip
def test_a_message_that_cannot_be_read_is_reported_and_the_stream_goes_on(garbage: bytes) -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        venue.push(PRIVATE, garbage)
        assert ear.until(lambda ear: len(ear.of(UnreadableReport)) == 1)
        assert ear.of(UnreadableReport)[0].source.startswith("private stream")
        venue.push(PRIVATE, b"}")
        assert ear.until(lambda ear: len(ear.of(UnreadableReport)) == 2)
        assert ear.states() == [UP]


@pytest.mark.parametrize("garbage", [b"{", b"7", b'{"topic": "tickers.BTCUSDT", "data": 5}'])
def test_market_data_that_cannot_be_read_is_reported_once(garbage: bytes) -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        venue.push(PUBLIC, garbage, garbage, ticker_message())
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 1)
        assert len(ear.of(UnreadableReport)) == 1
        assert ear.of(UnreadableReport)[0].source.startswith("public stream")


def test_a_sink_that_raises_does_not_end_the_stream() -> None:
    heard = Ear()

    def sink(message: Any) -> None:
        heard(message)
        raise RuntimeError("the sink broke its promise")

    with ScriptedVenue() as venue, hub_on(venue) as hub:
        hub.open(sink, [BTC])
        assert hub.wait_up(10_000)
        venue.push(PUBLIC, ticker_message(), ticker_message())
        assert heard.until(lambda ear: len(ear.of(Ticker)) == 2)


def test_a_push_after_unsubscribing_is_left_out() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        hub.watch(Symbol("ETHUSDT"))
        hub.unwatch(BTC)
        assert venue.live(PUBLIC)[0].topics == {"tickers.ETHUSDT"}
        eth = ticker_message(symbol="ETHUSDT") | {"topic": "tickers.ETHUSDT"}
        venue.push(PUBLIC, ticker_message(), eth)
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 1)
        assert ear.of(Ticker)[0].symbol == "ETHUSDT"
        assert ear.of(UnreadableReport) == []
        assert hub.ticker(BTC) is None


@pytest.mark.parametrize(
    "garbage",
    [b"\xff" * 10, b"\x81\x85abcdefghi", b"\x81\x7f\x7f" + b"\xff" * 7, b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["reserved bits", "masked", "endless", "no frame at all"],
)
def test_a_broken_protocol_replaces_the_connection(
    garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        transport = venue.live(PRIVATE)[0].transport
        assert transport is not None
        venue.do(lambda: transport.underlying_transport.write(garbage))
        assert ear.until(lambda ear: ear.states() == [UP, DOWN, UP])
    gc.collect()
    assert "the protocol was broken" in caplog.text
    assert "never retrieved" not in caplog.text


def test_the_disconnect_cancel_is_armed_by_a_request_of_its_own() -> None:
    config = attrs.evolve(QUICK, arms_disconnect_cancel=True)
    with ScriptedVenue() as venue, hub_on(venue, config=config) as hub:
        ear = _opened(venue, hub)
        requests = [m["args"] for m in venue.live(PRIVATE)[0].heard if m["op"] == "subscribe"]
        assert requests == [["order", "execution", "position", "wallet"], ["dcp.future"]]
        venue.push(PRIVATE, private_message("dcp.future"), private_message("order", 7))
        assert ear.until(lambda ear: len(ear.of(UnreadableReport)) == 1)
        assert ear.of(UnreadableReport)[0].source == "private stream order"


def test_a_disconnect_cancel_that_is_refused_does_not_cost_the_account_s_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = attrs.evolve(QUICK, arms_disconnect_cancel=True)
    with ScriptedVenue(refused_topics={"dcp.future"}) as venue, hub_on(venue, config=config) as hub:
        ear = _opened(venue, hub)
        venue.push(PRIVATE, private_message("order", 7))
        assert ear.until(lambda ear: len(ear.of(UnreadableReport)) == 1)
        assert ear.states() == [UP]
    assert "goes on without a topic" in caplog.text
    assert "dcp.future" in caplog.text


def test_a_market_stream_without_a_symbol_is_no_longer_needed() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        hub.unwatch(BTC)
        assert venue.until(lambda: venue.live(PUBLIC) == [])
        assert hub.wait_up(10_000)
        hub.watch(BTC)
        assert hub.wait_up(10_000)
        assert venue.live(PUBLIC)[0].topics == {"tickers.BTCUSDT"}
        assert ear.states() == [UP]


def test_a_fragmented_message_is_put_together() -> None:
    text = b'{"topic":"order","creationTime":1,"data":[{}]}'
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        transport = venue.live(PRIVATE)[0].transport
        assert transport is not None

        def send() -> None:
            transport.send(WSMsgType.TEXT, text[:10], fin=False)
            transport.send(WSMsgType.CONTINUATION, text[10:20], fin=False)
            transport.send(WSMsgType.CONTINUATION, text[20:], fin=True)

        venue.do(send)
        venue.push(PRIVATE, private_message("order", 7))
        assert ear.until(lambda ear: len(ear.of(UnreadableReport)) == 2)
        assert ear.of(UnreadableReport)[0].source == "private stream order"
