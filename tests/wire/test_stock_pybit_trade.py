"""Stock pybit's order stream: create, amend and cancel, and what the private stream says of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from tidegate.domain.money import Qty

from tests.adapters.v5server.bench import Bench, Json, account_spec

from .stock_pybit import ACK_DELAY_MS, BTC, Heard, private_stream, rows, session_of, trade_stream

BTC_PART = Qty.of("0.005")


@dataclass
class Desk:
    """The order stream, and what was heard on it and on the private one."""

    bench: Bench
    trade: Any
    acks: Heard = field(default_factory=lambda: Heard("ack"))
    errors: Heard = field(default_factory=lambda: Heard("error"))
    orders: Heard = field(default_factory=lambda: Heard("order"))
    fills: Heard = field(default_factory=lambda: Heard("execution"))

    def create(self, link: str, **more: object) -> Json:
        order: Json = {"side": "Buy", "orderType": "Limit", "qty": "0.013", "price": "64000"}
        self.trade.place_order(self.acks, self.errors, **BTC, **{**order, **more}, orderLinkId=link)
        return self.acks.wait_message()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with (
        Bench([account_spec(wallet="10000")], ack_delay_ms=ACK_DELAY_MS) as bench,
        trade_stream(bench) as trade,
        private_stream(bench) as private,
    ):
        bench.price("65000.3")
        desk = Desk(bench, trade)
        private.order_stream(desk.orders)
        private.execution_stream(desk.fills)
        yield desk


def told(desk: Desk, count: int) -> list[tuple[object, ...]]:
    """Return status, price, quantity and filled quantity of the first ``count`` order rows."""
    found = desk.orders.wait(lambda rows: len(rows) >= count, f"{count} rows")
    names = ("orderStatus", "price", "qty", "cumExecQty")
    return [tuple(row[name] for name in names) for row in found]


def test_an_order_is_created_changed_and_cancelled(desk: Desk) -> None:
    ack = desk.create("one")
    assert (ack["retCode"], ack["retMsg"], ack["op"]) == (0, "OK", "order.create")
    data = cast("Json", ack["data"])
    assert data["orderLinkId"] == "one"
    desk.trade.amend_order(desk.acks, **BTC, orderLinkId="one", price="64100", qty="0.02")
    assert desk.acks.wait_message()["data"] == data
    desk.trade.cancel_order(desk.acks, **BTC, orderId=data["orderId"])
    assert desk.acks.wait_message()["data"] == data
    assert told(desk, 3) == [
        ("New", "64000", "0.013", "0"),
        ("New", "64100", "0.02", "0"),
        ("Cancelled", "64100", "0.02", "0"),
    ]


def test_the_answer_says_what_is_left_of_the_limit(desk: Desk) -> None:
    for number, left in ((1, "9"), (2, "8")):
        header = cast("Json", desk.create(f"order-{number}")["header"])
        assert (header["X-Bapi-Limit"], header["X-Bapi-Limit-Status"]) == ("10", left)


def test_a_market_order_is_filled_with_its_fee_and_its_stop(desk: Desk) -> None:
    desk.create("market", orderType="Market", price="", stopLoss="64000")
    (fill,) = desk.fills.wait(bool, "the fill")
    # 0.013 x 65000.3 = 845.0039, of which 0.055 % is 0.464752145.
    names = ("orderLinkId", "execQty", "execPrice", "execValue", "execFee", "isMaker")
    assert tuple(fill[name] for name in names) == (
        "market",
        "0.013",
        "65000.3",
        "845.0039",
        "0.46475215",
        False,
    )
    stop = desk.orders.wait(
        lambda rows: any(row["stopOrderType"] == "StopLoss" for row in rows), "the stop"
    )[-1]
    assert (stop["triggerPrice"], stop["qty"], stop["side"]) == ("64000", "0.013", "Sell")


def test_a_resting_order_is_filled_in_parts_as_a_maker(desk: Desk) -> None:
    desk.create("rests")
    desk.bench.price("63999.9", size=BTC_PART)
    desk.bench.price("63999.9")
    fills = desk.fills.wait(lambda rows: len(rows) == 2, "both fills")
    # 0.005 x 64000 x 0.02 % and 0.008 x 64000 x 0.02 %.
    assert [(row["execQty"], row["execFee"], row["leavesQty"]) for row in fills] == [
        ("0.005", "0.064", "0.008"),
        ("0.008", "0.1024", "0"),
    ]
    assert told(desk, 3) == [
        ("New", "64000", "0.013", "0"),
        ("PartiallyFilled", "64000", "0.013", "0.005"),
        ("Filled", "64000", "0.013", "0.013"),
    ]


REFUSED: tuple[tuple[Json, int], ...] = (
    ({"qty": "0.0005"}, 10001),
    ({"price": "64000.05"}, 10001),
    ({"qty": "2"}, 110007),
    ({"qty": "100"}, 110090),
    ({"reduceOnly": True}, 110017),
    ({"price": "1"}, 110094),
)
"""What is wrong with an order, and the code of its refusal."""


def test_each_refusal_reaches_the_error_callback_with_its_code(desk: Desk) -> None:
    good: Json = {"side": "Buy", "orderType": "Limit", "qty": "0.013", "price": "64000"}
    codes = []
    for params, _ in REFUSED:
        desk.trade.place_order(desk.acks, desk.errors, **BTC, **{**good, **params})
        refused = desk.errors.wait_message()
        assert refused["op"] == "order.create"
        codes.append(refused["retCode"])
    assert codes == [code for _, code in REFUSED]
    assert desk.acks.messages == []


def test_an_unknown_order_is_refused_and_the_stream_goes_on(desk: Desk) -> None:
    desk.trade.cancel_order(desk.acks, desk.errors, **BTC, orderLinkId="nobody")
    assert desk.errors.wait_message()["retCode"] == 110001
    assert desk.create("after")["retCode"] == 0


def test_what_the_stream_created_the_query_finds(desk: Desk) -> None:
    desk.create("seen")
    with session_of(desk.bench) as session:
        (found,) = rows(session.get_open_orders(**BTC, orderLinkId="seen"))
    assert (found["price"], found["qty"], found["orderStatus"]) == ("64000", "0.013", "New")
