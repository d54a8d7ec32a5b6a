"""Batches and cancel-all over the venue's own protocol: what leaves, when, and by which way."""

from collections.abc import Iterator, Sequence
from itertools import count

import attrs
import orjson
import pytest
from tidegate.adapters.bybit.batches import BATCH_SIZE_MAX, Batches
from tidegate.adapters.bybit.changes import Changes
from tidegate.adapters.bybit.channels import RestChannel
from tidegate.adapters.bybit.limits import Priority
from tidegate.adapters.bybit.queries import StateQueries
from tidegate.adapters.v5server.faults import Target
from tidegate.adapters.v5server.levels import LimitLevel
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderRequest, Reduction, Side
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.batches import Outcome
from tidegate.ports.exchange import Accepted, Amendment, Cancellation, Rejected, Unknown

from tests.contracts.bybit_bench import BybitBench

from .socket_stub import SocketStub, answer
from .test_changes import BTC, LIMIT, MARKET, Scene
from .test_transport import client

CREATE_BATCH, CREATE = "/v5/order/create-batch", "/v5/order/create"


@pytest.fixture
def scene() -> Iterator[Scene]:
    bench = BybitBench()
    yield Scene(bench)
    bench.close()


def _orders(number: int, first: int = 1) -> list[OrderRequest]:
    return [attrs.evolve(LIMIT, client_id=ClientId(f"id-{first + k}")) for k in range(number)]


def _place(scene: Scene, orders: Sequence[OrderRequest]) -> tuple[Outcome, ...]:
    ways: list[Approved | Reduction] = [
        Reduction(order) if order.reduce_only else scene.approved(order) for order in orders
    ]
    return scene.port.place_batch(ways)


def _kinds(outcomes: Sequence[Outcome]) -> list[type[Outcome]]:
    return [type(outcome) for outcome in outcomes]


def _open_ids(scene: Scene) -> list[ClientId | None]:
    return [order.client_id for order in scene.port.open_orders(BTC)]


def test_a_batch_of_any_length_stays_below_an_ordinary_account_s_limit() -> None:
    """Ten orders a second, counted one by one: the surplus of a larger batch would be refused."""
    bench = BybitBench(level=LimitLevel.DEFAULT)
    scene = Scene(bench)
    orders = _orders(BATCH_SIZE_MAX)
    outcomes = _place(scene, orders)
    assert _kinds(outcomes) == [Accepted] * BATCH_SIZE_MAX
    assert _open_ids(scene) == [order.client_id for order in orders]
    cancels = [Cancellation(symbol=BTC, order_id=order.client_id) for order in orders]
    assert _kinds(scene.port.cancel_batch(cancels)) == [Accepted] * BATCH_SIZE_MAX
    bench.close()


def test_the_account_s_own_limit_makes_one_request_of_a_full_batch(scene: Scene) -> None:
    """Known from the first answer on: a refused place 19 is that of one request of twenty."""
    _place(scene, _orders(2))
    scene.control.refuse_batch_items(frozenset({19}))
    outcomes = _place(scene, _orders(BATCH_SIZE_MAX, first=3))
    assert _kinds(outcomes) == [Accepted] * 19 + [Rejected]
    assert scene.control.faults_waiting() == 0


@pytest.mark.parametrize(("code", "is_full"), [(10006, True), (110007, False)])
def test_an_order_refused_for_the_limit_stops_the_next_batch(code: int, *, is_full: bool) -> None:
    """Another program of the account used it up; the venue tells of it order by order."""
    rows = [{"orderId": "a", "orderLinkId": "id-1"}, {"orderId": "", "orderLinkId": "id-2"}]
    told = {"list": [{"code": 0, "msg": "OK"}, {"code": code, "msg": ""}]}
    body = {"retCode": 0, "retMsg": "OK", "result": {"list": rows}, "retExtInfo": told}
    with SocketStub(lambda peer: peer.serve(answer(orjson.dumps(body)))) as stub:
        rest = client(stub.url)
        channel = RestChannel(rest)
        batches = Batches(rest, channel, Changes(rest, channel, StateQueries(rest)))
        assert _kinds(batches.place(_orders(2))) == [Accepted, Rejected]
        wait = rest.limiter.acquire(CREATE_BATCH, priority=Priority.SAFETY, deadline_ms=0)
        assert (wait is not None) is is_full
        rest.close()


def test_a_batch_of_one_is_a_single_order(scene: Scene) -> None:
    scene.control.refuse_next(110007, "ab not enough", target=CREATE)
    (refused,) = _place(scene, _orders(1))
    assert isinstance(refused, Rejected)
    assert refused.code == 110007


def test_orders_that_the_venue_works_on_are_sent_again_alone(scene: Scene) -> None:
    """The others of the batch were taken: again they would be duplicates."""
    scene.control.refuse_batch_items(frozenset({0, 2}), 110079, "The order is processing")
    orders = _orders(4)
    assert _kinds(_place(scene, orders)) == [Accepted] * 4
    assert sorted(map(str, _open_ids(scene))) == ["id-1", "id-2", "id-3", "id-4"]


def test_orders_leave_in_their_order_when_some_only_reduce(scene: Scene) -> None:
    """A reduction after its entry finds the position that the entry opened."""
    ids = count(1)

    def order(*, reduces: bool) -> OrderRequest:
        return attrs.evolve(
            MARKET,
            client_id=ClientId(f"id-{next(ids)}"),
            side=Side.SELL if reduces else Side.BUY,
            reduce_only=reduces,
        )

    orders = [order(reduces=reduces) for reduces in (False, True, True, False)]
    first, second, third, fourth = _place(scene, orders)
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert isinstance(third, Rejected)
    assert third.reason is RejectReason.NOTHING_TO_REDUCE
    assert isinstance(fourth, Accepted)
    assert scene.port.position(BTC).qty == MARKET.qty


def test_what_the_protocol_cannot_say_is_refused_in_its_place(scene: Scene) -> None:
    orders = [
        attrs.evolve(MARKET, client_id=ClientId(f"id-{number}"), slippage_max=bound)
        for number, bound in enumerate([None, Rate.of("0.00001"), None])
    ]
    first, second, third = _place(scene, orders)
    assert isinstance(first, Accepted)
    assert isinstance(second, Rejected)
    assert (second.reason, second.code) == (RejectReason.INVALID_PARAMETER, None)
    assert isinstance(third, Accepted)
    assert scene.port.position(BTC).qty == MARKET.qty.times(2)


def test_a_batch_that_was_cut_off_is_unknown_for_all_of_it(scene: Scene) -> None:
    scene.control.cut_next_answer(CREATE_BATCH)
    orders = _orders(3)
    assert _kinds(_place(scene, orders)) == [Unknown] * 3
    assert _open_ids(scene) == [order.client_id for order in orders]


@pytest.fixture
def streamed() -> Iterator[Scene]:
    bench = BybitBench(over_stream=True, answer_wait_ms=300)
    bench.port.connect(lambda _: None)
    assert bench.wait_trade_stream()
    yield Scene(bench)
    bench.close()


def test_a_batch_goes_over_the_order_stream(streamed: Scene) -> None:
    """REST would refuse it; the codes of its orders come with the frame."""
    streamed.bench.refuse_over_rest(CREATE_BATCH)
    streamed.control.refuse_batch_items(frozenset({1}))
    first, second, third = _place(streamed, _orders(3))
    assert isinstance(first, Accepted)
    assert isinstance(second, Rejected)
    assert second.reason is RejectReason.INSUFFICIENT_MARGIN
    assert isinstance(third, Accepted)


def test_a_batch_without_an_answer_on_the_stream_is_unknown_and_not_sent_again(
    streamed: Scene,
) -> None:
    streamed.control.lose_next_trade_ack()
    orders = _orders(3)
    assert _kinds(_place(streamed, orders)) == [Unknown] * 3
    assert _open_ids(streamed) == [order.client_id for order in orders]


def test_not_modified_in_a_batch_counts_where_the_order_shows_it(scene: Scene) -> None:
    orders = _orders(2)
    _place(scene, orders)
    scene.control.refuse_batch_items(frozenset({0, 1}), 10001, "order not modified")
    shown, other = scene.port.amend_batch(
        [
            Amendment(symbol=BTC, client_id=orders[0].client_id, price=orders[0].price),
            Amendment(symbol=BTC, client_id=orders[1].client_id, price=Price.of("58000")),
        ]
    )
    assert isinstance(shown, Accepted)
    assert isinstance(other, Rejected)
    assert other.reason is RejectReason.NOT_MODIFIED


def test_a_refusal_that_a_batch_shares_with_single_orders_is_final(scene: Scene) -> None:
    """Only what might be a conditional order is tried singly."""
    orders = _orders(2)
    _place(scene, orders)
    scene.control.refuse_batch_items(frozenset({0}), 110007, "ab not enough")
    refused, grown = scene.port.amend_batch(
        [Amendment(symbol=BTC, client_id=order.client_id, qty=Qty.of("0.02")) for order in orders]
    )
    assert isinstance(refused, Rejected)
    assert isinstance(grown, Accepted)
    found = scene.port.find_order(BTC, orders[0].client_id)
    assert found is not None
    assert found.qty == LIMIT.qty


def test_a_cancel_all_that_is_lost_is_unknown(scene: Scene) -> None:
    _place(scene, _orders(2))
    scene.control.answer_http_next(502, "Bad Gateway", Target.REQUESTS)
    assert isinstance(scene.port.cancel_all(BTC), Unknown)
    assert len(scene.port.open_orders(BTC)) == 2
