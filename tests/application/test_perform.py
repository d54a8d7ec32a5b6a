"""One effect against the venue: a request always has an answer, a failed query has none."""

import attrs
import pytest
from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import Arrival, MemoryOptions, RequestKind
from tidegate.application.performing import perform
from tidegate.domain.core import events as ev
from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import (
    Cancel,
    Effect,
    FindOrder,
    ReadPosition,
    SetLeverage,
    SetProtection,
    SetStop,
    TakeInventory,
)
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, ProtectiveLeg, Symbol
from tidegate.domain.protection import PartialPair, ProtectionChange
from tidegate.domain.reports import OrderReport, Origin, PositionReport, RejectReason
from tidegate.ports.desk import Rejected
from tidegate.ports.exchange import Capability, QueryFailed

from tests.application.bench import BTC, Bench, MemoryClock, make_bench, signal
from tests.domain.core.scenes import config, limit, only, opened, placed
from tests.domain.samples import BTCUSDT, FEES


def lacking(*capabilities: Capability) -> Bench:
    """Return a desk on a venue that lacks something."""
    venue = MemoryVenue(
        instruments={BTC: BTCUSDT},
        fees=FEES,
        wallet=Money.of("10000"),
        options=MemoryOptions(supported=MemoryOptions().supported - set(capabilities)),
    )
    return make_bench(venue=venue, config=config())


@pytest.mark.parametrize(
    "effect",
    [
        FindOrder(symbol=BTC, client_id=ClientId("x")),
        ReadPosition(symbol=BTC),
        TakeInventory(),
    ],
    ids=lambda effect: type(effect).__name__,
)
def test_a_failed_query_says_nothing_and_leaves_the_state_as_it_was(effect: Effect) -> None:
    bench = opened()
    before = bench.runner.state
    bench.venue.script.fail_queries(1)
    bench.runner.run_effects((effect,))
    assert bench.runner.state == before


class CrossingVenue(MemoryVenue):
    """An entry fills between the two reads of an inventory."""

    crossing: ClientId | None = None

    def positions(self) -> tuple[PositionReport, ...]:
        held = super().positions()
        self._cross()
        return held

    def open_orders(self, symbol: Symbol | None = None) -> tuple[OrderReport, ...]:
        listed = super().open_orders(symbol)
        self._cross()
        return listed

    def _cross(self) -> None:
        if self.crossing is not None:
            entry, self.crossing = self.crossing, None
            self.script.fill(entry)


def test_an_entry_that_fills_while_a_panic_looks_keeps_its_stop_until_it_is_closed() -> None:
    venue = CrossingVenue(instruments={BTC: BTCUSDT}, fees=FEES, wallet=Money.of("10000"))
    bench = make_bench(venue=venue, config=config())
    venue.crossing = placed(bench, entry=limit("64900"))
    (inventory,) = perform(TakeInventory(), venue, MemoryClock(venue))
    assert isinstance(inventory, given.Inventory)
    (held,) = venue.positions()
    assert held.stop_loss is not None
    # Seen neither as open nor as held, it would be flat, and its stop one that protects nothing.
    is_open = any(not order.reduce_only for order in inventory.orders)
    assert is_open or inventory.positions


def test_both_legs_of_a_pair_for_a_part_reach_the_venue() -> None:
    bench = opened(ladder=())
    pair = PartialPair(
        qty=Qty.of("0.004"),
        stop_loss=ProtectiveLeg(price=Price.of("64500")),
        take_profit=ProtectiveLeg(price=Price.of("66000")),
    )
    effect = SetProtection(symbol=BTC, key="k", change=ProtectionChange(pair=pair))
    (answer,) = perform(effect, bench.venue, MemoryClock(bench.venue))
    assert isinstance(answer, given.ProtectionAnswered)
    assert answer.refusal is None
    legs = {
        (order.origin, order.trigger.price)
        for order in bench.venue.open_orders()
        if order.qty == pair.qty and order.trigger is not None
    }
    assert legs == {
        (Origin.STOP_LOSS, Price.of("64500")),
        (Origin.TAKE_PROFIT, Price.of("66000")),
    }


def test_an_order_that_the_venue_cannot_carry_is_a_refusal_and_not_open_for_ever() -> None:
    bench = lacking(Capability.ATTACHED_STOP)
    outcome = bench.desk.execute(signal())
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.NOT_SUPPORTED
    assert not bench.runner.state.books.orders
    assert bench.venue.open_orders() == ()


def test_a_leverage_that_cannot_be_set_ends_the_entry() -> None:
    bench = lacking(Capability.LEVERAGE)
    outcome = bench.desk.execute(signal())
    assert isinstance(outcome, Rejected)
    assert "leverage" in outcome.message
    assert not bench.runner.state.books.orders


def test_a_stop_that_cannot_be_set_is_a_refused_move() -> None:
    bench = lacking(Capability.POSITION_STOP)
    effect = SetStop(symbol=BTC, price=Price.of("64000"))
    (answer,) = perform(effect, bench.venue, MemoryClock(bench.venue))
    assert isinstance(answer, given.StopAnswered)
    assert answer.refusal is not None


def test_a_stop_is_answered_without_a_question_that_could_hang_after_it() -> None:
    bench = opened()
    bench.venue.script.fail_queries(1)
    effect = SetStop(symbol=BTC, price=Price.of("64100"))
    (answer,) = perform(effect, bench.venue, MemoryClock(bench.venue))
    assert answer == given.StopAnswered(symbol=BTC, price=Price.of("64100"), refusal=None)
    with pytest.raises(QueryFailed):
        bench.venue.position(BTC)


def test_setting_a_leverage_twice_is_done_both_times() -> None:
    bench = opened()
    effect = SetLeverage(symbol=BTC, leverage=Rate.of(3))
    (answer,) = perform(effect, bench.venue, MemoryClock(bench.venue))
    assert answer == given.LeverageAnswered(symbol=BTC, leverage=Rate.of(3), refusal=None)


def test_a_cancel_of_what_is_gone_is_a_refusal_with_its_reason() -> None:
    bench = opened()
    effect = Cancel(symbol=BTC, client_id=ClientId("gone"), venue_id=None)
    (answer,) = perform(effect, bench.venue, MemoryClock(bench.venue))
    assert isinstance(answer, given.CancelAnswered)
    assert answer.refusal is not None
    assert "gone" in answer.refusal
    assert answer.is_gone
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.CANCEL)
    (unknown,) = perform(effect, bench.venue, MemoryClock(bench.venue))
    assert isinstance(unknown, given.CancelAnswered)
    assert not unknown.is_gone, "an answer that never came says nothing of the order"


def test_an_order_is_found_with_its_executions() -> None:
    bench = make_bench(config=config())
    client_id = placed(bench)
    effect = FindOrder(symbol=BTC, client_id=client_id)
    execution, report = perform(effect, bench.venue, MemoryClock(bench.venue))
    assert isinstance(report, OrderReport)
    assert report.client_id == client_id
    assert [event.execution for event in only(bench, ev.Filled)] == [execution]


def test_without_a_history_an_order_is_found_alone() -> None:
    bench = lacking(Capability.HISTORY)
    client_id = placed(bench)
    effect = FindOrder(symbol=BTC, client_id=client_id)
    (report,) = perform(effect, bench.venue, MemoryClock(bench.venue))
    assert isinstance(report, OrderReport)


def test_an_order_refused_as_a_duplicate_is_looked_for_and_not_given_up() -> None:
    bench = make_bench(config=config())
    client_id = placed(bench, entry=limit("64900"))
    books = bench.runner.state.books
    doubtful = attrs.evolve(
        books.orders[client_id], status=type(books.orders[client_id].status).UNKNOWN
    )
    engine = bench.runner.engine
    engine.state = attrs.evolve(
        engine.state, books=attrs.evolve(books, orders={client_id: doubtful})
    )
    bench.runner.submit(
        given.PlaceRefused(
            client_id=client_id,
            reason=RejectReason.DUPLICATE_CLIENT_ID,
            code=110072,
            message="duplicate",
        )
    )
    assert bench.runner.state.books.orders[client_id].status.value == "new"
