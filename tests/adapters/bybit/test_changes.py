"""What the venue answers to a change becomes the right outcome, over the venue's own protocol."""

from collections.abc import Iterator

import attrs
import pytest
from tidegate.adapters.bybit.http11 import monotonic_ms
from tidegate.adapters.bybit.limits import Priority
from tidegate.adapters.v5server.control import Control, FaultName
from tidegate.adapters.v5server.faults import Target
from tidegate.contracts.exchange_approval import approve
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Reduction,
    Role,
    Side,
    Symbol,
)
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import (
    Accepted,
    Done,
    ExchangePort,
    NotSupported,
    PositionStop,
    QueryFailed,
    Rejected,
    Unknown,
)

from tests.contracts.bybit_bench import START, BybitBench
from tests.domain.samples import BTCUSDT

BTC = BTCUSDT.symbol
LIMIT = OrderRequest(
    client_id=ClientId("order-1"),
    symbol=BTC,
    side=Side.BUY,
    qty=Qty.of("0.01"),
    kind=OrderKind.LIMIT,
    purpose=Purpose(Role.ENTRY),
    price=Price.of("59000"),
)
MARKET = attrs.evolve(LIMIT, kind=OrderKind.MARKET, price=None)


class Scene:
    """The adapter and the control of the venue that it talks to."""

    def __init__(self, bench: BybitBench) -> None:
        self.bench = bench
        self.port: ExchangePort = bench.port
        self.control: Control = bench.control

    def approved(self, order: OrderRequest) -> Approved:
        return approve(
            order,
            venue=self.port.kind,
            instrument=BTCUSDT,
            price=START,
            now_ms=self.control.now_ms(),
        )

    def place(self, order: OrderRequest = LIMIT) -> Accepted | Rejected | Unknown:
        return self.port.place(self.approved(order))

    def hold(self) -> None:
        assert isinstance(self.place(MARKET), Accepted)


@pytest.fixture
def scene() -> Iterator[Scene]:
    bench = BybitBench()
    yield Scene(bench)
    bench.close()


REFUSED = {
    FaultName.REFUSAL: RejectReason.INSUFFICIENT_MARGIN,
    FaultName.RATE_LIMIT: RejectReason.RATE_LIMITED,
    FaultName.RESTARTING: RejectReason.OTHER,
    FaultName.HTTP_403: RejectReason.RATE_LIMITED,
    FaultName.HTTP_429: RejectReason.RATE_LIMITED,
}
UNPROVEN = {
    FaultName.LOST_REQUEST: False,
    FaultName.SERVER_ERROR: False,
    FaultName.HTTP_502: False,
    FaultName.HTML_BODY: False,
    FaultName.LOST_ACK: True,
    FaultName.CUT_BODY: True,
}
"""Whether the order arrived; the adapter cannot know and must not guess."""


@pytest.mark.parametrize("fault", list(REFUSED), ids=lambda fault: fault.name)
def test_a_refusal_is_certain_and_classed(scene: Scene, fault: FaultName) -> None:
    scene.control.inject(fault)
    outcome = scene.place()
    assert isinstance(outcome, Rejected)
    assert outcome.reason is REFUSED[fault]
    if fault is not FaultName.HTTP_403:
        assert scene.port.find_order(BTC, LIMIT.client_id) is None


@pytest.mark.parametrize("fault", list(UNPROVEN), ids=lambda fault: fault.name)
def test_what_proves_nothing_is_unknown_and_asked_for(scene: Scene, fault: FaultName) -> None:
    scene.control.inject(fault)
    outcome = scene.place()
    assert isinstance(outcome, Unknown)
    found = scene.port.find_order(BTC, LIMIT.client_id)
    assert (found is not None) is UNPROVEN[fault]
    again = scene.place()
    if UNPROVEN[fault]:
        assert isinstance(again, Rejected)
        assert again.reason is RejectReason.DUPLICATE_CLIENT_ID
    else:
        assert isinstance(again, Accepted)


def test_a_time_stamp_that_is_refused_costs_nothing(scene: Scene) -> None:
    scene.control.inject(FaultName.CLOCK)
    assert isinstance(scene.place(), Accepted)
    scene.control.advance(3_600_000)
    order = attrs.evolve(LIMIT, client_id=ClientId("order-2"))
    assert isinstance(scene.place(order), Accepted)
    assert len(scene.port.open_orders()) == 2


def test_after_a_ban_queries_fail_and_orders_are_refused(scene: Scene) -> None:
    scene.control.inject(FaultName.HTTP_403)
    scene.place()
    with pytest.raises(QueryFailed, match="rate limit"):
        scene.port.positions()
    outcome = scene.place()
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.RATE_LIMITED


def test_not_modified_is_done_only_when_the_stop_is_shown(scene: Scene) -> None:
    scene.hold()
    stop = PositionStop(symbol=BTC, stop_loss=Price.of("59000"))
    first = scene.port.set_position_stop(stop)
    assert isinstance(first, Done)
    assert not first.was_already
    scene.control.refuse_next(34040, "not modified")
    shown = scene.port.set_position_stop(stop)
    assert isinstance(shown, Done)
    assert shown.was_already
    scene.control.refuse_next(34040, "not modified")
    other = scene.port.set_position_stop(attrs.evolve(stop, stop_loss=Price.of("58000")))
    assert isinstance(other, Rejected)
    assert other.reason is RejectReason.NOT_MODIFIED


def test_not_modified_of_a_cleared_leg_or_a_distance_is_read_back_too(scene: Scene) -> None:
    scene.hold()
    for stop, is_shown in (
        (PositionStop(symbol=BTC, stop_loss=Price.of(0), take_profit=Price.of(0)), True),
        (PositionStop(symbol=BTC, trailing_distance=Distance.of(0)), True),
        (PositionStop(symbol=BTC, trailing_distance=Distance.of(100)), False),
    ):
        scene.control.refuse_next(34040, "not modified")
        assert isinstance(scene.port.set_position_stop(stop), Done) is is_shown


def test_not_modified_without_a_read_back_stays_a_refusal(scene: Scene) -> None:
    scene.hold()
    stop = PositionStop(symbol=BTC, stop_loss=Price.of("59000"))
    assert isinstance(scene.port.set_position_stop(stop), Done)
    scene.control.refuse_next(34040, "not modified")
    scene.control.answer_http_next(502, "", Target.QUERIES)
    outcome = scene.port.set_position_stop(stop)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.NOT_MODIFIED


def test_not_modified_on_a_flat_symbol_is_no_protection(scene: Scene) -> None:
    scene.control.refuse_next(34040, "not modified")
    stop = PositionStop(symbol=BTC, stop_loss=Price.of(0))
    outcome = scene.port.set_position_stop(stop)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.NO_POSITION


def test_a_stop_without_an_answer_is_unknown(scene: Scene) -> None:
    scene.hold()
    scene.control.lose_next_answer()
    stop = PositionStop(symbol=BTC, stop_loss=Price.of("59000"))
    assert isinstance(scene.port.set_position_stop(stop), Unknown)
    assert scene.port.position(BTC).stop_loss == Price.of("59000")


def test_leverage_not_modified_is_read_back(scene: Scene) -> None:
    scene.port.set_leverage(BTC, Rate.of(5))
    for leverage, is_shown in ((Rate.of("5.00"), True), (Rate.of(7), False)):
        scene.control.refuse_next(110043, "leverage not modified")
        outcome = scene.port.set_leverage(BTC, leverage)
        assert isinstance(outcome, Done) is is_shown


def test_an_amendment_not_modified_is_read_back(scene: Scene) -> None:
    scene.place()
    for price, is_shown in ((Price.of("59000"), True), (Price.of("58000"), False)):
        scene.control.refuse_next(10001, "order not modified")
        outcome = scene.port.amend(BTC, LIMIT.client_id, price=price)
        assert isinstance(outcome, Accepted) is is_shown
    found = scene.port.find_order(BTC, LIMIT.client_id)
    assert found is not None
    assert found.price == Price.of("59000")


@pytest.mark.parametrize(("times", "is_done"), [(1, True), (3, True), (4, False)])
def test_an_order_that_the_venue_works_on_is_cancelled_a_moment_later(
    scene: Scene, times: int, is_done: bool
) -> None:
    scene.place()
    scene.control.refuse_next(110079, "The order is processing", count=times)
    outcome = scene.port.cancel(BTC, LIMIT.client_id)
    assert isinstance(outcome, Accepted) is is_done
    assert (scene.port.open_orders(BTC) == ()) is is_done


def test_closing_ends_a_pause(scene: Scene) -> None:
    scene.place()
    scene.control.refuse_next(110079, "The order is processing", count=9)
    scene.bench.venue.close()
    assert isinstance(scene.port.cancel(BTC, LIMIT.client_id), Rejected)


def test_a_bound_that_cannot_be_kept_is_refused_before_it_is_sent(scene: Scene) -> None:
    outcome = scene.place(attrs.evolve(MARKET, slippage_max=Rate.of("0.00001")))
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.code) == (RejectReason.INVALID_PARAMETER, None)
    assert scene.port.position(BTC).qty == Qty.of(0)


def test_a_reduction_goes_where_an_entry_finds_no_room() -> None:
    """Entries may use four fifths of the limit; the rest is there for a close."""
    bench = BybitBench(rate_wait_ms=1)
    scene = Scene(bench)
    scene.hold()
    limiter, path, now_ms = bench.venue.rest.limiter, "/v5/order/create", monotonic_ms()
    while limiter.acquire(path, priority=Priority.NORMAL, deadline_ms=now_ms) is None:
        assert limiter.limit_of(path) == 200
    entry = scene.place(attrs.evolve(LIMIT, client_id=ClientId("entry")))
    close = attrs.evolve(MARKET, client_id=ClientId("close"), side=Side.SELL, reduce_only=True)
    reduced = scene.port.place(Reduction(close))
    assert isinstance(entry, Rejected)
    assert (entry.reason, entry.code) == (RejectReason.RATE_LIMITED, None)
    assert isinstance(reduced, Accepted)
    assert scene.port.position(BTC).qty == Qty.of(0)
    bench.close()


def test_demo_has_no_fee_rates() -> None:
    bench = BybitBench(kind=VenueKind.BYBIT_DEMO)
    with pytest.raises(NotSupported):
        bench.port.fee_rates(BTC)
    bench.close()


def test_orders_travel_by_the_stream_when_it_is_up_and_by_rest_when_not() -> None:
    bench = BybitBench(over_stream=True)
    scene = Scene(bench)
    bench.port.connect(lambda _: None)
    assert bench.wait_trade_stream()
    scene.control.lose_next_trade_ack()
    outcome = scene.place()
    assert isinstance(outcome, Unknown)
    found = bench.port.find_order(BTC, LIMIT.client_id)
    assert found is not None
    assert found.status is Status.NEW
    for code in (10003, 10002, 10019):
        assert bench.wait_trade_stream()
        scene.control.refuse_next(code, "not taken")
        link = ClientId(f"order-{code}")
        assert isinstance(scene.place(attrs.evolve(LIMIT, client_id=link)), Accepted)
    bench.drop_trade_stream()
    other = attrs.evolve(LIMIT, client_id=ClientId("order-2"))
    assert isinstance(scene.place(other), Accepted)
    bench.close()


def test_no_representation_shows_the_key(scene: Scene) -> None:
    assert repr(scene.port) == f"BybitVenue(bybit testnet, {scene.bench.rest_url})"


def test_unknown_symbols_are_failed_queries(scene: Scene) -> None:
    for ask in (scene.port.instrument, scene.port.ticker, scene.port.position):
        with pytest.raises(QueryFailed):
            ask(Symbol("NOSUCHUSDT"))
