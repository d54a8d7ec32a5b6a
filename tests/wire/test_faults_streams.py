"""Streams that end, go silent, repeat themselves or lose messages, under a running desk."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import pytest
from tidegate.adapters.v5server.control import FaultName
from tidegate.adapters.v5server.ws_session import StreamKind
from tidegate.domain.money import Price, Qty
from tidegate.domain.reports import AccountReport

from .desk_bench import BTC, QTY, DeskBench, stays, until
from .fault_case import Case, try_case

__all__ = ["CASES"]

FIRST_RUNG = Price.of("66100")
"""Beyond the first target, short of the second."""

LEFT = Qty.of("0.010")


def _held(bench: DeskBench) -> None:
    placed = bench.placed("held")
    until(lambda: bench.books.position(BTC).qty == QTY, "the position is held")
    until(lambda: len(_rungs(bench)) == 2, "both targets rest at the venue")
    assert bench.sent_ids()[placed.client_id] == 1


def _rungs(bench: DeskBench) -> list[str]:
    venue = bench.server.server.call(lambda exchange: exchange.accounts.first.venue)
    resting = bench.server.server.call(lambda _: venue.open_orders(BTC))
    return [order.venue_id for order in resting if order.reduce_only and order.trigger is None]


def _fills_meanwhile(bench: DeskBench) -> None:
    """The first target fills, whether the desk can hear of it or not."""
    bench.control.price(BTC, FIRST_RUNG)
    until(lambda: bench.books.position(BTC).qty == LEFT, "the target's fill was booked")


def _cut(fault: FaultName) -> Case:
    """What happens while the stream is away is read over REST; the stream comes back by itself."""

    def run(bench: DeskBench) -> None:
        _held(bench)
        before = len(_auths(bench))
        bench.control.inject(fault)
        _fills_meanwhile(bench)
        until(lambda: len(_auths(bench)) > before, "a new private connection")
        bench.wait_up()
        bench.close()

    return Case(run, {"pong_wait_ms": 500})


def _auths(bench: DeskBench) -> list[str]:
    sent = (push.json for push in bench.tap.sent("/v5/private"))
    return [str(frame["op"]) for frame in sent if frame["op"] == "auth"]


def _down(bench: DeskBench) -> None:
    _held(bench)
    bench.control.inject(FaultName.WS_DOWN)
    until(lambda: bench.engine.state.view.stream_down_since_ms is not None, "the desk knows")
    _fills_meanwhile(bench)
    bench.agree()
    bench.control.reconnect()
    bench.wait_up()
    bench.close()


def _refused_auth(bench: DeskBench) -> None:
    """A refused authentication is tried again, on a new connection."""
    _held(bench)
    bench.control.inject(FaultName.AUTH_REFUSAL)
    bench.control.close_streams(StreamKind.PRIVATE)
    until(lambda: _refusals(bench) == 1, "the refusal")
    _fills_meanwhile(bench)
    bench.wait_up()
    bench.close()


def _refusals(bench: DeskBench) -> int:
    got = (push.json for push in bench.tap.pushes("/v5/private"))
    return sum(frame.get("op") == "auth" and frame.get("success") is False for frame in got)


def _twice(fault: FaultName) -> Case:
    """What is told twice is booked once; both messages really crossed."""

    def run(bench: DeskBench) -> None:
        topic, key = {
            FaultName.DUPLICATE_FILL: ("execution", "execId"),
            FaultName.DOUBLE_FILLED: ("order", "orderId"),
        }[fault]
        bench.control.inject(fault)
        _held(bench)
        names = [row[key] for row in _pushed(bench, topic) if row.get("orderStatus") != "New"]
        assert len(names) > len(set(names)), f"no {topic} row crossed twice"
        _fills_meanwhile(bench)
        bench.close()

    return Case(run)


def _pushed(bench: DeskBench, topic: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for push in bench.tap.pushes("/v5/private"):
        frame = push.json
        if frame.get("topic") == topic:
            data = frame["data"]
            assert isinstance(data, list)
            rows += data
    return rows


def _lost_push(bench: DeskBench) -> None:
    """The end of a resting order that was never pushed is read over REST beside the stream."""
    _held(bench)
    before = len(_pushed(bench, "order"))
    bench.control.inject(FaultName.LOST_PUSH)
    _fills_meanwhile(bench)
    until(lambda: len(bench.books.orders) == 1, "the target's end is known")
    filled = [row for row in _pushed(bench, "order")[before:] if row["orderStatus"] == "Filled"]
    assert filled == [], "the push was not lost"
    bench.close()


def _held_pushes(bench: DeskBench) -> None:
    """A stream that is up and tells nothing does not hide a fill; late messages change nothing."""
    bench.control.inject(FaultName.HELD_PUSHES)
    _held(bench)
    _fills_meanwhile(bench)
    bench.agree()
    bench.control.release_pushes()
    bench.agree()
    bench.close()


def _stale_position(bench: DeskBench) -> None:
    """An older row after a newer one is not believed; nothing else comes for a while."""
    _held(bench)
    bench.control.inject(FaultName.STALE_POSITION)
    _fills_meanwhile(bench)
    bench.control.settle()
    until(lambda: bench.engine.state.view.positions[BTC].qty == LEFT, "the newer row came")
    rows = _pushed(bench, "position")
    assert any(
        int(str(after["seq"])) < int(str(before["seq"])) for before, after in pairwise(rows)
    ), "no older row crossed after a newer one"
    stays(lambda: bench.engine.state.view.positions[BTC].qty == LEFT, "the newer row stands")
    assert bench.findings() == []
    bench.close()


def _silent_wallet(bench: DeskBench) -> None:
    """Equity is worked out from the books, and the account is read over REST."""
    bench.control.inject(FaultName.WALLET_SILENCE)
    wallets = len(_pushed(bench, "wallet"))
    _held(bench)
    _fills_meanwhile(bench)
    assert len(_pushed(bench, "wallet")) == wallets
    until(lambda: _is_near(bench), "the view shows the venue's wallet")
    bench.close()
    bench.control.silence_topic(is_silent=False)


def _is_near(bench: DeskBench) -> bool:
    """Tell whether the view's wallet is the books', but for what the venue rounds."""
    account, ledger = bench.engine.state.view.account, bench.books.ledger
    assert isinstance(account, AccountReport)
    assert ledger is not None
    difference = Fraction(account.wallet.value) - Fraction(ledger.wallet.value)
    return abs(difference) < Fraction(1, 10**6)


def _book(fault: FaultName) -> Case:
    """The kept book is the venue's again, and never a wrong one in between."""

    def run(bench: DeskBench) -> None:
        hub = bench.venue.streams
        hub.watch_book(BTC)
        bench.control.price(BTC, Price.of("65010"))
        until(lambda: _shows(bench, "65010"), "the first book")
        bench.control.inject(fault, BTC)
        for price in ("65020", "65030", "65040"):
            bench.control.price(BTC, Price.of(price))
        until(lambda: _shows(bench, "65040"), "the book after the fault")

    return Case(run)


def _shows(bench: DeskBench, last: str) -> bool:
    """Tell whether the adapter's best bid is the venue's and near the price."""
    bid, _ = bench.venue.streams.best(BTC)
    shown = bench.server.client().get("/v5/market/orderbook", f"category=linear&symbol={BTC}")
    bids = shown.result["b"]
    assert isinstance(bids, list)
    if bid is None or [str(bid.price), str(bid.qty)] != [str(text) for text in bids[0]]:
        return False
    return abs(Fraction(bid.price.value) - Fraction(last)) < 2


CASES: Mapping[FaultName, Case] = MappingProxyType(
    {
        FaultName.WS_CLOSE: _cut(FaultName.WS_CLOSE),
        FaultName.WS_ABORT: _cut(FaultName.WS_ABORT),
        FaultName.WS_SILENCE: _cut(FaultName.WS_SILENCE),
        FaultName.WS_DOWN: Case(_down),
        FaultName.AUTH_REFUSAL: Case(_refused_auth),
        FaultName.DUPLICATE_FILL: _twice(FaultName.DUPLICATE_FILL),
        FaultName.DOUBLE_FILLED: _twice(FaultName.DOUBLE_FILLED),
        FaultName.LOST_PUSH: Case(_lost_push),
        FaultName.HELD_PUSHES: Case(_held_pushes),
        FaultName.STALE_POSITION: Case(_stale_position, {"poll_up_ms": 60_000}),
        FaultName.WALLET_SILENCE: Case(_silent_wallet),
        FaultName.BOOK_GAP: _book(FaultName.BOOK_GAP),
        FaultName.BOOK_RESTART: _book(FaultName.BOOK_RESTART),
        FaultName.BOOK_RESET: _book(FaultName.BOOK_RESET),
    }
)


@pytest.mark.parametrize("fault", CASES, ids=lambda fault: fault.name)
def test_a_stream_that_fails_hides_nothing_and_comes_back(fault: FaultName, tmp_path: Path) -> None:
    try_case(CASES[fault], fault, tmp_path)
