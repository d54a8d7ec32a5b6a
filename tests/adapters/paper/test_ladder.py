"""A liquidation goes step by step: orders end, the tier is lowered, only then the takeover.

Two tiers, worked by hand: to 100000 USDT at 0.5 %, above at 1 % with a deduction of
100000 x (0.01 - 0.005) = 500. Ten coins are long from 20000 at leverage 50: the bankruptcy price is
20000 (1 - 1/50) = 19600. In the upper tier they are lost at (19600 - 500/10) / 0.99 = 19747.47, in
the lower one at 19600 / 0.995 = 19698.49.
"""

import attrs
import pytest
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side, TimeInForce
from tidegate.domain.reports import CancelReason, MarginMode, Origin
from tidegate.ports.exchange import PositionStop

from tests.domain.samples import tier

from .bench import ALWAYS, PLAIN, SYMBOL, WIDE, Bench, plain

BUY, SELL = Side.BUY, Side.SELL
TWO_TIERS = attrs.evolve(
    WIDE,
    tiers=(
        tier("100000", "0.005", "0.01", "100", "0"),
        tier("1000000", "0.01", "0.02", "50", "500"),
    ),
)


def holding(qty: str = "10", *, side: Side = BUY, mode: MarginMode = MarginMode.ISOLATED) -> Bench:
    bench = Bench(instruments=(TWO_TIERS,), config=attrs.evolve(PLAIN, margin_mode=mode))
    bench.price("20000")
    bench.venue.set_leverage(SYMBOL, Rate.of("50"))
    bench.send(bench.order(side, qty))
    return bench


def test_a_position_of_a_higher_tier_is_cut_to_the_lower_tiers_limit_first() -> None:
    bench = holding()
    bench.price("19740")
    # 100000 / 19740 = 5.0658, on the step 5.065: what is above goes to the market.
    assert bench.fills()[1:] == [("sell", "4.935", "19740")]
    assert bench.position().qty == Qty.of("5.065")
    assert bench.position().liquidation_price == Money.of("19600") / Qty.of("0.995")
    bench.price("19690")
    assert bench.fills()[2:] == [("sell", "5.065", "19600")]
    # Fees 110, 53.579295 and 54.6007; losses 4.935 x 260 = 1283.1 and 5.065 x 400 = 2026.
    assert plain(bench.account().wallet) == "96472.720005"
    assert {e.origin for e in bench.executions()[1:]} == {Origin.LIQUIDATION}


def test_both_steps_happen_at_once_where_the_price_is_beyond_both() -> None:
    bench = holding()
    bench.price("19650")
    # 100000 / 19650 = 5.0890.
    assert bench.fills()[1:] == [("sell", "4.911", "19650"), ("sell", "5.089", "19600")]


def test_a_cut_that_the_market_does_not_take_whole_is_not_made() -> None:
    bench = holding()
    bench.price("19740", volume="4.934")
    assert bench.fills()[1:] == [("sell", "10", "19600")]


def test_a_cut_is_not_made_beyond_the_bankruptcy_price() -> None:
    bench = holding()
    bench.price("19590")
    assert bench.fills()[1:] == [("sell", "10", "19600")]
    history = bench.venue.order_history(SYMBOL, ALWAYS).rows
    assert [o.status for o in history if o.client_id is None] == [Status.FILLED]


def test_a_cut_goes_down_one_tier_at_a_time() -> None:
    # A third tier above 150000 at 2 %, with a deduction of 500 + 150000 x 0.01 = 2000: lost at
    # (19600 - 200) / 0.98 = 19795.92, and what is left at (19600 - 500/7.579) / 0.99 = 19731.34.
    middle = attrs.evolve(TWO_TIERS.tiers[1], notional_max=Money.of("150000"))
    tiers = (TWO_TIERS.tiers[0], middle, tier("1000000", "0.02", "0.02", "50", "2000"))
    bench = Bench(instruments=(attrs.evolve(TWO_TIERS, tiers=tiers),))
    bench.price("20000")
    bench.venue.set_leverage(SYMBOL, Rate.of("50"))
    bench.send(bench.order(BUY, "10"))
    bench.price("19790")
    # 150000 / 19790 = 7.5795.
    assert bench.fills()[1:] == [("sell", "2.421", "19790")]
    bench.price("19731")
    # 100000 / 19731 = 5.0682.
    assert bench.fills()[2:] == [("sell", "2.511", "19731")]


def test_in_the_lowest_tier_all_is_taken_over() -> None:
    bench = holding("5")
    bench.price("19690")
    assert bench.fills()[1:] == [("sell", "5", "19600")]


def test_a_short_is_mirrored() -> None:
    # Lost at (20400 + 50) / 1.01 = 20247.52; 100000 / 20250 = 4.9382.
    bench = holding(side=SELL)
    bench.price("20250")
    assert bench.fills()[1:] == [("buy", "5.062", "20250")]


def test_orders_end_before_anything_is_closed_and_the_stop_of_what_is_left_stays() -> None:
    bench = holding()
    bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, stop_loss=Price.of("19710")))
    order = bench.order(SELL, "1", at="21000", reduce_only=True)
    bench.send(order)
    bench.price("19740")
    assert bench.record(order).cancel_reason is CancelReason.BEFORE_LIQUIDATION
    assert plain(bench.legs()[Origin.STOP_LOSS].qty) == "5.065"
    bench.price("19710")
    assert bench.fills()[2:] == [("sell", "5.065", "19710")], "its own stop closes the rest"


def test_the_end_of_a_waiting_order_can_save_the_position() -> None:
    """In isolated margin a waiting order counts toward the tier, and so toward the maintenance."""
    upper = attrs.evolve(TWO_TIERS.tiers[1], deduction=Money.of("0"))
    spec = attrs.evolve(TWO_TIERS, tiers=(TWO_TIERS.tiers[0], upper))
    bench = Bench(instruments=(spec,))
    bench.price("20000")
    bench.venue.set_leverage(SYMBOL, Rate.of("50"))
    bench.send(bench.order(BUY, "4"))
    order = bench.order(BUY, "4", at="19000")
    bench.send(order)
    # With the order: 19600 / 0.99 = 19797.98; without it 19698.49.
    bench.price("19790")
    assert bench.status(order) is Status.CANCELLED
    assert bench.position().qty == Qty.of("4")


def test_a_cut_is_reported_as_an_order_of_the_venue_that_fills_whole() -> None:
    bench = holding()
    bench.price("19740")
    history = bench.venue.order_history(SYMBOL, ALWAYS).rows
    (cut,) = [o for o in history if o.origin is Origin.LIQUIDATION]
    assert (cut.status, cut.kind, cut.time_in_force) == (
        Status.FILLED,
        OrderKind.MARKET,
        TimeInForce.FOK,
    )
    assert cut.client_id is None
    assert cut.reduce_only


@pytest.mark.parametrize("price", ["10200", "10150"])
def test_a_cross_position_is_cut_the_same_way(price: str) -> None:
    # The wallet is 100000 less the fee of 110; in the upper tier the account is lost at
    # (200000 - 99890 - 500) / (10 x (0.99 - 0.00055 x 0.98)) = 10067.1.
    bench = holding(mode=MarginMode.CROSS)
    bench.price(price)
    assert len(bench.fills()) == 1
    bench.price("10060")
    # 100000 / 10060 = 9.9403.
    assert bench.fills()[1] == ("sell", "0.06", "10060")
