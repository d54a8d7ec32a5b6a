"""Margin, leverage, funding and liquidation, worked by hand from the formulas of the venue.

Fees: taker 0.00055. Tiers: ``tests.domain.samples.TIERS`` (MMR 0.0033 up to 300000, then 0.005 with
a deduction of 510 up to 2000000).
"""

import attrs
import pytest
from tidegate.adapters.paper import PaperConfig
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.reports import (
    CancelReason,
    Execution,
    FundingPayment,
    MarginMode,
    OrderReport,
    Origin,
)
from tidegate.ports.exchange import Done, Rejected

from tests.adapters.paper.bench import ALWAYS, PLAIN, SYMBOL, WIDE, Bench, plain
from tests.domain.samples import tier

BUY, SELL = Side.BUY, Side.SELL
CROSS = attrs.evolve(PLAIN, margin_mode=MarginMode.CROSS)
OTHER = Symbol("ETHUSDT")
ROUND = attrs.evolve(WIDE, tiers=(tier("1000000000", "0.005", "0.01", "100", "0"),))
"""One tier with a maintenance rate of half a per cent."""


def open_at(
    side: Side,
    leverage: str,
    *,
    config: PaperConfig = PLAIN,
    wallet: str = "100000",
    stop: str | None = None,
) -> Bench:
    bench = Bench(config=config, instruments=[ROUND], wallet=Money.of(wallet))
    bench.price("20000")
    bench.venue.set_leverage(SYMBOL, Rate.of(leverage))
    bench.send(bench.order(side, "1", stop=stop, client_id="entry"))
    return bench


@pytest.mark.parametrize(
    ("side", "initial", "maintenance"),
    [
        # B = 20000 (1 - 1/10) = 18000, F = 18000 x 0.00055 = 9.9; IM 2000 + F; MM 100 + F
        (BUY, "2009.9", "109.9"),
        # B = 22000, F = 12.1
        (SELL, "2012.1", "112.1"),
    ],
)
def test_isolated_margin_is_set_aside_from_the_wallet(
    side: Side, initial: str, maintenance: str
) -> None:
    bench = open_at(side, "10")
    report, account = bench.position(), bench.account()
    assert report.initial_margin == Money.of(initial)
    assert report.maintenance_margin == Money.of(maintenance)
    assert account.available == account.wallet - Money.of(initial)
    assert (account.initial_margin_rate, account.maintenance_margin_rate) == (None, None)


def test_in_isolated_margin_profit_is_not_available_and_in_cross_it_is() -> None:
    isolated, cross = open_at(BUY, "10"), open_at(BUY, "10", config=CROSS)
    for bench in (isolated, cross):
        bench.price("21000")
        assert bench.account().equity == Money.of("100989")  # 100000 - 11 + 1000
    assert isolated.account().available == Money.of("97979.1")  # 99989 - 2009.9
    # cross is based on the mark: IM = 21000 / 10 + 21000 x 0.9 x 0.00055 = 2110.395
    assert cross.account().available == Money.of("98878.605")
    # 2110.395 / 100989
    rate = cross.account().initial_margin_rate
    assert rate is not None
    assert str(rate)[:12] == "0.0208972759"


def test_a_waiting_entry_locks_its_margin_and_both_fees() -> None:
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "1", at="19000"))
    # 19000 / 10 + 19000 x 0.9 x 0.00055 + 19000 x 0.00055 = 1900 + 9.405 + 10.45
    assert bench.account().available == Money.of("98080.145")


def test_orders_that_only_close_lock_nothing() -> None:
    bench = open_at(BUY, "10")
    before = bench.account().available
    bench.send(bench.order(SELL, "0.6", at="21000", reduce_only=True))
    bench.send(bench.order(SELL, "1", at="21000"))
    assert bench.account().available == before


def test_an_entry_beyond_the_margin_is_refused_and_changes_nothing() -> None:
    bench = Bench(wallet=Money.of("2020.9"))
    bench.price("20000")
    # 2000 + 9.9 + 11 = 2020.9 for one coin: the wallet is just enough for one
    answer = bench.refused(bench.order(BUY, "1.001"))
    assert answer.code == 110007
    assert bench.venue.open_orders() == ()
    assert bench.send(bench.order(BUY, "1")).status is Status.FILLED


@pytest.mark.parametrize(
    ("side", "level", "alive", "takeover", "wallet"),
    [
        # E 20000, L 50, MMR 0.5 %: 19698.4925 (reference value); B = 19600, the fee there 10.78:
        # 100000 - 11 - 400 - 10.78
        (BUY, "19698.4924", "19698.5", "19600", "99578.22"),
        # 20298.5075; B = 20400, fee 11.22
        (SELL, "20298.5074", "20298.5", "20400", "99577.78"),
    ],
)
def test_an_isolated_liquidation_costs_the_margin_of_the_position_exactly(
    side: Side, level: str, alive: str, takeover: str, wallet: str
) -> None:
    bench = open_at(side, "50", stop="15000" if side is BUY else "29000")
    margin = bench.position().initial_margin
    price = bench.position().liquidation_price
    assert price is not None
    assert str(price)[:10] == level
    resting = bench.order(side, "1", at="10000" if side is BUY else "29900")
    bench.send(resting)
    before = bench.account().wallet
    bench.messages.clear()
    bench.price(alive)
    assert not [m for m in bench.messages if isinstance(m, Execution)]
    bench.price("19690" if side is BUY else "20300")
    (execution,) = [m for m in bench.messages if isinstance(m, Execution)]
    assert execution.origin is Origin.LIQUIDATION
    assert plain(execution.price) == takeover
    assert bench.account().wallet == Money.of(wallet)
    assert before - bench.account().wallet == margin
    assert bench.position().qty == Qty.of("0")
    assert bench.record(resting).cancel_reason is CancelReason.BEFORE_LIQUIDATION
    assert bench.venue.open_orders() == ()


def test_a_gap_beyond_stop_and_liquidation_loses_no_more_than_the_margin() -> None:
    bench = open_at(BUY, "50", stop="19800")
    bench.feed(bench.bar("15000", "15000", "14000", "14500"))
    assert bench.executions()[1].origin is Origin.LIQUIDATION
    assert bench.account().wallet == Money.of("99578.22")


def test_on_the_way_down_a_bar_reaches_the_stop_before_the_liquidation() -> None:
    bench = open_at(BUY, "50", stop="19800")
    bench.feed(bench.bar("20000", "20000", "14000", "14500"))
    assert bench.executions()[1].origin is Origin.STOP_LOSS
    assert bench.fills()[1] == ("sell", "1", "19800")


def test_within_a_bar_liquidation_comes_on_the_way() -> None:
    bench = open_at(BUY, "50")
    bench.feed(bench.bar("20000", "20000", "14000", "21000"))
    assert bench.executions()[1].origin is Origin.LIQUIDATION
    assert bench.position().qty == Qty.of("0")


def test_the_mark_and_not_the_last_price_liquidates() -> None:
    bench = open_at(BUY, "50")
    bench.feed(bench.mark("20000"))
    bench.feed(attrs.evolve(bench.trade("19000"), time_ms=bench.venue.now_ms()))
    assert bench.position().qty == Qty.of("1")
    bench.feed(bench.mark("19690"))
    assert bench.position().qty == Qty.of("0")


def test_a_cross_position_lives_on_the_whole_wallet() -> None:
    # wallet 5000 - 11 = 4989; A = 4989; [20000 - 4989] / [1 - 0.005 - 0.00055 x 0.98]
    # = 15011 / 0.994461 = 15094.6090394...
    bench = open_at(BUY, "50", config=CROSS, wallet="5000")
    price = bench.position().liquidation_price
    assert price is not None
    assert str(price)[:13] == "15094.6090394"
    bench.price("15095")
    assert bench.position().qty == Qty.of("1")
    bench.price("15094")
    # B = (20000 - 4989) / (1 - 0.00055) = 15019.260593..., up to the tick 15019.3;
    # loss 4980.7, fee 8.260615: 8.3 - 8.260615 is left of the rounding
    assert bench.fills()[1] == ("sell", "1", "15019.3")
    assert bench.account().wallet == Money.of("0.039385")


@pytest.mark.parametrize(
    ("side", "rate", "amount"),
    [
        (BUY, "0.0001", "2.1"),  # 1 x 21000 x 0.0001, the long pays
        (SELL, "0.0001", "-2.1"),  # and the short receives
        (BUY, "-0.0001", "-2.1"),
        (BUY, "0.5", "78.75"),  # held to the instrument's 0.00375
    ],
)
def test_funding_is_size_times_mark_times_rate(side: Side, rate: str, amount: str) -> None:
    bench = open_at(side, "10")
    bench.price("21000")
    before = bench.account().wallet
    bench.messages.clear()
    bench.feed(bench.funding(rate))
    (payment,) = [m for m in bench.messages if isinstance(m, FundingPayment)]
    assert (payment.amount, payment.mark) == (Money.of(amount), Price.of("21000"))
    assert bench.account().wallet == before - Money.of(amount)
    assert bench.venue.funding_payments(SYMBOL, ALWAYS).rows == (payment,)


def test_without_a_position_there_is_no_funding() -> None:
    bench = Bench()
    bench.feed(bench.funding("0.0001"))
    bench.price("20000")
    bench.feed(bench.funding("0.0001"))
    bench.send(bench.order(BUY, "1"))
    assert bench.venue.funding_payments(None, ALWAYS).rows == ()


def test_funding_that_the_balance_does_not_cover_comes_out_of_the_position() -> None:
    # One coin at leverage 10 costs 2009.9 + 11; 2021 leaves 0.1. Funding 20000 x 0.001 = 20:
    # 19.9 come out of the margin, and the liquidation price moves by
    # 19.9 / (1 - 0.00055) / (1 - 0.005) = 20.0110...
    bench = open_at(BUY, "10", wallet="2021")
    before = bench.position()
    bench.feed(bench.funding("0.001"))
    after = bench.position()
    assert before.initial_margin - after.initial_margin == Money.of("19.9")
    assert before.liquidation_price is not None
    assert after.liquidation_price is not None
    moved = after.liquidation_price - before.liquidation_price
    assert str(moved)[:6] == "20.011"
    bench.price("10000")
    assert bench.account().wallet.sign >= 0


def test_the_same_leverage_again_is_done_already() -> None:
    bench = Bench()
    bench.price("20000")
    assert bench.venue.set_leverage(SYMBOL, Rate.of("20")) == Done(time_ms=60_000)
    again = bench.venue.set_leverage(SYMBOL, Rate.of("20"))
    assert again == Done(time_ms=60_000, was_already=True)
    assert bench.position().leverage == Rate.of("20")


@pytest.mark.parametrize(
    ("leverage", "code"),
    [("0.5", 110013), ("101", 110013), ("10.001", 110013)],
)
def test_leverage_outside_the_instruments_range_is_refused(leverage: str, code: int) -> None:
    bench = Bench()
    answer = bench.venue.set_leverage(SYMBOL, Rate.of(leverage))
    assert isinstance(answer, Rejected)
    assert answer.code == code


def test_lower_leverage_beyond_the_margin_is_refused_and_changes_nothing() -> None:
    bench = open_at(BUY, "10", wallet="3000")
    answer = bench.venue.set_leverage(SYMBOL, Rate.of("5"))
    assert isinstance(answer, Rejected)
    assert answer.code == 110044
    assert bench.position().leverage == Rate.of("10")


def test_higher_leverage_that_would_liquidate_is_refused() -> None:
    bench = open_at(BUY, "10")
    bench.price("19500")  # at leverage 50 the liquidation price is 19698.49
    answer = bench.venue.set_leverage(SYMBOL, Rate.of("50"))
    assert isinstance(answer, Rejected)
    assert answer.code == 110011


def test_the_risk_limit_of_the_leverage_bounds_positions_and_orders_together() -> None:
    # at leverage 100 the tiers allow 2000000 (tests.domain.samples): 100 coins at 20000
    bench = Bench()
    bench.price("20000")
    bench.venue.set_leverage(SYMBOL, Rate.of("100"))
    bench.send(bench.order(BUY, "60"))
    answer = bench.refused(bench.order(BUY, "41", at="20000"))
    assert answer.code == 110090
    assert bench.send(bench.order(BUY, "20", at="19990")).status is Status.NEW


def test_a_position_in_a_higher_tier_has_that_tiers_maintenance_margin() -> None:
    # 20 x 20000 = 400000 is in the second tier: 400000 x 0.005 - 510 + 20 x 18000 x 0.00055
    bench = Bench()
    bench.price("20000")
    bench.send(bench.order(BUY, "20"))
    assert bench.position().maintenance_margin == Money.of("1688")


def test_positions_of_two_symbols_share_a_cross_wallet() -> None:
    other = attrs.evolve(ROUND, symbol=OTHER)
    bench = Bench(config=CROSS, instruments=[ROUND, other], wallet=Money.of("1500"))
    bench.price("20000")
    bench.feed(attrs.evolve(bench.trade("20000"), symbol=OTHER))
    for symbol in (ROUND.symbol, other.symbol):
        bench.venue.set_leverage(symbol, Rate.of("50"))
        bench.send(bench.order(BUY, "1", symbol=symbol))
    alone = bench.position().liquidation_price
    bench.feed(attrs.evolve(bench.trade("19500"), symbol=OTHER))
    worse = bench.position().liquidation_price
    assert alone is not None
    assert worse is not None
    assert worse > alone
    # ETH falls until the account is gone: that symbol's position goes, the other survives it.
    bench.feed(attrs.evolve(bench.trade("18700"), symbol=OTHER))
    assert [report.symbol for report in bench.venue.positions()] == [SYMBOL]


def test_a_liquidation_is_reported_as_the_venues_own_order() -> None:
    bench = open_at(BUY, "50")
    bench.messages.clear()
    bench.price("19000")
    (order,) = [
        m for m in bench.messages if isinstance(m, OrderReport) and m.status is Status.FILLED
    ]
    assert (order.origin, order.client_id) == (Origin.LIQUIDATION, None)


def test_a_new_position_does_not_inherit_what_funding_took_from_the_last_one() -> None:
    bench = open_at(BUY, "10", wallet="2021")
    bench.feed(bench.funding("0.001"))
    bench.send(bench.order(SELL, "1", reduce_only=True))
    bench.send(bench.order(BUY, "0.5"))
    # 0.5 x 20000 / 10 + 0.5 x 18000 x 0.00055
    assert bench.position().initial_margin == Money.of("1004.95")
