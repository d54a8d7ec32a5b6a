"""Rules about the desk, the symbol and what happened before: each at, below and above its limit.

Every case starts from a plan that all rules let through. Times are relative to the same moment.
"""

import attrs
import pytest
from tidegate.domain.equity import AT_OPENING, BY_LEDGER, Anchor, EquitySource
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.mode import VENUES_OF, TradingMode, TradingState, VenueKind
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.risk.queries import overview
from tidegate.domain.risk.verdict import Breach, Missing, Passed, Rule

from .cases import BASE, BTC, ETH, INSTRUMENT, NOW_MS, SOL, Row, check, money, price, rate

LOCK_MS = 86_400_000


def four_others(*more: Symbol) -> frozenset[Symbol]:
    return frozenset({ETH, SOL, Symbol("XRPUSDT"), Symbol("ADAUSDT"), *more})


ROWS = [
    Row(Rule.PANIC, ({},), {"is_panicked": True}, "panic", "no panic"),
    Row(
        Rule.TRADING_STATE,
        ({"trading_state": TradingState.ACTIVE},),
        {"trading_state": TradingState.REDUCING},
        "REDUCING",
        "ACTIVE",
    ),
    Row(Rule.TRADING_STATE, (), {"trading_state": TradingState.HALTED}, "HALTED", "ACTIVE"),
    Row(
        Rule.TRADING_MODE,
        ({"mode": TradingMode.PAPER, "venue": VenueKind.MEMORY},),
        {"mode": TradingMode.PAPER, "venue": VenueKind.BYBIT_MAINNET},
        "mode paper on bybit mainnet",
        "mode paper on memory or paper",
    ),
    Row(
        Rule.SYMBOL_ALLOWED,
        ({"symbols_allowed": None}, {"symbols_allowed": frozenset({BTC, ETH})}),
        {"symbols_allowed": frozenset({SOL, ETH})},
        "BTCUSDT",
        "ETHUSDT, SOLUSDT",
    ),
    Row(Rule.SYMBOL_ALLOWED, (), {"symbols_allowed": frozenset()}, "BTCUSDT", "no symbol"),
    # A price may be 5 s old and, for clocks that differ, 1 s ahead.
    Row(
        Rule.MARKET_FRESH,
        ({"market_time_ms": NOW_MS - 4_999}, {"market_time_ms": NOW_MS - 5_000}),
        {"market_time_ms": NOW_MS - 5_001},
        "5.001 s old",
        "5 s",
    ),
    Row(
        Rule.MARKET_FRESH,
        ({"market_time_ms": NOW_MS + 999}, {"market_time_ms": NOW_MS + 1_000}),
        {"market_time_ms": NOW_MS + 1_001},
        "1.001 s ahead of this clock",
        "1 s ahead",
    ),
    Row(
        Rule.STREAM_HEALTHY,
        (
            {"stream_down_since_ms": NOW_MS - 14_999},
            {"stream_down_since_ms": NOW_MS - 15_000},
            {"stream_down_since_ms": NOW_MS + 1_000},
            {"stream_down_since_ms": NOW_MS - LOCK_MS, "streams_needed": False},
        ),
        {"stream_down_since_ms": NOW_MS - 15_001},
        "down for 15.001 s",
        "15 s",
    ),
    Row(
        Rule.STREAM_HEALTHY,
        (),
        {"stream_down_since_ms": NOW_MS + 1_001},
        "down for -1.001 s",
        "15 s",
    ),
    Row(
        Rule.FINDINGS_SETTLED,
        ({},),
        {"has_unsettled_findings": True},
        "unsettled differences from the venue",
        "none",
    ),
    Row(
        Rule.DUPLICATE_SIGNAL,
        ({},),
        {"signal_seen": True},
        "signal breakout-1 was acted on before",
        "each signal once",
    ),
    Row(
        Rule.OPPOSITE_POSITION,
        ({"symbol_side": None}, {"symbol_side": Side.BUY}),
        {"symbol_side": Side.SELL},
        "buy against a sell position",
        "flat or buy",
    ),
    Row(
        Rule.OPPOSITE_POSITION,
        ({"side": Side.SELL, "symbol_side": Side.SELL},),
        {"side": Side.SELL, "symbol_side": Side.BUY},
        "sell against a buy position",
        "flat or sell",
    ),
    # 3 % of 10000 at the day's opening is 300.
    Row(
        Rule.DAY_LOSS,
        ({"day_profit": money("-299.99")}, {"day_profit": money("-300")}),
        {"day_profit": money("-300.01")},
        "300.01 USDT",
        "300 USDT",
    ),
    # 25 % of a high-water mark of 10000 is 2500; 2500.01 / 10000 = 25.0001 %.
    Row(
        Rule.DRAWDOWN,
        (
            {"equity": money("12000")},
            {"equity": money("7500.01")},
            {"equity": money("7500")},
        ),
        {"equity": money("7499.99")},
        "25.0001 %",
        "25 %",
    ),
    Row(
        Rule.LOSS_COOLDOWN,
        (
            {"last_loss_ms": None},
            {"last_loss_ms": NOW_MS - 60_001},
            {"last_loss_ms": NOW_MS - 60_000},
            {"last_loss_ms": NOW_MS + 300, "loss_cooldown_ms": 0},
        ),
        {"last_loss_ms": NOW_MS - 59_999},
        "59.999 s since the last loss",
        "60 s",
    ),
    Row(
        Rule.LOSS_COOLDOWN,
        (),
        {"last_loss_ms": NOW_MS + 300},
        "0 s since the last loss",
        "60 s",
    ),
    Row(
        Rule.STOP_GUARD,
        ({"stops_in_window": 3}, {"stops_in_window": 4}),
        {"stops_in_window": 5},
        "5 stop-outs in 86400 s",
        "4 stop-outs in 86400 s",
    ),
    Row(
        Rule.LOSING_SYMBOL,
        ({"symbol_losses_in_row": 2}, {"symbol_losses_in_row": 3}),
        {"symbol_losses_in_row": 4},
        "4 losses in a row in BTCUSDT",
        "3 losses in a row",
    ),
    # The lock lasts 24 h from the last loss.
    Row(
        Rule.LOSING_SYMBOL,
        (
            {"symbol_losses_in_row": 4, "symbol_last_loss_ms": NOW_MS - LOCK_MS - 1},
            {"symbol_losses_in_row": 4, "symbol_last_loss_ms": NOW_MS - LOCK_MS},
            {
                "symbol_losses_in_row": 4,
                "symbol_last_loss_ms": NOW_MS + 300,
                "symbol_lock_ms": 0,
            },
        ),
        {"symbol_losses_in_row": 4, "symbol_last_loss_ms": NOW_MS - LOCK_MS + 1},
        "4 losses in a row in BTCUSDT",
        "3 losses in a row",
    ),
    # The plan sends 3 orders.
    Row(
        Rule.ORDER_RATE_SECOND,
        ({"orders_last_second": 6}, {"orders_last_second": 7}),
        {"orders_last_second": 8},
        "11 orders",
        "10 orders",
    ),
    Row(
        Rule.ORDER_RATE_MINUTE,
        ({"orders_last_minute": 116}, {"orders_last_minute": 117}),
        {"orders_last_minute": 118},
        "121 orders",
        "120 orders",
    ),
    Row(
        Rule.ORDER_RATE_DAY,
        ({"orders_today": 4_996}, {"orders_today": 4_997}),
        {"orders_today": 4_998},
        "5001 orders",
        "5000 orders",
    ),
    Row(
        Rule.PENDING_ORDERS,
        ({"pending_orders": 396}, {"pending_orders": 397}),
        {"pending_orders": 398},
        "401 orders",
        "400 orders",
    ),
    Row(
        Rule.PENDING_ORDERS,
        ({"pending_orders": 398, "orders_to_send": 2},),
        {"pending_orders": 398, "orders_to_send": 3},
        "401 orders",
        "400 orders",
    ),
    Row(
        Rule.BALANCE,
        ({"wallet": money("10.01")}, {"wallet": money("10")}),
        {"wallet": money("9.99")},
        "9.99 USDT",
        "10 USDT",
    ),
    # 3 % of a mark of 10000 is 300, on either side.
    Row(
        Rule.PRICE_DEVIATION,
        ({"reference_price": price("10299.99")}, {"reference_price": price("10300")}),
        {"reference_price": price("10300.01")},
        "3.0001 %",
        "3 %",
    ),
    Row(
        Rule.PRICE_DEVIATION,
        ({"reference_price": price("9700.01")}, {"reference_price": price("9700")}),
        {"reference_price": price("9699.99")},
        "3.0001 %",
        "3 %",
    ),
    Row(
        Rule.SYMBOL_TRADING,
        ({},),
        {"instrument": attrs.evolve(INSTRUMENT, status=InstrumentStatus.REDUCE_ONLY)},
        "BTCUSDT is reduce_only",
        "trading",
    ),
    # A stop must lie beyond the worst fill and the price asked; there it would fire at once.
    Row(
        Rule.PROTECTIVE_STOP,
        ({"stop": price("9999.5")}, {"stop": None, "stop_required": False}),
        {"stop": None},
        "no stop",
        "a protective stop",
    ),
    Row(
        Rule.PROTECTIVE_STOP,
        (),
        {"stop": price("10000")},
        "stop at 10000 USDT",
        "below 10000 USDT",
    ),
    Row(
        Rule.PROTECTIVE_STOP,
        ({"price": price("10010"), "stop": price("9999.5")},),
        {"price": price("10010"), "stop": price("10000"), "stop_required": False},
        "stop at 10000 USDT",
        "below 10000 USDT",
    ),
    Row(
        Rule.PROTECTIVE_STOP,
        ({"side": Side.SELL, "price": price("9990"), "stop": price("10000.5")},),
        {"side": Side.SELL, "price": price("9990"), "stop": price("10000")},
        "stop at 10000 USDT",
        "above 10000 USDT",
    ),
    # 3 % of an entry at 10000 is 300.
    Row(
        Rule.LIQUIDATION_DISTANCE,
        (
            {"liquidation_price": None},
            {"liquidation_price": price("9699.99")},
            {"liquidation_price": price("9700")},
        ),
        {"liquidation_price": price("9700.01")},
        "2.9999 %",
        "3 %",
    ),
    Row(
        Rule.LIQUIDATION_DISTANCE,
        (
            {"side": Side.SELL, "stop": price("10100"), "liquidation_price": price("10300.01")},
            {"side": Side.SELL, "stop": price("10100"), "liquidation_price": price("10300")},
        ),
        {"side": Side.SELL, "stop": price("10100"), "liquidation_price": price("10299.99")},
        "2.9999 %",
        "3 %",
    ),
    Row(
        Rule.LIQUIDATION_DISTANCE,
        (),
        {"liquidation_price": price("10500")},
        "-5 %",
        "3 %",
    ),
    # The stop must fire before the liquidation; at the same price it does not.
    Row(
        Rule.LIQUIDATION_DISTANCE,
        (
            {"stop": price("9500.5"), "liquidation_price": price("9500")},
            {"stop": None, "liquidation_price": price("9500")},
        ),
        {"stop": price("9500"), "liquidation_price": price("9500")},
        "stop at 9500 USDT",
        "before the liquidation at 9500 USDT",
    ),
    Row(
        Rule.LIQUIDATION_DISTANCE,
        ({"side": Side.SELL, "stop": price("10499.5"), "liquidation_price": price("10500")},),
        {"side": Side.SELL, "stop": price("10500"), "liquidation_price": price("10500")},
        "stop at 10500 USDT",
        "before the liquidation at 10500 USDT",
    ),
    Row(
        Rule.REWARD_TO_RISK,
        (
            {"reward_to_risk_net": None, "reward_to_risk_net_min": rate("1.5")},
            {"reward_to_risk_net": rate("1.51"), "reward_to_risk_net_min": rate("1.5")},
            {"reward_to_risk_net": rate("1.5"), "reward_to_risk_net_min": rate("1.5")},
        ),
        {"reward_to_risk_net": rate("1.49999"), "reward_to_risk_net_min": rate("1.5")},
        "1.4999 R",
        "1.5 R",
    ),
    # Four other symbols and this one are five.
    Row(
        Rule.POSITIONS,
        (
            {"symbols_open": four_others()},
            {"symbols_open": four_others(BTC)},
        ),
        {"symbols_open": four_others(Symbol("DOGEUSDT"))},
        "6 symbols",
        "5 symbols",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_rule_passes_up_to_its_limit_and_refuses_beyond_it_with_evidence(row: Row) -> None:
    check(row)


@pytest.mark.parametrize("mode", TradingMode)
@pytest.mark.parametrize("venue", VenueKind)
def test_a_mode_trades_on_its_own_venues_only(mode: TradingMode, venue: VenueKind) -> None:
    refused = Rule.TRADING_MODE in BASE.with_(mode=mode, venue=venue).failing
    assert refused is (venue not in VENUES_OF[mode])


@pytest.mark.parametrize("status", [s for s in InstrumentStatus if s.name != "TRADING"])
def test_a_symbol_that_the_venue_does_not_open_is_not_entered(status: InstrumentStatus) -> None:
    assert Rule.SYMBOL_TRADING in BASE.with_spec(status=status).failing


def test_a_lock_names_the_time_that_is_left() -> None:
    cooling = BASE.with_(last_loss_ms=NOW_MS - 59_500)
    assert cooling.breach(Rule.LOSS_COOLDOWN).remedy == "wait 0.5 s"
    locked = BASE.with_(symbol_losses_in_row=9, symbol_last_loss_ms=NOW_MS - LOCK_MS + 2_000)
    assert locked.breach(Rule.LOSING_SYMBOL).remedy == "wait 2 s, or trade another symbol"


def test_no_other_size_would_help_where_the_desk_itself_forbids_the_entry() -> None:
    for row in ROWS:
        case = BASE.with_(**row.failing)
        assert not case.breach(row.rule).is_about_size
        assert case.largest is None


def test_a_mark_of_zero_is_no_price_to_compare_with() -> None:
    verdict = BASE.with_(mark=price("0")).verdict(Rule.PRICE_DEVIATION)
    assert verdict == Missing(rule=Rule.PRICE_DEVIATION, what="a mark price above zero")


def test_a_mark_and_an_equity_of_different_grounds_trigger_nothing() -> None:
    fallen = BASE.with_(equity=money("7000"), high_water_equity=money("20000"))
    assert isinstance(fallen.verdict(Rule.DRAWDOWN), Breach)
    moved = attrs.evolve(BY_LEDGER, basis=1)
    venue = Anchor(source=EquitySource.VENUE)
    for mark, sample in ((BY_LEDGER, venue), (venue, BY_LEDGER), (BY_LEDGER, moved)):
        apart = fallen.with_(high_water_anchor=mark, equity_anchor=sample)
        assert apart.verdict(Rule.DRAWDOWN) == Passed(rule=Rule.DRAWDOWN)
        assert overview(apart.snapshot, apart.limits).drawdown is None
    for mark, sample in ((AT_OPENING, BY_LEDGER), (venue, venue), (moved, moved)):
        alike = fallen.with_(high_water_anchor=mark, equity_anchor=sample)
        assert isinstance(alike.verdict(Rule.DRAWDOWN), Breach)
        assert overview(alike.snapshot, alike.limits).drawdown is not None


@pytest.mark.parametrize("high_water", ["0", "-1"])
def test_a_drawdown_is_not_measured_from_a_mark_that_is_not_above_zero(high_water: str) -> None:
    verdict = BASE.with_(high_water_equity=money(high_water)).verdict(Rule.DRAWDOWN)
    assert verdict == Missing(rule=Rule.DRAWDOWN, what="a high-water mark of equity above zero")
