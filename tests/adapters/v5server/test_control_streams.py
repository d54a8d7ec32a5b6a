"""Faults of streams by name, seen by a client that listens."""

from collections.abc import Iterator

import aiohttp
import pytest
from tidegate.adapters.v5server.control import Control, FaultName
from tidegate.adapters.v5server.control_base import ControlRefused
from tidegate.adapters.v5server.ws_session import StreamKind

from .bench import Bench, Json
from .raw_stream import Closed, RawStream, order_params

PATH = "/v5/private"


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as opened:
        opened.price("60000")
        yield opened


@pytest.fixture
def control(bench: Bench) -> Control:
    return Control(bench.server.call)


@pytest.fixture
def stream(bench: Bench) -> Iterator[RawStream]:
    """A client that hears everything about the account."""
    with RawStream(bench, PATH) as opened:
        opened.authenticate()
        opened.ask(op="subscribe", args=["order", "execution", "position", "wallet"])
        yield opened


def buy(bench: Bench, **more: object) -> None:
    assert bench.client().post("/v5/order/create", **order_params(**more)).code == 0


def told(control: Control, stream: RawStream, topic: str) -> list[Json]:
    """Return the rows of one topic, of everything that was pushed so far."""
    control.settle()
    found: list[Json] = []
    for message in stream.waiting():
        rows = message["data"]
        assert isinstance(rows, list)
        if message["topic"] == topic:
            found += rows
    return found


def test_a_duplicate_fill_has_the_same_id(
    bench: Bench, control: Control, stream: RawStream
) -> None:
    control.inject(FaultName.DUPLICATE_FILL)
    buy(bench)
    ids = [row["execId"] for row in told(control, stream, "execution")]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    buy(bench)
    assert len(told(control, stream, "execution")) == 1


def test_a_filled_order_is_told_twice(bench: Bench, control: Control, stream: RawStream) -> None:
    control.inject(FaultName.DOUBLE_FILLED)
    buy(bench)
    rows = [r for r in told(control, stream, "order") if r["orderStatus"] == "Filled"]
    assert [row["cancelType"] for row in rows] == ["UNKNOWN", "CancelByUser"]


def test_a_stale_position_comes_after_the_newer_one(
    bench: Bench, control: Control, stream: RawStream
) -> None:
    buy(bench)
    control.inject(FaultName.STALE_POSITION)
    buy(bench)
    sizes = [row["size"] for row in told(control, stream, "position")]
    assert sizes[-2:] == ["0.02", "0.01"]


def test_a_lost_push_never_comes(bench: Bench, control: Control, stream: RawStream) -> None:
    control.inject(FaultName.LOST_PUSH)
    buy(bench, orderType="Limit", price="59000")
    assert told(control, stream, "order") == []


def test_held_pushes_come_when_they_are_released(
    bench: Bench, control: Control, stream: RawStream
) -> None:
    control.inject(FaultName.HELD_PUSHES)
    buy(bench)
    assert told(control, stream, "execution") == []
    control.release_pushes()
    assert len(told(control, stream, "execution")) == 1
    buy(bench)
    assert len(told(control, stream, "execution")) == 1


def test_a_silent_wallet_leaves_the_other_topics_alone(
    bench: Bench, control: Control, stream: RawStream
) -> None:
    control.inject(FaultName.WALLET_SILENCE)
    buy(bench)
    control.settle()
    assert "wallet" not in {message["topic"] for message in stream.waiting()}
    control.silence_topic("wallet", is_silent=False)
    buy(bench)
    assert told(control, stream, "wallet")


def test_a_closed_stream_gets_a_close_frame(control: Control, stream: RawStream) -> None:
    control.inject(FaultName.WS_CLOSE)
    with pytest.raises(Closed) as caught:
        stream.next()
    assert caught.value.code == 1001


def test_an_aborted_stream_gets_none(control: Control, stream: RawStream) -> None:
    control.inject(FaultName.WS_ABORT)
    with pytest.raises(Closed) as caught:
        stream.next()
    assert caught.value.code == 1006


def test_a_dead_stream_says_nothing_and_is_not_closed(
    bench: Bench, control: Control, stream: RawStream
) -> None:
    control.inject(FaultName.WS_SILENCE)
    buy(bench)
    stream.send(op="ping")
    with pytest.raises(TimeoutError):
        stream.next(wait_s=0.1)
    assert control.connections(StreamKind.PRIVATE) == 1


def test_a_stream_that_is_down_takes_no_connection_until_it_is_up(
    bench: Bench, control: Control, stream: RawStream
) -> None:
    control.inject(FaultName.WS_DOWN)
    with pytest.raises(Closed):
        stream.next()
    with pytest.raises(aiohttp.WSServerHandshakeError), RawStream(bench, PATH):
        pass
    buy(bench)
    with RawStream(bench, "/v5/trade") as trade:
        assert trade.authenticate()["retCode"] == 0
    control.reconnect()
    with RawStream(bench, PATH) as again:
        assert again.authenticate()["success"] is True


def test_a_stream_that_is_down_may_accept_and_close(bench: Bench, control: Control) -> None:
    control.disconnect(StreamKind.PRIVATE, accepts_and_closes=True)
    with RawStream(bench, PATH) as stream, pytest.raises(Closed):
        stream.next()


def test_an_authentication_is_refused_once(bench: Bench, control: Control) -> None:
    control.inject(FaultName.AUTH_REFUSAL)
    with RawStream(bench, PATH) as stream:
        assert stream.authenticate()["success"] is False
        assert stream.authenticate()["success"] is True


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (FaultName.BOOK_GAP, ["delta"]),
        (FaultName.BOOK_RESTART, ["snapshot", "delta"]),
        (FaultName.BOOK_RESET, ["snapshot", "delta"]),
    ],
)
def test_books_have_their_faults_by_name(
    bench: Bench, control: Control, fault: FaultName, kinds: list[str]
) -> None:
    with RawStream(bench, "/v5/public/linear") as stream:
        first = stream.ask(op="subscribe", args=["orderbook.50.BTCUSDT"])
        assert first["success"] is True
        stream.waiting()
        control.inject(fault)
        bench.price("60010")
        assert [message["type"] for message in stream.waiting()] == kinds


def test_a_delay_below_zero_and_an_unknown_topic_are_refused(control: Control) -> None:
    with pytest.raises(ControlRefused, match="a delay of -1 ms: zero or more is accepted"):
        control.set_ack_delay(-1)
    with pytest.raises(ControlRefused, match="topic 'orders': accepted are order, execution"):
        control.silence_topic("orders")


def test_topics_leave_in_the_order_that_was_chosen(
    bench: Bench, control: Control, stream: RawStream
) -> None:
    control.set_topic_order(("wallet", "position"))
    buy(bench)
    control.settle()
    topics = [message["topic"] for message in stream.waiting()]
    assert topics[:2] == ["wallet", "position"]
