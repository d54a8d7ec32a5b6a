"""A position from its first fill until it is flat: levels, rungs, stops, endings."""

from tidegate.adapters.memory.options import RequestKind
from tidegate.domain.core import events as ev
from tidegate.domain.core.inputs import OpenRequest
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import Role, Side
from tidegate.domain.reports import (
    CancelReason,
    PositionReport,
    RejectReason,
)
from tidegate.domain.signal import StopAtPrice, StopPercent
from tidegate.domain.trade import CloseReason
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import PositionStop

from tests.application.bench import BTC, Bench, signal

from .scenes import (
    LADDER,
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


def closed(bench: Bench) -> ev.TradeClosed:
    (event,) = only(bench, ev.TradeClosed)
    return event


def expire_stop(bench: Bench) -> None:
    """Let the venue lose the position's stop."""
    (leg,) = stop_legs(bench)
    bench.venue.script.expire(leg.venue_id, CancelReason.BY_VENUE)


# Levels


def test_levels_are_planned_again_from_the_average_fill() -> None:
    """Fill at 65100 for a decision at 65000: one R is 65100 - 64000 = 1100."""
    bench = scripted()
    client_id = placed(bench, ladder=LADDER)
    bench.venue.script.fill(client_id, price=Price.of("65100"))
    bench.runner.drain()
    assert rungs(bench) == [("66200.0", "0.003"), ("67300.0", "0.007")]
    assert trade(bench).risk == Money.of("11")


def test_a_limit_entry_filled_in_parts_always_has_a_ladder_of_what_is_held() -> None:
    bench = scripted()
    client_id = placed(bench, entry=limit("65000"), ladder=LADDER)
    total = ZERO_QTY
    for part in ("0.004", "0.003", "0.003"):
        bench.venue.script.fill(client_id, Qty.of(part))
        bench.runner.drain()
        total = total + Qty.of(part)
        assert held(bench) == total
        open_qty = sum((Qty.of(qty) for _, qty in rungs(bench)), start=ZERO_QTY)
        assert open_qty == total
        assert trade(bench).is_stop_confirmed
    assert rungs(bench) == [("66000.0", "0.003"), ("67000.0", "0.007")]
    assert len({o.order.client_id for o in only(bench, ev.OrderIntended)}) == len(
        only(bench, ev.OrderIntended)
    )


def test_an_addition_keeps_the_tighter_stop() -> None:
    bench = opened(ladder=())
    outcome = bench.desk.execute(signal("s2", stop=StopAtPrice(Price.of("64500"))))
    assert isinstance(outcome, Placed)
    assert held(bench) == Qty.of("0.020")
    assert trade(bench).stop_wanted == Price.of("64500")
    assert bench.venue.position(BTC).stop_loss == Price.of("64500")


def test_an_addition_with_a_wider_stop_does_not_widen_it() -> None:
    bench = opened(ladder=())
    bench.desk.execute(signal("s2", stop=StopAtPrice(Price.of("63500"))))
    assert held(bench) == Qty.of("0.020")
    assert bench.venue.position(BTC).stop_loss == Price.of("64000")


def test_a_rung_that_fills_closes_its_part_and_leaves_the_rest_protected() -> None:
    bench = opened()
    bench.move("66000")
    assert held(bench) == Qty.of("0.007")
    assert rungs(bench) == [("67000.0", "0.007")]
    assert trade(bench).is_stop_confirmed
    bench.move("67000")
    assert held(bench) == ZERO_QTY
    assert not bench.venue.open_orders()
    done = closed(bench).trade
    # 0.003 x 1000 + 0.007 x 2000 = 17
    assert (done.profit, done.reason) == (Money.of("17"), CloseReason.TARGET)


# Stops


def test_a_stop_out_cancels_the_rungs_and_nothing_else() -> None:
    bench = opened()
    foreign = bench.venue.script.foreign_order(
        BTC, side=Side.BUY, qty=Qty.of("0.005"), price=Price.of("50000")
    )
    bench.move("63990")
    assert held(bench) == ZERO_QTY
    assert [order.venue_id for order in bench.venue.open_orders()] == [foreign]
    assert closed(bench).trade.reason is CloseReason.STOP
    assert not bench.runner.state.books.trades


def test_a_liquidation_ends_the_trade_with_its_reason() -> None:
    bench = opened()
    bench.venue.script.liquidate(BTC)
    bench.runner.drain()
    assert held(bench) == ZERO_QTY
    assert closed(bench).trade.reason is CloseReason.LIQUIDATION
    assert not our_orders(bench)


def test_a_close_by_hand_cancels_only_our_orders() -> None:
    bench = opened()
    foreign = bench.venue.script.foreign_order(
        BTC, side=Side.BUY, qty=Qty.of("0.005"), price=Price.of("50000")
    )
    bench.venue.script.close_by_hand(BTC)
    bench.runner.drain()
    assert held(bench) == ZERO_QTY
    assert [order.venue_id for order in bench.venue.open_orders()] == [foreign]
    assert closed(bench).trade.reason is CloseReason.OUTSIDE


def test_a_stop_the_venue_never_shows_closes_the_position_at_the_deadline() -> None:
    bench = scripted()
    client_id = placed(bench, ladder=())
    bench.venue.script.delay_messages()
    bench.venue.script.fill(client_id)
    expire_stop(bench)
    bench.venue.script.disconnect()  # every message so far is lost
    bench.venue.script.reconnect()
    bench.venue.script.release()
    for _ in range(12):
        bench.venue.script.reject_next(RejectReason.OTHER, request=RequestKind.POSITION_STOP)
    for _ in range(7):
        bench.pass_time(1_000)
    assert len(only(bench, ev.StopMissing)) == 1
    (close,) = orders_of(bench, Role.CLOSE)
    bench.venue.script.fill(close.request.client_id)
    bench.runner.drain()
    assert held(bench) == ZERO_QTY
    assert closed(bench).trade.reason is CloseReason.UNPROTECTED


def test_an_unshown_stop_is_asked_for_at_a_pace_and_not_in_a_loop() -> None:
    bench = opened(ladder=())
    start = len(bench.events())
    expire_stop(bench)
    for _ in range(20):
        bench.venue.script.reject_next(RejectReason.OTHER, request=RequestKind.POSITION_STOP)
    bench.runner.deliver(bench.venue.position(BTC))
    bench.runner.drain()
    for _ in range(10):
        bench.runner.deliver(bench.venue.position(BTC))
        bench.runner.drain()
    moves = [e for e in since(bench, start) if isinstance(e, ev.StopMoveIntended)]
    assert len(moves) <= 1


def test_a_stop_removed_at_the_venue_is_put_back() -> None:
    bench = opened(ladder=())
    expire_stop(bench)
    bench.runner.deliver(bench.venue.position(BTC))
    bench.runner.drain()
    assert len(only(bench, ev.StopLost)) == 1
    bench.pass_time(1_000)
    bench.pass_time(1_000)
    assert bench.venue.position(BTC).stop_loss == Price.of("64000")
    assert trade(bench).is_stop_confirmed
    assert not only(bench, ev.StopMissing)


def test_a_stop_moved_by_hand_is_moved_back_and_never_ends_the_trade() -> None:
    bench = opened(ladder=())
    bench.pass_time(60_000)
    bench.venue.set_position_stop(PositionStop(symbol=BTC, stop_loss=Price.of("63000")))
    bench.runner.drain()
    bench.pass_time(1_000)
    assert bench.venue.position(BTC).stop_loss == Price.of("64000")
    assert held(bench) == HUNDREDTH
    assert not only(bench, ev.StopMissing)


def test_a_refused_stop_move_is_tried_again_and_the_old_stop_stays() -> None:
    """Fill at 65100 with a stop 1 % away: 64449, where the attached one is 64350."""
    bench = scripted()
    outcome = bench.desk.execute(signal(stop=StopPercent(Rate.of("0.01"))))
    assert isinstance(outcome, Placed)
    bench.venue.script.reject_next(RejectReason.OTHER, request=RequestKind.POSITION_STOP)
    bench.venue.script.fill(outcome.client_id, price=Price.of("65100"))
    bench.runner.drain()
    assert len(only(bench, ev.StopMoveRefused)) == 1
    assert bench.venue.position(BTC).stop_loss == Price.of("64350")
    bench.pass_time(1_000)
    assert bench.venue.position(BTC).stop_loss == Price.of("64449")
    assert trade(bench).is_stop_confirmed


def test_a_stop_move_that_is_always_refused_closes_in_time() -> None:
    bench = scripted()
    outcome = bench.desk.execute(signal(stop=StopPercent(Rate.of("0.01"))))
    assert isinstance(outcome, Placed)
    for _ in range(10):
        bench.venue.script.reject_next(RejectReason.OTHER, request=RequestKind.POSITION_STOP)
    bench.venue.script.fill(outcome.client_id, price=Price.of("65100"))
    bench.runner.drain()
    for _ in range(5):
        assert not only(bench, ev.StopMissing)
        bench.pass_time(1_000)
    assert len(only(bench, ev.StopMissing)) == 1
    assert len(only(bench, ev.StopMoveRefused)) <= 6
    assert orders_of(bench, Role.CLOSE)


def test_a_word_about_an_earlier_position_does_not_prove_the_stop_of_this_one() -> None:
    bench = opened(ladder=())
    (old_leg,) = stop_legs(bench)
    bench.desk.close_position(BTC)
    bench.pass_time(1_000)
    bench.venue.script.delay_messages()
    bench.venue.script.fail_queries(100)
    bench.runner.submit(OpenRequest(signal=signal("s2"), key="second0123456789"))
    bench.venue.script.drop_next(PositionReport)
    bench.venue.script.release()
    bench.venue.script.fail_queries(0)
    count = len(only(bench, ev.StopConfirmed))
    bench.runner.deliver(old_leg)
    bench.runner.drain()
    later = only(bench, ev.StopConfirmed)[count:]
    assert all(event.time_ms >= trade(bench).opened_ms for event in later)
