"""Account operations over the wire: what is sent, what is read back, and what proves nothing."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import attrs
import orjson
import pytest
from tidegate.adapters.bybit.account_changes import AccountChanges
from tidegate.adapters.bybit.account_queries import AccountQueries
from tidegate.adapters.bybit.wire.account_requests import margin_body, partial_stop_body
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.adapters.bybit.wire.requests import Unsendable
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ProtectiveLeg,
    Symbol,
    TriggerBy,
)
from tidegate.domain.records import Borrowing, Collateral, PositionMode
from tidegate.domain.reports import MarginMode, RejectReason
from tidegate.ports.account import PartialStop
from tidegate.ports.exchange import (
    Done,
    Rejected,
    TimeRange,
)

from tests.domain.samples import BTCUSDT

from .socket_stub import Peer, SocketStub, answer, ok
from .test_transport import client
from .wire.rows import ORDER, POSITION, Json

BTC = BTCUSDT.symbol
ETH = Symbol("ETHUSDT")
DAY_MS = 86_400_000
NOW_MS = time.time_ns() // 1_000_000
Reply = Callable[[str, dict[str, str]], bytes]


@contextmanager
def _venue(reply: Reply) -> Iterator[tuple[AccountChanges, AccountQueries, list[tuple[str, Json]]]]:
    """A venue that answers by path, with what was sent to change something."""
    sent: list[tuple[str, Json]] = []

    def act(peer: Peer) -> None:
        while request := peer.read():
            method, target, _ = request.split(b" ", 2)
            parts = urlsplit(target.decode())
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if method == b"POST":
                sent.append((parts.path, orjson.loads(request.partition(b"\r\n\r\n")[2])))
            peer.send(reply(parts.path, query))

    with SocketStub(act) as stub:
        rest = client(stub.url)
        yield AccountChanges(rest), AccountQueries(rest), sent
        rest.close()


def _refused(code: int, result: object) -> bytes:
    body = {"retCode": code, "retMsg": "no", "result": result, "retExtInfo": {}, "time": 1}
    return answer(orjson.dumps(body))


def _rows(*rows: Json) -> bytes:
    return ok({"list": list(rows), "nextPageCursor": ""})


REASONS = {"reasons": [{"reasonCode": "3400000", "reasonMsg": "Equity needs to be >= 1000"}]}


def _account(
    *, set_answer: bytes, positions: bytes | None = None, orders: bytes | None = None
) -> Reply:
    """An account in isolated margin, flat unless told otherwise."""
    answers = {
        "/v5/account/info": ok({"marginMode": "ISOLATED_MARGIN"}),
        "/v5/position/list": positions or _rows(),
        "/v5/order/realtime": orders or _rows(),
        "/v5/account/set-margin-mode": set_answer,
    }
    return lambda path, _: answers[path]


@pytest.mark.parametrize("reply", [_refused(3400045, REASONS), ok(REASONS)])
def test_why_the_margin_mode_was_not_set_is_told(reply: bytes) -> None:
    with _venue(_account(set_answer=reply)) as (changes, _, sent):
        outcome = changes.set_margin_mode(MarginMode.CROSS)
    assert isinstance(outcome, Rejected)
    assert "3400000 Equity needs to be >= 1000" in outcome.message
    assert sent == [("/v5/account/set-margin-mode", {"setMarginMode": "REGULAR_MARGIN"})]


@pytest.mark.parametrize(
    ("account", "what"),
    [
        ({"positions": _rows(POSITION)}, POSITION["symbol"]),
        ({"orders": _rows(ORDER)}, ORDER["symbol"]),
        ({"positions": _rows({**POSITION, "side": "Up"})}, "could not be read"),
        ({"orders": answer(b"", status="502 Bad Gateway")}, "502"),
    ],
)
def test_the_margin_mode_is_not_asked_for_unless_the_account_is_known_to_be_flat(
    account: dict[str, bytes], what: str
) -> None:
    with _venue(_account(set_answer=ok({"reasons": []}), **account)) as (changes, _, sent):
        outcome = changes.set_margin_mode(MarginMode.CROSS)
    assert isinstance(outcome, Rejected)
    assert what in outcome.message
    assert sent == []


def test_the_present_margin_mode_is_not_sent() -> None:
    with _venue(_account(set_answer=ok())) as (changes, _, sent):
        outcome = changes.set_margin_mode(MarginMode.ISOLATED)
    assert isinstance(outcome, Done)
    assert outcome.was_already
    assert sent == []


def _collateral(*, coin: str = "BTC", is_on: bool, **more: object) -> Json:
    return {
        "currency": coin,
        "marginCollateral": True,
        "collateralSwitch": is_on,
        "collateralRatio": "0.95",
        **more,
    }


def test_a_collateral_switch_is_sent_only_where_it_changes_something() -> None:
    switch = "/v5/account/set-collateral-switch"

    def reply(path: str, query: dict[str, str]) -> bytes:
        return ok() if path == switch else _rows(_collateral(coin=query["currency"], is_on=True))

    with _venue(reply) as (changes, _, sent):
        same, other = (changes.set_collateral("BTC", on=on) for on in (True, False))
    assert isinstance(same, Done)
    assert same.was_already
    assert isinstance(other, Done)
    assert not other.was_already
    assert sent == [(switch, {"coin": "BTC", "collateralSwitch": "OFF"})]


@pytest.mark.parametrize(("shown", "is_done"), [(True, True), (False, False)])
def test_collateral_not_modified_is_done_only_where_it_shows(shown: bool, is_done: bool) -> None:
    seen = iter((False, shown))

    def reply(path: str, _: dict[str, str]) -> bytes:
        if path.endswith("switch"):
            return _refused(110027, {})
        return _rows(_collateral(is_on=next(seen)))

    with _venue(reply) as (changes, _, _sent):
        outcome = changes.set_collateral("BTC", on=True)
    assert isinstance(outcome, Done) is is_done
    assert isinstance(outcome, Rejected) is not is_done


def test_collateral_is_what_the_platform_takes_and_the_owner_switched() -> None:
    rows = (
        _collateral(is_on=True),
        _collateral(coin="ETH", is_on=True, marginCollateral=False, collateralRatio="0"),
        _collateral(coin="USDC", is_on=True, collateralRatio=""),
    )
    with _venue(lambda *_: _rows(*rows)) as (_, queries, _sent):
        found = queries.collateral()
    ratio = Rate.of("0.95")
    assert found == (
        Collateral(coin="BTC", is_on=True, may_be_switched=True, value_ratio=ratio),
        Collateral(coin="ETH", is_on=False, may_be_switched=False, value_ratio=Rate.of(0)),
        Collateral(coin="USDC", is_on=True, may_be_switched=False, value_ratio=None),
    )


def test_a_switch_that_is_missing_is_no_answer() -> None:
    row = _collateral(is_on=True)
    del row["collateralSwitch"]
    with (
        _venue(lambda *_: _rows(row)) as (_, queries, _sent),
        pytest.raises(Unreadable, match="collateralSwitch is missing"),
    ):
        queries.collateral()


def _interest(time_ms: int, cost: str) -> Json:
    """The documentation's own row, at another time (Bybit V5, account/borrow-history)."""
    return {
        "createdTime": time_ms,
        "costExemption": "0.00000000",
        "InterestBearingBorrowSize": "1.5000382424468461",
        "currency": "BTC",
        "hourlyBorrowRate": "0.000002125",
        "borrowCost": cost,
    }


def test_interest_is_asked_in_windows_of_30_days_and_in_pages() -> None:
    within = TimeRange(start_ms=NOW_MS - 70 * DAY_MS, end_ms=NOW_MS - DAY_MS)
    asked: list[tuple[int, int]] = []

    def reply(_: str, query: dict[str, str]) -> bytes:
        start, end = int(query["startTime"]), int(query["endTime"])
        assert (query["currency"], query["limit"]) == ("BTC", "50")
        if "cursor" in query:
            return _rows(_interest(start, "0.1"))
        asked.append((start, end))
        newest = _interest(end, "0.2")
        return ok({"list": [newest], "nextPageCursor": f"{start}%3A0"})

    with _venue(reply) as (_, queries, _sent):
        found = queries.borrowings("BTC", within)
    assert all(end - start < 30 * DAY_MS for start, end in asked)
    assert len(asked) == 3
    assert (asked[0][0], asked[-1][1]) == (within.start_ms, within.end_ms)
    assert all(one[1] + 1 == two[0] for one, two in itertools.pairwise(asked))
    times = [edge for window in asked for edge in window]
    assert [row.time_ms for row in found.rows] == times
    assert (found.covers, found.is_complete) == (within, True)
    assert found.rows[0] == Borrowing(
        coin="BTC",
        amount=Money.of("1.5000382424468461"),
        interest=Money.of("0.1"),
        hourly_rate=Rate.of("0.000002125"),
        time_ms=within.start_ms,
    )


def test_interest_older_than_two_years_is_not_covered() -> None:
    within = TimeRange(start_ms=NOW_MS - 740 * DAY_MS, end_ms=NOW_MS - 720 * DAY_MS)
    with _venue(lambda *_: _rows()) as (_, queries, _sent):
        found = queries.borrowings(None, within)
    assert not found.is_complete
    assert found.covers.start_ms > within.start_ms
    assert found.covers.end_ms == within.end_ms


@pytest.mark.parametrize(
    ("indexes", "mode"),
    [((0,), PositionMode.ONE_WAY), ((1, 2), PositionMode.HEDGE), ((2,), PositionMode.HEDGE)],
)
def test_the_position_mode_is_read_from_the_index(
    indexes: tuple[int, ...], mode: PositionMode
) -> None:
    rows = [{**POSITION, "positionIdx": index} for index in indexes]
    with _venue(lambda *_: _rows(*rows)) as (_, queries, _sent):
        assert queries.position_mode(Symbol(str(POSITION["symbol"]))) is mode


@pytest.mark.parametrize("indexes", [(), (3,), (0, 1)])
def test_a_position_mode_that_contradicts_itself_is_unreadable(indexes: tuple[int, ...]) -> None:
    rows = [{**POSITION, "positionIdx": index} for index in indexes]
    with (
        _venue(lambda *_: _rows(*rows)) as (_, queries, _sent),
        pytest.raises(Unreadable, match="positionIdx"),
    ):
        queries.position_mode(Symbol(str(POSITION["symbol"])))


def test_a_partial_stop_is_sent_with_sizes_and_kinds_of_both_legs() -> None:
    stop = PartialStop(
        symbol=BTC,
        qty=Qty.of("0.02"),
        stop_loss=ProtectiveLeg(price=Price.of("59000"), by=TriggerBy.MARK),
        take_profit=ProtectiveLeg(price=Price.of("61000.50")),
        take_profit_limit=Price.of("61000"),
    )
    both: Json = {"category": "linear", "symbol": "BTCUSDT", "positionIdx": 0}
    of_stop: Json = {
        "stopLoss": "59000",
        "slTriggerBy": "MarkPrice",
        "slSize": "0.02",
        "slOrderType": "Market",
    }
    of_target: Json = {
        "takeProfit": "61000.50",
        "tpTriggerBy": "LastPrice",
        "tpSize": "0.02",
        "tpOrderType": "Limit",
        "tpLimitPrice": "61000",
    }
    assert partial_stop_body(stop) == {**both, "tpslMode": "Partial", **of_stop, **of_target}
    alone = attrs.evolve(stop, take_profit=None, take_profit_limit=None)
    assert partial_stop_body(alone) == {**both, "tpslMode": "Partial", **of_stop}


@pytest.mark.parametrize(
    ("amount", "text"), [("10", "10"), ("-0.0001", "-0.0001"), ("1E+2", "100")]
)
def test_margin_travels_as_plain_text_with_its_sign(amount: str, text: str) -> None:
    assert margin_body(BTC, Money.of(amount))["margin"] == text


@pytest.mark.parametrize("amount", ["0", "0.00001"])
def test_margin_that_the_venue_cannot_take_is_not_sent(amount: str) -> None:
    with pytest.raises(Unsendable, match="at most 4 decimals"):
        margin_body(BTC, Money.of(amount))
    with _venue(lambda *_: ok()) as (changes, _, sent):
        outcome = changes.add_margin(BTC, Money.of(amount))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.INVALID_PARAMETER
    assert sent == []
