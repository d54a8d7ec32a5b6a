"""Executions, positions, wallets, instruments, prices and records mean what the venue says."""

import pytest
from tidegate.adapters.bybit.wire.executions import execution_or_funding, execution_sort_key
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.adapters.bybit.wire.instruments import fee_rates, instrument, risk_tiers
from tidegate.adapters.bybit.wire.markets import bar_of_row, bar_of_stream, level, ticker
from tidegate.adapters.bybit.wire.positions import position_report
from tidegate.adapters.bybit.wire.records import api_key, closed_pnl, log_entry
from tidegate.adapters.bybit.wire.wallets import account_report, margin_mode
from tidegate.domain.instrument import FeeRates, InstrumentStatus
from tidegate.domain.money import ZERO_QTY, Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, VenueOrderId
from tidegate.domain.reports import (
    AccountReport,
    Bar,
    Execution,
    FundingPayment,
    MarginMode,
    Origin,
    PositionReport,
    Ticker,
)

from tests.domain.samples import BTCUSDT
from tests.domain.samples import TIERS as DOMAIN_TIERS

from .rows import (
    EXECUTION,
    FUNDING,
    INSTRUMENT,
    LOG,
    PNL,
    POSITION,
    QUERY_API,
    TICKER,
    TIERS,
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


def test_an_instrument_is_read_in_full() -> None:
    assert instrument(INSTRUMENT, tiers=risk_tiers(TIERS)) == BTCUSDT


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PreLaunch", InstrumentStatus.PRE_LAUNCH),
        ("Delivering", InstrumentStatus.REDUCE_ONLY),
        ("Closed", InstrumentStatus.CLOSED),
    ],
)
def test_whether_a_symbol_trades(word: str, status: InstrumentStatus) -> None:
    assert instrument({**INSTRUMENT, "status": word}, tiers=DOMAIN_TIERS).status is status


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contractType", "LinearFutures"),
        ("settleCoin", "USDC"),
        ("status", "SomethingNew"),
        ("fundingInterval", 0),
        ("lotSizeFilter", None),
    ],
)
def test_what_is_no_usdt_perpetual_is_unreadable(field: str, value: object) -> None:
    with pytest.raises(Unreadable) as unreadable:
        instrument({**INSTRUMENT, field: value}, tiers=DOMAIN_TIERS)
    assert unreadable.value.field == field


def test_a_grid_of_zero_is_unreadable() -> None:
    price = {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0"}
    with pytest.raises(Unreadable, match="tick is 0"):
        instrument({**INSTRUMENT, "priceFilter": price}, tiers=DOMAIN_TIERS)


def test_tiers_are_sorted_whatever_order_they_come_in() -> None:
    assert risk_tiers(TIERS) == DOMAIN_TIERS
    assert risk_tiers(TIERS[::-1]) == DOMAIN_TIERS


def test_tiers_in_per_cent_are_the_same_tiers() -> None:
    in_per_cent = [
        {
            **row,
            "maintenanceMargin": str(Rate.of(str(row["maintenanceMargin"])) * Rate.of(100)),
            "initialMargin": str(Rate.of(str(row["initialMargin"])) * Rate.of(100)),
        }
        for row in TIERS
    ]
    assert risk_tiers(in_per_cent) == DOMAIN_TIERS


def test_tiers_may_be_written_as_numbers() -> None:
    rows = [{**TIERS[1], "maintenanceMargin": 0.33, "initialMargin": 0.66}]
    assert risk_tiers(rows) == DOMAIN_TIERS[:1]
    rows = [{**TIERS[2], "initialMargin": 1}]
    assert risk_tiers(rows) == DOMAIN_TIERS[3:]


@pytest.mark.parametrize(
    "change",
    [
        {"initialMargin": "0.2"},
        {"maintenanceMargin": "0.0066"},
        {"maintenanceMargin": "0"},
        {"maxLeverage": ""},
        {"initialMargin": float("nan")},
        {"initialMargin": True},
    ],
)
def test_a_tier_that_contradicts_itself_is_unreadable(change: Json) -> None:
    with pytest.raises(Unreadable):
        risk_tiers([{**TIERS[1], **change}])
    with pytest.raises(Unreadable):
        risk_tiers([])


def test_fee_rates_are_read() -> None:
    row = {"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "-0.0001"}
    assert fee_rates(row) == FeeRates(taker=Rate.of("0.00055"), maker=Rate.of("-0.0001"))


def test_a_ticker_is_read_in_full() -> None:
    assert ticker(TICKER, time_ms=9) == Ticker(
        symbol=BTC,
        last=Price.of("95901.50"),
        mark=Price.of("95901.48"),
        index=Price.of("95890.1"),
        bid=Price.of("95901.40"),
        ask=Price.of("95901.50"),
        bid_size=Qty.of("6.325"),
        ask_size=Qty.of("0.1"),
        time_ms=9,
    )


@pytest.mark.parametrize("name", ["lastPrice", "markPrice", "bid1Price", "ask1Price"])
@pytest.mark.parametrize("nothing", ["", "0"])
def test_a_ticker_without_a_price_is_unreadable(name: str, nothing: str) -> None:
    with pytest.raises(Unreadable, match=name):
        ticker({**TICKER, name: nothing}, time_ms=9)


def test_a_level_of_zero_deletes() -> None:
    assert level(["16493.50", "0.006"]) == (Price.of("16493.50"), Qty.of("0.006"))
    assert level(["16493.50", "0"])[1] == ZERO_QTY
    for bad in (["16493.50"], ["0", "1"], ["1", "-1"], [1, 2], "ab", None):
        with pytest.raises(Unreadable):
            level(bad)


BAR = Bar(
    symbol=BTC,
    start_ms=1_670_608_800_000,
    end_ms=1_670_612_400_000,
    open=Price.of("17071"),
    high=Price.of("17073"),
    low=Price.of("17027"),
    close=Price.of("17055.5"),
    volume=Qty.of("268611"),
)


def test_a_bar_is_the_same_from_rest_and_from_the_stream() -> None:
    row = ["1670608800000", "17071", "17073", "17027", "17055.5", "268611", "15.74462667"]
    assert bar_of_row(BTC, row, span_ms=3_600_000) == BAR
    pushed = {
        "start": 1670608800000,
        "end": 1670612399999,
        "interval": "60",
        "open": "17071",
        "close": "17055.5",
        "high": "17073",
        "low": "17027",
        "volume": "268611",
        "turnover": "15.74462667",
        "confirm": False,
        "timestamp": 1670612399999,
    }
    assert bar_of_stream(BTC, pushed) == (BAR, False)
    assert bar_of_stream(BTC, {**pushed, "confirm": True}) == (BAR, True)


@pytest.mark.parametrize("change", [{"high": "17000"}, {"low": "17060"}, {"end": 1}])
def test_a_bar_that_contradicts_itself_is_unreadable(change: Json) -> None:
    pushed: Json = {
        "start": 10,
        "end": 19,
        "open": "17071",
        "close": "17055.5",
        "high": "17073",
        "low": "17027",
        "volume": "1",
        "confirm": True,
    }
    assert bar_of_stream(BTC, pushed)[1]
    with pytest.raises(Unreadable):
        bar_of_stream(BTC, {**pushed, **change})


def test_a_closed_profit_is_read() -> None:
    record = closed_pnl(PNL)
    assert (record.side, record.qty) == (Side.SELL, Qty.of(3))
    assert (record.profit, record.open_fee) == (Money.of("-47.4065001"), Money.of("2.15"))


def test_funding_in_the_log_has_the_opposite_sign() -> None:
    entry = log_entry(LOG)
    assert (entry.kind, entry.funding) == ("SETTLEMENT", Money.of("-0.003676"))
    assert entry.change == entry.cash_flow + entry.funding - entry.fee


def test_what_a_key_may_do_is_read() -> None:
    key = api_key(QUERY_API)
    assert (key.is_read_only, key.may_order, key.may_move_positions) == (False, True, True)
    assert key.may_withdraw
    assert key.is_unified
    assert key.bound_ips == ()
    assert "XXXXXX" not in repr(key)
    with pytest.raises(Unreadable, match="ContractTrade"):
        api_key({**QUERY_API, "permissions": {"ContractTrade": "Order"}})
