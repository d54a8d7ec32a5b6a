"""Which way a request of an order takes, and what is told of streams that do not come up."""

import threading

import pytest
from tidegate.adapters.bybit.channels import Act, StreamChannel
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.replies import Answered
from tidegate.adapters.bybit.rest import Lane
from tidegate.adapters.bybit.venue import BybitConfig, BybitVenue
from tidegate.application.clocks import SystemClock
from tidegate.domain.mode import VenueKind
from tidegate.domain.reports import StreamReport, StreamState, VenueMessage

from tests.adapters.bybit.streams.bench import hub_on
from tests.adapters.bybit.streams.scripted import ScriptedVenue

from .socket_stub import Peer, SocketStub, ok
from .test_transport import BODY, client

WAIT_S = 10


@pytest.mark.parametrize("act", list(Act))
def test_what_protects_goes_over_rest_while_the_order_stream_is_up(act: Act) -> None:
    served = ok({"orderId": "a-1"})
    with (
        SocketStub(lambda peer: peer.serve(served)) as stub,
        ScriptedVenue() as venue,
        hub_on(venue) as hub,
    ):
        rest, socket = client(stub.url), hub.trade_socket()
        assert socket is not None
        while not socket.is_up:
            threading.Event().wait(0.002)
        channel = StreamChannel(rest, lambda: socket, answer_wait_ms=5_000, rate_wait_ms=1_000)
        assert isinstance(channel.send(act, BODY, lane=Lane.SAFETY), Answered)
        assert len(stub.requests) == 1
        assert isinstance(channel.send(act, BODY, lane=Lane.ORDERS), Answered)
        assert len(stub.requests) == 1
        rest.close()


def _rest(peer: Peer) -> None:
    while peer.read():
        peer.send(ok({"marginMode": "REGULAR_MARGIN"}))


def test_streams_that_do_not_come_up_in_time_are_told_as_down() -> None:
    """Their first attempt has not failed: the other end just says nothing."""
    told: list[VenueMessage] = []
    is_told = threading.Event()

    def sink(message: VenueMessage) -> None:
        told.append(message)
        is_told.set()

    with SocketStub(_rest) as stub, SocketStub(Peer.wait_for_close) as silent:
        venue = BybitVenue(
            hosts=Hosts.loopback(
                rest_url=stub.url,
                ws_url=silent.url.replace("http", "ws"),
                kind=VenueKind.BYBIT_TESTNET,
            ),
            credentials=Credentials("key-of-a-test", "secret-of-a-test"),
            clock=SystemClock(),
            symbols=(),
            config=BybitConfig(stream_wait_ms=50),
        )
        venue.connect(sink)
        assert is_told.wait(WAIT_S)
        venue.close()
    (report,) = told
    assert isinstance(report, StreamReport)
    assert report.state is StreamState.DOWN
