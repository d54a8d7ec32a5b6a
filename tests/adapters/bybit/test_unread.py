"""A row that cannot be read blinds nobody to the others, and is never left out in silence."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from tidegate.adapters.bybit.credentials import Credentials
from tidegate.adapters.bybit.history import HistoryQueries
from tidegate.adapters.bybit.hosts import Hosts
from tidegate.adapters.bybit.venue import BybitConfig, BybitVenue
from tidegate.application.clocks import SystemClock
from tidegate.domain.mode import VenueKind
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import UnreadableReport, VenueMessage
from tidegate.ports.exchange import QueryFailed, TimeRange

from .socket_stub import Peer, SocketStub, ok
from .test_transport import client
from .wire.rows import EXECUTION, FUNDING, ORDER, POSITION, Json

NOW_MS = time.time_ns() // 1_000_000
WITHIN = TimeRange(start_ms=NOW_MS - 1_000, end_ms=NOW_MS)

HEDGED: Json = {**POSITION, "symbol": "ETHUSDT", "positionIdx": 1}
STRANGE_ORDER: Json = {**ORDER, "orderId": "x", "symbol": "XRPUSDT", "orderStatus": "Dreaming"}
RECENT_ORDER: Json = {**ORDER, "createdTime": str(NOW_MS - 500), "updatedTime": str(NOW_MS - 500)}
FILL: Json = {**EXECUTION, "execTime": str(NOW_MS)}
STRANGE_FILL: Json = {**FILL, "execId": "x", "symbol": "XRPUSDT", "execType": "Gift"}
PAID: Json = {**FUNDING, "execTime": str(NOW_MS)}
STRANGE_PAID: Json = {**PAID, "execId": "y", "symbol": "XRPUSDT", "feeRate": "much"}

LISTS: dict[str, list[Json]] = {
    "/v5/position/list": [HEDGED, POSITION],
    "/v5/order/realtime": [STRANGE_ORDER, ORDER],
    "/v5/order/history": [STRANGE_ORDER, RECENT_ORDER],
}


def _act(peer: Peer) -> None:
    while request := peer.read():
        parts = urlsplit(request.split(b" ")[1].decode())
        result: Json = {"list": LISTS.get(parts.path, []), "marginMode": "REGULAR_MARGIN"}
        if parts.path == "/v5/execution/list":
            is_funding = "execType" in parse_qs(parts.query)
            result["list"] = [STRANGE_PAID, PAID] if is_funding else [STRANGE_FILL, FILL]
        peer.send(ok(result, time_ms=time.time_ns() // 1_000_000))


@contextmanager
def _venue() -> Iterator[BybitVenue]:
    with SocketStub(_act) as stub:
        venue = BybitVenue(
            hosts=Hosts.loopback(
                rest_url=stub.url, ws_url="ws://127.0.0.1:1", kind=VenueKind.BYBIT_TESTNET
            ),
            credentials=Credentials("key-of-a-test", "secret-of-a-test"),
            clock=SystemClock(),
            symbols=(),
            config=BybitConfig(stream_wait_ms=0),
        )
        try:
            yield venue
        finally:
            venue.close()


def _unread(told: list[VenueMessage]) -> list[UnreadableReport]:
    return [message for message in told if isinstance(message, UnreadableReport)]


Ask = Callable[[BybitVenue], tuple[object, ...]]
ASKS: dict[str, tuple[Ask, str, str]] = {
    "positions": (lambda venue: venue.positions(), "positions", "ETHUSDT"),
    "open orders": (lambda venue: venue.open_orders(), "open orders", "XRPUSDT"),
    "order history": (
        lambda venue: venue.order_history(None, WITHIN).rows,
        "order history",
        "XRPUSDT",
    ),
    "executions": (
        lambda venue: venue.executions(None, WITHIN).rows,
        "execution history",
        "XRPUSDT",
    ),
    "funding": (
        lambda venue: venue.funding_payments(None, WITHIN).rows,
        "execution history",
        "XRPUSDT",
    ),
}


@pytest.mark.parametrize("name", ASKS)
def test_a_row_that_cannot_be_read_is_told_and_the_others_are_returned(name: str) -> None:
    ask, source, symbol = ASKS[name]
    told: list[VenueMessage] = []
    with _venue() as venue:
        venue.connect(told.append)
        rows = ask(venue)
    assert len(rows) == 1
    (report,) = _unread(told)
    assert report.source == source
    assert report.text.startswith(f"{symbol}: ")


@pytest.mark.parametrize("name", ASKS)
def test_without_anyone_who_listens_a_list_with_such_a_row_fails_whole(name: str) -> None:
    ask, _, _ = ASKS[name]
    with _venue() as venue, pytest.raises(QueryFailed):
        ask(venue)


def test_holdings_say_what_could_not_be_read_whoever_listens() -> None:
    with _venue() as venue:
        held = venue.holdings()
    assert [report.symbol for report in held.positions] == [POSITION["symbol"]]
    assert [report.venue_id for report in held.orders] == [ORDER["orderId"]]
    # The orders were read first: see ExchangePort.holdings.
    assert [report.source for report in held.unreadable] == ["open orders", "positions"]
    assert "ETHUSDT" in held.unreadable[1].text
    assert "positionIdx is 1" in held.unreadable[1].text


def test_a_position_that_stays_unreadable_is_told_at_every_reading() -> None:
    told: list[VenueMessage] = []
    with _venue() as venue:
        venue.connect(told.append)
        venue.positions()
        venue.positions()
    assert len(_unread(told)) == 2


def test_a_row_of_the_past_is_told_once_to_each_who_listens() -> None:
    first: list[VenueMessage] = []
    second: list[VenueMessage] = []
    with _venue() as venue:
        venue.connect(first.append)
        venue.executions(None, WITHIN)
        venue.executions(None, WITHIN)
        venue.connect(second.append)
        venue.executions(None, WITHIN)
    assert len(_unread(first)) == 1
    assert len(_unread(second)) == 1


def test_only_so_many_rows_of_the_past_are_remembered() -> None:
    told: list[UnreadableReport] = []
    once = HistoryQueries(client("http://127.0.0.1:1")).told.by(told.append)
    assert once is not None
    for number in (*range(1_001), 1_000, 0):
        once(UnreadableReport(source="executions", text=str(number), time_ms=1))
    assert [report.text for report in told[1_000:]] == ["1000", "0"]


def test_a_flat_row_of_hedge_mode_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LISTS, "/v5/position/list", [{**HEDGED, "size": "0", "side": ""}])
    with _venue() as venue:
        assert venue.positions() == ()


def test_a_position_whose_symbol_was_asked_for_is_never_left_out() -> None:
    with _venue() as venue:
        venue.connect(lambda _: None)
        with pytest.raises(QueryFailed, match="positionIdx"):
            venue.position(Symbol("ETHUSDT"))
