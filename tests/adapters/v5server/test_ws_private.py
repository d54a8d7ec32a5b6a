"""The private stream: who may listen, what is answered, what is pushed under which name."""

import pytest
from tidegate.adapters.v5server.control import Control

from .bench import KEY, Bench, Json, account_spec
from .raw_stream import Closed, RawStream, order_params

PATH = "/v5/private"
ALL = ("order", "execution", "position", "wallet")


def rows(message: Json) -> list[Json]:
    found = message["data"]
    assert isinstance(found, list)
    return found


def listen(stream: RawStream, *topics: str) -> None:
    assert stream.authenticate()["success"] is True
    assert stream.ask(op="subscribe", args=list(topics))["success"] is True


def told(bench: Bench, stream: RawStream) -> list[Json]:
    """Return what was pushed because of everything so far."""
    Control(bench.server.call).settle()
    return stream.waiting()


def test_a_ping_is_answered_with_the_servers_time() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        pong = stream.ask(op="ping", req_id="9")
        assert (pong["op"], pong["req_id"]) == ("pong", "9")
        args = pong["args"]
        assert isinstance(args, list)
        assert abs(int(args[0]) - bench.now_ms()) < 5_000
        assert set(pong) == {"req_id", "op", "args", "conn_id"}


def test_an_authentication_is_answered_in_the_snake_dialect() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        answer = stream.authenticate()
        assert answer == {
            "success": True,
            "ret_msg": "",
            "op": "auth",
            "conn_id": answer["conn_id"],
        }


def test_a_wrong_signature_an_unknown_key_and_a_time_in_the_past_are_refused() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        assert stream.authenticate(KEY, "another")["success"] is False
        assert stream.authenticate(key="nobody")["success"] is False
        assert stream.authenticate(late_ms=-1)["success"] is False
        assert stream.ask(op="auth", args=["the-key"])["success"] is False
        assert stream.ask(op="subscribe", args=["order"])["ret_msg"] == "Request not authorized"
        assert stream.authenticate()["success"] is True


def test_nobody_listens_without_authentication() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        assert stream.ask(op="subscribe", args=["order"])["success"] is False
        bench.client().post("/v5/order/create", **order_params())
        assert told(bench, stream) == []


def test_an_answer_carries_a_request_id_only_if_one_was_sent() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        stream.authenticate()
        assert "req_id" not in stream.ask(op="subscribe", args=["order"])
        assert stream.ask(op="subscribe", args=["wallet"], req_id="x")["req_id"] == "x"


@pytest.mark.parametrize(
    "topics", [["order", "order.linear"], ["wallet", "position", "execution.linear"]]
)
def test_names_with_and_without_a_category_do_not_stand_in_one_request(topics: list[str]) -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        stream.authenticate()
        assert stream.ask(op="subscribe", args=topics)["success"] is False
        for topic in topics:
            assert stream.ask(op="subscribe", args=[topic])["success"] is True


def test_an_unknown_topic_is_refused_by_name() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        stream.authenticate()
        answer = stream.ask(op="subscribe", args=["order", "orders"])
        assert answer["ret_msg"] == "error:handler not found,topic:orders"


def test_a_fill_is_told_on_every_topic_and_only_to_those_who_subscribed() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream, RawStream(bench, PATH) as other:
        bench.price("60000")
        listen(stream, *ALL)
        listen(other, "execution")
        assert told(bench, stream) == []
        bench.client().post("/v5/order/create", **order_params(orderLinkId="one"))
        messages = told(bench, stream)
        assert {message["topic"] for message in messages} == set(ALL)
        for message in messages:
            assert set(message) == {"id", "topic", "creationTime", "data"}
            assert isinstance(message["creationTime"], int)
        assert [message["topic"] for message in told(bench, other)] == ["execution"]


def test_a_position_is_told_after_every_act_on_an_order_also_without_a_change() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        listen(stream, "position")
        client = bench.client()
        limit = order_params(orderType="Limit", price="59500", orderLinkId="rest")
        acts: list[tuple[str, Json]] = [
            ("create", limit),
            ("amend", {"price": "59400"}),
            ("cancel", {}),
        ]
        for act, more in acts:
            named = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "rest"}
            body = more if act == "create" else {**named, **more}
            assert client.post(f"/v5/order/{act}", **body).code == 0
            (message,) = told(bench, stream)
            (row,) = rows(message)
            assert (row["side"], row["size"]) == ("", "0")


def test_the_name_that_was_subscribed_is_the_name_that_is_pushed() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        listen(stream, "order.linear", "execution.linear", "position.linear")
        stream.ask(op="subscribe", args=["order.spot"])
        bench.client().post("/v5/order/create", **order_params())
        topics = {message["topic"] for message in told(bench, stream)}
        assert topics == {"order.linear", "execution.linear", "position.linear"}


def test_fast_executions_have_no_fee_and_only_trades() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        listen(stream, "execution.fast")
        bench.client().post("/v5/order/create", **order_params(orderLinkId="quick"))
        bench.funding("0.0001")
        (message,) = told(bench, stream)
        (row,) = rows(message)
        assert row["orderLinkId"] == "quick"
        assert "execFee" not in row
        assert "leavesQty" not in row


def test_the_wallet_has_no_snapshot_and_follows_payments() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        bench.client().post("/v5/order/create", **order_params())
        listen(stream, "wallet", "execution")
        assert told(bench, stream) == []
        bench.funding("0.0001")
        topics = [message["topic"] for message in told(bench, stream)]
        assert topics == ["execution", "wallet"]


def test_nothing_is_pushed_after_the_end_of_a_subscription() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        listen(stream, "order", "execution")
        assert stream.ask(op="unsubscribe", args=["order"])["success"] is True
        bench.client().post("/v5/order/create", **order_params())
        assert {message["topic"] for message in told(bench, stream)} == {"execution"}


def test_an_account_hears_nothing_of_another() -> None:
    specs = [account_spec(), account_spec("second-key", "second-secret", uid=1002)]
    with Bench(specs) as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        listen(stream, *ALL)
        bench.client(specs[1]).post("/v5/order/create", **order_params())
        assert told(bench, stream) == []
        bench.client(specs[0]).post("/v5/order/create", **order_params())
        assert told(bench, stream) != []


def test_an_answer_over_rest_leaves_before_the_pushes_of_its_order() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        listen(stream, "order")
        control = Control(bench.server.call)
        control.set_push_delay(300)
        bench.client().post("/v5/order/create", **order_params())
        with pytest.raises(TimeoutError):
            stream.next(wait_s=0.05)


def test_delays_let_topics_overtake_each_other() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        listen(stream, "order", "execution", "position")
        control = Control(bench.server.call)
        control.set_push_delay(60, "order")
        control.set_push_delay(30, "execution")
        bench.client().post("/v5/order/create", **order_params())
        topics = [str(message["topic"]) for message in told(bench, stream)]
        first = {topic: topics.index(topic) for topic in ("position", "execution", "order")}
        assert sorted(first, key=lambda topic: first[topic]) == ["position", "execution", "order"]


def test_a_delayed_answer_is_not_overtaken_by_pushes() -> None:
    with Bench(ack_delay_ms=50) as bench, RawStream(bench, PATH) as stream:
        bench.price("60000")
        stream.authenticate()
        stream.send(op="subscribe", args=["order"], req_id="late")
        assert bench.client().post("/v5/order/create", **order_params()).code == 0
        assert stream.next()["req_id"] == "late"
        assert stream.next()["topic"] == "order"


def test_a_server_that_stops_closes_its_connections() -> None:
    with Bench() as bench, RawStream(bench, PATH) as stream:
        stream.authenticate()
        bench.server.stop()
        with pytest.raises(Closed) as caught:
            stream.next()
        assert caught.value.code == 1001
