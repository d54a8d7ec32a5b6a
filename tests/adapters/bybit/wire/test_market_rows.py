"""Instruments, tiers, prices, bars and records mean what the venue says."""

import pytest
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.adapters.bybit.wire.instruments import fee_rates, instrument, risk_tiers
from tidegate.adapters.bybit.wire.markets import bar_of_row, bar_of_stream, level, ticker
from tidegate.adapters.bybit.wire.records import account_change, api_key, closed_profit
from tidegate.domain.instrument import FeeRates, InstrumentStatus
from tidegate.domain.money import ZERO_QTY, Money, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.records import ChangeKind
from tidegate.domain.reports import (
    Bar,
    Ticker,
)

from tests.domain.samples import BTCUSDT
from tests.domain.samples import TIERS as DOMAIN_TIERS

from .rows import (
    INSTRUMENT,
    LOG,
    PNL,
    QUERY_API,
    TICKER,
    TIERS,
    Json,
)

BTC = Symbol("BTCUSDT")


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
    record = closed_profit(PNL)
    assert (record.side, record.qty) == (Side.SELL, Qty.of(3))
    assert (record.profit, record.open_fee) == (Money.of("-47.4065001"), Money.of("2.15"))


def test_funding_in_the_log_has_the_opposite_sign() -> None:
    entry = account_change(LOG)
    assert (entry.kind, entry.word) == (ChangeKind.FUNDING, "SETTLEMENT")
    assert entry.funding == Money.of("-0.003676")
    assert entry.change == entry.cash_flow + entry.funding - entry.fee


def test_a_change_of_a_kind_that_is_new_is_kept_under_its_own_name() -> None:
    entry = account_change({**LOG, "type": "FEE_REFUND", "symbol": "", "tradeId": ""})
    assert (entry.kind, entry.word) == (ChangeKind.OTHER, "FEE_REFUND")
    assert (entry.symbol, entry.execution_id) == (None, None)


def test_what_a_key_may_do_is_read() -> None:
    key = api_key(QUERY_API)
    assert (key.is_read_only, key.may_order, key.may_move_positions) == (False, True, True)
    assert key.may_withdraw
    assert key.is_unified
    assert key.bound_ips == ()
    assert "XXXXXX" not in repr(key)
    with pytest.raises(Unreadable, match="ContractTrade"):
        api_key({**QUERY_API, "permissions": {"ContractTrade": "Order"}})
