"""Account operations on the venue that speaks the protocol: what proves nothing stays open."""

from collections.abc import Iterator

import attrs
import pytest
from tidegate.adapters.v5server.control import SLOW_MS, Control
from tidegate.adapters.v5server.faults import Target
from tidegate.contracts.exchange_approval import approve
from tidegate.contracts.exchange_stage import Ear
from tidegate.domain.money import Distance, Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Role,
    Side,
    Symbol,
)
from tidegate.domain.records import PositionMode
from tidegate.domain.reports import AccountReport, MarginMode, UnreadableReport
from tidegate.ports.exchange import (
    Accepted,
    Done,
    PositionStop,
    QueryFailed,
    Rejected,
    Unknown,
)

from tests.contracts.bybit_bench import START, BybitBench
from tests.domain.samples import BTCUSDT

BTC = BTCUSDT.symbol
ETH = Symbol("ETHUSDT")


class Scene:
    """The adapter on the venue that speaks its protocol."""

    def __init__(self, bench: BybitBench) -> None:
        self.bench = bench
        self.port = bench.venue
        self.control: Control = bench.control

    def hold(self) -> None:
        order = OrderRequest(
            client_id=ClientId("hold"),
            symbol=BTC,
            side=Side.BUY,
            qty=Qty.of("0.01"),
            kind=OrderKind.MARKET,
            purpose=Purpose(Role.ENTRY),
        )
        approved = approve(
            order,
            venue=self.port.kind,
            instrument=BTCUSDT,
            price=START,
            now_ms=self.control.now_ms(),
        )
        assert isinstance(self.port.place(approved), Accepted)


@pytest.fixture
def scene() -> Iterator[Scene]:
    bench = BybitBench()
    yield Scene(bench)
    bench.close()


def _info_fails_from(scene: Scene, count: int) -> None:
    scene.control.answer_http_next(502, "", "/v5/account/info", count)


def test_a_margin_mode_that_cannot_be_read_first_is_not_sent(scene: Scene) -> None:
    _info_fails_from(scene, 1)
    assert isinstance(scene.port.set_margin_mode(MarginMode.CROSS), Rejected)
    assert scene.port.account().margin_mode is MarginMode.ISOLATED


def test_a_margin_mode_without_an_answer_is_unknown_and_seen_later(scene: Scene) -> None:
    scene.control.lose_next_answer()
    assert isinstance(scene.port.set_margin_mode(MarginMode.CROSS), Unknown)
    assert scene.port.account().margin_mode is MarginMode.CROSS


def test_a_margin_mode_that_was_only_taken_is_not_done() -> None:
    """``Request accepted`` is the venue's own text for success: the account must show it."""
    bench = BybitBench()
    path = "/v5/account/set-margin-mode"
    bench.control.refuse_next(0, "Request accepted", path)
    outcome = bench.venue.set_margin_mode(MarginMode.CROSS)
    assert isinstance(outcome, Unknown)
    assert "shows isolated" in outcome.cause
    bench.close()


def test_an_activation_not_modified_is_read_back_from_the_trailing_order(scene: Scene) -> None:
    scene.hold()
    trail = PositionStop(
        symbol=BTC,
        trailing_distance=Distance.of(500),
        trailing_activation=Price.of("60500"),
    )
    assert isinstance(scene.port.set_position_stop(trail), Done)
    for activation, is_done in (("60500", True), ("60600", False)):
        scene.control.refuse_next(34040, "not modified")
        wanted = attrs.evolve(trail, trailing_activation=Price.of(activation))
        assert isinstance(scene.port.set_position_stop(wanted), Done) is is_done
    scene.control.refuse_next(34040, "not modified")
    scene.control.answer_http_next(502, "", "/v5/order/realtime")
    assert isinstance(scene.port.set_position_stop(trail), Rejected)


def test_auto_add_margin_that_cannot_be_read_first_is_not_sent(scene: Scene) -> None:
    scene.hold()
    scene.control.answer_http_next(502, "", Target.QUERIES)
    assert isinstance(scene.port.set_auto_add_margin(BTC, on=True), Rejected)
    assert scene.port.position(BTC).auto_add_margin is False


def test_a_hedge_account_is_told_as_such(scene: Scene) -> None:
    scene.bench.drive.switch_to_hedge_mode()
    assert scene.port.position_mode(BTC) is PositionMode.HEDGE
    with pytest.raises(QueryFailed):
        scene.port.position_mode(ETH)


def test_balances_pushed_while_the_margin_mode_changes_are_not_misread(scene: Scene) -> None:
    """The push comes before the answer: it is of the new mode, and the old one is known."""
    ear = Ear()
    scene.port.connect(ear)
    for mode in (MarginMode.CROSS, MarginMode.ISOLATED):
        scene.control.delay_next_answer(SLOW_MS, "/v5/account/set-margin-mode")
        assert isinstance(scene.port.set_margin_mode(mode), Done)
        scene.bench.drive.settle()
    assert [row for row in ear.heard() if isinstance(row, UnreadableReport)] == []
    scene.hold()
    scene.bench.drive.settle()
    told = [row for row in ear.heard() if isinstance(row, AccountReport)]
    assert {row.margin_mode for row in told} == {MarginMode.ISOLATED}
