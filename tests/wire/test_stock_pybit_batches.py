"""The same batch of twenty by stock pybit: one account may send it, another only half of it."""

from collections.abc import Iterator
from typing import Any, cast

import attrs
import pytest
from pybit.unified_trading import HTTP
from tidegate.adapters.v5server.levels import LimitLevel

from tests.adapters.v5server.bench import Bench, Json, account_spec

from .stock_pybit import (
    ACK_DELAY_MS,
    BTC,
    Heard,
    private_stream,
    rows,
    session_of,
    trade_stream,
)

SIZE = 20
VIP = attrs.evolve(account_spec("vip-key", "vip-secret", 1), level=LimitLevel.VIP1)
PLAIN = account_spec("plain-key", "plain-secret", 2)
LINKS = [f"b-{number}" for number in range(SIZE)]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench([VIP, PLAIN], ack_delay_ms=ACK_DELAY_MS) as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def vip(bench: Bench) -> Iterator[HTTP]:
    with session_of(bench, VIP.key, VIP.secret) as session:
        yield session


@pytest.fixture
def plain(bench: Bench) -> Iterator[HTTP]:
    with session_of(bench, PLAIN.key, PLAIN.secret) as session:
        yield session


def item(number: int, **more: object) -> Json:
    """One order of the batch: each a tick below the one before it, 0.001 more of it."""
    return {
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "qty": f"0.{number + 1:03}",
        "price": f"{59_900 - number}",
        "orderLinkId": LINKS[number],
        **more,
    }


def batch() -> list[Json]:
    return [item(number) for number in range(SIZE)]


def codes(answer: object) -> list[object]:
    ext = cast("Json", cast("Json", answer)["retExtInfo"])
    return [row["code"] for row in cast("list[Json]", ext["list"])]


def live(session: HTTP) -> dict[object, tuple[object, object]]:
    """Return price and quantity of every open order, by its own id."""
    found = rows(session.get_open_orders(**BTC, limit=50))
    return {row["orderLinkId"]: (row["price"], row["qty"]) for row in found}


def test_an_account_with_a_level_sends_changes_and_cancels_twenty_at_once(vip: HTTP) -> None:
    answer = vip.place_batch_order(category="linear", request=batch())
    assert codes(answer) == [0] * SIZE
    assert [row["orderLinkId"] for row in rows(answer)] == LINKS
    assert len({row["orderId"] for row in rows(answer)}) == SIZE
    assert live(vip) == {
        link: (f"{59_900 - number}", f"0.{number + 1:03}".rstrip("0"))
        for number, link in enumerate(LINKS)
    }
    changes = [
        {"symbol": "BTCUSDT", "orderLinkId": link, "price": f"{59_800 - number}"}
        for number, link in enumerate(LINKS)
    ]
    assert codes(vip.amend_batch_order(category="linear", request=changes)) == [0] * SIZE
    assert [live(vip)[link][0] for link in LINKS] == [
        f"{59_800 - number}" for number in range(SIZE)
    ]
    names = [{"symbol": "BTCUSDT", "orderLinkId": link} for link in LINKS]
    assert codes(vip.cancel_batch_order(category="linear", request=names)) == [0] * SIZE
    assert live(vip) == {}
    coin = wallet(vip)
    assert (coin["walletBalance"], coin["totalOrderIM"]) == ("100000", "0")


def wallet(session: HTTP) -> Json:
    coins: Any = rows(session.get_wallet_balance(accountType="UNIFIED"))[0]["coin"]
    return cast("Json", coins[0])


def test_twenty_orders_hold_their_margin_together(vip: HTTP) -> None:
    vip.place_batch_order(category="linear", request=[item(n, qty="0.001") for n in range(SIZE)])
    # 0.001 x (59900 + ... + 59881) = 1197.81. A tenth of it at leverage 10, and two taker fees:
    # of opening, and of closing at nine tenths: 119.781 + 0.6587955 + 0.59291595.
    assert wallet(vip)["totalOrderIM"] == "121.03271145"


def test_a_default_account_gets_ten_and_ten_refusals_one_by_one(bench: Bench, plain: HTTP) -> None:
    with private_stream(bench, PLAIN.key, PLAIN.secret) as private:
        orders = Heard("order")
        private.order_stream(orders)
        answer = plain.place_batch_order(category="linear", request=batch())
        assert answer["retCode"] == 0
        assert codes(answer) == [0] * 10 + [10006] * 10
        assert [row["orderLinkId"] for row in rows(answer)] == LINKS
        assert [row["orderId"] for row in rows(answer)[10:]] == [""] * 10
        assert list(live(plain)) == LINKS[9::-1]
        told = orders.wait(lambda told: len(told) >= 10, "ten new orders")
        assert [row["orderLinkId"] for row in told] == LINKS[:10]


def test_what_was_refused_for_its_rate_is_taken_a_second_later(bench: Bench, plain: HTTP) -> None:
    plain.place_batch_order(category="linear", request=batch())
    bench.advance(1_000)
    again = plain.place_batch_order(category="linear", request=batch()[10:])
    assert codes(again) == [0] * 10
    assert set(live(plain)) == set(LINKS)


def test_one_bad_order_of_a_batch_harms_no_other(vip: HTTP) -> None:
    wrong = [item(0), item(1, price="59900.05"), item(2, qty="0"), item(0), item(4)]
    answer = vip.place_batch_order(category="linear", request=wrong)
    assert codes(answer) == [0, 10001, 10001, 110072, 0]
    assert set(live(vip)) == {LINKS[0], LINKS[4]}


def test_accounts_do_not_see_each_other_s_orders(vip: HTTP, plain: HTTP) -> None:
    vip.place_batch_order(category="linear", request=batch())
    assert live(plain) == {}
    assert codes(plain.place_batch_order(category="linear", request=batch()))[0] == 0


def test_the_trade_stream_counts_a_batch_in_the_same_bucket(bench: Bench, plain: HTTP) -> None:
    acks = Heard("ack")
    with trade_stream(bench, PLAIN.key, PLAIN.secret) as trade:
        trade.place_batch_order(acks, category="linear", request=batch()[:6])
        first = acks.wait_message()
        assert (first["op"], codes(first)) == ("order.create-batch", [0] * 6)
        rest = plain.place_batch_order(category="linear", request=batch()[6:])
    assert codes(rest) == [0] * 4 + [10006] * 10


def test_stock_pybit_waits_for_the_reset_that_the_header_names(
    plain: HTTP, caplog: pytest.LogCaptureFixture
) -> None:
    first = plain.place_batch_order(category="linear", request=batch()[:10])
    second = plain.place_batch_order(category="linear", request=batch()[10:])
    assert codes(first) == codes(second) == [0] * 10
    assert caplog.text.count("Hit the API rate limit") == 1
