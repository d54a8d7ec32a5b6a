"""Conditional orders: stop-market, stop-limit, by last or mark price, in either direction."""

import attrs
from tidegate.adapters.paper import PathRule
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, TimeInForce, TriggerBy, TriggerDirection
from tidegate.domain.reports import CancelReason, OrderReport
from tidegate.ports.exchange import Done

from tests.adapters.paper.bench import PLAIN, WIDE, Bench
from tests.domain.samples import tier

BUY, SELL = Side.BUY, Side.SELL
FALLS, RISES = TriggerDirection.FALLS_TO, TriggerDirection.RISES_TO


def test_a_stop_market_order_waits_for_its_trigger_and_then_takes() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", trigger="20100")
    assert bench.send(order).status is Status.UNTRIGGERED
    bench.price("20099.9")
    assert bench.status(order) is Status.UNTRIGGERED
    bench.messages.clear()
    bench.price("20150")
    assert bench.fills() == [("buy", "1", "20150")]
    stages = [m.status for m in bench.messages if isinstance(m, OrderReport)]
    assert stages == [Status.TRIGGERED, Status.NEW, Status.FILLED]


def test_a_stop_limit_order_rests_at_its_limit_once_triggered() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(SELL, "1", trigger="19900", at="19950")
    bench.send(order)
    bench.price("19890")
    assert bench.status(order) is Status.NEW
    bench.price("19960")
    assert bench.fills() == [("sell", "1", "19950")]


def test_a_stop_limit_order_does_not_fill_at_its_limit_from_the_move_that_triggered_it() -> None:
    # Trigger and limit are one price: falling through it, nobody buys there any more.
    bench = Bench(config=attrs.evolve(PLAIN, spread_ticks=2, path=PathRule.HIGH_FIRST))
    bench.price("20000")
    order = bench.order(SELL, "1", trigger="19950", at="19950")
    bench.send(order)
    bench.feed(bench.bar("20000", "20000", "19900", "19900"))
    assert bench.status(order) is Status.NEW


def test_a_trigger_may_wait_for_a_fall_before_a_buy() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", trigger="19000", direction=FALLS)
    bench.send(order)
    bench.price("20500")
    bench.price("18990")
    assert bench.fills() == [("buy", "1", "18990")]


def test_a_trigger_by_mark_ignores_the_last_price() -> None:
    bench = Bench()
    bench.price("20000")
    bench.feed(bench.mark("20000"))
    order = bench.order(BUY, "1", trigger="20100", by=TriggerBy.MARK)
    bench.send(order)
    bench.feed(attrs.evolve(bench.trade("20200"), time_ms=bench.venue.now_ms()))
    assert bench.status(order) is Status.UNTRIGGERED
    bench.feed(bench.mark("20100"))
    assert bench.fills() == [("buy", "1", "20200")]


def test_a_mark_price_grows_old_and_the_last_price_takes_its_place() -> None:
    bench = Bench()
    bench.price("20000")
    bench.feed(bench.mark("19000"))
    assert bench.venue.ticker(bench.position().symbol).mark == Price.of("19000")
    # a minute is the longest that it counts: this trade is a minute later, the next one two
    bench.price("20000")
    assert bench.position().mark == Price.of("19000")
    bench.price("20000")
    assert bench.position().mark == Price.of("20000")


def test_within_a_bar_a_stop_fires_at_its_own_price_on_the_way() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1", trigger="20100"))
    bench.feed(bench.bar("20000", "20500", "19900", "20000"))
    assert bench.fills() == [("buy", "1", "20100")]


def test_a_gap_through_a_stop_fills_at_the_open() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1", trigger="20100"))
    bench.feed(bench.bar("20400", "20500", "20300", "20350"))
    assert bench.fills() == [("buy", "1", "20400")]


def test_a_conditional_order_locks_no_margin_and_is_cancelled_when_there_is_none() -> None:
    bench = Bench(wallet=Money.of("1000"))
    bench.price("20000")
    before = bench.account().available
    order = bench.order(BUY, "1", trigger="20100")
    bench.send(order)
    assert bench.account().available == before
    bench.price("20100")
    done = bench.record(order)
    assert (done.status, done.cancel_reason) == (
        Status.CANCELLED,
        CancelReason.INSUFFICIENT_MARGIN,
    )
    assert bench.executions() == ()


def test_a_conditional_order_that_passes_the_risk_limit_when_it_fires_is_cancelled() -> None:
    """At 50 times at most 60,000 USDT: 3 BTC at 20,100 are 60,300 (Bybit V5, code 110090)."""
    tiers = (tier("60000", "0.01", "0.02", "50", "0"), tier("2000000", "0.05", "0.1", "10", "2400"))
    bench = Bench(instruments=(attrs.evolve(WIDE, tiers=tiers),))
    bench.price("20000")
    assert isinstance(bench.venue.set_leverage(WIDE.symbol, Rate.of(50)), Done)
    small, large = bench.order(BUY, "0.5", trigger="20100"), bench.order(BUY, "3", trigger="20100")
    for order in (small, large):
        assert bench.send(order).status is Status.UNTRIGGERED
    bench.price("20100")
    assert bench.status(small) is Status.FILLED
    done = bench.record(large)
    assert (done.status, done.qty_filled) == (Status.CANCELLED, ZERO_QTY)
    assert done.cancel_reason is CancelReason.INSUFFICIENT_MARGIN
    assert bench.refused(bench.order(BUY, "3")).code == 110090


def test_a_conditional_reduce_only_order_needs_no_position_until_it_fires() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(SELL, "1", trigger="19900", reduce_only=True)
    assert bench.send(order).status is Status.UNTRIGGERED
    bench.price("19900")
    done = bench.record(order)
    assert (done.status, done.cancel_reason) == (Status.CANCELLED, CancelReason.REDUCE_ONLY)


def test_a_conditional_reduce_only_order_is_trimmed_to_the_position_when_it_fires() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1"))
    order = bench.order(SELL, "5", trigger="19900", reduce_only=True)
    bench.send(order)
    bench.price("19900")
    assert bench.record(order).qty == Qty.of("1")
    assert bench.position().qty == Qty.of("0")


def test_a_cancelled_conditional_order_is_deactivated() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", trigger="20100")
    bench.send(order)
    bench.venue.cancel(order.symbol, order.client_id)
    done = bench.record(order)
    assert (done.status, done.cancel_reason) == (Status.DEACTIVATED, CancelReason.BY_USER)
    bench.price("20200")
    assert bench.executions() == ()


def test_an_amended_trigger_fires_at_the_new_price_only() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", trigger="20100")
    bench.send(order)
    bench.venue.amend(order.symbol, order.client_id, trigger_price=Price.of("20300"))
    bench.price("20200")
    assert bench.status(order) is Status.UNTRIGGERED
    bench.price("20300")
    assert bench.status(order) is Status.FILLED


def test_a_triggered_post_only_order_that_would_take_is_cancelled() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", trigger="20100", at="20200", tif=TimeInForce.POST_ONLY)
    bench.send(order)
    bench.price("20100")
    assert bench.record(order).cancel_reason is CancelReason.POST_ONLY_WOULD_TAKE


def test_volume_bounds_a_triggered_order_too() -> None:
    bench = Bench(config=attrs.evolve(PLAIN, participation=Rate.of("0.5")))
    bench.price("20000")
    order = bench.order(BUY, "3", trigger="20100")
    bench.send(order)
    bench.price("20100", volume="4")
    done = bench.record(order)
    assert (done.qty_filled, done.cancel_reason) == (
        Qty.of("2"),
        CancelReason.NOT_FULLY_FILLED,
    )
