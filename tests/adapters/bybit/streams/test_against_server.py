"""The streams against the venue that speaks the protocol: every fault that its control has."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import attrs
import pytest
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.streams.hub import StreamHub
from tidegate.adapters.bybit.streams.settings import StreamConfig
from tidegate.adapters.bybit.streams.trade import TradeAnswer, TradeNotSent, TradeUnknown
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    MarginMode,
    OrderReport,
    PositionReport,
    StreamState,
    Ticker,
    UnreadableReport,
)
from tidegate.ports.clock import ClockPort

from tests.adapters.bybit.streams.bench import QUICK, Ear
from tests.adapters.bybit.streams.scripted import WAIT_S
from tests.adapters.v5server.bench import KEY, SECRET, Bench
from tests.domain.samples import BTCUSDT

UP, DOWN = StreamState.UP, StreamState.DOWN
SYMBOL = BTCUSDT.symbol
QUICK_WATCH = attrs.evolve(
    QUICK,
    connection=attrs.evolve(QUICK.connection, ping_every_ms=100, pong_wait_ms=400),
    value_age_ms_max=60_000,
)


class _ServerTime(ClockPort):
    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def now_ms(self) -> int:
        return self._bench.now_ms()


@attrs.frozen
class _Stage:
    bench: Bench
    control: Control
    hub: StreamHub
    ear: Ear

    def order(self, side: str, qty: str, link: str, **more: str) -> None:
        answer = self.bench.client().post(
            "/v5/order/create", category="linear", symbol=SYMBOL, side=side, orderType="Market",
            qty=qty, orderLinkId=link, **more,
        )  # fmt: skip
        assert answer.code == 0, answer.text

    def hears(self, kind: type[object], count: int = 1) -> bool:
        return self.ear.until(lambda ear: len(ear.of(kind)) >= count)

    def turns(self, *states: StreamState) -> bool:
        return self.ear.until(lambda ear: ear.states() == list(states))


@contextmanager
def _stage(config: StreamConfig = QUICK_WATCH, ack_delay_ms: int = 0) -> Iterator[_Stage]:
    with Bench(ack_delay_ms=ack_delay_ms) as bench:
        bench.price("64000")
        hub = StreamHub(
            hosts=Hosts.loopback(
                rest_url=bench.server.rest_url,
                ws_url=bench.server.ws_url,
                kind=VenueKind.BYBIT_TESTNET,
            ),
            credentials=Credentials(KEY, SECRET),
            clock=_ServerTime(bench),
            config=config,
            margin_mode=lambda: MarginMode.ISOLATED,
        )
        try:
            ear = Ear()
            hub.open(ear, [SYMBOL])
            assert hub.wait_up(WAIT_S * 1_000)
            assert ear.until(lambda ear: ear.states() == [UP])
            yield _Stage(bench, Control(bench.server.call), hub, ear)
        finally:
            hub.close()


@pytest.mark.parametrize("ack_delay_ms", [0, 20])
def test_a_fill_is_told_by_every_topic(ack_delay_ms: int) -> None:
    with _stage(ack_delay_ms=ack_delay_ms) as stage:
        stage.order("Buy", "0.5", "x-1", stopLoss="60000")
        for kind in (OrderReport, Execution, PositionReport, AccountReport):
            assert stage.hears(kind), kind
        (fill,) = stage.ear.of(Execution)
        assert (fill.client_id, fill.qty) == ("x-1", Qty.of("0.5"))
        assert stage.ear.until(lambda ear: ear.of(PositionReport)[-1].stop_loss == Price.of(60000))
        assert stage.ear.of(PositionReport)[-1].qty == Qty.of("0.5")
        assert stage.ear.of(UnreadableReport) == []


def test_funding_is_told() -> None:
    with _stage() as stage:
        stage.order("Buy", "0.5", "x-1")
        assert stage.hears(Execution)
        stage.control.pay_funding(SYMBOL, Rate.of("0.0001"))
        assert stage.hears(FundingPayment)
        assert stage.ear.of(FundingPayment)[0].amount.value == Decimal("3.2")


def test_prices_and_books_follow_the_market() -> None:
    with _stage() as stage:
        assert stage.hears(Ticker)
        stage.hub.watch_book(SYMBOL)
        assert _until(lambda: stage.hub.book(SYMBOL) is not None)
        stage.control.price(SYMBOL, Price.of(65000))
        assert stage.ear.until(lambda ear: ear.of(Ticker)[-1].last == Price.of(65000))
        ticker, book = stage.hub.ticker(SYMBOL), stage.hub.book(SYMBOL)
        assert ticker is not None
        assert book is not None
        assert ticker.is_fresh
        assert [level.price.value for level in book.value.bids] == sorted(
            (level.price.value for level in book.value.bids), reverse=True
        )
        assert 0 < len(book.value.asks) <= 50


_ENDINGS: dict[str, Callable[[Control], object]] = {
    "close": lambda control: control.close_streams(StreamKind.PRIVATE),
    "abort": lambda control: control.abort_streams(StreamKind.PRIVATE),
    "silence": lambda control: control.silence_streams(StreamKind.PRIVATE),
    "public close": lambda control: control.close_streams(StreamKind.PUBLIC),
    "public abort": lambda control: control.abort_streams(StreamKind.PUBLIC),
    "public silence": lambda control: control.silence_streams(StreamKind.PUBLIC),
}


@pytest.mark.parametrize("ending", list(_ENDINGS))
def test_whatever_ends_a_stream_it_comes_back_and_tells(ending: str) -> None:
    with _stage() as stage:
        _ENDINGS[ending](stage.control)
        assert stage.turns(UP, DOWN, UP)
        stage.order("Buy", "0.5", "x-1")
        assert stage.hears(Execution)
        assert stage.control.connections(StreamKind.PRIVATE) == 1
        assert stage.control.connections(StreamKind.PUBLIC) == 1


@pytest.mark.parametrize("accepts_and_closes", [False, True])
def test_a_venue_that_takes_no_connection_is_down_until_it_does(accepts_and_closes: bool) -> None:
    with _stage() as stage:
        stage.control.disconnect(StreamKind.PRIVATE, accepts_and_closes)
        assert stage.turns(UP, DOWN)
        stage.order("Buy", "0.5", "x-1")
        assert not stage.hub.wait_up(300)
        assert stage.ear.of(Execution) == []
        stage.control.reconnect(StreamKind.PRIVATE)
        assert stage.turns(UP, DOWN, UP)


def test_a_refused_authentication_is_tried_again() -> None:
    with _stage() as stage:
        stage.control.refuse_auth(2)
        stage.control.abort_streams(StreamKind.PRIVATE)
        assert stage.turns(UP, DOWN, UP)


def test_a_lost_book_message_subscribes_the_book_anew() -> None:
    with _stage() as stage:
        stage.hub.watch_book(SYMBOL)
        assert _until(lambda: stage.hub.book(SYMBOL) is not None)
        stage.control.skip_book_update(SYMBOL)
        stage.control.price(SYMBOL, Price.of(64100))
        stage.control.price(SYMBOL, Price.of(64200))
        assert _until(lambda: _best_ask(stage.hub) in _about(64200))
        assert stage.ear.states() == [UP]


def test_a_restarted_book_is_taken_over() -> None:
    with _stage() as stage:
        stage.hub.watch_book(SYMBOL)
        assert _until(lambda: stage.hub.book(SYMBOL) is not None)
        stage.control.restart_books(SYMBOL)
        stage.control.price(SYMBOL, Price.of(64200))
        assert _until(lambda: _best_ask(stage.hub) in _about(64200))
        assert stage.ear.states() == [UP]


def test_pushes_come_in_the_order_and_number_of_the_venue() -> None:
    with _stage() as stage:
        stage.control.repeat_next_push("execution")
        stage.control.stale_next_position()
        stage.order("Buy", "0.5", "x-1")
        assert stage.hears(Execution, 2)
        assert stage.hears(PositionReport, 2)
        first, second = stage.ear.of(Execution)
        assert first == second


def test_orders_by_stream_are_answered_refused_or_unknown() -> None:
    order = {
        "category": "linear", "symbol": SYMBOL, "side": "Buy", "orderType": "Market", "qty": "0.5",
    }  # fmt: skip
    with _stage() as stage:
        socket = stage.hub.trade_socket()
        assert socket is not None
        assert _until(lambda: socket.is_up)
        answer = socket.send("order.create", order | {"orderLinkId": "t-1"}, deadline_ms=5_000)
        assert isinstance(answer, TradeAnswer)
        assert (answer.code, answer.result["orderLinkId"]) == (0, "t-1")
        assert "X-Bapi-Limit" in answer.headers
        assert stage.hears(Execution)
        again = socket.send("order.create", order | {"orderLinkId": "t-1"}, deadline_ms=5_000)
        assert isinstance(again, TradeAnswer)
        assert again.code == 110072
        stage.control.lose_next_trade_ack()
        lost = socket.send("order.create", order | {"orderLinkId": "t-2"}, deadline_ms=200)
        assert isinstance(lost, TradeUnknown)
        assert stage.ear.until(lambda ear: any(o.client_id == "t-2" for o in ear.of(OrderReport)))
        stage.control.disconnect(StreamKind.TRADE)
        assert _until(lambda: not socket.is_up)
        assert isinstance(socket.send("order.create", order, deadline_ms=500), TradeNotSent)


def _best_ask(hub: StreamHub) -> Decimal | None:
    _, ask = hub.best(SYMBOL)
    return None if ask is None else ask.price.value


class _about:  # noqa: N801  (reads as a word in an assertion)
    def __init__(self, price: int) -> None:
        self._price = price

    def __contains__(self, value: Decimal | None) -> bool:
        return value is not None and abs(value - self._price) <= 10


def _until(condition: Callable[[], bool]) -> bool:
    """Wait for a state that nobody announces."""
    waited = threading.Event()
    for _ in range(WAIT_S * 100):
        if condition():
            return True
        waited.wait(0.01)
    return False
