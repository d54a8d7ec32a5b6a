"""From a signal to an entry at the venue, and every way in which that can fail."""

import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.core import exposure
from tidegate.domain.core.inputs import OpenRequest
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingState
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty, Rate
from tidegate.domain.orders import Role, Side
from tidegate.domain.reports import Execution, OrderReport, RejectReason
from tidegate.domain.risk.verdict import Rule
from tidegate.domain.signal import ExactQty, StopAtPrice
from tidegate.ports.desk import Placed, Refused, Rejected, Unresolved

from tests.application.bench import BTC, Bench, make_bench, signal

from .scenes import (
    LADDER,
    config,
    held,
    limit,
    only,
    opened,
    orders_of,
    our_orders,
    placed,
    rungs,
    scripted,
    since,
    stop_legs,
    trade,
)

HUNDREDTH = Qty.of("0.010")


def reserved(bench: Bench) -> Money:
    state = bench.runner.state
    return exposure.total(state.books, state.view)


def test_an_entry_sets_the_leverage_first_and_is_sent_once_with_its_stop_inside() -> None:
    bench = make_bench(config=config())
    start = len(bench.events())
    outcome = bench.desk.execute(signal())
    assert isinstance(outcome, Placed)
    kinds = [type(event) for event in since(bench, start)]
    assert kinds[:3] == [ev.EntryIntended, ev.LeverageSet, ev.EntryReleased]
    assert bench.venue.position(BTC).leverage == Rate.of(3)
    order = bench.venue.find_order(BTC, outcome.client_id)
    assert order is not None
    assert order.stop_loss is not None
    assert order.stop_loss.price == Price.of("64000")
    assert kinds.count(ev.Filled) == 1
    assert held(bench) == HUNDREDTH


def test_a_leverage_that_is_set_already_is_not_set_again() -> None:
    bench = opened()
    bench.desk.close_position(BTC)
    start = len(bench.events())
    placed(bench, "s2")
    assert ev.LeverageSet not in [type(event) for event in since(bench, start)]


def test_two_signals_that_wait_for_one_leverage_are_each_sent_once() -> None:
    bench = make_bench(config=config())
    bench.venue.script.delay_messages()
    for name in ("s1", "s2"):
        key = (name * 8)[:16]
        bench.runner.deliver(OpenRequest(signal=signal(name), key=key))
    bench.runner.drain()
    bench.venue.script.release()
    bench.runner.drain()
    assert len(only(bench, ev.EntryReleased)) == 2
    assert held(bench) == Qty.of("0.020")
    assert len(only(bench, ev.Filled)) == 2


def test_a_refused_leverage_sends_nothing_and_releases_the_exposure() -> None:
    bench = make_bench(config=config())
    bench.venue.script.reject_next(
        RejectReason.LEVERAGE_NOT_ALLOWED, 110013, request=RequestKind.LEVERAGE
    )
    outcome = bench.desk.execute(signal())
    assert isinstance(outcome, Rejected)
    assert "leverage" in outcome.message
    assert bench.venue.find_order(BTC, outcome.client_id) is None
    assert reserved(bench) == ZERO_MONEY
    assert not bench.runner.state.books.orders
    assert held(bench) == Qty.of(0)


def test_a_leverage_of_unknown_outcome_is_not_believed_to_be_the_old_one() -> None:
    """The venue took 5 and the answer was lost: an entry at 3 must set 3 again."""
    bench = opened()
    bench.desk.close_position(BTC)
    bench.venue.script.time_out_next(Arrival.REACHED, request=RequestKind.LEVERAGE)
    assert isinstance(bench.desk.execute(signal("s2", leverage="5")), Rejected)
    assert bench.venue.position(BTC).leverage == Rate.of(5)
    placed(bench, "s3")
    assert bench.venue.position(BTC).leverage == Rate.of(3)


def test_a_leverage_changed_outside_is_set_again_before_the_next_entry() -> None:
    bench = opened()
    bench.desk.close_position(BTC)
    bench.venue.set_leverage(BTC, Rate.of(7))
    bench.runner.deliver(bench.venue.position(BTC))
    bench.runner.drain()
    placed(bench, "s2")
    assert bench.venue.position(BTC).leverage == Rate.of(3)


def test_a_refused_entry_changes_nothing_but_tally_signals_and_journal() -> None:
    bench = opened()
    before, venue = bench.runner.state.books, bench.venue.open_orders()
    start = len(bench.events())
    outcome = bench.desk.execute(signal("big", sizing=ExactQty(Qty.of("400"))))
    assert isinstance(outcome, Refused)
    assert [type(event) for event in since(bench, start)] == [ev.SignalRefused]
    after = bench.runner.state.books
    for name in ("ledger", "positions", "orders", "finished", "trades", "sends", "sends_today"):
        assert getattr(after, name) == getattr(before, name)
    assert bench.venue.open_orders() == venue
    assert "big" in after.signals


def test_the_same_signal_is_never_traded_twice() -> None:
    bench = opened()
    outcome = bench.desk.execute(signal("s1"))
    assert isinstance(outcome, Refused)
    assert Rule.DUPLICATE_SIGNAL in {breach.rule for breach in outcome.breaches}
    assert held(bench) == HUNDREDTH


def test_an_opposite_signal_is_refused() -> None:
    bench = opened()
    short = signal("s2", side=Side.SELL, stop=StopAtPrice(Price.of("66000")))
    outcome = bench.desk.execute(short)
    assert isinstance(outcome, Refused)
    assert Rule.OPPOSITE_POSITION in {breach.rule for breach in outcome.breaches}
    assert held(bench) == HUNDREDTH


def test_another_leverage_than_the_position_has_is_refused() -> None:
    bench = opened()
    outcome = bench.desk.execute(signal("s2", leverage="4"))
    assert isinstance(outcome, Refused)
    assert outcome.fault is not None
    assert "one leverage" in outcome.fault
    assert bench.venue.position(BTC).leverage == Rate.of(3)


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_a_desk_that_is_held_back_takes_no_entry_and_lets_a_close_through(
    state: TradingState,
) -> None:
    bench = opened()
    bench.desk.set_trading_state(state, "test")
    outcome = bench.desk.execute(signal("s2"))
    assert isinstance(outcome, Refused)
    assert Rule.TRADING_STATE in {breach.rule for breach in outcome.breaches}
    bench.desk.close_position(BTC)
    assert held(bench) == Qty.of(0)


def test_a_rejected_entry_is_over_and_reserves_nothing() -> None:
    bench = make_bench(config=config())
    bench.venue.script.reject_next(
        RejectReason.INSUFFICIENT_MARGIN, 110007, "no margin", request=RequestKind.PLACE
    )
    outcome = bench.desk.execute(signal())
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.INSUFFICIENT_MARGIN
    assert outcome.message == "no margin"
    assert reserved(bench) == ZERO_MONEY
    assert not our_orders(bench)
    assert len(only(bench, ev.EntryIntended)) == 1


def test_exposure_is_reserved_at_the_worst_fill_while_an_order_rests() -> None:
    bench = scripted()
    outcome = bench.desk.execute(signal())
    assert isinstance(outcome, Placed)
    # 65000 x (1 + 0.0005 slippage) x 0.010 = 650.325
    assert reserved(bench) == Money.of("650.325")


@pytest.mark.parametrize("reverse", [False, True])
def test_reports_in_any_order_give_the_same_position_and_protection(reverse: bool) -> None:
    bench = make_bench(config=config())
    bench.venue.script.delay_messages()
    bench.desk.execute(signal(ladder=LADDER))
    if reverse:
        bench.venue.script.reorder()
    bench.venue.script.release()
    bench.runner.drain()
    assert held(bench) == HUNDREDTH
    assert trade(bench).is_stop_confirmed
    assert rungs(bench) == [("66000.0", "0.003"), ("67000.0", "0.007")]
    assert len(only(bench, ev.Filled)) == 1


@pytest.mark.parametrize("kind", [Execution, OrderReport])
def test_a_message_that_comes_twice_counts_once(
    kind: type[Execution] | type[OrderReport],
) -> None:
    bench = make_bench(config=config())
    bench.venue.script.duplicate_next(kind)
    placed(bench)
    assert held(bench) == HUNDREDTH
    assert len(only(bench, ev.Filled)) == 1
    # 0.010 x 65000 x 0.00055 taker fee = 0.3575
    ledger = bench.runner.state.books.ledger
    assert ledger is not None
    assert ledger.fees == Money.of("0.3575")


@pytest.mark.parametrize("kind", [Execution, OrderReport])
def test_a_lost_message_of_an_entry_is_found_by_asking(
    kind: type[Execution] | type[OrderReport],
) -> None:
    bench = make_bench(config=config())
    bench.venue.script.drop_next(kind)
    bench.venue.script.drop_next(kind)
    bench.desk.execute(signal(ladder=LADDER))
    for _ in range(3):
        bench.pass_time(1_000)
    assert held(bench) == HUNDREDTH
    assert not orders_of(bench, Role.ENTRY)
    assert trade(bench).is_stop_confirmed
    assert len(rungs(bench)) == 2


def test_an_unknown_entry_that_reached_the_venue_is_found_and_not_sent_again() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000))
    bench.venue.script.time_out_next(Arrival.REACHED, request=RequestKind.PLACE)
    bench.desk.execute(signal())
    assert held(bench) == HUNDREDTH
    bench.pass_time(10_000)
    assert held(bench) == HUNDREDTH
    assert len(only(bench, ev.Filled)) == 1
    assert not only(bench, ev.OrderLapsed)


def test_an_unknown_entry_lapses_only_when_it_can_no_longer_arrive() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000))
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.PLACE)
    outcome = bench.desk.execute(signal())
    assert isinstance(outcome, Unresolved)
    for _ in range(4):
        bench.pass_time(1_000)
        assert reserved(bench) == Money.of("650.325")
        assert not only(bench, ev.OrderLapsed)
    bench.pass_time(1_000)
    assert len(only(bench, ev.OrderLapsed)) == 1
    assert reserved(bench) == ZERO_MONEY
    assert bench.venue.find_order(BTC, outcome.client_id) is None


def test_an_order_of_unknown_outcome_is_asked_for_again_after_a_failed_query() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000, poll_down_ms=None))
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    bench.venue.script.delay_messages()
    outcome = bench.desk.execute(signal())
    assert isinstance(outcome, Unresolved)
    bench.venue.script.arrive()
    bench.venue.script.disconnect()  # the stream says nothing: only asking can tell
    bench.venue.script.fail_queries(1)
    bench.pass_time(1_000)
    assert bench.runner.state.books.position(BTC).is_flat
    bench.pass_time(1_000)
    assert held(bench) == HUNDREDTH


def test_an_entry_that_arrives_late_within_the_time_is_one_entry() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000))
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    bench.desk.execute(signal(ladder=LADDER))
    bench.pass_time(2_000)
    bench.venue.script.arrive()
    bench.runner.drain()
    assert held(bench) == HUNDREDTH
    assert len(only(bench, ev.Filled)) == 1
    assert trade(bench).is_stop_confirmed
    assert len(rungs(bench)) == 2


def test_a_fill_after_the_lapse_still_opens_its_trade_and_is_protected() -> None:
    bench = make_bench(config=config(not_found_final_ms=2_000))
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    bench.desk.execute(signal(ladder=LADDER))
    for _ in range(3):
        bench.pass_time(1_000)
    assert len(only(bench, ev.OrderLapsed)) == 1
    bench.venue.script.arrive()
    bench.runner.drain()
    assert held(bench) == HUNDREDTH
    assert trade(bench).is_stop_confirmed
    assert len(rungs(bench)) == 2
    assert only(bench, ev.UpdateIgnored)


def test_a_limit_that_rests_after_its_lapse_is_cancelled() -> None:
    bench = make_bench(config=config(not_found_final_ms=2_000))
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    outcome = bench.desk.execute(signal(entry=limit("64900")))
    assert isinstance(outcome, Unresolved)
    for _ in range(3):
        bench.pass_time(1_000)
    bench.venue.script.arrive()
    bench.runner.drain()
    order = bench.venue.find_order(BTC, outcome.client_id)
    assert order is not None
    assert order.status is Status.CANCELLED
    assert not our_orders(bench)


def test_an_entry_lost_before_any_time_passed_is_sent_again_under_its_own_id() -> None:
    bench = make_bench(config=config(not_found_final_ms=0))
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.PLACE)
    bench.desk.execute(signal())
    assert held(bench) == HUNDREDTH
    ids = {order.client_id for order in only(bench, ev.OrderUnknown)}
    assert len(ids) == 1
    assert len(only(bench, ev.EntryIntended)) == 1


def test_a_filled_entry_shows_decision_bound_and_average_apart() -> None:
    bench = make_bench(config=config())
    bench.venue.script.move(BTC, last=Price.of("65000"), ask=Price.of("65010"))
    bench.runner.drain()
    client_id = placed(bench)
    order = bench.runner.state.books.order(client_id)
    assert order is not None
    assert order.decision_price == Price.of("65010")
    # 65010 x 1.0005 = 65042.505
    assert order.worst_price == Price.of("65042.505")
    assert order.value_filled / order.qty_filled == Price.of("65010")
    assert stop_legs(bench)
