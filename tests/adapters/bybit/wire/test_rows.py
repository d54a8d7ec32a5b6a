"""Executions, positions and wallets mean what the venue says."""

import pytest
from tidegate.adapters.bybit.wire.executions import execution_or_funding, execution_sort_key
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.adapters.bybit.wire.positions import position_report
from tidegate.adapters.bybit.wire.wallets import account_report, margin_mode
from tidegate.domain.money import ZERO_QTY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    MarginMode,
    Origin,
    PositionReport,
)

from .rows import (
    EXECUTION,
    FUNDING,
    POSITION,
    WALLET,
    Json,
)

BTC = Symbol("BTCUSDT")


def test_an_execution_is_read_in_full() -> None:
    assert execution_or_funding(EXECUTION) == Execution(
        execution_id="2100000000007764263",
        symbol=Symbol("ETHUSDT"),
        venue_id=VenueOrderId("fd4300ae-7847-404e-b947-b46980a4d140"),
        client_id=None,
        side=Side.BUY,
        qty=Qty.of("0.1"),
        price=Price.of("1234.98"),
        fee=Money.of("0.0679239"),
        is_maker=False,
        time_ms=1_672_282_722_429,
    )


@pytest.mark.parametrize(
    ("exec_type", "create_type", "origin"),
    [
        ("Trade", "CreateByUser", Origin.USER),
        ("Trade", "CreateByStopLoss", Origin.STOP_LOSS),
        ("Trade", "CreateByLiq", Origin.LIQUIDATION),
        ("BustTrade", "CreateByTakeOver_PassThrough", Origin.LIQUIDATION),
        ("BustTrade", "", Origin.LIQUIDATION),
        ("AdlTrade", "CreateByAdl_PassThrough", Origin.AUTO_DELEVERAGING),
        ("Settle", "CreateBySettle", Origin.SETTLEMENT),
        ("Delivery", "", Origin.SETTLEMENT),
        ("MovePosition", "CreateByUser", Origin.OTHER),
        ("CorporateAction", "", Origin.OTHER),
    ],
)
def test_what_an_execution_comes_from(exec_type: str, create_type: str, origin: Origin) -> None:
    row = {**EXECUTION, "execType": exec_type, "createType": create_type}
    read = execution_or_funding(row)
    assert isinstance(read, Execution)
    assert read.origin is origin


def test_a_rebate_is_a_negative_fee() -> None:
    read = execution_or_funding({**EXECUTION, "execFee": "-0.01", "isMaker": True})
    assert isinstance(read, Execution)
    assert (read.fee, read.is_maker) == (Money.of("-0.01"), True)


@pytest.mark.parametrize(
    ("fee", "rate", "qty"),
    [
        ("0.00867", "0.0001", "1"),
        ("-0.00867", "0.0001", "-1"),
        ("-0.00867", "-0.0001", "1"),
        ("0.00867", "-0.0001", "-1"),
        ("0.00867", "0", "-1"),
        ("0", "0.0001", "-1"),
    ],
)
def test_who_pays_funding_tells_the_direction(fee: str, rate: str, qty: str) -> None:
    """A long pays a positive rate; where either is zero the row's side (Sell here) decides."""
    row = {**FUNDING, "execFee": fee, "feeRate": rate}
    assert execution_or_funding(row) == FundingPayment(
        payment_id="funding-1",
        symbol=Symbol("ETHUSDT"),
        rate=Rate.of(rate),
        mark=Price.of("86.7"),
        qty=Qty.of(qty),
        amount=Money.of(fee),
        time_ms=1_672_282_722_429,
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("execType", "SomethingNew"), ("execQty", "0"), ("execPrice", "0"), ("execFee", "")],
)
def test_an_execution_that_cannot_be_booked_is_unreadable(field: str, value: str) -> None:
    with pytest.raises(Unreadable) as unreadable:
        execution_or_funding({**EXECUTION, field: value})
    assert unreadable.value.field == field


def test_rows_of_one_millisecond_are_ordered_by_sequence() -> None:
    rows = [{**EXECUTION, "seq": 9}, {**EXECUTION, "seq": 7}, {**EXECUTION, "execTime": "5"}]
    assert [row["seq"] for row in sorted(rows, key=execution_sort_key)] == [1688117, 7, 9]


def test_a_position_is_read_in_full() -> None:
    assert position_report(POSITION, time_ms=1_700_000_000_000) == PositionReport(
        symbol=Symbol("SOLUSDT"),
        qty=Qty.of("1.2"),
        entry_price=Price.of("64.59947917"),
        mark=Price.of("71.1"),
        leverage=Rate.of(6),
        liquidation_price=None,
        stop_loss=Price.of("60.5"),
        take_profit=None,
        trailing_distance=None,
        initial_margin=Money.of("12.95542633"),
        maintenance_margin=Money.of("0.81072399"),
        unrealised=Money.of("7.800625"),
        auto_add_margin=False,
        sequence=5_723_621_632,
        time_ms=1_700_000_000_000,
    )


def test_the_stream_calls_the_average_price_by_another_name() -> None:
    row = {("entryPrice" if name == "avgPrice" else name): v for name, v in POSITION.items()}
    assert position_report(row, time_ms=0) == position_report(POSITION, time_ms=0)


def test_a_short_is_negative() -> None:
    assert position_report({**POSITION, "side": "Sell"}, time_ms=0).qty == Qty.of("-1.2")


def test_a_flat_position_has_no_side_and_no_entry() -> None:
    row = {
        **POSITION,
        "side": "",
        "size": "0",
        "avgPrice": "0",
        "liqPrice": "0",
        "positionIM": "",
        "positionMM": "",
        "unrealisedPnl": "",
        "trailingStop": "12.5",
        "updatedTime": "",
        "seq": -1,
    }
    report = position_report(row, time_ms=7)
    assert (report.qty, report.entry_price) == (ZERO_QTY, None)
    assert report.liquidation_price is None
    assert report.initial_margin == Money.of(0)
    assert report.trailing_distance == Distance.of("12.5")
    assert (report.sequence, report.time_ms) == (-1, 7)


@pytest.mark.parametrize(
    ("field", "value"),
    [("side", ""), ("positionIdx", 2), ("leverage", ""), ("leverage", "0"), ("markPrice", "")],
)
def test_a_position_that_contradicts_itself_is_unreadable(field: str, value: object) -> None:
    with pytest.raises(Unreadable) as unreadable:
        position_report({**POSITION, field: value}, time_ms=0)
    assert unreadable.value.field == field


def test_balances_in_cross_margin_are_the_account_s() -> None:
    assert account_report(WALLET, mode=MarginMode.CROSS, time_ms=5) == AccountReport(
        wallet=Money.of("1000.25"),
        equity=Money.of("1010.5"),
        available=Money.of("989.6"),
        initial_margin_rate=Rate.of("0.0207"),
        maintenance_margin_rate=Rate.of("0.0021"),
        margin_mode=MarginMode.CROSS,
        time_ms=5,
    )


def test_balances_in_isolated_margin_are_the_coin_s() -> None:
    """1000.25 - 12.5 - 7.25 - 3 - 1.5 = 976."""
    row = {**WALLET, "accountIMRate": "", "accountMMRate": "", "totalAvailableBalance": ""}
    report = account_report(row, mode=MarginMode.ISOLATED, time_ms=5)
    assert report is not None
    assert report.available == Money.of(976)
    assert (report.initial_margin_rate, report.maintenance_margin_rate) == (None, None)


def test_available_dollars_are_turned_into_usdt_and_rounded_down() -> None:
    """1010.5 USDT are worth 1011; 989.6 / 1011 x 1010.5 = 989.11058..."""
    usdt = {**_coins()[1], "usdValue": "1011"}
    report = account_report({**WALLET, "coin": [usdt]}, mode=MarginMode.CROSS, time_ms=5)
    assert report is not None
    assert report.available == Money.of("989.11058358")


def _coins() -> list[Json]:
    coins = WALLET["coin"]
    assert isinstance(coins, list)
    return coins


def test_a_wallet_without_usdt_tells_nothing() -> None:
    row = {**WALLET, "coin": _coins()[:1]}
    assert account_report(row, mode=MarginMode.CROSS, time_ms=5) is None


def test_margin_modes_are_a_closed_set() -> None:
    assert margin_mode({"marginMode": "REGULAR_MARGIN"}) is MarginMode.CROSS
    assert margin_mode({"marginMode": "ISOLATED_MARGIN"}) is MarginMode.ISOLATED
    with pytest.raises(Unreadable, match="PORTFOLIO_MARGIN"):
        margin_mode({"marginMode": "PORTFOLIO_MARGIN"})
