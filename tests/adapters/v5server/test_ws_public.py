"""The public stream: what is asked, what is answered, what is pushed and what is not."""

import pytest
from tidegate.adapters.v5server.control import Control
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Side

from tests.domain.samples import BTCUSDT

from .bench import Bench, Json
from .raw_stream import RawStream, order_params

PATH = "/v5/public/linear"
SYMBOL = BTCUSDT.symbol


def data(message: Json) -> Json:
    found = message["data"]
    assert isinstance(found, dict)
    return found


def rows(message: Json) -> list[Json]:
    found = message["data"]
    assert isinstance(found, list)
    return found


def subscribed(stream: RawStream, *topics: str) -> list[Json]:
    """Subscribe, and return what came first besides the answer."""
    assert stream.ask(op="subscribe", args=list(topics))["success"] is True
    return stream.waiting()


def test_a_ping_is_answered_under_its_own_name() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        pong = stream.ask(op="ping")
        assert pong == {
            "success": True,
            "ret_msg": "pong",
            "conn_id": pong["conn_id"],
            "req_id": "",
            "op": "ping",
        }
        assert stream.ask(op="ping", req_id="7")["req_id"] == "7"


def test_a_ping_frame_is_answered_too() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        assert stream.ping_frame(b"beat") == b"beat"


def test_a_subscription_is_answered_with_its_request_id() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        answer = stream.ask(req_id="a1", op="subscribe", args=["publicTrade.BTCUSDT"])
        conn_id = answer.pop("conn_id")
        assert isinstance(conn_id, str)
        assert len(conn_id) == 36
        assert answer == {"success": True, "ret_msg": "", "req_id": "a1", "op": "subscribe"}


@pytest.mark.parametrize(
    "topic",
    ["orderbook.500.BTCUSDT", "publicTrade.NOSUCH", "kline.2.BTCUSDT", "liquidation.BTCUSDT"],
)
def test_a_refused_request_subscribes_to_none_of_its_topics(topic: str) -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        answer = stream.ask(op="subscribe", args=["publicTrade.BTCUSDT", topic])
        assert answer["success"] is False
        assert answer["ret_msg"] == f"error:handler not found,topic:{topic}"
        bench.price("60001")
        assert stream.waiting() == []


@pytest.mark.parametrize("text", ["no json", "[1]", '{"op":"dance"}', '{"op":"subscribe"}'])
def test_what_cannot_be_understood_is_refused_and_the_connection_goes_on(text: str) -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        stream.send_text(text)
        assert stream.next()["success"] is False
        assert stream.ask(op="ping")["ret_msg"] == "pong"


def test_the_topics_of_a_connection_are_bounded_by_their_text() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        topic = "publicTrade.BTCUSDT"
        fits = [topic] * (21_000 // len(topic))
        answer = stream.ask(op="subscribe", args=[*fits, topic])
        assert answer["ret_msg"] == "error:topics of 21014 characters; 21000 are accepted"
        assert stream.ask(op="subscribe", args=fits)["success"] is True


def test_nothing_is_pushed_before_a_subscription_nor_after_its_end() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        assert stream.waiting() == []
        subscribed(stream, "publicTrade.BTCUSDT")
        bench.price("60001")
        assert [message["topic"] for message in stream.waiting()] == ["publicTrade.BTCUSDT"]
        assert stream.ask(op="unsubscribe", args=["publicTrade.BTCUSDT"])["success"] is True
        bench.price("60002")
        assert stream.waiting() == []


def test_a_book_is_a_snapshot_and_then_deltas_that_lead_to_the_next_snapshot() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        (first,) = subscribed(stream, "orderbook.50.BTCUSDT")
        assert first["type"] == "snapshot"
        sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        apply_rows(sides, data(first))
        numbers = [data(first)["u"]]
        for price in ("60000.50", "59990", "60100"):
            bench.price(price)
            (delta,) = stream.waiting()
            assert delta["type"] == "delta"
            assert set(delta) == {"topic", "type", "ts", "data", "cts"}
            apply_rows(sides, data(delta))
            numbers.append(data(delta)["u"])
        assert isinstance(first["data"], dict)
        start = numbers[0]
        assert isinstance(start, int)
        assert numbers == [start, start + 1, start + 2, start + 3]
        with RawStream(bench, PATH) as other:
            (whole,) = subscribed(other, "orderbook.50.BTCUSDT")
            fresh: dict[str, dict[str, str]] = {"b": {}, "a": {}}
            apply_rows(fresh, data(whole))
            assert fresh == sides
            assert data(whole)["u"] == numbers[-1]


def apply_rows(sides: dict[str, dict[str, str]], found: Json) -> None:
    for side, levels in sides.items():
        changed = found[side]
        assert isinstance(changed, list)
        for price, size in changed:
            if size == "0":
                del levels[price]
            else:
                levels[price] = size


def test_level_one_comes_as_snapshots_only() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        (first,) = subscribed(stream, "orderbook.1.BTCUSDT")
        bench.price("60001")
        (second,) = stream.waiting()
        assert [first["type"], second["type"]] == ["snapshot", "snapshot"]
        assert data(second)["b"] == [["60001.00", "1000000"]]
        assert data(second)["a"] == [["60001.00", "1000000"]]


def test_a_change_beyond_a_depth_is_not_told_to_it() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        control = Control(bench.server.call)
        levels = [(Price.of(60000 - n), Qty.of(1)) for n in range(60)]
        asks = ((Price.of(60001), Qty.of(1)),)
        control.set_book(SYMBOL, tuple(levels), asks)
        subscribed(stream, "orderbook.50.BTCUSDT", "orderbook.200.BTCUSDT")
        control.set_book(SYMBOL, (*levels[:-1], (levels[-1][0], Qty.of(2))), asks)
        told = stream.waiting()
        deep = [m for m in told if m["topic"] == "orderbook.200.BTCUSDT"]
        assert data(deep[-1])["b"] == [["59941.00", "2"]]
        shallow = [m for m in told if m["topic"] == "orderbook.50.BTCUSDT"]
        net: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        for message in shallow:
            changed = data(message)["b"]
            assert isinstance(changed, list)
            for price, size in changed:
                net["b"][price] = size
        assert "59941.00" not in net["b"]


def test_a_ticker_delta_holds_what_changed_and_nothing_else() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        (first,) = subscribed(stream, "tickers.BTCUSDT")
        assert first["type"] == "snapshot"
        assert data(first)["markPrice"] == "60000.00"
        control = Control(bench.server.call)
        control.mark(SYMBOL, Price.of("60000.3"))
        (delta,) = stream.waiting()
        assert delta["type"] == "delta"
        assert data(delta) == {
            "symbol": "BTCUSDT",
            "markPrice": "60000.30",
            "indexPrice": "60000.30",
        }


def test_a_trade_is_told_with_the_side_of_its_taker() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        subscribed(stream, "publicTrade.BTCUSDT")
        Control(bench.server.call).trade(SYMBOL, Price.of("60000.5"), Qty.of("0.7"), Side.SELL)
        (message,) = stream.waiting()
        (row,) = rows(message)
        told = {name: row[name] for name in ("s", "S", "v", "p", "L", "BT", "RPI")}
        assert told == {
            "s": "BTCUSDT",
            "S": "Sell",
            "v": "0.7",
            "p": "60000.50",
            "L": "PlusTick",
            "BT": False,
            "RPI": False,
        }
        assert isinstance(row["T"], int)
        assert isinstance(row["seq"], int)


def test_a_candle_is_confirmed_once_its_time_is_over() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        (first,) = subscribed(stream, "kline.1.BTCUSDT")
        assert rows(first)[0]["confirm"] is False
        bench.advance(60_000)
        closed = [row for message in stream.waiting() for row in rows(message)]
        assert [row["confirm"] for row in closed] == [True]
        assert closed[0]["start"] == rows(first)[0]["start"]
        bench.price("60005")
        after = [row for message in stream.waiting() for row in rows(message)]
        assert [row["confirm"] for row in after] == [False]
        assert after[0]["close"] == "60005.00"


def test_price_limits_follow_the_mark() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        (first,) = subscribed(stream, "priceLimit.BTCUSDT")
        assert data(first) == {"symbol": "BTCUSDT", "buyLmt": "60600.00", "sellLmt": "59400.00"}
        bench.price("50000")
        (second,) = stream.waiting()
        assert data(second)["buyLmt"] == "50500.00"


def test_a_liquidation_is_told_with_the_side_of_the_position() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        bench.client().post("/v5/order/create", **order_params())
        subscribed(stream, "allLiquidation.BTCUSDT")
        Control(bench.server.call).liquidate(SYMBOL)
        told = [row for message in stream.waiting() for row in rows(message)]
        assert [(row["s"], row["S"], row["v"]) for row in told] == [("BTCUSDT", "Buy", "0.01")]
        assert told[0]["p"] == "54000.00", "60000 x (1 - 1/10), at the default leverage of 10"


def test_a_lost_book_message_leaves_a_gap_in_its_numbers() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        (first,) = subscribed(stream, "orderbook.50.BTCUSDT")
        Control(bench.server.call).skip_book_update(SYMBOL)
        bench.price("60001")
        (delta,) = stream.waiting()
        before, after = data(first)["u"], data(delta)["u"]
        assert isinstance(before, int)
        assert after == before + 2


def test_a_restarted_book_begins_at_one_and_a_reset_one_goes_on() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        (first,) = subscribed(stream, "orderbook.50.BTCUSDT")
        control = Control(bench.server.call)
        control.resend_books(SYMBOL)
        control.restart_books(SYMBOL)
        bench.price("60001")
        again, restarted, delta = stream.waiting()
        assert [m["type"] for m in (again, restarted, delta)] == ["snapshot", "snapshot", "delta"]
        assert data(again)["u"] == data(first)["u"]
        assert [data(restarted)["u"], data(delta)["u"]] == [1, 2]


def test_books_may_be_told_at_an_interval() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        subscribed(stream, "orderbook.50.BTCUSDT")
        Control(bench.server.call).set_book_pace(interval_ms=30_000)
        bench.price("60001")
        assert stream.waiting() == []
        bench.price("60002")
        Control(bench.server.call).advance(30_000)
        delta = stream.next()
        assert data(delta)["b"] != []
        prices = [row[0] for row in levels(delta, "b") if row[1] != "0"]
        assert "60002.00" in prices
        assert stream.waiting() == []


def levels(message: Json, side: str) -> list[list[str]]:
    found = data(message)[side]
    assert isinstance(found, list)
    return found


def test_a_quiet_best_level_may_be_told_again_under_its_number() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        control = Control(bench.server.call)
        (first,) = subscribed(stream, "orderbook.1.BTCUSDT")
        control.set_book_pace(best_repeat_ms=3_000_000)
        control.advance(3_000_000)
        again = stream.next()
        assert again["type"] == "snapshot"
        assert data(again) == data(first)
        assert stream.waiting() == []
