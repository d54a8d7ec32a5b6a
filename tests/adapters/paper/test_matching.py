"""Plain orders against the market: who fills, at what price, how much, for which fee.

Worked by hand with the fee rates of Bybit V5 (taker 0.00055, maker 0.0002; reference account
without a VIP level). "Market" means ``tests.adapters.paper.bench.PLAIN`` unless stated: no spread,
no slippage.
"""

import attrs
import pytest
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, TimeInForce
from tidegate.domain.reports import CancelReason, Execution, OrderReport, PositionReport, Ticker

from tests.adapters.paper.bench import PLAIN, Bench
from tests.domain.samples import BTCUSDT

BUY, SELL = Side.BUY, Side.SELL


def test_a_market_order_fills_at_once_for_the_taker_fee() -> None:
    bench = Bench()
    bench.price("20000")
    done = bench.send(bench.order(BUY, "0.5"))
    assert done.status is Status.FILLED
    assert done.value_filled == Money.of("10000")
    # 0.5 x 20000 x 0.00055 = 5.5
    (execution,) = bench.executions()
    assert execution.fee == Money.of("5.5")
    assert not execution.is_maker
    assert bench.account().wallet == Money.of("99994.5")


@pytest.mark.parametrize(
    ("side", "price"),
    [
        # ask 20000 + 2 x 0.1 / 2 = 20000.1; worse by 0.01 %: 20002.10001, up to the tick: 20002.2
        (BUY, "20002.2"),
        # bid 19999.9; worse by 0.01 %: 19997.90001, down to the tick: 19997.9
        (SELL, "19997.9"),
    ],
)
def test_a_taker_pays_half_the_spread_and_the_slippage(side: Side, price: str) -> None:
    bench = Bench(config=attrs.evolve(PLAIN, spread_ticks=2, slippage=Rate.of("0.0001")))
    bench.price("20000")
    bench.send(bench.order(side, "0.1"))
    assert bench.fills() == [(side.value, "0.1", price)]


def bound_of(bench: Bench, order: OrderReport) -> Price | None:
    """Return what a wire shows as the order's price."""
    shown = bench.venue.wire_order(order.venue_id)
    assert shown is not None
    return shown.bound


def test_a_market_order_has_no_price_and_on_a_wire_its_protective_bound() -> None:
    # The venue's own sample: mark 95901.48, sell bound 94942.5 = mark x 0.99 up to the tick.
    bench = Bench(instruments=[BTCUSDT])
    bench.price("95901.48")
    done = bench.send(bench.order(SELL, "0.1"))
    assert done.price is None
    assert bound_of(bench, done) == Price.of("94942.5")
    assert bench.fills() == [("sell", "0.1", "95901.4")]


def test_the_orders_own_bound_holds_when_it_is_the_narrower() -> None:
    # best ask 20000, at most 0.1 % worse: 20020; the price band would allow 30000
    bench = Bench()
    bench.price("20000")
    done = bench.send(bench.order(BUY, "0.1", slippage_max="0.001"))
    assert bound_of(bench, done) == Price.of("20020")


def test_a_market_order_takes_only_its_share_of_the_volume_and_the_rest_is_cancelled() -> None:
    # 10 traded, a tenth of it for us: 1 of the 3 wanted
    bench = Bench(config=attrs.evolve(PLAIN, participation=Rate.of("0.1")))
    bench.price("20000", volume="10")
    done = bench.send(bench.order(BUY, "3"))
    assert bench.fills() == [("buy", "1", "20000")]
    assert (done.status, done.cancel_reason) == (Status.CANCELLED, CancelReason.NOT_FULLY_FILLED)
    assert done.qty_filled == Qty.of("1")


def test_without_volume_a_market_order_is_cancelled_unfilled() -> None:
    bench = Bench()
    bench.price("20000", volume="0")
    done = bench.send(bench.order(BUY, "3"))
    assert (done.status, done.cancel_reason) == (Status.CANCELLED, CancelReason.NOTHING_TO_FILL)
    assert bench.executions() == ()


def test_volume_that_one_order_took_is_gone_for_the_next() -> None:
    bench = Bench()
    bench.price("20000", volume="2")
    bench.send(bench.order(BUY, "1.5"))
    done = bench.send(bench.order(BUY, "1"))
    assert done.qty_filled == Qty.of("0.5")


def test_within_a_bar_a_market_order_goes_on_with_the_volume_of_the_later_points() -> None:
    # A quarter of 8 at each point: 2 at the open, then 2 on the way to the low, 1 of 2 after it.
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "0.1"))
    bar = bench.bar("20000", "20010", "19990", "20000", volume="8")
    pieces = bench.venue.offer(bar, index=bench.venue.cursor())
    next(pieces)
    order = bench.order(BUY, "5")
    assert bench.send(order).status is Status.PARTIALLY_FILLED
    for _ in pieces:
        pass
    assert bench.status(order) is Status.FILLED
    assert bench.fills()[1:] == [
        ("buy", "2", "20000"),
        ("buy", "2", "19990"),
        ("buy", "1", "20010"),
    ]


def test_a_market_orders_rest_ends_with_the_bar() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "0.1"))
    pieces = bench.venue.offer(
        bench.bar("20000", "20000", "20000", "20000", volume="4"), index=bench.venue.cursor()
    )
    next(pieces)
    order = bench.order(BUY, "20")
    bench.send(order)
    for _ in pieces:
        pass
    done = bench.record(order)
    assert (done.status, done.cancel_reason) == (Status.CANCELLED, CancelReason.NOT_FULLY_FILLED)
    assert done.qty_filled == Qty.of("4")


def test_a_resting_limit_fills_as_maker_at_its_own_price() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", at="19900")
    assert bench.send(order).status is Status.NEW
    bench.price("19950")
    assert bench.status(order) is Status.NEW
    bench.price("19800")
    (execution,) = bench.executions()
    # 1 x 19900 x 0.0002 = 3.98
    assert (execution.price, execution.fee) == (Price.of("19900"), Money.of("3.98"))
    assert execution.is_maker
    assert bench.status(order) is Status.FILLED


def test_a_resting_limit_fills_at_the_touch_as_far_as_the_volume_goes() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(SELL, "3", at="20100")
    bench.send(order)
    bench.price("20100", volume="1")
    assert bench.record(order).qty_filled == Qty.of("1")
    assert bench.status(order) is Status.PARTIALLY_FILLED
    bench.price("20100", volume="2")
    assert bench.status(order) is Status.FILLED


def test_a_limit_that_crosses_takes_what_is_there_and_rests_with_the_remainder() -> None:
    bench = Bench()
    bench.price("20000", volume="1")
    order = bench.order(BUY, "3", at="20005")
    assert bench.send(order).status is Status.PARTIALLY_FILLED
    assert bench.fills() == [("buy", "1", "20000")]
    bench.price("20001", volume="5")
    assert bench.fills() == [("buy", "1", "20000"), ("buy", "2", "20005")]
    assert [e.is_maker for e in bench.executions()] == [False, True]


def test_an_order_placed_at_a_price_does_not_fill_from_the_trade_that_set_it() -> None:
    # spread 2 ticks: bid 19999.9, ask 20000.1; a bid at 20000 rests
    bench = Bench(config=attrs.evolve(PLAIN, spread_ticks=2))
    bench.price("20000")
    order = bench.order(BUY, "1", at="20000")
    assert bench.send(order).status is Status.NEW
    bench.feed(bench.trade("20000"))
    assert bench.status(order) is Status.FILLED


def test_post_only_that_would_take_is_accepted_then_cancelled() -> None:
    bench = Bench()
    bench.price("20000")
    done = bench.send(bench.order(BUY, "1", at="20000", tif=TimeInForce.POST_ONLY))
    assert done.status is Status.CANCELLED
    assert done.cancel_reason is CancelReason.POST_ONLY_WOULD_TAKE
    resting = bench.send(bench.order(BUY, "1", at="19999", tif=TimeInForce.POST_ONLY))
    assert resting.status is Status.NEW
    assert bench.executions() == ()


def test_immediate_or_cancel_never_rests() -> None:
    bench = Bench()
    bench.price("20000", volume="2")
    part = bench.send(bench.order(BUY, "3", at="20000", tif=TimeInForce.IOC))
    assert (part.status, part.qty_filled) == (Status.CANCELLED, Qty.of("2"))
    assert part.cancel_reason is CancelReason.NOT_FULLY_FILLED
    none = bench.send(bench.order(BUY, "1", at="19000", tif=TimeInForce.IOC))
    assert none.cancel_reason is CancelReason.NOTHING_TO_FILL


def test_fill_or_kill_fills_whole_or_not_at_all() -> None:
    bench = Bench()
    bench.price("20000", volume="2")
    killed = bench.send(bench.order(BUY, "3", at="20000", tif=TimeInForce.FOK))
    assert (killed.status, killed.qty_filled) == (Status.CANCELLED, Qty.of("0"))
    assert killed.cancel_reason is CancelReason.NOT_FULLY_FILLED
    filled = bench.send(bench.order(BUY, "2", at="20000", tif=TimeInForce.FOK))
    assert filled.status is Status.FILLED


def test_better_prices_then_older_orders_fill_first() -> None:
    bench = Bench()
    bench.price("20000")
    far, first, second = (bench.order(BUY, "1", at=price) for price in ("19900", "19950", "19950"))
    for order in (far, first, second):
        bench.send(order)
    bench.price("19900", volume="1")
    assert [bench.status(o) for o in (far, first, second)] == [
        Status.NEW,
        Status.FILLED,
        Status.NEW,
    ]


def test_quotes_fill_takers_at_the_displayed_prices_and_sizes() -> None:
    bench = Bench()
    bench.feed(bench.quote("19990", "20010", size="2"))
    bench.send(bench.order(BUY, "1.5"))
    part = bench.send(bench.order(BUY, "1"))
    bench.send(bench.order(SELL, "1"))
    assert bench.fills() == [
        ("buy", "1.5", "20010"),
        ("buy", "0.5", "20010"),
        ("sell", "1", "19990"),
    ]
    assert part.cancel_reason is CancelReason.NOT_FULLY_FILLED


def test_at_the_touch_the_displayed_queue_fills_first() -> None:
    # 10 displayed at 19990 before us: 8 traded there shorten the queue to 2, of the next 5 the
    # first 2 are theirs and 3 are ours.
    bench = Bench()
    bench.feed(bench.quote("19990", "20010", size="10"))
    order = bench.order(BUY, "5", at="19990")
    bench.send(order)
    bench.feed(bench.trade("19990", "8", side=SELL))
    assert bench.record(order).qty_filled == Qty.of("0")
    bench.feed(bench.trade("19990", "5", side=SELL))
    assert bench.record(order).qty_filled == Qty.of("3")


def test_a_trade_that_a_buyer_took_does_not_fill_our_bid_at_its_price() -> None:
    bench = Bench()
    bench.feed(bench.quote("19990", "20010", size="1"))
    order = bench.order(BUY, "1", at="20000")
    bench.send(order)
    bench.feed(bench.trade("20000", "9", side=BUY))
    assert bench.status(order) is Status.NEW


def test_a_quote_beyond_a_resting_order_fills_it_as_maker() -> None:
    bench = Bench()
    bench.feed(bench.quote("19990", "20010"))
    order = bench.order(BUY, "1", at="19980")
    bench.send(order)
    bench.feed(bench.quote("19960", "19970"))
    (execution,) = bench.executions()
    assert (execution.price, execution.is_maker) == (Price.of("19980"), True)


def test_a_bar_without_orders_or_position_runs_through_without_a_pause() -> None:
    bench = Bench()
    assert bench.feed(bench.bar("20000", "20010", "19990", "20005")) == 0
    assert [type(m) for m in bench.messages] == [Ticker]
    assert bench.venue.now_ms() == 60_000
    assert bench.venue.cursor() == 1


def test_a_bar_with_an_order_pauses_at_each_of_its_four_points() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1", at="15000"))
    bench.messages.clear()
    assert bench.feed(bench.bar("20000", "20010", "19990", "20005")) == 4
    prices = [str(m.last) for m in bench.messages if isinstance(m, Ticker)]
    assert prices == ["20000", "20010", "19990", "20005"]


def test_a_fill_tells_of_execution_order_position_account_and_price_in_this_order() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1", at="19000"))
    bench.messages.clear()
    bench.price("19000")
    names = [type(m).__name__ for m in bench.messages]
    assert names == ["Execution", "OrderReport", "PositionReport", "AccountReport", "Ticker"]
    execution, order, position = bench.messages[:3]
    assert isinstance(execution, Execution)
    assert isinstance(order, OrderReport)
    assert isinstance(position, PositionReport)
    assert execution.client_id == order.client_id == "c1"
    assert position.qty == Qty.of("1")


def test_an_order_that_reverses_leaves_the_remainder_on_the_other_side() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1"))
    bench.price("20100")
    bench.send(bench.order(SELL, "3"))
    report = bench.position()
    assert (report.qty, report.entry_price) == (Qty.of("-2"), Price.of("20100"))
    # realised 1 x 100 = 100; fees 0.00055 x (20000 + 60300) = 44.165
    assert bench.account().wallet == Money.of("100055.835")


def test_an_amended_price_or_a_larger_quantity_loses_its_place_in_time() -> None:
    bench = Bench()
    bench.price("20000")
    first, second = bench.order(BUY, "1", at="19900"), bench.order(BUY, "1", at="19900")
    for order in (first, second):
        bench.send(order)
    bench.venue.amend(first.symbol, first.client_id, qty=Qty.of("2"))
    bench.venue.amend(second.symbol, second.client_id, qty=Qty.of("0.5"))
    bench.price("19900", volume="0.5")
    assert (bench.status(first), bench.status(second)) == (Status.NEW, Status.FILLED)
