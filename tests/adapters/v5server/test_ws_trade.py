"""Order entry over WebSocket: the camel dialect, its checks, its answers."""

import attrs
import pytest
from tidegate.adapters.v5server.control import Control
from tidegate.adapters.v5server.faults import Target

from .bench import KEY, Bench, Json, account_spec
from .raw_stream import Closed, RawStream, order_params

PATH = "/v5/trade"


def orders(bench: Bench) -> list[Json]:
    return bench.client().get("/v5/order/history", "category=linear&limit=50").rows


def open_orders(bench: Bench) -> list[Json]:
    return bench.client().get("/v5/order/realtime", "category=linear&symbol=BTCUSDT").rows


def limit(**more: object) -> Json:
    return order_params(orderType="Limit", price="59500", **more)


def test_authentication_and_ping_are_answered_in_the_camel_dialect() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        answer = stream.authenticate()
        conn_id = answer["connId"]
        assert answer == {"retCode": 0, "retMsg": "OK", "op": "auth", "connId": conn_id}
        pong = stream.ask(op="ping")
        stamp = pong["data"]
        assert isinstance(stamp, list)
        assert pong == {
            "retCode": 0,
            "retMsg": "OK",
            "op": "pong",
            "data": [str(int(stamp[0]))],
            "connId": conn_id,
        }
        assert stream.authenticate()["retCode"] == 20001


def test_a_refused_authentication_has_the_code_of_its_reason() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        assert stream.authenticate(KEY, "another")["retCode"] == 10004
        assert stream.authenticate(key="nobody")["retCode"] == 10003
        assert stream.authenticate(late_ms=0)["retCode"] == 10001
        assert stream.trade("order.create", order_params())["retCode"] == 10007


def test_a_demo_account_has_no_trade_stream() -> None:
    with (
        Bench([attrs.evolve(account_spec(), is_demo=True)]) as bench,
        RawStream(bench, PATH) as stream,
        RawStream(bench, "/v5/private") as private,
    ):
        assert stream.authenticate()["retCode"] == 10005
        assert stream.trade("order.create", order_params())["retCode"] == 10007
        assert private.authenticate()["success"] is True


def test_an_order_is_acknowledged_with_its_ids_and_the_rate_limit() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        answer = stream.trade("order.create", limit(orderLinkId="mine"), reqId="r1")
        (order,) = open_orders(bench)
        assert answer["data"] == {"orderId": order["orderId"], "orderLinkId": "mine"}
        assert (answer["reqId"], answer["retCode"], answer["op"]) == ("r1", 0, "order.create")
        header = answer["header"]
        assert isinstance(header, dict)
        assert set(header) == {
            "X-Bapi-Limit",
            "X-Bapi-Limit-Status",
            "X-Bapi-Limit-Reset-Timestamp",
            "Traceid",
            "Timenow",
        }
        assert (header["X-Bapi-Limit"], header["X-Bapi-Limit-Status"]) == ("10", "9")


def test_an_answer_has_a_request_id_only_if_one_was_sent() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        assert "reqId" not in stream.trade("order.create", limit())


def test_a_request_id_is_used_once_on_a_connection() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        assert stream.trade("order.create", limit(), reqId="x" * 36)["reqId"] == "x" * 36
        assert stream.trade("order.create", limit(), reqId="same")["retCode"] == 0
        again = stream.trade("order.create", limit(), reqId="same")
        assert (again["retCode"], again["reqId"]) == (20006, "same")
        assert len(open_orders(bench)) == 2
        with RawStream(bench, PATH) as other:
            other.authenticate()
            assert other.trade("order.create", limit(), reqId="same")["retCode"] == 0


@pytest.mark.parametrize("given", ["x" * 37, 7])
def test_a_request_id_is_a_text_of_at_most_36_characters(given: object) -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        stream.authenticate()
        assert stream.trade("order.create", limit(), reqId=given)["retCode"] == 10001


@pytest.mark.parametrize("kind", [int, str])
def test_the_time_of_a_request_may_be_a_number_or_a_text(kind: type[int] | type[str]) -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        header = {"X-BAPI-TIMESTAMP": kind(bench.now_ms()), "X-BAPI-RECV-WINDOW": kind(5000)}
        assert stream.trade("order.create", limit(), header=header)["retCode"] == 0


@pytest.mark.parametrize(
    ("late_ms", "window", "code"),
    [(-4_000, "5000", 0), (-6_000, "5000", 10002), (-6_000, "9000", 0), (1_500, "9000", 10002)],
)
def test_a_request_outside_its_window_is_not_executed(late_ms: int, window: str, code: int) -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        stamp = str(bench.now_ms() + late_ms)
        header = {"X-BAPI-TIMESTAMP": stamp, "X-BAPI-RECV-WINDOW": window}
        answer = stream.trade("order.create", limit(), header=header)
        assert answer["retCode"] == code
        assert len(open_orders(bench)) == (1 if code == 0 else 0)
        if code:
            assert f"req_timestamp[{stamp}]" in str(answer["retMsg"])


def test_a_request_without_a_time_is_a_bad_one() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        stream.authenticate()
        assert stream.trade("order.create", limit(), header={})["retCode"] == 10001


@pytest.mark.parametrize("args", [[], [order_params(), order_params()], ["text"], None])
def test_a_request_has_exactly_one_argument(args: object) -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        assert stream.trade("order.create", None, args=args)["retCode"] == 10001
        assert orders(bench) == []


def test_an_unknown_operation_and_another_category_are_not_found() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        stream.authenticate()
        assert stream.trade("order.destroy", limit())["retCode"] == 10404
        assert stream.trade("order.create", {**limit(), "category": "spot"})["retCode"] == 10404


def test_an_order_is_amended_and_cancelled() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        stream.trade("order.create", limit(orderLinkId="one"))
        named = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "one"}
        assert stream.trade("order.amend", {**named, "price": "59400"})["retCode"] == 0
        assert [order["price"] for order in open_orders(bench)] == ["59400"]
        assert stream.trade("order.cancel", named)["retCode"] == 0
        assert open_orders(bench) == []
        assert stream.trade("order.cancel", named)["retCode"] == 110001


def test_a_batch_is_answered_order_by_order() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        items = [
            {key: value for key, value in limit(orderLinkId=name).items() if key != "category"}
            for name in ("a", "b", "c")
        ]
        Control(bench.server.call).refuse_batch_items(frozenset({1}))
        answer = stream.trade("order.create-batch", {"category": "linear", "request": items})
        assert answer["retCode"] == 0
        ext, data = answer["retExtInfo"], answer["data"]
        assert isinstance(ext, dict)
        assert isinstance(data, dict)
        assert [row["code"] for row in ext["list"]] == [0, 110007, 0]
        assert [bool(row["orderId"]) for row in data["list"]] == [True, False, True]
        assert {order["orderLinkId"] for order in open_orders(bench)} == {"a", "c"}


def test_the_limit_of_single_orders_is_counted() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        codes = [stream.trade("order.create", limit())["retCode"] for _ in range(11)]
        assert codes == [0] * 10 + [10006]


def test_a_lost_acknowledgement_leaves_an_order_behind() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        Control(bench.server.call).lose_next_trade_ack()
        header = {"X-BAPI-TIMESTAMP": str(bench.now_ms())}
        stream.send(header=header, op="order.create", args=[limit()], reqId="lost")
        assert stream.waiting() == []
        assert len(open_orders(bench)) == 1
        assert stream.trade("order.create", limit(), reqId="next")["reqId"] == "next"


def test_a_lost_request_leaves_nothing_and_the_connection_is_reset() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        Control(bench.server.call).lose_next_request()
        with pytest.raises(Closed):
            stream.trade("order.create", limit())
        assert open_orders(bench) == []


def test_a_refused_request_has_the_code_that_was_planned_and_no_effect() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        control = Control(bench.server.call)
        control.refuse_next(10019, "restarting", target="/v5/order/create")
        control.answer_http_next(429, target=Target.ORDERS)
        assert stream.trade("order.create", limit())["retCode"] == 10019
        assert stream.trade("order.create", limit())["retCode"] == 10429
        assert open_orders(bench) == []


def test_pushes_wait_for_the_acknowledgement_unless_they_are_told_not_to() -> None:
    with (
        Bench() as bench,
        RawStream(bench, PATH) as trade,
        RawStream(bench, "/v5/private") as private,
    ):
        bench.price("60000")
        trade.authenticate()
        private.authenticate()
        private.ask(op="subscribe", args=["execution"])
        control = Control(bench.server.call)
        control.set_ack_delay(300)
        assert trade.trade("order.create", order_params())["retCode"] == 0
        assert private.next()["topic"] == "execution"
        header = {"X-BAPI-TIMESTAMP": str(bench.now_ms())}
        trade.send(header=header, op="order.create", args=[order_params()])
        with pytest.raises(TimeoutError):
            private.next(wait_s=0.05)
        assert trade.next()["retCode"] == 0
        assert private.next()["topic"] == "execution"

        control.set_ack_first(False)
        control.set_ack_delay(3_000)
        header = {"X-BAPI-TIMESTAMP": str(bench.now_ms())}
        trade.send(header=header, op="order.create", args=[order_params()])
        assert private.next()["topic"] == "execution"
        with pytest.raises(TimeoutError):
            trade.next(wait_s=0.05)
