"""What a wire may do with the account, and what the venue decides by itself."""

from pathlib import Path

import attrs
import pytest
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import ZERO_MONEY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, TriggerBy
from tidegate.domain.reports import (
    AccountReport,
    CancelReason,
    MarginMode,
    Origin,
    RejectReason,
)
from tidegate.ports.exchange import Accepted, Done, PositionStop, Rejected

from tests.domain.samples import BTCUSDT

from .bench import SYMBOL, WIDE, Bench, plain

BUY, SELL = Side.BUY, Side.SELL
CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED


def holding(qty: str = "1", *, leverage: str = "50", wallet: str = "1000") -> Bench:
    bench = Bench(wallet=Money.of(wallet))
    bench.price("20000")
    bench.venue.set_leverage(SYMBOL, Rate.of(leverage))
    bench.send(bench.order(BUY, qty))
    return bench


def refused(outcome: Done | Accepted | Rejected) -> tuple[int | None, RejectReason, str]:
    assert isinstance(outcome, Rejected), outcome
    return outcome.code, outcome.reason, outcome.message


# Margin mode


def test_the_margin_mode_of_a_flat_account_can_be_set_and_is_kept(tmp_path: Path) -> None:
    bench = Bench(path=tmp_path / "paper.db")
    bench.price("20000")
    bench.messages.clear()
    assert bench.venue.set_margin_mode(CROSS) == Done(time_ms=bench.venue.now_ms())
    assert [m.margin_mode for m in bench.messages if isinstance(m, AccountReport)] == [CROSS]
    again = bench.venue.set_margin_mode(CROSS)
    assert isinstance(again, Done)
    assert again.was_already
    bench.reopen()
    assert bench.account().margin_mode is CROSS
    assert bench.account().maintenance_margin_rate is not None
    bench.venue.close()


def test_the_margin_mode_stays_while_there_is_an_order_or_a_position() -> None:
    bench = holding("0.1")
    code, reason, text = refused(bench.venue.set_margin_mode(CROSS))
    assert (code, reason) == (3400045, RejectReason.OTHER)
    assert "every position must be closed" in text
    bench.send(bench.order(SELL, "0.1", reduce_only=True))
    order = bench.order(BUY, "0.01", at="19000")
    bench.send(order)
    refused(bench.venue.set_margin_mode(CROSS))
    bench.venue.cancel(SYMBOL, order.client_id)
    assert isinstance(bench.venue.set_margin_mode(CROSS), Done)


# Margin of a position


def test_added_margin_moves_the_liquidation_away_and_comes_back() -> None:
    # 19600 = 20000 x (1 - 1/50); X / (1 - 0.00055) of 199.89 is 200; the lowest tier has 0.33 %.
    bench = holding()
    before, available = bench.position(), bench.account().available
    assert isinstance(bench.venue.add_margin(SYMBOL, Money.of("199.89")), Done)
    after = bench.position()
    assert after.liquidation_price == Money.of("19400") / Qty.of("0.9967")
    assert after.initial_margin - before.initial_margin == Money.of("199.89")
    assert available - bench.account().available == Money.of("199.89")
    assert isinstance(bench.venue.add_margin(SYMBOL, Money.of("-199.89")), Done)
    assert attrs.evolve(bench.position(), sequence=0) == attrs.evolve(before, sequence=0)


def test_no_more_margin_is_added_than_there_is_nor_taken_than_was_added() -> None:
    bench = holding()
    available = bench.account().available
    more = available + Money.of("0.0001")
    assert refused(bench.venue.add_margin(SYMBOL, more))[:2] == (
        110014,
        RejectReason.INSUFFICIENT_MARGIN,
    )
    bench.venue.add_margin(SYMBOL, Money.of("10"))
    assert isinstance(bench.venue.add_margin(SYMBOL, bench.account().available), Done)
    assert bench.account().available == ZERO_MONEY
    bench.venue.add_margin(SYMBOL, Money.of("10") - available)
    code, _, text = refused(bench.venue.add_margin(SYMBOL, Money.of("-10.0001")))
    assert code == 110051
    assert "10.0001 USDT to take back; 10" in text


def test_margin_that_keeps_a_position_alive_stays() -> None:
    bench = holding()
    bench.venue.add_margin(SYMBOL, Money.of("200"))
    bench.price("19600")
    code, reason, text = refused(bench.venue.add_margin(SYMBOL, Money.of("-200")))
    assert (code, reason) == (110011, RejectReason.RISK_LIMIT)
    assert "would be liquidated" in text
    assert bench.position().qty == Qty.of("1")


def test_margin_is_added_to_an_isolated_position_alone() -> None:
    bench = Bench()
    bench.price("20000")
    assert refused(bench.venue.add_margin(SYMBOL, Money.of("1")))[0] == 110033
    bench.venue.set_margin_mode(CROSS)
    assert refused(bench.venue.add_margin(SYMBOL, Money.of("1")))[0] == 110015
    assert refused(bench.venue.set_auto_add_margin(SYMBOL, on=True))[0] == 110076


def test_margin_is_added_before_a_liquidation_until_nothing_is_left() -> None:
    # IM = 400 + 19600 x 0.00055 = 410.78; available = 1000 - 11 - 410.78 = 578.22.
    bench = holding()
    assert isinstance(bench.venue.set_auto_add_margin(SYMBOL, on=True), Done)
    assert bench.venue.auto_add_margin(SYMBOL)
    bench.price("19660")
    assert plain(bench.account().available) == "167.44"
    bench.price("19250")
    assert bench.account().available == ZERO_MONEY
    assert bench.position().qty == Qty.of("1")
    bench.price("19000")
    # B = 19600 - 578.22 / 0.99945 = 19021.46, on the grid toward the entry 19021.5.
    assert bench.fills()[-1] == ("sell", "1", "19021.5")
    assert plain(bench.account().wallet) == "0.038175"


def test_without_the_choice_no_margin_is_added() -> None:
    bench = holding()
    bench.price("19660")
    assert bench.fills()[-1] == ("sell", "1", "19600")


def test_the_choice_is_kept_and_the_same_one_again_is_done_already(tmp_path: Path) -> None:
    bench = Bench(path=tmp_path / "paper.db")
    bench.venue.set_auto_add_margin(SYMBOL, on=True)
    again = bench.venue.set_auto_add_margin(SYMBOL, on=True)
    assert isinstance(again, Done)
    assert again.was_already
    bench.reopen()
    assert bench.venue.auto_add_margin(SYMBOL)
    bench.venue.close()


# Wallet and leverage


def test_demo_funds_come_and_go_as_far_as_they_are_free() -> None:
    bench = holding(wallet="1000")
    free = bench.account().available
    bench.venue.adjust_wallet(Money.of("250.5"))
    assert bench.account().available - free == Money.of("250.5")
    code, _, text = refused(bench.venue.adjust_wallet(-(free + Money.of("250.6"))))
    assert code == 110004
    assert "is available" in text
    assert isinstance(bench.venue.adjust_wallet(-(free + Money.of("250.5"))), Done)
    assert bench.account().available == ZERO_MONEY
    nothing = bench.venue.adjust_wallet(ZERO_MONEY)
    assert isinstance(nothing, Done)
    assert nothing.was_already


def test_leverage_is_known_before_any_price() -> None:
    bench = Bench()
    assert bench.venue.leverage(SYMBOL) == Rate.of("10")
    bench.venue.set_leverage(SYMBOL, Rate.of("7"))
    assert bench.venue.leverage(SYMBOL) == Rate.of("7")


# The index


def test_the_index_is_the_mark_until_it_is_set_and_then_fires_triggers_of_its_own() -> None:
    bench = Bench()
    bench.price("20000")
    order = bench.order(BUY, "1", trigger="21000", by=TriggerBy.INDEX)
    other = bench.order(BUY, "1", trigger="21000", by=TriggerBy.MARK)
    bench.send(order)
    bench.send(other)
    assert bench.venue.ticker(SYMBOL).index == Price.of("20000")
    bench.venue.set_index(SYMBOL, Price.of("21000"))
    assert bench.status(order) is Status.FILLED
    assert bench.status(other) is Status.UNTRIGGERED
    ticker = bench.venue.ticker(SYMBOL)
    assert (ticker.index, ticker.mark) == (Price.of("21000"), Price.of("20000"))


def test_a_bar_on_its_way_does_not_fire_what_waits_for_an_index_that_was_set() -> None:
    bench = Bench()
    bench.price("20000")
    bench.venue.set_index(SYMBOL, Price.of("20000"))
    order = bench.order(BUY, "1", trigger="20500", by=TriggerBy.INDEX)
    bench.send(order)
    bench.feed(bench.bar("20000", "21000", "20000", "20900"))
    assert bench.status(order) is Status.UNTRIGGERED


def test_the_price_limit_follows_the_index_within_the_wider_band() -> None:
    # M = 20000: near 20200 and 19800, far 20400 and 19600.
    bench = Bench(instruments=(BTCUSDT,))
    bench.price("20000")
    for index, side, at, is_taken in (
        ("20300", BUY, "20300", True),
        ("20300", BUY, "20300.1", False),
        ("20300", SELL, "19800", True),
        ("20300", SELL, "19799.9", False),
        ("20900", BUY, "20400", True),
        ("20900", BUY, "20400.1", False),
        ("19700", SELL, "19700", True),
        ("19700", SELL, "19699.9", False),
        ("19000", SELL, "19600", True),
        ("19000", SELL, "19599.9", False),
    ):
        bench.venue.set_index(SYMBOL, Price.of(index))
        outcome = bench.venue.submit(bench.order(side, "0.1", at=at))
        assert isinstance(outcome, Accepted) is is_taken, (index, side, at, outcome)


@pytest.mark.parametrize(
    ("symbol", "price", "text"),
    [
        ("ETHUSDT", "1", "ETHUSDT is not traded here; BTCUSDT is"),
        ("BTCUSDT", "0", "index price 0 of BTCUSDT: it must be above zero"),
        ("BTCUSDT", "1", "BTCUSDT has no price yet"),
    ],
)
def test_an_index_that_means_nothing_is_an_error_and_harms_nobody(
    symbol: str, price: str, text: str
) -> None:
    bench = Bench()
    with pytest.raises(ValueError, match=text):
        bench.venue.set_index(Symbol(symbol), Price.of(price))
    bench.price("20000")


# Specifications


def test_a_symbol_that_only_reduces_loses_what_could_open() -> None:
    bench = holding()
    opening = bench.order(BUY, "0.01", at="19000")
    closing = bench.order(SELL, "0.5", at="21000", reduce_only=True)
    bench.send(opening)
    bench.send(closing)
    bench.venue.set_instrument(attrs.evolve(WIDE, status=InstrumentStatus.REDUCE_ONLY))
    assert bench.record(opening).cancel_reason is CancelReason.BY_VENUE
    assert bench.status(closing) is Status.NEW
    assert bench.refused(bench.order(BUY, "0.01")).code == 30228
    bench.send(bench.order(SELL, "0.1", reduce_only=True))


def test_a_symbol_that_closes_is_settled_at_the_mark_for_no_fee() -> None:
    bench = holding()
    bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, stop_loss=Price.of("19900")))
    closing = bench.order(SELL, "0.5", at="21000", reduce_only=True)
    bench.send(closing)
    bench.feed(bench.mark("20010"))
    bench.venue.set_instrument(attrs.evolve(WIDE, status=InstrumentStatus.CLOSED))
    last = bench.executions()[-1]
    assert (plain(last.qty), plain(last.price), last.origin) == ("1", "20010", Origin.SETTLEMENT)
    assert last.fee == ZERO_MONEY
    assert bench.venue.open_orders() == ()
    assert bench.record(closing).cancel_reason is CancelReason.BY_VENUE
    assert plain(bench.account().wallet) == "999"
    assert bench.refused(bench.order(BUY, "0.01")).reason is RejectReason.TRADING_HALTED


def test_a_changed_grid_holds_for_new_orders_and_is_kept(tmp_path: Path) -> None:
    bench = Bench(path=tmp_path / "paper.db")
    bench.price("20000")
    old = bench.order(BUY, "1", at="19000.1")
    bench.send(old)
    bench.venue.set_instrument(attrs.evolve(WIDE, tick=Distance.of("0.5")))
    assert bench.refused(bench.order(BUY, "1", at="19000.1")).reason is RejectReason.OFF_GRID
    assert bench.status(old) is Status.NEW
    bench.reopen()
    assert bench.venue.instrument(SYMBOL).tick == Distance.of("0.5")
    assert bench.refused(bench.order(BUY, "1", at="19000.1")).reason is RejectReason.OFF_GRID
    bench.venue.close()


def test_leverage_above_a_new_maximum_is_lowered_to_it() -> None:
    bench = Bench()
    bench.venue.set_leverage(SYMBOL, Rate.of("50"))
    bench.venue.set_instrument(attrs.evolve(WIDE, leverage_max=Rate.of("25")))
    assert bench.venue.leverage(SYMBOL) == Rate.of("25")


def test_a_symbol_that_is_not_traded_here_cannot_be_respecified() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="ETHUSDT is not traded here; BTCUSDT is"):
        bench.venue.set_instrument(attrs.evolve(WIDE, symbol=Symbol("ETHUSDT")))
    bench.price("20000")


# Forced closes


def test_deleveraging_closes_a_part_at_the_venues_price_for_the_taker_fee() -> None:
    bench = holding()
    bench.venue.set_position_stop(PositionStop(symbol=SYMBOL, stop_loss=Price.of("19800")))
    outcome = bench.venue.force_close(
        SYMBOL, Qty.of("0.4"), Price.of("20500"), Origin.AUTO_DELEVERAGING
    )
    assert isinstance(outcome, Accepted)
    last = bench.executions()[-1]
    assert (last.origin, last.venue_id, last.client_id) == (
        Origin.AUTO_DELEVERAGING,
        outcome.venue_id,
        None,
    )
    assert bench.fills()[-1] == ("sell", "0.4", "20500")
    assert plain(last.fee) == "4.51"
    assert plain(bench.legs()[Origin.STOP_LOSS].qty) == "0.6"
    assert plain(bench.account().wallet) == "1184.49"


@pytest.mark.parametrize("qty", ["1.001", "0.0005"])
def test_more_than_the_position_cannot_be_closed(qty: str) -> None:
    bench = holding()
    outcome = bench.venue.force_close(SYMBOL, Qty.of(qty), Price.of("20000"), Origin.LIQUIDATION)
    code, _, text = refused(outcome)
    assert code == 10001
    assert "a multiple of 0.001 up to 1" in text


def test_nothing_is_closed_without_a_position() -> None:
    bench = Bench()
    outcome = bench.venue.force_close(SYMBOL, Qty.of("1"), Price.of("20000"), Origin.LIQUIDATION)
    assert refused(outcome)[1] is RejectReason.NO_POSITION


@pytest.mark.parametrize(
    ("qty", "price", "origin", "text"),
    [
        ("1", "20000", Origin.USER, "origin user of a forced close: liquidation, auto_delev"),
        ("0", "20000", Origin.LIQUIDATION, "both must be above zero"),
        ("1", "0", Origin.LIQUIDATION, "both must be above zero"),
    ],
)
def test_a_forced_close_that_no_venue_does_is_an_error(
    qty: str, price: str, origin: Origin, text: str
) -> None:
    bench = holding()
    with pytest.raises(ValueError, match=text):
        bench.venue.force_close(SYMBOL, Qty.of(qty), Price.of(price), origin)
    assert bench.position().qty == Qty.of("1")
